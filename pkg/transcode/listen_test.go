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
