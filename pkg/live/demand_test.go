package live

import (
	"log/slog"
	"os"
	"testing"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/media"
	"weir/pkg/store"
)

// studio is a pipeline with rungs on demand and a worker that copies, in the
// hands of the test: it is the stream's goroutine, and its clock.
type studio struct {
	*testing.T
	s            *stream
	p            *pipeline
	video, audio *media.Track
	frame        int
	now          time.Time
}

// newStudio publishes 25 fps of 720p; the ladder below it has two rungs.
func newStudio(t *testing.T, d Demand) *studio {
	t.Helper()
	return openStudio(t, d, media.H264, playWorker)
}

// openStudio is newStudio with another codec, or another worker.
func openStudio(t *testing.T, d Demand, codec media.Codec, worker ...string) *studio {
	t.Helper()
	st := furnishStudio(t, d, codec, worker...)
	st.p = newPipeline(st.s, &intake{video: st.video, audio: st.audio})
	return st
}

// furnishStudio is a studio that nobody publishes in yet.
func furnishStudio(t *testing.T, d Demand, codec media.Codec, worker ...string) *studio {
	t.Helper()
	m, err := NewManager(Config{
		Store: store.New(store.Options{}), Log: slog.New(slog.DiscardHandler), StateDir: t.TempDir(),
		AudioBitrate: 128_000, WorkerCommand: append([]string{os.Args[0]}, worker...), Cores: 2, Demand: d,
	})
	if err != nil {
		t.Fatal(err)
	}
	st := &studio{T: t, s: newStream("main", state{}, m), now: time.Now()}
	st.video = &media.Track{
		Kind: media.Video, Codec: codec, Timescale: media.VideoTimescale, Config: decoderConfig(codec),
		Width: 1280, Height: 720, FrameRate: media.Rational{Num: 25, Den: 1},
	}
	st.audio = &media.Track{
		Kind: media.Audio, Codec: media.AAC, Timescale: 48_000, Config: ingest.LCConfig(48_000, 2), SampleRate: 48_000, Channels: 2,
	}
	t.Cleanup(func() {
		if st.p != nil {
			st.p.finish()
		}
	})
	return st
}

// decoderConfig is as much of a codec's decoder configuration as anybody here
// reads: H.264 High 3.1, HEVC Main 3.1, AV1 Main 3.1.
func decoderConfig(codec media.Codec) []byte {
	return map[media.Codec][]byte{
		media.H264: {1, 100, 0, 31, 0xff, 0xe0, 0},
		media.HEVC: append([]byte{1, 1, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 93}, make([]byte, 10)...),
		media.AV1:  {0x81, 5, 0x0c, 0, 0x0a, 1, 0},
	}[codec]
}

// send publishes pictures, with a keyframe every gop of them; a worker gets the
// time to keep up.
func (st *studio) send(pictures, gop int) {
	st.Helper()
	for range pictures {
		st.picture(gop)
		st.take()
		if st.frame%50 == 0 {
			st.until("the workers keep up", st.keptUp)
		}
	}
}

func (st *studio) picture(gop int) {
	at := media.Ticks(st.frame) * 3600
	st.p.push(media.AccessUnit{
		Track: st.video, DTS: at, PTS: at, Duration: 3600, Sync: st.frame%gop == 0, Discontinuity: st.frame == 0, Data: []byte{0, 0, 0, 1, 0x65},
	})
	st.frame++
}

// keptUp reports whether no rung is later than a worker in real time may be.
func (st *studio) keptUp() bool {
	for _, l := range st.p.rungs {
		if !l.resting && l.next+2 < st.s.history.nextMSN {
			return false
		}
	}
	return true
}

// take takes what the workers have brought.
func (st *studio) take() {
	for {
		select {
		case out := <-st.p.videoOutput():
			st.p.encodedVideo(out)
		default:
			return
		}
	}
}

// until takes what the workers bring until ok.
func (st *studio) until(what string, ok func() bool) {
	st.Helper()
	limit := time.After(20 * time.Second)
	for !ok() {
		select {
		case out := <-st.p.videoOutput():
			st.p.encodedVideo(out)
		case <-time.After(10 * time.Millisecond):
		case <-limit:
			for _, c := range st.p.crews {
				st.Logf("a crew until %d (open %v) with lanes %v: %+v", c.until, c.open, c.lanes, c.worker.Stats())
			}
			for _, l := range st.p.rungs {
				st.Logf("%s: next %d, listed %d, rests %v; the newest boundary is %d", l.rendition.ID, l.next, l.listed, l.resting, st.s.history.newest().MSN)
			}
			st.Fatalf("it never came that %s; 480p is %q, 360p %q", what, st.kinds("480p"), st.kinds("360p"))
		}
	}
}

func (st *studio) lane(id string) *lane {
	for _, l := range st.s.lanes {
		if l.rendition.ID == id {
			return l
		}
	}
	st.Fatalf("no lane %s", id)
	return nil
}

func (st *studio) window(id string) *media.Window {
	w, ok := st.s.store.Presentation().Window(id)
	if !ok {
		st.Fatalf("no window %s", id)
	}
	return w
}

