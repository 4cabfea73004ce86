package libav

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asticode/go-astiav"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// video decodes once and encodes every rung.
type video struct {
	acc   *account
	order transcode.Order
	out   *transcode.Writer
	open  func(colour) (*bank, error)

	track   media.Track
	decoder *decoder
	bank    *bank
	paces   []transcode.Pace
	// boundaries have been announced and not been reached.
	boundaries []transcode.BoundaryAt
	// armed is true once a boundary was reached: pictures before it serve
	// only to decode those after.
	armed bool
	// lost is true after a damaged unit up to the next one that decoding can
	// start at.
	lost bool
	eye  eye
	// hold is nil where pictures are shown when they come, and heldColour is what it
	// holds.
	hold       *holder
	heldColour colour
	// last is the PTS of the last picture that went to the encoders.
	last  int64
	began bool
	// spent is how long the busiest encoders of the banks before this one have worked.
	spent time.Duration
}

func newVideo(ctx context.Context, acc *account, order transcode.Order, out *transcode.Writer) *video {
	v := &video{acc: acc, order: order, out: out}
	if order.Hold != nil {
		v.hold = &holder{Hold: *order.Hold, acc: acc}
	}
	v.open = func(c colour) (*bank, error) { return openBank(ctx, acc, order, c, out) }
	return v
}

// change takes a new track: what the decoder still holds comes out first. A
// track that is decoded like the one before is no reason to break off: ingest
// corrects the frame rate in the middle of a GOP.
func (v *video) change(track media.Track) error {
	if v.decoder != nil && track.Codec == v.track.Codec && bytes.Equal(track.Config, v.track.Config) {
		v.track = track
		return nil
	}
	return v.begin(track)
}

// begin decodes what follows without anything that was before.
func (v *video) begin(track media.Track) error {
	if err := v.restart(); err != nil {
		return err
	}
	v.track, v.lost = track, false
	d, err := openDecoder(v.acc, &v.track)
	if err != nil {
		return err
	}
	v.decoder = d
	return nil
}

// restart drains the decoder and closes it.
func (v *video) restart() error {
	if v.decoder == nil {
		return nil
	}
	err := v.decoder.flush(v.picture)
	v.decoder.close()
	v.decoder = nil
	if errors.Is(err, errDamaged) {
		return nil
	}
	return err
}

func (v *video) boundary(b transcode.BoundaryAt) {
	v.boundaries = append(v.boundaries, b)
	if v.hold != nil {
		v.hold.begin(b.PTS)
	}
}

// resync finishes what was decoded; nothing is encoded up to the next
// boundary.
func (v *video) resync() error {
	err := v.restart()
	v.armed, v.boundaries = false, nil
	if err != nil || v.track.Timescale == 0 {
		return err
	}
	return v.begin(v.track)
}

// unit decodes one access unit; damaged is true if that failed or was not
// tried, as a unit before it was damaged.
func (v *video) unit(au media.AccessUnit) (damaged bool, err error) {
	if au.Discontinuity && v.began {
		// Nothing before it may wait for what comes after.
		if err = v.begin(v.track); err != nil {
			return false, err
		}
	}
	v.began = true
	if v.lost && !au.Sync && v.track.Codec == media.H264 && recovers(au.Data) {
		// What the decoder has seen is not what this one is to be shown with.
		if err = v.begin(v.track); err != nil {
			return false, err
		}
	}
	if v.decoder == nil || (v.lost && !au.Sync) {
		return true, nil
	}
	v.lost = false
	err = v.decoder.decode(au, v.picture)
	if errors.Is(err, errDamaged) {
		v.lost = true
		return true, nil
	}
	return false, err
}

// picture takes one decoded frame to the encoders, or to the holder before them.
func (v *video) picture(f *astiav.Frame) error {
	pts := f.Pts()
	if pts == astiav.NoPtsValue || (v.armed && v.hold == nil && pts <= v.last) {
		return nil
	}
	if err := v.eye.look(f, v.out); err != nil {
		return err
	}
	if v.hold != nil {
		if err := v.hold.take(f, v.show); err != nil {
			return err
		}
		v.heldColour = colourOf(f, v.decoder.cc)
		return nil
	}
	return v.show(f)
}

// colour is that of a picture that is shown.
func (v *video) colour(f *astiav.Frame) colour {
	if v.hold != nil {
		return v.heldColour // its decoder may be gone
	}
	return colourOf(f, v.decoder.cc)
}

// show takes a picture whose time is final to the encoders.
func (v *video) show(f *astiav.Frame) error {
	pts := f.Pts()
	var opens *transcode.BoundaryAt
	for len(v.boundaries) > 0 && media.Ticks(pts) >= v.boundaries[0].PTS {
		opens = &v.boundaries[0]
		v.boundaries = v.boundaries[1:]
	}
	v.armed = v.armed || opens != nil
	if !v.armed {
		return nil
	}
	v.last = pts
	f.SetPixelFormat(plain(f.PixelFormat()))
	if opens != nil {
		if err := v.suit(v.colour(f)); err != nil {
			return err
		}
	}
	deinterlace(f)
	if v.bank != nil && v.bank.failed() {
		return v.shut()
	}
	if v.bank == nil {
		return nil
	}
	return v.bank.encode(f, opens)
}

// suit opens the encoders, or opens them afresh if the source's colours are
// not what they were; only at a boundary, where each starts with an IDR anyway.
func (v *video) suit(c colour) error {
	if v.bank != nil && v.bank.colour == c {
		return nil
	}
	if err := v.shut(); err != nil {
		return err
	}
	var err error
	if v.bank, err = v.open(c); err == nil {
		v.bank.pace(v.paces)
	}
	return err
}

// pace says how much of each rung is encoded from now on.
func (v *video) pace(paces []transcode.Pace) error {
	if len(paces) != len(v.order.Rungs) {
		return fmt.Errorf("%d paces for %d rungs", len(paces), len(v.order.Rungs))
	}
	v.paces = paces
	if v.bank != nil {
		v.bank.pace(paces)
	}
	return nil
}

// shut flushes and closes the encoders.
func (v *video) shut() error {
	if v.bank == nil {
		return nil
	}
	err := v.bank.close()
	v.spent = v.busy()
	v.bank = nil
	return err
}

// flush encodes all that is left.
func (v *video) flush() error {
	err := v.restart()
	if v.hold != nil {
		err = errors.Join(err, v.hold.finish(v.show))
	}
	return errors.Join(err, v.shut())
}

// busy is how long the busiest encoder has worked.
func (v *video) busy() time.Duration {
	if v.bank == nil {
		return v.spent
	}
	var most time.Duration
	for _, r := range v.bank.rungs {
		most = max(most, time.Duration(r.busy.Load()))
	}
	return v.spent + most
}
