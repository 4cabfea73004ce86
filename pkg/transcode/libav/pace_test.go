package libav

import (
	"testing"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// TestPaces: a rung that goes off rests at once and says so; one that is halved
// shows every second picture and each boundary's, and says how long each lasts; what
// comes back does so at a boundary, with an IDR picture.
func TestPaces(t *testing.T) {
	c := readClip(t, mediaFile(t, "camera_720p60_4M_cbr.flv"), "v:0")
	c.units = c.units[:480]
	rungs := transcode.Ladder(c.track, transcode.LadderConfig{Rungs: []transcode.RungConfig{
		{Height: 270, FrameRate: 60}, {Height: 180, FrameRate: 60}, {Height: 144, FrameRate: 60},
	}})
	at := boundariesOf(c.units)
	messages := []transcode.Message{transcode.TrackChange{Track: *c.track}}
	for i, au := range c.units {
		if b, ok := at[i]; ok {
			messages = append(messages, b)
		}
		switch i {
		case 180: // in the middle of the second segment
			messages = append(messages, transcode.Paces{Paces: []transcode.Pace{transcode.PaceOff, transcode.PaceHalf, transcode.PaceFull}})
		case 300: // in the middle of the third
			messages = append(messages, transcode.Paces{Paces: make([]transcode.Pace, 3)})
		}
		messages = append(messages, transcode.Unit{AU: au})
	}
	order := transcode.Order{Mode: transcode.ModeVideo, Stream: "test", Rungs: rungs, Latency: transcode.LatencyBalanced}
	answers, acc, err := talk(t, order, append(messages, transcode.End{}))
	if err != nil {
		t.Fatal(err)
	}
	if f, p := acc.frames.Load(), acc.packets.Load(); f != 0 || p != 0 {
		t.Errorf("%d frames and %d packets were not freed", f, p)
	}
	pictures := make([]map[uint64]int, len(rungs))
	for i := range pictures {
		pictures[i] = map[uint64]int{}
	}
	lasts := map[uint64]media.Ticks{}
	rested := 0
	for _, m := range answers {
		switch m := m.(type) {
		case transcode.Rested:
			rested++
			if m.Rung != 0 {
				t.Errorf("rung %d rests", m.Rung)
			}
			clear(pictures[0]) // to see what comes after
		case transcode.Coded:
			if m.Starts && !m.AU.Sync {
				t.Errorf("rung %d, segment %d does not start with an IDR picture", m.Rung, m.MSN)
			}
			if m.Rung == 0 && rested > 0 && pictures[0][m.MSN] == 0 && !m.Starts {
				t.Errorf("rung 0 goes on in the middle of segment %d", m.MSN)
			}
			pictures[m.Rung][m.MSN]++
			if m.Rung == 1 {
				lasts[m.MSN] += m.AU.Duration
			}
		}
	}
	if rested != 1 {
		t.Errorf("%d rungs rested, want 1", rested)
	}
	if p := pictures[0]; len(p) != 1 || p[103] != 120 {
		t.Errorf("the rung that was off made %v, want all of segment 103 and nothing before", p)
	}
	// Halved from its middle on, give or take what the decoder holds.
	about := func(n int) bool { return n > 85 && n < 95 }
	if p := pictures[1]; p[100] != 120 || !about(p[101]) || p[102] != 60 || p[103] != 120 {
		t.Errorf("the rung that was halved made %v", p)
	}
	for _, msn := range []uint64{100, 102, 103} {
		if lasts[msn] != 2*90_000 {
			t.Errorf("the pictures of segment %d last %d ticks, want those of 2 s", msn, lasts[msn])
		}
	}
	if p := pictures[2]; p[100] != 120 || p[101] != 120 || p[102] != 120 || p[103] != 120 {
		t.Errorf("the rung that was left alone made %v", p)
	}
}
