package dash_test

import (
	"regexp"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/pkg/media"
	"weir/pkg/package/dash"
	"weir/pkg/package/internal/scene"
)

// publishTimeAttr finds the attribute in an MPD.
var publishTimeAttr = regexp.MustCompile(` publishTime="([^"]+)"`)

// TestPublishTimeGrows holds 5.3.1.2 over every order in which renditions may
// publish: publishTime grows with each publish. (That nothing else changes an MPD
// is TestSameBytes.)
func TestPublishTimeGrows(t *testing.T) {
	shapes := []scene.Shape{
		{Rate: media.Rational{Num: 30_000, Den: 1001}, Sampling: 44_100},
		{Rate: media.Rational{Num: 25, Den: 1}, Sampling: 48_000},
		{Sampling: 48_000},
		{Rate: media.Rational{Num: 60, Den: 1}},
	}
	rapid.Check(t, func(t *rapid.T) {
		whole := scene.New(rapid.SampledFrom(shapes).Draw(t, "shape"))
		for range rapid.IntRange(1, 3).Draw(t, "periods") {
			whole.Publish(rapid.IntRange(1, 7).Draw(t, "segments"))
			whole.Publish(rapid.IntRange(0, 2).Draw(t, "gaps"), scene.Low)
			whole.Break(time.Duration(rapid.IntRange(0, 20_000).Draw(t, "pause"))*time.Millisecond, 1)
		}
		all := whole.Presentation()
		window := rapid.IntRange(2, 15).Draw(t, "window")
		published := make([]int, len(all.Windows))
		var before time.Time
		var last, body string
		for {
			i, ok := next(t, all, published, window)
			if !ok {
				return
			}
			published[i]++
			text := string(render(t, view(all, published, window)))
			match := publishTimeAttr.FindStringSubmatch(text)
			if match == nil {
				if hasPeriod(text) {
					t.Fatal("publishTime is missing")
				}
				continue
			}
			at, err := time.Parse(time.RFC3339, match[1])
			if err != nil {
				t.Fatal(err)
			}
			now := publishTimeAttr.ReplaceAllString(text, "")
			if !at.After(before) {
				t.Fatalf("publishTime %s after %s; published %v; the rest has changed: %v", at, last, published, now != body)
			}
			before, last, body = at, match[1], now
		}
	})
}

func hasPeriod(text string) bool { return regexp.MustCompile(`<Period`).MatchString(text) }

func render(t *rapid.T, p *media.Presentation) []byte {
	text, err := dash.Manifest(p, dash.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// next draws the rendition that publishes next. None falls behind by more than
// a window: what is filled in that late is a gap.
func next(t *rapid.T, all *media.Presentation, published []int, window int) (index int, ok bool) {
	least := slices.Min(published)
	var able []int
	for i, w := range all.Windows {
		if published[i] < len(w.Segments) && published[i] < least+window {
			able = append(able, i)
		}
	}
	if len(able) == 0 {
		return 0, false
	}
	return rapid.SampledFrom(able).Draw(t, "who"), true
}

// view is the presentation after each rendition published so many segments.
func view(all *media.Presentation, published []int, window int) *media.Presentation {
	p := *all
	p.Windows = nil
	for i, w := range all.Windows {
		part := *w
		part.Segments = w.Segments[max(0, published[i]-window):published[i]]
		p.Windows = append(p.Windows, &part)
	}
	return &p
}
