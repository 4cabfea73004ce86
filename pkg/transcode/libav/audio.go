package libav

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/asticode/go-astiav"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

const bytesPerOne = 4

// soundForm is what a resampler depends on.
type soundForm struct {
	rate, channels int
	format         astiav.SampleFormat
}

// audio decodes, mixes down to stereo, resamples and encodes AAC-LC.
type audio struct {
	acc   *account
	order transcode.Order
	out   *transcode.Writer

	track     media.Track
	decoder   *decoder
	resampler *astiav.SoftwareResampleContext
	from      soundForm
	// used is false for a resampler that has not had a frame: it must not be
	// asked for anything.
	used    bool
	grid    grid
	encoder *soundEncoder
	began   bool
	meter   meter
}

func newAudio(acc *account, order transcode.Order, out *transcode.Writer) *audio {
	return &audio{acc: acc, order: order, out: out, meter: meter{over: time.Second}}
}

// change takes a new track: what came before is finished first.
func (a *audio) change(track media.Track) error {
	if err := a.finish(); err != nil {
		return err
	}
	a.track = track
	d, err := openDecoder(a.acc, &a.track)
	if err != nil {
		return err
	}
	a.decoder = d
	return nil
}

// boundary is nothing to audio, which is cut where it is packaged.
func (*audio) boundary(transcode.BoundaryAt) {}

func (*audio) pace([]transcode.Pace) error { return nil }

func (a *audio) resync() error {
	if a.track.Timescale == 0 {
		return nil
	}
	return a.change(a.track)
}

func (a *audio) unit(au media.AccessUnit) (damaged bool, err error) {
	if au.Discontinuity && a.began {
		if err = a.change(a.track); err != nil {
			return false, err
		}
	}
	a.began = true
	if a.decoder == nil {
		return true, nil
	}
	err = a.decoder.decode(au, a.frame)
	if errors.Is(err, errDamaged) {
		return true, nil
	}
	return false, err
}

func (a *audio) flush() error { return a.finish() }

func (*audio) busy() time.Duration { return 0 }

// finish brings everything out and closes it all.
func (a *audio) finish() error {
	var err error
	if a.decoder != nil {
		if err = a.decoder.flush(a.frame); errors.Is(err, errDamaged) {
			err = nil
		}
		a.decoder.close()
		a.decoder = nil
	}
	err = errors.Join(err, a.closeResampler())
	a.grid.finish()
	err = errors.Join(err, a.encode())
	if a.encoder != nil {
		err = errors.Join(err, a.encoder.flush())
		a.encoder.close()
		a.encoder = nil
	}
	return err
}

// frame takes one decoded frame to the grid and encodes what is whole.
func (a *audio) frame(f *astiav.Frame) error {
	if f.Pts() == astiav.NoPtsValue || f.NbSamples() == 0 {
		return nil
	}
	if err := a.meter.measure(f, a.out); err != nil {
		return err
	}
	if err := a.suit(f); err != nil {
		return err
	}
	// The resampler gives first what it kept of the frames before.
	place := int64(media.Rescale(media.Ticks(f.Pts()), a.track.Timescale, media.Timescale(a.grid.rate)))
	if a.used {
		place -= a.resampler.Delay(int64(a.grid.rate))
	}
	a.used = true
	s, err := a.convert(f)
	if err != nil {
		return err
	}
	if s.samples() > 0 {
		a.grid.push(place, s)
	}
	return a.encode()
}

// suit opens encoder and resampler for frames like f.
func (a *audio) suit(f *astiav.Frame) error {
	if a.encoder == nil {
		rate := a.rateFor(f)
		if rate != a.grid.rate {
			a.grid = grid{rate: rate}
		}
		enc, err := openSoundEncoder(a.acc, a.out, soundWish{rate: rate, channels: a.order.Channels, bitrate: a.order.Bitrate})
		if err != nil {
			return err
		}
		a.encoder = enc
	}
	from := soundForm{f.SampleRate(), f.ChannelLayout().Channels(), f.SampleFormat()}
	if a.resampler != nil && from == a.from {
		return nil
	}
	if err := a.closeResampler(); err != nil {
		return err
	}
	a.from, a.used = from, false
	if a.resampler = astiav.AllocSoftwareResampleContext(); a.resampler == nil {
		return errNoMemory
	}
	return nil
}

// rateFor is the sampling rate that a frame like f is encoded at.
func (a *audio) rateFor(f *astiav.Frame) int {
	if a.order.SampleRate != 0 {
		return a.order.SampleRate
	}
	return transcode.SoundRate(f.SampleRate())
}

// closeResampler puts what the resampler still has on the grid.
func (a *audio) closeResampler() error {
	if a.resampler == nil {
		return nil
	}
	var err error
	if a.used && a.grid.open {
		var s stereo
		if s, err = a.convert(nil); err == nil && s.samples() > 0 {
			a.grid.push(a.grid.end(), s)
		}
	}
	a.resampler.Free()
	a.resampler = nil
	return err
}

// convert makes stereo of f, nil to have the rest.
func (a *audio) convert(f *astiav.Frame) (stereo, error) {
	to, err := a.acc.newFrame()
	if err != nil {
		return stereo{}, err
	}
	defer a.acc.freeFrame(to)
	to.SetSampleFormat(astiav.SampleFormatFltp)
	to.SetChannelLayout(astiav.ChannelLayoutStereo)
	to.SetSampleRate(a.grid.rate)
	if err = a.resampler.ConvertFrame(f, to); err != nil {
		return stereo{}, fmt.Errorf("resample %d channels at %d Hz: %w", a.from.channels, a.from.rate, err)
	}
	if to.NbSamples() == 0 {
		return stereo{}, nil
	}
	raw, err := to.Data().Bytes(1)
	if err != nil {
		return stereo{}, fmt.Errorf("read samples: %w", err)
	}
	half := to.NbSamples() * bytesPerOne
	return stereo{floats(raw[:half]), floats(raw[half : 2*half])}, nil
}

func floats(raw []byte) []float32 {
	out := make([]float32, len(raw)/bytesPerOne)
	for i := range out {
		out[i] = math.Float32frombits(binary.NativeEndian.Uint32(raw[i*bytesPerOne:]))
	}
	return out
}

// encode encodes every whole frame of the grid.
func (a *audio) encode() error {
	for {
		f, ok := a.grid.next()
		if !ok {
			return nil
		}
		if err := a.encoder.encode(f); err != nil {
			return err
		}
	}
}
