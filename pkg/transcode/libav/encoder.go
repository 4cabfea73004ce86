package libav

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"time"

	"github.com/asticode/go-astiav"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// effort is what a latency setting means to x264.
type effort struct {
	// lookahead is media time: each picture of it is one frame of delay.
	lookahead time.Duration
	bframes   int
	// params are x264's own.
	params string
}

// effortOf trades delay and CPU for quality; docs/decisions/0009 has the
// measurements. Without B-frames x264 takes two thirds of the CPU at the same
// SSIM and VMAF at these rates; without lookahead it saves nothing more and
// loses 0.002 of SSIM.
func effortOf(l transcode.Latency) effort {
	switch l {
	case transcode.LatencyLow:
		return effort{params: "aq-mode=2:mbtree=0"}
	case transcode.LatencyQuality:
		return effort{lookahead: 400 * time.Millisecond, bframes: 2, params: "aq-mode=2"}
	case transcode.LatencyBalanced:
	}
	return effort{lookahead: 133 * time.Millisecond, params: "aq-mode=2:aq-strength=1.07"}
}

// pictures is the lookahead in frames of the rung.
func (e effort) pictures(r transcode.Rung) int {
	rate := r.FrameRate.Float()
	if rate == 0 {
		rate = assumedRate
	}
	return int(math.Round(e.lookahead.Seconds() * rate))
}

// assumedRate stands in for a frame rate that is not known.
const assumedRate = 30

// tuned is x264's preset veryfast without the search of 8x8 partitions in P
// pictures, which takes a fifth of the CPU for 0.0001 of SSIM. Other presets
// are taken at their word.
const (
	tunedPreset     = "veryfast"
	tunedPartitions = ":partitions=i4x4,i8x8"
)

// x264Params is what libavcodec has no names for: avcC and lengths instead of
// start codes, and no key pictures of its own.
func (e effort) x264Params(r transcode.Rung) string {
	params := "annexb=0:scenecut=0:open-gop=0:" + e.params
	if r.Preset == tunedPreset {
		params += tunedPartitions
	}
	return params
}

// endless is x264's X264_KEYINT_MAX_INFINITE: IDR pictures come only where
// they are asked for.
const endless = 1 << 30

// threadsFor gives an encoder a second thread only where there are cores to
// spare, as each costs a frame of delay; the rungs run side by side anyway.
func threadsFor(cores, rungs int) int {
	if cores >= 2*rungs+2 {
		return 2
	}
	return 1
}

// encoder is x264 for one rung. It belongs to one goroutine.
type encoder struct {
	acc    *account
	cc     *astiav.CodecContext
	packet *astiav.Packet
	track  media.Track
	// annexB is true where packets have start codes; upload is nil where the
	// encoder takes pictures as they are.
	annexB bool
	upload *upload
}

// openEncoder opens x264 for the rung.
func openEncoder(acc *account, r transcode.Rung, e effort, c colour, threads int) (enc *encoder, err error) {
	codec := astiav.FindEncoderByName("libx264")
	if codec == nil {
		return nil, errors.New("no libx264 in this build of libav")
	}
	enc = &encoder{acc: acc, cc: astiav.AllocCodecContext(codec)}
	if enc.cc == nil {
		return nil, errNoMemory
	}
	made := enc // a return of nil takes the name away
	defer func() {
		if err != nil {
			made.close()
		}
	}()
	enc.configure(r, e, c, threads)
	err = enc.open(codec, r, [][2]string{
		{"preset", r.Preset},
		{"profile", r.Profile},
		{"forced-idr", "1"},
		{"rc-lookahead", strconv.Itoa(e.pictures(r))},
		{"x264-params", e.x264Params(r)},
	})
	if err != nil {
		return nil, err
	}
	enc.track.Config = enc.cc.ExtraData()
	if len(enc.track.Config) == 0 || enc.track.Config[0] != 1 {
		return nil, fmt.Errorf("open encoder of %s: no avcC; libx264 must be FFmpeg 7.1's", r.ID)
	}
	return enc, nil
}

