package api

import (
	"testing"
	"time"
)

func TestRecorderKeepsTenMinutes(t *testing.T) {
	r := NewRecorder()
	now := time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)
	latency := 0.4
	stream := StreamStatus{
		Name: "main", Session: &Session{}, Source: &Source{KeyframeInterval: 2}, Worker: &Worker{},
		Renditions: []Rendition{{Latency: &latency}, {Latency: new(0.9)}, {Latency: new(7.0), Resting: true}},
	}
	for i := range 1000 { // once a second, as the gateway looks
		stream.Arrival = &Arrival{Bitrate: i}
		r.Look(now.Add(time.Duration(i)*time.Second), []StreamStatus{stream})
	}
	got := r.samples("main")
	if len(got) != samplesKept {
		t.Fatalf("%d samples are kept", len(got))
	}
	last := got[len(got)-1]
	if *last.Bitrate != 998 || *last.KeyframeInterval != 2 || *last.Latency != 0.9 || last.RealtimeRatio != nil {
		t.Errorf("%+v", last)
	}
	for i, s := range got[1:] {
		if step := s.Time.Sub(got[i].Time); step != sampleEvery {
			t.Fatalf("samples are %v apart", step)
		}
	}
	if *got[0].Bitrate != 400 {
		t.Errorf("a sample has the figures of another one: %d", *got[0].Bitrate)
	}
	r.Look(now.Add(time.Hour), nil)
	if len(r.samples("main")) != 0 {
		t.Error("a stream that is gone is remembered")
	}
}
