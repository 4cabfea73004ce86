package transcode_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// The test program is its own worker: started with this variable it behaves
// as the variable says instead of running tests.
const fakeEnv = "WEIR_FAKE_WORKER"

// fakeOnce names a file; the bad deed is done by the worker that creates it.
const fakeOnce = "WEIR_FAKE_ONCE"

func TestMain(m *testing.M) {
	if mode := os.Getenv(fakeEnv); mode != "" {
		//nolint:forbidigo // This process is a worker, and its exit status is under test.
		os.Exit(fakeWorker(mode, os.Stdin, os.Stdout))
	}
	goleak.VerifyTestMain(m)
}

// fake speaks the real protocol and "encodes" by copying each unit to every
// rung.
type fake struct {
	mode     string
	w        *transcode.Writer
	order    transcode.Order
	at       *transcode.BoundaryAt
	open     transcode.BoundaryAt
	progress transcode.Progress
}

// due reports whether it is time for the bad deed.
func (f *fake) due() bool {
	if f.progress.Units < 100 {
		return false
	}
	file, err := os.OpenFile(os.Getenv(fakeOnce), os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return false
	}
	_ = file.Close()
	return true
}

func fakeWorker(mode string, in io.Reader, out io.Writer) int {
	r := transcode.NewReader(in)
	f := &fake{mode: mode, w: transcode.NewWriter(out)}
	if mode == "silent" {
		<-time.After(time.Hour)
	}
	if name, early := strings.CutPrefix(mode, "early fault: "); early {
		return fault(f, name, media.AccessUnit{})
	}
	version := uint16(transcode.WireVersion)
	if mode == "old" {
		version--
	}
	_ = f.w.Write(transcode.Hello{Version: version})
	for {
		m, err := r.Read()
		if err != nil {
			fmt.Fprintln(os.Stderr, "fake worker:", err)
			return 1
		}
		if code, done := f.handle(m); done {
			return code
		}
	}
}

func (f *fake) handle(m transcode.Message) (code int, done bool) {
	switch m := m.(type) {
	case transcode.Order:
		f.order = m
		f.ready()
	case transcode.BoundaryAt:
		f.at = &m
	case transcode.Resync:
		f.at, f.open = nil, transcode.BoundaryAt{}
	case transcode.Unit:
		return f.unit(m.AU)
	case transcode.End:
		if f.mode == "stay" {
			signal.Ignore(syscall.SIGTERM)
			_ = f.w.Write(transcode.Done{})
			<-time.After(time.Hour)
		}
		if f.mode == "never done" {
			return 4, true
		}
		_ = f.w.Write(transcode.Done{})
		return 0, true
	}
	return 0, false
}

func (f *fake) ready() {
	var tracks []media.Track
	for _, r := range f.order.Rungs {
		tracks = append(tracks, media.Track{Kind: media.Video, Codec: media.H264, Timescale: media.VideoTimescale, Width: r.Width, Height: r.Height, Config: []byte{1}})
	}
	if f.order.Mode == transcode.ModeAudio {
		tracks = []media.Track{{Kind: media.Audio, Codec: media.AAC, Timescale: 48_000, SampleRate: 48_000, Channels: 2}}
	}
	if f.mode == "few tracks" && f.due0() {
		tracks = tracks[:1]
	}
	_ = f.w.Write(transcode.Ready{Tracks: tracks})
}

// due0 is due for deeds at the start.
func (f *fake) due0() bool {
	f.progress.Units = 100
	defer func() { f.progress.Units = 0 }()
	return f.due()
}

func (f *fake) unit(au media.AccessUnit) (code int, done bool) {
	if code, done := f.misbehave(au); done {
		return code, true
	}
	starts := false
	if f.at != nil && au.PTS >= f.at.PTS {
		f.open, f.at, starts = *f.at, nil, true
	}
	if f.open.MSN > 0 || f.order.Mode == transcode.ModeAudio {
		for rung := range max(1, len(f.order.Rungs)) {
			if f.mode == "crash between rungs" && rung == 1 && starts && f.due() {
				return 3, true
			}
			_ = f.w.Write(transcode.Coded{Rung: rung, MSN: f.open.MSN, Starts: starts, AU: au})
		}
	}
	f.progress.Units++
	_ = f.w.Write(f.progress)
	return 0, false
}

func (f *fake) misbehave(au media.AccessUnit) (code int, done bool) {
	switch {
	case strings.HasPrefix(string(au.Data), "poison"):
		return 3, true
	case strings.HasPrefix(f.mode, "fault: ") && f.progress.Units >= faultAfter:
		return fault(f, strings.TrimPrefix(f.mode, "fault: "), au), true
	case f.mode == "slow":
		<-time.After(20 * time.Millisecond)
	case f.mode == "crash" && f.due():
		return 3, true
	case f.mode == "fatal" && f.due():
		_ = f.w.Write(transcode.Fatal{Text: errors.New("no such codec").Error()})
		<-time.After(time.Hour)
	case f.mode == "hang" && f.due():
		signal.Ignore(syscall.SIGTERM)
		<-time.After(time.Hour)
	case f.mode == "garbage" && f.due():
		_, _ = os.Stdout.WriteString("panic: this is not a message at all, and it goes on and on")
		<-time.After(time.Hour)
	case f.mode == "wrong rung" && f.due():
		_ = f.w.Write(transcode.Coded{Rung: 9, AU: au})
		<-time.After(time.Hour)
	case f.mode == "parrot" && f.due():
		_ = f.w.Write(transcode.End{})
		<-time.After(time.Hour)
	case f.mode == "close stdin" && f.due():
		_ = os.Stdin.Close()
		<-time.After(time.Hour)
	}
	return 0, false
}
