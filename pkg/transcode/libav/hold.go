package libav

import (
	"github.com/asticode/go-astiav"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// holder shows pictures at a constant rate, see transcode.Hold. Its methods belong
// to the goroutine that decodes.
type holder struct {
	transcode.Hold

	acc *account
	// from is where the grid begins, and shown is how many of its pictures have
	// been given.
	from  media.Ticks
	begun bool
	shown int64
	// held is the newest picture, nil before the first.
	held *astiav.Frame
}

// begin has the grid begin at a boundary, unless it has.
func (h *holder) begin(at media.Ticks) {
	if !h.begun {
		h.from, h.begun = at, true
	}
}

// take shows the picture before f for as long as it is the nearer one, and keeps f.
func (h *holder) take(f *astiav.Frame, show func(*astiav.Frame) error) error {
	step := h.Rate.Ticks(1, media.VideoTimescale)
	if err := h.showUntil(media.Ticks(f.Pts())-step/2, show); err != nil {
		return err
	}
	next, err := h.acc.share(f)
	if err != nil {
		return err
	}
	h.acc.freeFrame(h.held)
	h.held = next
	return nil
}

// showUntil shows what is held at all times of the grid that come before at.
func (h *holder) showUntil(at media.Ticks, show func(*astiav.Frame) error) error {
	if h.held == nil || !h.begun {
		return nil
	}
	for most := h.Pictures(h.from); h.shown < most; h.shown++ {
		due := h.from + h.Rate.Ticks(h.shown, media.VideoTimescale)
		if due >= at {
			return nil
		}
		// Whoever is shown a picture may change what it says of itself.
		f, err := h.acc.share(h.held)
		if err != nil {
			return err
		}
		f.SetPts(int64(due))
		err = show(f)
		h.acc.freeFrame(f)
		if err != nil {
			return err
		}
	}
	return nil
}

// finish shows the last picture to the end, and lets it go.
func (h *holder) finish(show func(*astiav.Frame) error) error {
	err := h.showUntil(h.Until, show)
	h.acc.freeFrame(h.held)
	h.held = nil
	return err
}