// open opens the codec with its own options, after configure.
func (e *encoder) open(codec *astiav.Codec, r transcode.Rung, options [][2]string) (err error) {
	dictionary := astiav.NewDictionary()
	defer dictionary.Free()
	for _, o := range options {
		if err = dictionary.Set(o[0], o[1], astiav.NewDictionaryFlags()); err != nil {
			return fmt.Errorf("open encoder of %s: option %s: %w", r.ID, o[0], err)
		}
	}
	if err = e.cc.Open(codec, dictionary); err != nil {
		return fmt.Errorf("open encoder of %s (%dx%d, preset %q): %w", r.ID, r.Width, r.Height, r.Preset, err)
	}
	e.track = media.Track{
		Kind: media.Video, Codec: media.H264, Timescale: media.VideoTimescale,
		Width: r.Width, Height: r.Height, SampleAspect: media.Rational{Num: 1, Den: 1},
		FrameRate: r.FrameRate, Bitrate: r.Bitrate,
	}
	e.packet, err = e.acc.newPacket()
	return err
}

// configure sets what libav has common names for.
func (e *encoder) configure(r transcode.Rung, want effort, c colour, threads int) {
	cc := e.cc
	cc.SetWidth(r.Width)
	cc.SetHeight(r.Height)
	cc.SetPixelFormat(pictureFormat)
	cc.SetSampleAspectRatio(astiav.NewRational(1, 1))
	cc.SetTimeBase(astiav.NewRational(1, int(media.VideoTimescale)))
	if r.FrameRate.Known() {
		cc.SetFramerate(astiav.NewRational(r.FrameRate.Num, r.FrameRate.Den))
	} else {
		// x264 goes by the timestamps, but starts its rate control here.
		cc.SetFramerate(astiav.NewRational(assumedRate, 1))
	}
	cc.SetBitRate(int64(r.Bitrate))
	cc.SetRateControlMaxRate(int64(r.MaxRate))
	cc.SetRateControlBufferSize(r.BufferSize)
	cc.SetLevel(astiav.Level(r.Level))
	cc.SetGopSize(endless)
	cc.SetMaxBFrames(want.bframes)
	cc.SetThreadCount(threads)
	cc.SetFlags(astiav.NewCodecContextFlags(astiav.CodecContextFlagGlobalHeader, astiav.CodecContextFlagClosedGop))
	cc.SetColorPrimaries(c.primaries)
	cc.SetColorTransferCharacteristic(c.transfer)
	cc.SetColorSpace(c.matrix)
	cc.SetColorRange(astiav.ColorRangeMpeg)
	if c.full {
		cc.SetColorRange(astiav.ColorRangeJpeg)
	}
}

func (e *encoder) close() {
	e.acc.freePacket(e.packet)
	e.cc.Free()
	e.upload.close()
}

// data is what a packet says, as NAL units with lengths. It is valid as long as
// the packet is.
func (e *encoder) data(p *astiav.Packet) []byte {
	if e.annexB {
		return lengthPrefixed(p.Data())
	}
	return p.Data()
}

// encode sends a frame, nil to flush, and calls each with what comes out. The
// packet is the encoder's and valid during the call.
func (e *encoder) encode(f *astiav.Frame, each func(*astiav.Packet) error) error {
	if f != nil && e.upload != nil {
		var err error
		if f, err = e.upload.take(f); err != nil {
			return err
		}
	}
	if err := e.cc.SendFrame(f); err != nil && !errors.Is(err, astiav.ErrEof) {
		return fmt.Errorf("encode: %w", err)
	}
	for {
		err := e.cc.ReceivePacket(e.packet)
		switch {
		case errors.Is(err, astiav.ErrEagain), errors.Is(err, astiav.ErrEof):
			return nil
		case err != nil:
			return fmt.Errorf("encode: %w", err)
		}
		err = each(e.packet)
		e.packet.Unref()
		if err != nil {
			return err
		}
	}
}

// cores is how many processors this process may use.
func cores() int { return runtime.GOMAXPROCS(0) }
