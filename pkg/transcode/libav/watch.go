package libav

import (
	"errors"
	"time"

	"github.com/asticode/go-astiav"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// watch looks at keyframes, each by itself, and encodes nothing.
type watch struct {
	acc   *account
	out   *transcode.Writer
	track media.Track
	eye   eye
}

func newWatch(acc *account, out *transcode.Writer) *watch { return &watch{acc: acc, out: out} }

func (w *watch) change(track media.Track) error {
	w.track = track
	return nil
}

// unit decodes one keyframe, with a decoder of its own: it comes out at once, and
// nothing is expected to follow it.
func (w *watch) unit(au media.AccessUnit) (damaged bool, err error) {
	d, err := openDecoder(w.acc, &w.track)
	if err == nil {
		err = d.decode(au, w.look)
		if err == nil {
			err = d.flush(w.look)
		}
		d.close()
	}
	if errors.Is(err, errDamaged) {
		return true, nil
	}
	return false, err
}

func (w *watch) look(f *astiav.Frame) error { return w.eye.look(f, w.out) }

func (*watch) boundary(transcode.BoundaryAt) {}

func (*watch) pace([]transcode.Pace) error { return nil }

func (*watch) resync() error { return nil }

func (*watch) flush() error { return nil }

func (*watch) busy() time.Duration { return 0 }
