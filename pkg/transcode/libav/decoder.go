package libav

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/asticode/go-astiav"

	"weir/pkg/media"
)

// errDamaged is wrapped by errors that concern one access unit or track and not
// the worker.
var errDamaged = errors.New("damaged input")

// decoder turns the access units of one track into frames.
type decoder struct {
	acc    *account
	cc     *astiav.CodecContext
	packet *astiav.Packet
	frame  *astiav.Frame
	padded []byte
}

// padding is AV_INPUT_BUFFER_PADDING_SIZE: decoders read that far beyond the
// end, where they want zeros. astiav's Packet.FromData does not add it.
const padding = 64

// maxPixels is the largest picture that is decoded: 8K (ITU-T H.264 and H.265, level
// 6.2). Parameter sets inside the pictures may claim far more, and memory would be
// taken for it before a single slice is read.
const maxPixels = 8192 * 4320

// codecID is libav's name of a codec.
func codecID(c media.Codec) (astiav.CodecID, bool) {
	switch c {
	case media.H264:
		return astiav.CodecIDH264, true
	case media.HEVC:
		return astiav.CodecIDHevc, true
	case media.AV1:
		return astiav.CodecIDAv1, true
	case media.VP9:
		return astiav.CodecIDVp9, true
	case media.AAC:
		return astiav.CodecIDAac, true
	case media.MP3:
		return astiav.CodecIDMp3, true
	case media.Opus:
		return astiav.CodecIDOpus, true
	case media.FLAC:
		return astiav.CodecIDFlac, true
	case media.AC3:
		return astiav.CodecIDAc3, true
	case media.PNG:
		return astiav.CodecIDPng, true
	case media.JPEG:
		return astiav.CodecIDMjpeg, true
	}
	return 0, false
}

// openDecoder opens a decoder for track. The error wraps errDamaged if it is the
// track's configuration that cannot be read.
func openDecoder(acc *account, track *media.Track) (d *decoder, err error) {
	id, known := codecID(track.Codec)
	codec := astiav.FindDecoder(id)
	if !known || codec == nil {
		return nil, fmt.Errorf("no decoder for %s in this build of libav", track.Codec)
	}
	d = &decoder{acc: acc, cc: astiav.AllocCodecContext(codec)}
	if d.cc == nil {
		return nil, errNoMemory
	}
	made := d // a return of nil takes the name away
	defer func() {
		if err != nil {
			made.close()
		}
	}()
	if err = d.cc.SetExtraData(track.Config); err != nil {
		return nil, fmt.Errorf("open %s decoder: %w", track.Codec, err)
	}
	d.cc.SetThreadType(astiav.ThreadTypeFrame)
	d.cc.SetThreadCount(decoderThreads(track, cores()))
	if track.Kind == media.Audio {
		d.cc.SetSampleRate(track.SampleRate)
	}
	options := astiav.NewDictionary()
	defer options.Free()
	if err = options.Set("max_pixels", strconv.Itoa(maxPixels), astiav.NewDictionaryFlags()); err != nil {
		return nil, fmt.Errorf("limit the %s decoder: %w", track.Codec, err)
	}
	if err = d.cc.Open(codec, options); err != nil {
		return nil, fmt.Errorf("%w: open %s decoder: %w", errDamaged, track.Codec, err)
	}
	if d.packet, err = acc.newPacket(); err != nil {
		return nil, err
	}
	if d.frame, err = acc.newFrame(); err != nil {
		return nil, err
	}
	return d, nil
}

// samplesPerThread is what one core decodes with ease: 1080p60.
const samplesPerThread = 1920 * 1088 * 60

// decoderThreads is one up to 1080p60: a picture is one slice as a rule, where
// threads for slices cost an eighth more and help nothing, and each thread for
// frames adds one of delay, which is worth it only where one core is not
// enough.
func decoderThreads(track *media.Track, cores int) int {
	rate := track.FrameRate.Float()
	if rate == 0 {
		rate = 30
	}
	needed := math.Ceil(float64(track.Width) * float64(track.Height) * rate / samplesPerThread)
	return max(1, min(int(needed), cores))
}

func (d *decoder) close() {
	d.acc.freePacket(d.packet)
	d.acc.freeFrame(d.frame)
	d.cc.Free()
}

// decode calls each with every frame that au completes, in order of
// presentation. The frame is the decoder's and valid during the call. The
// error wraps errDamaged if au could not be decoded, else it is that of each.
func (d *decoder) decode(au media.AccessUnit, each func(*astiav.Frame) error) error {
	if len(au.Data) == 0 {
		return fmt.Errorf("%w: no data", errDamaged)
	}
	d.padded = append(append(d.padded[:0], au.Data...), make([]byte, padding)...)
	if err := d.packet.FromData(d.padded); err != nil {
		return fmt.Errorf("fill packet: %w", err)
	}
	defer d.packet.Unref()
	d.packet.SetSize(len(au.Data))
	d.packet.SetPts(int64(au.PTS))
	d.packet.SetDts(int64(au.DTS))
	if err := d.cc.SendPacket(d.packet); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	return d.drain(each)
}

// flush calls each with the frames that the decoder still holds. Nothing can
// be decoded after it.
func (d *decoder) flush(each func(*astiav.Frame) error) error {
	if err := d.cc.SendPacket(nil); err != nil {
		return fmt.Errorf("%w: flush: %w", errDamaged, err)
	}
	return d.drain(each)
}

func (d *decoder) drain(each func(*astiav.Frame) error) error {
	for {
		err := d.cc.ReceiveFrame(d.frame)
		switch {
		case errors.Is(err, astiav.ErrEagain), errors.Is(err, astiav.ErrEof):
			return nil
		case err != nil:
			return fmt.Errorf("%w: %w", errDamaged, err)
		}
		err = each(d.frame)
		d.frame.Unref()
		if err != nil {
			return err
		}
	}
}
