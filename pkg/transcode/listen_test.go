package transcode

import (
	"log/slog"
	"testing"
	"time"

	"weir/pkg/media"
)

// Of what passes by, the start of each second is heard, and no more than fits:
// whoever pushes never waits.
func TestListenHearsAPartAndNeverWaits(t *testing.T) {
	s := newSupervisor(Worker{Log: slog.New(slog.DiscardHandler)}, Order{Mode: ModeVideo, Stream: "main"}, &audioLedger{}, 1)
	track := &media.Track{Kind: media.Audio, Codec: media.AAC, Timescale: 48_000, SampleRate: 48_000, Channels: 2}
	pass := func(second int) {
		for at := media.Ticks(0); at < 48_000; at += 1024 {
			pts := media.Ticks(second)*48_000 + at
			s.Listen(media.AccessUnit{Track: track, DTS: pts, PTS: pts, Sync: true})
		}
	}
	pass(0)
	if got := len(s.sounds); got != 12 {
		t.Errorf("%d of 47 access units are heard, want 12", got)
	}
	for len(s.sounds) > 0 {
		if au := <-s.sounds; track.Timescale.Duration(au.PTS)%time.Second >= listens {
			t.Errorf("heard at %d", au.PTS)
		}
	}
	for second := range 10 {
		pass(second)
	}
	if got := len(s.sounds); got != soundsWaiting {
		t.Errorf("%d wait, want %d", got, soundsWaiting)
	}
	for len(s.sounds) > 0 {
		<-s.sounds
	}
	s.stats.LastError = "worker exited: signal: killed"
	if pass(0); len(s.sounds) > 0 {
		t.Error("a worker may die twice of what it listens to")
	}
}

// What a watch's worker has been sent and has answered is not kept.
func TestWatchKeepsNothing(t *testing.T) {
	s := newSupervisor(Worker{Log: slog.New(slog.DiscardHandler)}, Order{Mode: ModeWatch, Stream: "main"}, noLedger{}, 0)
	p := &process{s: s}
	track := &media.Track{Kind: media.Video, Codec: media.H264, Timescale: media.VideoTimescale}
	for i := range 100 {
		at := media.Ticks(i) * 2 * 90_000
		s.Push(media.AccessUnit{Track: track, DTS: at, PTS: at, Sync: true, Data: make([]byte, 1000)})
		if _, ok := s.backlog.take(); !ok {
			t.Fatal("nothing is to be sent")
		}
		p.sent++
		if err := p.heard(Progress{Units: p.sent}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.backlog.items); n > 0 {
		t.Errorf("%d access units are kept", n)
	}
}
