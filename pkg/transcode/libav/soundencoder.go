package libav

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/asticode/go-astiav"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// soundEncoder is libav's AAC-LC encoder at one rate.
type soundEncoder struct {
	encoder
	out    *transcode.Writer
	layout astiav.ChannelLayout
	// first is the place of the first frame; what the encoder puts before it
	// is priming.
	first int64
	begun bool
	raw   []byte
}

// soundWish is what an encoder is to make: one channel or, by default, two.
type soundWish struct{ rate, channels, bitrate int }

// layout is that of the channels.
func (w soundWish) layout() astiav.ChannelLayout {
	if w.channels == 1 {
		return astiav.ChannelLayoutMono
	}
	return astiav.ChannelLayoutStereo
}

// openSoundEncoder opens it and tells the gateway of its track.
func openSoundEncoder(acc *account, out *transcode.Writer, wish soundWish) (e *soundEncoder, err error) {
	rate, bitrate := wish.rate, wish.bitrate
	codec := astiav.FindEncoderByName("aac")
	if codec == nil {
		return nil, errors.New("no AAC encoder in this build of libav")
	}
	e = &soundEncoder{encoder: encoder{acc: acc, cc: astiav.AllocCodecContext(codec)}, out: out}
	if e.cc == nil {
		return nil, errNoMemory
	}
	defer func() {
		if err != nil {
			e.close()
		}
	}()
	e.cc.SetSampleFormat(astiav.SampleFormatFltp)
	e.layout = wish.layout()
	e.cc.SetChannelLayout(e.layout)
	e.cc.SetSampleRate(rate)
	e.cc.SetTimeBase(astiav.NewRational(1, rate))
	e.cc.SetBitRate(int64(bitrate))
	e.cc.SetFlags(astiav.NewCodecContextFlags(astiav.CodecContextFlagGlobalHeader))
	if err = e.cc.Open(codec, nil); err != nil {
		return nil, fmt.Errorf("open AAC encoder at %d Hz, %d b/s: %w", rate, bitrate, err)
	}
	if e.packet, err = acc.newPacket(); err != nil {
		return nil, err
	}
	e.track = media.Track{
		Kind: media.Audio, Codec: media.AAC, Timescale: media.Timescale(rate),
		Config: e.cc.ExtraData(), SampleRate: rate, Channels: e.layout.Channels(), Bitrate: bitrate,
	}
	return e, out.Write(transcode.Ready{Tracks: []media.Track{e.track}})
}

// encode encodes one frame.
func (e *soundEncoder) encode(sound soundFrame) error {
	if !e.begun {
		e.first, e.begun = sound.place, true
	}
	f, err := e.acc.newFrame()
	if err != nil {
		return err
	}
	defer e.acc.freeFrame(f)
	f.SetNbSamples(frameSamples)
	f.SetSampleFormat(astiav.SampleFormatFltp)
	f.SetChannelLayout(e.layout)
	f.SetSampleRate(int(e.track.Timescale))
	if err := f.AllocBuffer(0); err != nil {
		return fmt.Errorf("allocate samples: %w", err)
	}
	e.raw = e.raw[:0]
	for _, channel := range sound.sound.channels(e.layout.Channels()) {
		for _, v := range channel {
			e.raw = binary.NativeEndian.AppendUint32(e.raw, math.Float32bits(v))
		}
	}
	if err := f.Data().SetBytes(e.raw, 1); err != nil {
		return fmt.Errorf("write samples: %w", err)
	}
	f.SetPts(sound.place)
	return e.encoder.encode(f, e.send)
}

func (e *soundEncoder) flush() error { return e.encoder.encode(nil, e.send) }

// send hands a packet to the gateway. The PTS already accounts for the delay
// of the encoder: a decoder gives the samples from PTS on when it has the
// packet of that PTS.
func (e *soundEncoder) send(p *astiav.Packet) error {
	if p.Pts() < e.first {
		return nil
	}
	return e.out.Write(transcode.Coded{AU: media.AccessUnit{
		DTS: media.Ticks(p.Pts()), PTS: media.Ticks(p.Pts()), Duration: frameSamples,
		Sync: true, Data: p.Data(),
	}})
}
