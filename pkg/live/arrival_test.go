package live

import (
	"testing"
	"time"

	"weir/pkg/media"
)

func TestArrivalIsMeasuredFromLookToLook(t *testing.T) {
	video := &media.Track{Kind: media.Video, Timescale: media.VideoTimescale}
	sound := &media.Track{Kind: media.Audio, Timescale: 48_000}
	began := time.Unix(1_800_000_000, 0)
	a := newArrival(began)
	push := func(track *media.Track, after, late time.Duration, size int) {
		at := began.Add(after)
		a.unit(at.Add(late), media.AccessUnit{Track: track, DTS: track.Timescale.At(at), Data: make([]byte, size)})
	}
	for i := range 30 {
		push(video, time.Duration(i)*time.Second/30, 20*time.Millisecond, 25_000)
	}
	push(sound, 500*time.Millisecond, 40*time.Millisecond, 1_000)
	push(video, 990*time.Millisecond, -10*time.Millisecond, 0)
	if early := a.look(began.Add(100 * time.Millisecond)); early != (Arrival{}) {
		t.Errorf("a tenth of a second is enough: %+v", early)
	}
	got := a.look(began.Add(time.Second))
	if got.Bitrate != 8*751_000 || got.FrameRate != 31 || got.Bytes != 751_000 {
		t.Errorf("%+v", got)
	}
	if got.Jitter.Round(time.Millisecond) != 50*time.Millisecond || got.Delay.Round(5*time.Millisecond) != 20*time.Millisecond {
		t.Errorf("delay %v, jitter %v", got.Delay, got.Jitter)
	}
	stalled := a.look(began.Add(3 * time.Second))
	if stalled.Bitrate != 0 || stalled.FrameRate != 0 || stalled.Delay < 2*time.Second || stalled.Bytes != 751_000 {
		t.Errorf("while nothing comes: %+v", stalled)
	}
	push(sound, 3*time.Second, 0, 500)
	if a.total() != 751_500 {
		t.Errorf("%d bytes in all", a.total())
	}
}
