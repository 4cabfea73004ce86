package api

import (
	"maps"
	"runtime"
	"sync"
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

// TestSamplesKeepNoStatus: a sample lives for ten minutes, and what it was taken from
// must not for its sake.
func TestSamplesKeepNoStatus(t *testing.T) {
	r, now := NewRecorder(), time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)
	gone := make(chan struct{})
	func() {
		arrival := &Arrival{Bitrate: 5, FrameRate: 30, Delay: 0.1, Jitter: 0.2}
		source := &Source{KeyframeInterval: 2, Audio: &SourceAudio{Level: new(-20.0)}}
		worker := &Worker{RealtimeRatio: 3}
		renditions := []Rendition{{ID: "720p", Kind: "video", Bitrate: 3_000_000, Latency: new(0.4)}}
		var all sync.WaitGroup
		all.Add(3)
		drop := func(*sync.WaitGroup) { all.Done() }
		runtime.AddCleanup(arrival, drop, &all)
		runtime.AddCleanup(source, drop, &all)
		runtime.AddCleanup(worker, drop, &all)
		r.Look(now, []StreamStatus{{
			Name: "main", State: Live, Session: &Session{}, Source: source, Arrival: arrival, Worker: worker, Renditions: renditions,
		}})
		go func() { all.Wait(); close(gone) }()
	}()
	for range 100 {
		runtime.GC()
		select {
		case <-gone:
			if got := r.samples("main", time.Time{}); len(got) != 1 || *got[0].Bitrate != 5 || *got[0].Latency != 0.4 {
				t.Errorf("the sample is %+v", got)
			}
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Error("a sample keeps the status that it was taken from")
}