func (st *studio) kinds(id string) string { return kindsOf(st.window(id).Segments) }

// rested is a studio in which nobody has watched anything for some segments.
func rested(t *testing.T) *studio {
	t.Helper()
	st := newStudio(t, Demand{Only: true, IdleAfter: 30 * time.Second})
	st.send(101, 50)
	st.until("all rungs have their first segments", func() bool { return st.kinds("480p") == "mm" && st.kinds("360p") == "mm" })
	st.pass(31 * time.Second)
	if len(st.p.crews) != 0 {
		t.Fatal("a worker is there although nobody watches")
	}
	st.send(250, 50)
	st.aligned()
	if got := st.kinds("360p"); got != "mmppppp" {
		t.Fatalf("listed are %q", got)
	}
	return st
}

// pass lets the clock go on.
func (st *studio) pass(d time.Duration) {
	st.now = st.now.Add(d)
	st.p.reconcile(st.now)
}

// watch asks for the segment that is so many before the newest of a rendition.
func (st *studio) watch(id string, before int) *media.Segment {
	st.Helper()
	segments := st.window(id).Segments
	seg := segments[len(segments)-1-before]
	st.s.store.AskedFor(id, seg.Start, st.now)
	select {
	case <-st.s.store.Awake():
	default:
		st.Fatalf("nobody was woken for %s", id)
	}
	st.p.reconcile(st.now)
	return seg
}

// aligned fails where a rung that is not the source's lists other segments.
func (st *studio) aligned() {
	st.Helper()
	st.until("the workers keep up", st.keptUp)
	source := st.window("source").Segments
	for _, id := range []string{"480p", "360p"} {
		rung := st.window(id).Segments
		for _, a := range rung {
			if a.MSN < source[0].MSN {
				continue // it left the source's window first
			}
			b := source[min(int(a.MSN-source[0].MSN), len(source)-1)]
			if a.MSN != b.MSN || a.Start != b.Start || a.Duration != b.Duration || a.Period != b.Period {
				st.Errorf("%s lists segment %d at %d for %d, the source %d at %d for %d", id, a.MSN, a.Start, a.Duration, b.MSN, b.Start, b.Duration)
			}
		}
		if len(rung) < len(source)-1 {
			st.Errorf("%s lists %d segments, the source %d", id, len(rung), len(source))
		}
	}
}

func TestARungRestsAndIsMadeOnDemand(t *testing.T) {
	st := rested(t)
	seg := st.watch("360p", 2)
	st.until("what was asked for is there", func() bool { return st.kinds("360p") == "mmppmmm" })
	if got, ok := st.s.store.Segment("360p", seg.Start); !ok || len(got.Parts) == 0 || got.Duration != seg.Duration {
		t.Errorf("made was %+v, %v", got, ok)
	}
	st.send(100, 50)
	st.until("it goes on", func() bool { return st.kinds("360p") == "mmppmmmmm" })
	st.aligned()
	if got := st.kinds("480p"); got != "mmppppppp" {
		t.Errorf("the other rung lists %q", got)
	}
	st.pass(29 * time.Second)
	if len(st.p.crews) != 1 {
		t.Error("the worker is gone before the grace time")
	}
	st.pass(2 * time.Second)
	if len(st.p.crews) != 0 {
		t.Error("the worker is there after the grace time")
	}
	st.send(50, 50)
	st.aligned()
}

func TestAViewerWhoNamesNoSegment(t *testing.T) {
	st := rested(t)
	st.s.store.Asked("360p", st.now)
	st.p.reconcile(st.now)
	if len(st.p.crews) != 0 || st.p.asked() == nil {
		t.Fatal("it did not wait for a segment to be named")
	}
	st.pass(nameWithin)
	st.until("the newest are there", func() bool { return st.kinds("360p") == "mmppmmm" })
}

func TestAViewerWhoGoesBack(t *testing.T) {
	st := rested(t)
	st.send(250, 50)
	st.watch("360p", 8)
	st.until("old and new are there", func() bool { return st.kinds("360p") == "mmpmmmmmmmmm" })
	st.until("nobody goes back any more", func() bool { return st.p.backfill == nil })
	if next := st.lane("360p").next; next != st.s.history.newest().MSN {
		t.Errorf("the rung's own worker makes segment %d, want the newest, %d", next, st.s.history.newest().MSN)
	}
	segments := st.window("360p").Segments
	for _, seg := range segments[3:] {
		if end := seg.Parts[len(seg.Parts)-1]; end.Start+end.Duration != seg.Start+seg.Duration {
			t.Errorf("segment %d ends at %d, want %d", seg.MSN, end.Start+end.Duration, seg.Start+seg.Duration)
		}
	}
	st.s.store.AskedFor("360p", segments[2].Start, st.now)
	<-st.s.store.Awake()
	st.p.reconcile(st.now)
	st.until("the oldest is there", func() bool { return st.kinds("360p") == "mmmmmmmmmmmm" })
	st.send(100, 50)
	st.aligned()
}

