package live

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// stage is a studio whose publishers come and go by way of the stream, in the time
// of day.
type stage struct {
	*studio
	heard media.Ticks
	// phase moves keyframes by so many frames, and late is how many samples the sound is
	// sent late; to gets what is sent, nil for the stream.
	phase int
	late  media.Ticks
	to    func(media.AccessUnit)
}

func newStage(t *testing.T, d Demand) *stage {
	t.Helper()
	st := &stage{studio: newStudio(t, d)}
	st.p.finish()
	st.p, st.s.cfg.Slate.Mode = nil, SlateShown
	t.Cleanup(func() {
		st.s.endAbsence()
		st.s.slateLoop.abandon()
		st.s.lastLoop.abandon()
		st.s.helpers.Wait()
	})
	return st
}

// come begins a session whose first keyframe stands at the time at.
func (st *stage) come(at time.Time) {
	st.s.session = newSession(st.s, ingest.Request{}, ingest.Grant{})
	st.s.intake = &intake{}
	st.frame = int(media.VideoTimescale.At(at)/3600)/50*50 + 50
	st.heard = media.Ticks(st.frame) * 3600 * 48_000 / 90_000
}

// lose ends it.
func (st *stage) lose() {
	st.s.endSession()
	st.p = nil
	st.s.fed = time.Now().Add(-2 * time.Second)
}

func (st *stage) publish(d time.Duration) {
	st.Helper()
	send := st.to
	if send == nil {
		send = func(au media.AccessUnit) { st.s.media(au, st.now) }
	}
	for range int(d / (40 * time.Millisecond)) {
		at := media.Ticks(st.frame) * 3600
		send(media.AccessUnit{
			Track: st.video, DTS: at, PTS: at, Duration: 3600, Sync: (st.frame+st.phase)%50 == 0, Data: []byte{0, 0, 0, 1, 0x65},
		})
		for ; (st.heard+st.late)*15 <= at*8; st.heard += 1024 {
			send(media.AccessUnit{Track: st.audio, DTS: st.heard, PTS: st.heard, Duration: 1024, Sync: true, Data: []byte{0x21}})
		}
		st.frame++
		st.catchUp()
	}
}

// catchUp lets the workers.
func (st *stage) catchUp() {
	st.Helper()
	if st.p = st.s.pipeline; st.p != nil {
		st.take()
		if st.frame%50 == 0 {
			st.until("the workers keep up", st.keptUp)
		}
	}
}

// absent waits for the slate and lets it go on up to the time to.
func (st *stage) absent(to time.Time) {
	st.Helper()
	st.s.beat(time.Now())
	for st.s.absence == nil || st.s.slateLoop.made != nil || st.s.lastLoop.made != nil {
		select {
		case loop, more := <-st.s.slateLoop.made:
			st.s.slateLoop.take(loop, more)
			st.s.followLoops()
		case loop, more := <-st.s.lastLoop.made:
			st.s.lastLoop.take(loop, more)
			st.s.followLoops()
		case <-time.After(20 * time.Second):
			st.Fatal("no slate is made")
		}
	}
	if st.s.onAir() != OnAirSlate {
		st.Fatalf("%s is on air", st.s.onAir())
	}
	for at := time.Now(); at.Before(to); at = at.Add(time.Second) {
		st.s.goOn(at)
		st.p = st.s.pipeline
		st.until("the workers keep up", st.keptUp)
	}
	st.s.goOn(to)
}

// expectWhole fails where a window has a hole, or misses a segment.
func (st *stage) expectWhole(periods int) {
	st.Helper()
	for _, w := range st.s.store.Presentation().Windows {
		id, scale := w.Rendition.ID, w.Rendition.Timescale
		if kinds := st.kinds(id); strings.Trim(kinds, "mp") != "" {
			st.Errorf("%s lists %s", id, kinds)
		}
		seen := 1
		for i := 1; i < len(w.Segments); i++ {
			seg, last := w.Segments[i], w.Segments[i-1]
			if seg.Period != last.Period {
				seen++
			}
			if hole := scale.Duration(seg.Start - last.Start - last.Duration); hole.Abs() > 45*time.Millisecond || seg.MSN != last.MSN+1 {
				st.Errorf("%s: segment %d begins %v after the end of %d", id, seg.MSN, hole, last.MSN)
			}
			if d := scale.Duration(seg.Duration); d <= 0 || d >= 2500*time.Millisecond {
				st.Errorf("%s: segment %d lasts %v", id, seg.MSN, d)
			}
		}
		if seen != periods {
			st.Errorf("%s has %d periods, want %d", id, seen, periods)
		}
	}
}

// A slate fills the time between two publishers to the last picture, on every
// rendition; what is declared stays, and so does the audio's init segment.
func TestSlateFillsTheAbsence(t *testing.T) {
	for name, d := range map[string]Demand{"every rung": {}, "rungs on demand": {Only: true, IdleAfter: time.Hour}} {
		t.Run(name, func(t *testing.T) {
			st := newStage(t, d)
			st.come(time.Now().Add(-8 * time.Second))
			st.publish(6 * time.Second)
			declared := *st.lane("source").rendition
			sound := st.lane("audio").init
			st.lose()
			back := time.Now().Add(7 * time.Second)
			st.absent(back)
			if r := st.lane("source").rendition; r.Bandwidth != declared.Bandwidth || r.Name != declared.Name {
				t.Errorf("the slate declares %+v, the source %+v", r, declared)
			}
			if st.lane("audio").init != sound {
				t.Error("the audio's init segment has changed")
			}
			st.come(back)
			st.now = back
			st.publish(5 * time.Second)
			if st.s.absence != nil || st.s.onAir() != OnAirSource {
				t.Errorf("on air: %s", st.s.onAir())
			}
			st.s.closePipeline()
			st.p = nil
			st.expectWhole(3)
		})
	}
}

