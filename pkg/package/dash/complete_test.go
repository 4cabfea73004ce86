package dash_test

import (
	"bytes"
	"testing"
	"time"

	"weir/pkg/media"
	"weir/pkg/package/internal/scene"
)

// TestPeriodsAppearWhole: a new period is listed once every rendition has come
// to it, or one of them waits too long.
func TestPeriodsAppearWhole(t *testing.T) {
	shape := scene.Shape{Rate: media.Rational{Num: 30, Den: 1}, Sampling: 48_000}
	second := func(n int) *scene.Stream { return scene.New(shape).Publish(3).Break(5*time.Second, 1).Publish(n) }
	for name, c := range map[string]struct {
		stream *scene.Stream
		want   int
	}{
		"the first, without audio":      {scene.New(shape).Publish(1).Lag(scene.Sound, 1), 1},
		"all have come":                 {second(1), 2},
		"audio has not":                 {second(1).Lag(scene.Sound, 1), 1},
		"a rung has not":                {second(2).Lag(scene.Low, 2), 1},
		"a rung has not come for long":  {second(3).Lag(scene.Low, 3), 2},
		"audio has never come":          {second(2).Lag(scene.Sound, 5), 1},
		"a rung is missing, as is said": {scene.New(shape).Publish(3).Break(5*time.Second, 1).Publish(1, scene.Low), 2},
		"the stream has ended":          {second(1).Lag(scene.Sound, 1).End(), 2},
	} {
		text := manifest(t, c.stream.Presentation())
		if got := bytes.Count(text, []byte("<Period ")); got != c.want {
			t.Errorf("%s: %d periods, want %d:\n%s", name, got, c.want, text)
		}
	}
}
