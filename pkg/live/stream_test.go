package live_test

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"log/slog"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/live"
	"weir/pkg/media"
	"weir/pkg/store"
)

// avcC720 is the decoder configuration of a 1280x720 clip, H.264 High 3.1.
const avcC720 = "0164001fffe1001b6764001facd9805005bb016a020202800001f480007530078c18cd01000568e97b2c8bfdf8f800"

// key is that of the stream main, keyID its id.
const (
	key   = "test-key-of-the-main-stream"
	keyID = "0a1b2c3d"
)

// desk lets key in, with rules that a test may change.
type desk struct{ rules atomic.Pointer[ingest.Rules] }

func (d *desk) Admit(_ context.Context, req ingest.Request) (ingest.Grant, error) {
	if req.Key != key {
		return ingest.Grant{}, &ingest.Rejection{Reason: ingest.WrongKey, Message: "No stream has this key."}
	}
	return ingest.Grant{Stream: "main", Key: keyID, Rules: *d.rules.Load()}, nil
}

// advance lets the bubble's clock run; nothing really sleeps.
func advance(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // the clock of a synctest bubble.
}

// gate is a Manager in source mode with one stream, main, running in the
// bubble of a synctest.
type gate struct {
	*live.Manager
	*desk
	cfg   live.Config
	store *store.Store
	stop  func()
}

func newGate(t *testing.T, dir string) gate {
	t.Helper()
	admission := &desk{}
	admission.rules.Store(&ingest.Rules{})
	windows := store.New(store.Options{})
	cfg := live.Config{
		Store: windows, Admission: admission, Log: slog.New(slog.DiscardHandler), StateDir: dir,
		ResumeWindow: time.Minute, SourceOnly: true, AudioBitrate: 128_000, Cores: 2,
		Slate: live.Slate{Mode: live.SlateGap},
	}
	m, err := live.NewManager(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		if err := m.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	return gate{Manager: m, desk: admission, cfg: cfg, store: windows, stop: func() { cancel(); <-stopped }}
}

// slate has streams do something else while no media comes.
func (g gate) slate(mode live.SlateMode) {
	cfg := g.cfg
	cfg.Slate.Mode = mode
	g.Configure(cfg)
}

// publisher sends 25 fps video with a keyframe every 2 s, and audio, in real
// (that is, the bubble's) time.
type publisher struct {
	t            *testing.T
	session      ingest.Session
	video, audio *media.Track
	frame, sound int64
	// shift is added to all times.
	shift media.Ticks
	// ppm is by how many millionths the audio's clock is slow.
	ppm float64
	// fast is by how many millionths its clock is.
	fast float64
	// atOnce sends without waiting.
	atOnce bool
}

func (g gate) publish(t *testing.T) *publisher {
	t.Helper()
	session, err := g.Publish(t.Context(), ingest.Request{Protocol: "rtmp", Application: "live", Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return (&publisher{t: t, session: session}).tracks()
}

// tracks gives the publisher the usual ones.
func (p *publisher) tracks() *publisher {
	config, err := hex.DecodeString(avcC720)
	if err != nil {
		p.t.Fatal(err)
	}
	p.video = &media.Track{Kind: media.Video, Codec: media.H264, Timescale: 1000, Config: config, Width: 1280, Height: 720, FrameRate: media.Rational{Num: 25, Den: 1}}
	p.audio = &media.Track{Kind: media.Audio, Codec: media.AAC, Timescale: 1000, Config: ingest.LCConfig(48_000, 2), SampleRate: 48_000, Channels: 2}
	return p
}

// send publishes for d; the error is the session's, if it was ended. A track
// that is nil is left out.
func (p *publisher) send(d time.Duration) error {
	p.t.Helper()
	for range int(d / (40 * time.Millisecond)) {
		at := media.Ticks(p.frame * 40)
		for p.soundAt() <= at {
			if err := p.write(p.audio, p.soundAt(), true, binary.BigEndian.AppendUint32([]byte{0x21}, uint32(p.sound))); err != nil {
				return err
			}
			p.sound++
		}
		if err := p.write(p.video, at, p.frame%50 == 0, binary.BigEndian.AppendUint32([]byte{0, 0, 0, 5, 0x65}, uint32(p.frame))); err != nil {
			return err
		}
		p.frame++
		if !p.atOnce {
			advance(40 * time.Millisecond)
		}
	}
	return nil
}

// soundAt is when the next frame of audio comes, in milliseconds.
func (p *publisher) soundAt() media.Ticks {
	rate := 48_000
	if p.audio != nil {
		rate = p.audio.SampleRate
	}
	return media.Ticks(float64(p.sound*1024*1000) / float64(rate) * (1 + p.ppm/1e6))
}

func (p *publisher) write(track *media.Track, at media.Ticks, sync bool, data []byte) error {
	if track == nil {
		return nil
	}
	at += p.shift + media.Ticks(math.Round(float64(at)*p.fast/1e6))
	return p.session.Write(p.t.Context(), media.AccessUnit{Track: track, DTS: at, PTS: at, Sync: sync, Data: data})
}

func (g gate) presentation(t *testing.T) *media.Presentation {
	t.Helper()
	synctest.Wait()
	st, ok := g.store.Stream("main")
	if !ok || st.Presentation() == nil {
		t.Fatal("the stream is not in the store")
	}
	return st.Presentation()
}

func TestPublishToWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		p := g.publish(t)
		if err := p.send(9 * time.Second); err != nil {
			t.Fatal(err)
		}
		view := g.presentation(t)
		if len(view.Windows) != 2 || view.TargetDuration != 2 {
			t.Fatalf("%d windows, target duration %d; want source and audio, 2 s", len(view.Windows), view.TargetDuration)
		}
		for _, w := range view.Windows {
			if len(w.Segments) != 4 || w.Ended {
				t.Fatalf("%s has %d segments (ended %v), want 4 of 9 s", w.Rendition.ID, len(w.Segments), w.Ended)
			}
			for i, seg := range w.Segments {
				if seg.MSN != view.Windows[0].Segments[i].MSN {
					t.Errorf("%s: segment %d has number %d", w.Rendition.ID, i, seg.MSN)
				}
			}
		}
		if st, ok := g.Stream("main"); !ok || st.State != live.Live || st.KeyframeInterval != 2*time.Second {
			t.Errorf("status %+v, want live with a keyframe interval of 2 s", st)
		}
		p.session.Close(ingest.End{OnPurpose: true})
	})
}

