package libav

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/asticode/go-astiav"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// engine is what a mode does with the gateway's messages. An error of any
// method ends the worker.
type engine interface {
	change(track media.Track) error
	unit(au media.AccessUnit) (damaged bool, err error)
	boundary(b transcode.BoundaryAt)
	pace(paces []transcode.Pace) error
	resync() error
	// flush brings out everything and frees it; nothing follows.
	flush() error
	// busy is the time that the busiest goroutine beside the caller's has
	// worked.
	busy() time.Duration
}

// Run serves one gateway: it reads messages from in until End and writes its
// own to out. It returns when all is flushed (nil), when the gateway is gone,
// when ctx ends (for that, in must have deadlines, as a pipe opened by os does),
// or when libav cannot go on.
func Run(ctx context.Context, in io.Reader, out io.Writer) error {
	return run(ctx, in, out, &account{})
}

func run(ctx context.Context, in io.Reader, out io.Writer, acc *account) error {
	// Its warnings come by the slice: a publisher of a thousand slices in each picture
	// would fill the log.
	astiav.SetLogLevel(astiav.LogLevelError)
	if d, ok := in.(interface{ SetReadDeadline(time.Time) error }); ok {
		defer context.AfterFunc(ctx, func() { _ = d.SetReadDeadline(time.Now()) })()
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s := &session{in: transcode.NewReader(in), out: transcode.NewWriter(out)}
	if err := s.greet(ctx, acc); err != nil {
		return s.fail(err)
	}
	err := s.serve()
	s.ear.close()
	if err == nil {
		return s.out.Write(transcode.Done{})
	}
	asked := ctx.Err()
	// Nothing more is to be encoded, only freed.
	stop()
	_ = s.engine.flush()
	if asked != nil {
		return asked
	}
	return s.fail(err)
}

// errGone is wrapped by errors that mean that there is nobody to tell.
var errGone = errors.New("the gateway is gone")

// session is one conversation with the gateway.
type session struct {
	in       *transcode.Reader
	out      *transcode.Writer
	engine   engine
	ear      *ear
	progress transcode.Progress
	worked   time.Duration
	lastDTS  time.Duration
	scale    media.Timescale
}

// fail tells the gateway why the worker gives up, if there is still one.
func (s *session) fail(err error) error {
	if !errors.Is(err, errGone) {
		_ = s.out.Write(transcode.Fatal{Text: err.Error()})
	}
	return err
}

// greet exchanges hellos and takes the order.
func (s *session) greet(ctx context.Context, acc *account) error {
	if err := s.out.Write(transcode.Hello{Version: transcode.WireVersion}); err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	m, err := s.in.Read()
	if err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	if hello, ok := m.(transcode.Hello); !ok || hello.Version != transcode.WireVersion {
		return fmt.Errorf("the gateway opened with %#v, want version %d; both must be of the same build", m, transcode.WireVersion)
	}
	if m, err = s.in.Read(); err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	order, ok := m.(transcode.Order)
	if !ok {
		return fmt.Errorf("%T in place of an order", m)
	}
	switch {
	case order.Hold != nil && !order.Hold.Rate.Known():
		return errors.New("order to hold pictures at no frame rate")
	case order.Mode == transcode.ModeVideo && len(order.Rungs) > 0:
		s.engine, s.ear = newVideo(ctx, acc, order, s.out), newEar(acc, s.out)
	case order.Mode == transcode.ModeWatch:
		s.engine, s.ear = newWatch(acc, s.out), newEar(acc, s.out)
	case order.Mode == transcode.ModeAudio:
		s.engine = newAudio(acc, order, s.out)
	default:
		return fmt.Errorf("order for mode %q with %d rungs", order.Mode, len(order.Rungs))
	}
	return nil
}

// serve deals with messages up to End.
func (s *session) serve() error {
	for {
		m, err := s.in.Read()
		if err != nil {
			return fmt.Errorf("%w: %w", errGone, err)
		}
		began := time.Now()
		switch m := m.(type) {
		case transcode.TrackChange:
			err = s.change(m.Track)
		case transcode.Unit:
			err = s.unit(m.AU, began)
		case transcode.BoundaryAt:
			s.engine.boundary(m)
		case transcode.Paces:
			err = s.engine.pace(m.Paces)
		case transcode.SoundTrack:
			err = s.ear.change(m.Track)
		case transcode.Sound:
			err = s.ear.hear(m.AU)
		case transcode.Resync:
			err = s.engine.resync()
		case transcode.End:
			return s.engine.flush()
		default:
			err = fmt.Errorf("%T is not the gateway's to say", m)
		}
		if err != nil {
			return err
		}
	}
}

// change hands on a new track. One whose configuration cannot be read damages
// the units up to the next track, and no more.
func (s *session) change(track media.Track) error {
	if track.Timescale == 0 {
		return errors.New("track without a timescale")
	}
	s.scale = track.Timescale
	err := s.engine.change(track)
	if errors.Is(err, errDamaged) {
		return s.out.Write(transcode.Report{Level: slog.LevelWarn, Text: err.Error()})
	}
	return err
}

// unit deals with one access unit and says so.
func (s *session) unit(au media.AccessUnit, began time.Time) error {
	if s.scale == 0 {
		return errors.New("access unit before its track")
	}
	damaged, err := s.engine.unit(au)
	if err != nil {
		return err
	}
	dts := s.scale.Duration(au.DTS)
	if step := dts - s.lastDTS; s.progress.Units > 0 && step > 0 && step < time.Second {
		s.progress.Media += step
	}
	s.lastDTS = dts
	s.progress.Units++
	if damaged {
		s.progress.Damaged++
	}
	s.worked += time.Since(began)
	s.progress.Busy = max(s.worked, s.engine.busy())
	return s.out.Write(s.progress)
}
