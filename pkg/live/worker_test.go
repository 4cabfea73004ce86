package live

import (
	"io"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// playWorker is what the test program is started with to be a worker.
const playWorker = "play-the-worker"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == playWorker {
		//nolint:forbidigo // This process is a worker.
		os.Exit(copies(os.Stdin, os.Stdout, slices.Contains(os.Args, diesOften)))
	}
	goleak.VerifyTestMain(m)
}

// diesOften has a worker crash in the middle of its second segment.
const diesOften = "and-die-often"

// copies speaks the real protocol and "encodes" by copying each picture, in
// order, to every rung.
func copies(in io.Reader, out io.Writer, dies bool) int {
	r, w := transcode.NewReader(in), transcode.NewWriter(out)
	_ = w.Write(transcode.Hello{Version: transcode.WireVersion})
	var c copier
	for {
		m, err := r.Read()
		if err != nil {
			return 1
		}
		switch m := m.(type) {
		case transcode.Order:
			c.rungs, c.hold = len(m.Rungs), m.Hold
			_ = w.Write(transcode.Ready{Tracks: copiedTracks(m.Rungs)})
		case transcode.BoundaryAt:
			c.ahead = append(c.ahead, m)
		case transcode.Unit:
			if dies && c.progress.Units == 70 {
				crash()
			}
			c.unit(w, m.AU)
		case transcode.End:
			c.finish(w)
			_ = w.Write(transcode.Done{})
			return 0
		}
	}
}

// crash ends the process by a segmentation fault.
func crash() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGSEGV)
	<-time.After(time.Hour)
}

type copier struct {
	rungs    int
	ahead    []transcode.BoundaryAt
	msn      uint64
	progress transcode.Progress
	// hold is as in the order; from is where its grid begins, and held what is shown
	// there next.
	hold  *transcode.Hold
	from  media.Ticks
	held  media.AccessUnit
	shown int64
}

func (c *copier) unit(w *transcode.Writer, au media.AccessUnit) {
	c.progress.Units++
	_ = w.Write(c.progress)
	if c.hold == nil {
		c.show(w, au)
		return
	}
	if c.from == 0 && len(c.ahead) > 0 {
		c.from = c.ahead[0].PTS
	}
	c.holdTo(w, au.PTS)
	c.held = au
}

// holdTo shows what is held at all times of the grid before at.
func (c *copier) holdTo(w *transcode.Writer, at media.Ticks) {
	for ; c.held.Data != nil && c.shown < c.hold.Pictures(c.from); c.shown++ {
		c.held.PTS = c.from + c.hold.Rate.Ticks(c.shown, media.VideoTimescale)
		if c.held.PTS >= at {
			return
		}
		c.held.DTS = c.held.PTS
		c.show(w, c.held)
	}
}

func (c *copier) finish(w *transcode.Writer) {
	if c.hold != nil {
		c.holdTo(w, c.hold.Until)
	}
}

func (c *copier) show(w *transcode.Writer, au media.AccessUnit) {
	starts := false
	for len(c.ahead) > 0 && au.PTS >= c.ahead[0].PTS {
		c.msn, starts = c.ahead[0].MSN, true
		c.ahead = c.ahead[1:]
	}
	au.Sync = starts
	for i := 0; i < c.rungs && c.msn > 0; i++ {
		_ = w.Write(transcode.Coded{Rung: i, MSN: c.msn, Starts: starts, AU: au})
	}
}

func copiedTracks(rungs []transcode.Rung) []media.Track {
	tracks := make([]media.Track, 0, len(rungs))
	for _, r := range rungs {
		tracks = append(tracks, media.Track{
			Kind: media.Video, Codec: media.H264, Timescale: media.VideoTimescale, Config: []byte{1, 100, 0, 31, 0xff, 0xe0, 0},
			Width: r.Width, Height: r.Height, FrameRate: r.FrameRate,
		})
	}
	return tracks
}