func TestASegmentThatIsTooOldIsRefused(t *testing.T) {
	st := rested(t)
	old := st.window("360p").Segments[2]
	st.p.replay.keep = 0
	st.send(251, 50)
	st.s.store.AskedFor("360p", old.Start, st.now)
	st.p.reconcile(st.now)
	if _, ok := st.s.store.Segment("360p", old.Start); ok {
		t.Error("it is still promised")
	}
	st.until("the newest are there", func() bool { return !st.lane("360p").behind() })
}

func TestRungsThatJoinAreRelievedByOneWorker(t *testing.T) {
	st := rested(t)
	st.watch("360p", 1)
	st.until("the first is there", func() bool { return !st.lane("360p").behind() })
	st.watch("480p", 2)
	if len(st.p.crews) != 2 {
		t.Fatalf("%d workers, want one of its own for the rung that joins", len(st.p.crews))
	}
	st.until("the second is there", func() bool { return !st.lane("480p").behind() })
	st.send(100, 50)
	st.until("one worker has relieved both", func() bool { return len(st.p.crews) == 1 })
	st.send(100, 50)
	st.until("both go on", func() bool { return st.kinds("480p") == "mmppmmmmmmm" && st.kinds("360p") == "mmpppmmmmmm" })
	st.aligned()
	for _, id := range []string{"480p", "360p"} {
		if rejected := st.lane(id).rejected; rejected != 0 {
			t.Errorf("%s could not use %d access units", id, rejected)
		}
	}
}

func TestThirdRungWhileOneWorkerRelievesTwo(t *testing.T) {
	st := rested(t)
	st.watch("360p", 1)
	st.until("the first is there", func() bool { return !st.lane("360p").behind() })
	st.watch("480p", 1)
	st.until("the second is there", func() bool { return !st.lane("480p").behind() })
	for st.p.crews[0].until == 0 {
		st.send(1, 50)
	}
	st.p.dismiss(st.lane("360p"))
	st.send(10, 50)
	st.watch("360p", 0)
	for range 10 {
		st.send(50, 50)
	}
	st.until("one worker makes both", func() bool {
		return len(st.p.crews) == 1 && !st.lane("360p").behind() && !st.lane("480p").behind()
	})
	st.aligned()
}

func TestPassthroughIsLeftWhileRungsRest(t *testing.T) {
	st := rested(t)
	st.watch("360p", 0)
	st.until("it is there", func() bool { return !st.lane("360p").behind() })
	st.send(250, 1_000_000)
	top := st.lane("source")
	st.until("the encoded top rendition goes on", func() bool { return top.next >= st.s.history.newest().MSN })
	if st.p.plan.passthrough || !st.lane("480p").resting || st.lane("360p").resting {
		t.Fatalf("passthrough %v, 480p rests %v, 360p rests %v", st.p.plan.passthrough, st.lane("480p").resting, st.lane("360p").resting)
	}
	st.aligned()
	st.watch("480p", 1)
	st.until("the other rung is there", func() bool { return !st.lane("480p").behind() })
	st.pass(31 * time.Second)
	if top.resting || len(st.p.crews) == 0 {
		t.Error("the top rendition rests, which is what viewers start with")
	}
	st.send(100, 1_000_000)
	st.until("the top rendition goes on alone", func() bool { return top.next >= st.s.history.newest().MSN })
	st.aligned()
}

func TestTheEndWhileRungsRest(t *testing.T) {
	st := rested(t)
	st.watch("360p", 1)
	st.until("it is there", func() bool { return !st.lane("360p").behind() })
	st.send(70, 50)
	st.p.finish()
	if got := st.kinds("480p"); got != "mmlllllllg" && got != "mmllllllg" {
		t.Errorf("480p lists %q, want nothing pending and a gap at the end", got)
	}
	if n, want := len(st.window("480p").Segments), len(st.window("source").Segments); n != want {
		t.Errorf("480p lists %d segments, the source %d", n, want)
	}
	st.frame = 50 * (st.frame/50 + 1)
	st.p = newPipeline(st.s, &intake{video: st.video, audio: st.audio})
	if st.lane("480p").resting || len(st.p.crews) != 1 {
		t.Error("a new session does not begin with all rungs")
	}
	st.send(101, 50)
	st.until("all go on", func() bool {
		return st.lane("480p").next >= st.s.history.newest().MSN && st.lane("360p").next >= st.s.history.newest().MSN
	})
}

func TestTheBestRungsAreAlwaysEncoded(t *testing.T) {
	st := newStudio(t, Demand{Only: true, Always: 1, IdleAfter: 30 * time.Second})
	st.send(101, 50)
	st.until("all rungs have their first segments", func() bool { return st.kinds("480p") == "mm" && st.kinds("360p") == "mm" })
	st.pass(31 * time.Second)
	st.send(150, 50)
	st.until("the best goes on", func() bool { return st.kinds("480p") == "mmmmm" })
	if got := st.kinds("360p"); got != "mmppp" {
		t.Errorf("360p lists %q", got)
	}
	st.aligned()
}