func TestEndOnPurposeEndsThePlaylists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		p := g.publish(t)
		if err := p.send(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		p.session.Close(ingest.End{OnPurpose: true})
		if view := g.presentation(t); !view.Ended || len(view.Windows[0].Segments) != 3 {
			t.Fatalf("ended %v with %d segments, want ENDLIST after 3 (2+2+1 s)", view.Ended, len(view.Windows[0].Segments))
		}
	})
}

func TestLostPublisherComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		first := g.publish(t)
		if err := first.send(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		first.session.Close(ingest.End{Err: errors.New("connection reset")})
		before := g.presentation(t)
		advance(20 * time.Second)
		second := g.publish(t)
		if err := second.send(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		after := g.presentation(t)
		if before.Ended || after.Ended {
			t.Fatal("a stream that may come back must not end")
		}
		old, segs := before.Windows[0].Segments, after.Windows[0].Segments
		gaps := 0
		for segs[len(old)+gaps].Gap {
			gaps++
		}
		next := segs[len(old)+gaps]
		if next.MSN != old[len(old)-1].MSN+1+uint64(gaps) || gaps != 10 || next.Period.Sequence != old[0].Period.Sequence+1 {
			t.Errorf("went on with segment %d in period %d after %d in %d", next.MSN, next.Period.Sequence, old[len(old)-1].MSN, old[0].Period.Sequence)
		}
		if gap := media.VideoTimescale.Duration(next.Start - old[0].Start); gap < 24*time.Second || gap > 27*time.Second {
			t.Errorf("the second session starts %v after the first in media time, want the wall clock's 25 s", gap)
		}
		second.session.Close(ingest.End{OnPurpose: true})
	})
}

func TestResumeWindowEndsTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		p := g.publish(t)
		if err := p.send(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		p.session.Close(ingest.End{Err: errors.New("connection reset")})
		advance(58 * time.Second)
		if g.presentation(t).Ended {
			t.Fatal("ended within the resume window")
		}
		advance(5 * time.Second)
		if !g.presentation(t).Ended {
			t.Fatal("not ended after the resume window")
		}
	})
}

func TestSecondPublisherTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		first := g.publish(t)
		if err := first.send(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		second := g.publish(t)
		synctest.Wait()
		<-first.session.Done()
		var why *ingest.Rejection
		if !errors.As(first.session.Err(), &why) || why.Reason != ingest.TakenOver {
			t.Errorf("the first publisher hears %v, want that it was taken over", first.session.Err())
		}
		first.session.Close(ingest.End{Err: errors.New("closed")})
		if err := second.send(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		segs := g.presentation(t).Windows[0].Segments
		for i := 1; i < len(segs); i++ {
			if segs[i].MSN != segs[i-1].MSN+1 || segs[i].Start < segs[i-1].Start+segs[i-1].Duration {
				t.Errorf("segment %d at %d follows %d at %d", segs[i].MSN, segs[i].Start, segs[i-1].MSN, segs[i-1].Start)
			}
		}
		second.session.Close(ingest.End{OnPurpose: true})
	})
}

func TestRestartGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		g := newGate(t, dir)
		p := g.publish(t)
		if err := p.send(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		before := g.presentation(t)
		g.stop()
		if view := g.presentation(t); view.Ended {
			t.Error("a restart must not end the playlists")
		}
		p.session.Close(ingest.End{})

		again := newGate(t, dir)
		defer again.stop()
		if st, ok := again.store.Stream("main"); !ok || !st.Expected() {
			t.Error("viewers of a stream that was live before a restart must be held")
		}
		p = again.publish(t)
		if err := p.send(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		old, segs := before.Windows[0].Segments, again.presentation(t).Windows[0].Segments
		if segs[0].MSN <= old[len(old)-1].MSN || segs[0].Period.Sequence <= old[0].Period.Sequence {
			t.Errorf("after the restart: segment %d in period %d, before: %d in %d", segs[0].MSN, segs[0].Period.Sequence, old[len(old)-1].MSN, old[0].Period.Sequence)
		}
		p.session.Close(ingest.End{OnPurpose: true})
	})
}

func TestNoVideoIsRefusedInWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		p := g.publish(t)
		advance(12 * time.Second)
		var why *ingest.Rejection
		if err := p.send(time.Second); !errors.As(err, &why) || why.Reason != ingest.NoVideo {
			t.Fatalf("a session without video ends with %v", err)
		}
		p.session.Close(ingest.End{})
	})
}
