package libav

import (
	"io"
	"slices"
	"testing"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// boundariesOf places a boundary at the first keyframe at or after each two
// seconds, as live would.
func boundariesOf(units []media.AccessUnit) map[int]transcode.BoundaryAt {
	at := map[int]transcode.BoundaryAt{}
	msn, next := uint64(100), units[0].PTS
	for i, au := range units {
		if au.Sync && au.PTS >= next {
			at[i] = transcode.BoundaryAt{MSN: msn, PTS: au.PTS}
			msn++
			next = au.PTS + 2*90_000 - 900
		}
	}
	return at
}

// talk runs a worker in this process on the messages and returns its answers.
func talk(tb testing.TB, order transcode.Order, messages []transcode.Message) (answers []transcode.Message, acc *account, err error) {
	tb.Helper()
	acc = &account{}
	in, feed := io.Pipe()
	back, out := io.Pipe()
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		w := transcode.NewWriter(feed)
		for _, m := range append([]transcode.Message{transcode.Hello{Version: transcode.WireVersion}, order}, messages...) {
			if w.Write(m) != nil {
				return
			}
		}
	}()
	ended := make(chan error, 1)
	go func() {
		ended <- run(tb.Context(), in, out, acc)
		_ = out.Close()
		_ = in.Close()
	}()
	r := transcode.NewReader(back)
	var said transcode.Progress
	for {
		m, readErr := r.Read()
		if readErr != nil {
			break
		}
		if p, ok := m.(transcode.Progress); ok {
			if p.Busy < said.Busy || p.Media < said.Media {
				tb.Errorf("progress %+v after %+v", p, said) // the gateway would kill it for that
			}
			said = p
		}
		answers = append(answers, m)
	}
	<-fed
	return answers, acc, <-ended
}

// script is what the gateway says for a clip.
func script(c clip, at map[int]transcode.BoundaryAt) []transcode.Message {
	messages := []transcode.Message{transcode.TrackChange{Track: *c.track}}
	for i, au := range c.units {
		if b, ok := at[i]; ok {
			messages = append(messages, b)
		}
		messages = append(messages, transcode.Unit{AU: au})
	}
	return append(messages, transcode.End{})
}

// result is what came out of a worker, by rung.
type result struct {
	tracks  []media.Track
	coded   [][]transcode.Coded
	reports []transcode.Report
	last    transcode.Progress
	done    bool
}

func sort(tb testing.TB, answers []transcode.Message, rungs int) result {
	tb.Helper()
	r := result{coded: make([][]transcode.Coded, rungs)}
	for _, m := range answers {
		switch m := m.(type) {
		case transcode.Ready:
			r.tracks = m.Tracks
		case transcode.Coded:
			m.AU.Track = &r.tracks[m.Rung]
			r.coded[m.Rung] = append(r.coded[m.Rung], m)
		case transcode.Report:
			r.reports = append(r.reports, m)
		case transcode.Progress:
			r.last = m
		case transcode.Fatal:
			tb.Fatalf("the worker gave up: %s", m.Text)
		case transcode.Done:
			r.done = true
		}
	}
	return r
}

// transcodeClip runs the default ladder, or the rungs given, over a clip.
func transcodeClip(tb testing.TB, c clip, rungs []transcode.Rung, at map[int]transcode.BoundaryAt) result {
	tb.Helper()
	order := transcode.Order{Mode: transcode.ModeVideo, Stream: "test", Rungs: rungs, Latency: transcode.LatencyBalanced}
	answers, acc, err := talk(tb, order, script(c, at))
	if err != nil {
		tb.Fatal(err)
	}
	if f, p := acc.frames.Load(), acc.packets.Load(); f != 0 || p != 0 {
		tb.Errorf("%d frames and %d packets were not freed", f, p)
	}
	r := sort(tb, answers, len(rungs))
	if !r.done || int(r.last.Units) != len(c.units) {
		tb.Errorf("done %v after %d of %d units", r.done, r.last.Units, len(c.units))
	}
	return r
}

// checkRung checks what every rung promises: each segment opens with an IDR at
// the PTS of the boundary, there are no other sync pictures, no picture is
// missing or doubled, DTS rises and is never above PTS.
func checkRung(tb testing.TB, spec transcode.Rung, coded []transcode.Coded, want []media.Ticks, at map[int]transcode.BoundaryAt) {
	tb.Helper()
	opens := map[uint64]media.Ticks{}
	for _, b := range at {
		opens[b.MSN] = b.PTS
	}
	var have []media.Ticks
	last := media.Ticks(-1 << 62)
	for i, c := range coded {
		have = append(have, c.AU.PTS)
		if c.AU.DTS <= last || c.AU.DTS > c.AU.PTS {
			tb.Errorf("%s, picture %d: DTS %d after %d, PTS %d", spec.ID, i, c.AU.DTS, last, c.AU.PTS)
		}
		last = c.AU.DTS
		idr := slices.ContainsFunc(nalUnits(c.AU.Data), func(nal []byte) bool { return nal[0]&0x1f == 5 })
		if c.Starts != idr || c.AU.Sync != idr {
			tb.Errorf("%s, picture %d: starts %v, sync %v, IDR %v", spec.ID, i, c.Starts, c.AU.Sync, idr)
		}
		if c.Starts && c.AU.PTS != opens[c.MSN] {
			tb.Errorf("%s: segment %d opens at %d, its boundary is at %d", spec.ID, c.MSN, c.AU.PTS, opens[c.MSN])
		}
		if c.Starts {
			delete(opens, c.MSN)
		}
	}
	if len(opens) > 0 {
		tb.Errorf("%s: no IDR for the boundaries %v", spec.ID, opens)
	}
	slices.Sort(have)
	if !slices.Equal(have, want) {
		tb.Errorf("%s: %d pictures, want %d; or their times differ", spec.ID, len(have), len(want))
	}
}

// presentation lists the PTS of the clip's pictures that a rung keeps.
func presentation(units []media.AccessUnit, divisor int, at map[int]transcode.BoundaryAt) (pts []media.Ticks) {
	var all []media.Ticks
	for _, au := range units {
		all = append(all, au.PTS)
	}
	slices.Sort(all)
	boundary := map[media.Ticks]bool{}
	for _, b := range at {
		boundary[b.PTS] = true
	}
	phase := 0
	for _, p := range all {
		if boundary[p] {
			phase = 0
		}
		if phase%divisor == 0 {
			pts = append(pts, p)
		}
		phase++
	}
	return pts
}
