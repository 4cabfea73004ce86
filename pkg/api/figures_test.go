package api

import (
	"maps"
	"testing"
	"time"
)

func TestRecorderKeepsTenMinutes(t *testing.T) {
	r := NewRecorder()
	now := time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)
	latency := 0.4
	stream := StreamStatus{
		Name: "main", State: Live, Audience: Audience{Viewers: 7}, Session: &Session{}, Source: &Source{KeyframeInterval: 2, Audio: &SourceAudio{Level: new(-23.5)}}, Worker: &Worker{},
		Renditions: []Rendition{
			{ID: "720p", Kind: "video", Bitrate: 3_000_000, Latency: &latency},
			{ID: "audio", Kind: "audio", Bitrate: 160_000, Latency: new(0.9)},
			{ID: "360p", Kind: "video", Bitrate: 800_000, Latency: new(7.0), Resting: true},
		},
	}
	for i := range 1000 { // once a second, as the gateway looks
		stream.Arrival = &Arrival{Bitrate: i}
		r.Look(now.Add(time.Duration(i)*time.Second), []StreamStatus{stream})
	}
	got := r.samples("main", time.Time{})
	if len(got) != samplesKept {
		t.Fatalf("%d samples are kept", len(got))
	}
	last := got[len(got)-1]
	if *last.Bitrate != 998 || *last.KeyframeInterval != 2 || *last.Latency != 0.9 || last.RealtimeRatio != nil {
		t.Errorf("%+v", last)
	}
	if *last.AudioLevel != -23.5 || *last.Viewers != 7 || last.ViewerLatency != nil {
		t.Errorf("viewers: %+v", last)
	}
	if !maps.Equal(last.RungBitrates, map[string]int{"720p": 3_000_000}) {
		t.Errorf("rungs: %v", last.RungBitrates)
	}
	if news := r.samples("main", got[len(got)-3].Time); len(news) != 2 || !news[1].Time.Equal(last.Time) {
		t.Errorf("after the last but two: %v", news)
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
	if len(r.samples("main", time.Time{})) != 0 {
		t.Error("a stream that is gone is remembered")
	}
}