// The publisher's last picture is shown for as long as is wanted, and then the slate,
// without a break in between: here a worker encodes by copying, and the slate is a PNG.
func TestLastPictureIsShownBeforeTheSlate(t *testing.T) {
	st := newStage(t, Demand{})
	st.s.cfg.Slate.Repeat = 4 * time.Second
	st.come(time.Now().Add(-8 * time.Second))
	st.publish(5960 * time.Millisecond)
	if n := len(st.s.shown.units); n != 49 {
		t.Errorf("%d pictures are kept since the last keyframe", n)
	}
	if n := st.s.shown.shared; n < 40 {
		t.Errorf("%d pictures of those are where the parts are that they are in", n)
	}
	st.lose()
	st.absent(time.Now().Add(7 * time.Second))
	st.s.endAbsence()
	st.p = nil
	st.expectWhole(2)
	var letters strings.Builder
	for _, seg := range st.window("source").Segments {
		var data []byte
		for _, part := range seg.Parts {
			data = append(data, part.Bytes...)
		}
		switch last, png := bytes.Contains(data, []byte{0, 0, 0, 1, 0x65}), bytes.Contains(data, []byte("IHDR")); {
		case last && png:
			letters.WriteByte('?')
		case png:
			letters.WriteByte('s')
		default:
			letters.WriteByte('l')
		}
	}
	shown := letters.String()
	if !strings.HasPrefix(shown, "lll"+"ll"+"s") || strings.Trim(shown, "l") != strings.TrimLeft(shown, "l") {
		t.Errorf("segments show %s", shown)
	}
	if st.s.dropLoops(time.Now()); st.s.lastLoop.loop == nil {
		t.Error("loops are gone with the absence")
	}
	st.s.fed = time.Now().Add(2 * keepLoops)
	if st.s.dropLoops(st.s.fed); st.s.lastLoop.loop != nil || st.s.slateLoop.loop != nil {
		t.Error("loops are kept for ever")
	}
}

// What cannot be kept whole is not kept, nor what nothing before it decodes.
func TestGroupsOfPicturesThatAreKept(t *testing.T) {
	picture := func(second int, key bool, size int) media.AccessUnit {
		return media.AccessUnit{DTS: media.Ticks(second) * 90_000, Sync: key, Data: make([]byte, size)}
	}
	var g gop
	for i, step := range []struct {
		unit media.AccessUnit
		want int
	}{
		{picture(0, false, 1), 0},
		{picture(1, true, 1), 1},
		{picture(2, false, 1), 2},
		{picture(3, true, 1), 1},
		{picture(13, false, 1), 2},
		{picture(14, false, 1), 0},
		{picture(15, false, 1), 0},
		{picture(16, true, 1), 1},
		{picture(17, false, mostSpareBytes), 0},
		{picture(18, true, 1), 1},
	} {
		if g.push(step.unit); len(g.units) != step.want {
			t.Errorf("step %d: %d pictures are kept, want %d", i, len(g.units), step.want)
		}
	}
}

// What was published is not kept a second time; what is in no part, or in another one,
// stays as it is.
func TestPicturesThatAreKeptShareTheirParts(t *testing.T) {
	var g gop
	for _, data := range []string{"key", "one", "two", "three"} {
		g.push(media.AccessUnit{Sync: data == "key", Data: []byte(data)})
	}
	in := func(part *media.Part, i int) bool {
		return bytes.Contains(part.Bytes, g.units[i].Data) && &g.units[i].Data[0] == &part.Bytes[bytes.Index(part.Bytes, g.units[i].Data)]
	}
	opens := &media.Part{Bytes: []byte("moofkeyone"), Lead: len("moofkey")}
	stranger := &media.Part{Bytes: []byte("moofother"), Lead: len("moofother")}
	// A picture that stands in for one that never came.
	filled := &media.Part{Bytes: []byte("mooftwokey"), Lead: len("mooftwo")}
	g.share(opens)
	g.share(stranger)
	g.share(filled)
	if !in(opens, 0) || !in(opens, 1) || !in(filled, 2) || g.shared != 3 {
		t.Errorf("%d of three are shared", g.shared)
	}
	for i, want := range []string{"key", "one", "two", "three"} {
		if got := string(g.units[i].Data); got != want {
			t.Errorf("%q has become %q", want, got)
		}
	}
}

// A stream whose publisher does not come back ends with what the slate has shown,
// and none goes on after it.
func TestSlateEndsWithTheResumeWindow(t *testing.T) {
	st := newStage(t, Demand{})
	st.come(time.Now().Add(-8 * time.Second))
	st.publish(6 * time.Second)
	st.lose()
	st.s.enter(Reconnecting)
	st.s.deadline = time.Now().Add(5 * time.Second)
	st.absent(st.s.deadline)
	if st.s.expired(st.s.deadline); st.s.absence != nil || st.s.state != Ended {
		t.Errorf("state %s with an absence %v", st.s.state, st.s.absence)
	}
	st.p = nil
	if !st.s.store.Presentation().Ended {
		t.Error("the playlists have not ended")
	}
	st.expectWhole(2)
	st.s.fed = time.Now().Add(-time.Hour)
	if st.s.beat(time.Now()); st.s.absence != nil {
		t.Error("a stream that has ended goes on")
	}
}
