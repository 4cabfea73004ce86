package hls_test

import (
	"bytes"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"weir/pkg/media"
	"weir/pkg/package/hls"
	"weir/pkg/package/internal/scene"
)

// ordinary is what a player reads that knows nothing of low latency: without
// those tags, and without what stands between the last URI and the end.
func ordinary(text []byte) []byte {
	foreign := regexp.MustCompile(`^#EXT-X-(SERVER-CONTROL|PART|PART-INF|PRELOAD-HINT|RENDITION-REPORT):`)
	var lines []string
	last := 0
	for line := range strings.Lines(string(text)) {
		if foreign.MatchString(line) {
			continue
		}
		lines = append(lines, line)
		isBody := !strings.HasPrefix(line, "#EXT-X-MAP") && !strings.HasPrefix(line, "#EXT-X-PROGRAM-DATE-TIME") && line != "#EXT-X-DISCONTINUITY\n"
		if isBody {
			last = len(lines)
		}
	}
	return []byte(strings.Join(lines[:last], ""))
}

// TestPlain: the plain form is what a player without low latency makes of the
// full one, and says so from the multivariant playlist on.
func TestPlain(t *testing.T) {
	for _, s := range scene.List() {
		for _, w := range s.Windows {
			plain, full := hls.MediaPlaylist(s.Presentation, w, hls.Plain), hls.MediaPlaylist(s.Presentation, w, hls.Full)
			if !bytes.Equal(plain, ordinary(full)) {
				t.Errorf("%s, %s: the plain form is\n%s\nthe full one reads as\n%s", s.Name, w.Rendition.ID, plain, ordinary(full))
			}
		}
		text := string(hls.Multivariant(s.Presentation, hls.Plain))
		if strings.Count(text, ".m3u8") != strings.Count(text, ".m3u8?ll=0") || strings.Contains(text, "I-FRAME") {
			t.Errorf("%s: the plain form leads to others: %s", s.Name, text)
		}
	}
}

// TestDelta: a delta update and what was skipped make the full playlist
// (6.2.5.1), with the init segment said once more.
func TestDelta(t *testing.T) {
	deltas := 0
	for _, s := range scene.List() {
		for _, w := range s.Windows {
			full, delta := lines(hls.MediaPlaylist(s.Presentation, w, hls.Full)), lines(hls.MediaPlaylist(s.Presentation, w, hls.Delta))
			at := slices.IndexFunc(delta, func(line string) bool { return strings.HasPrefix(line, "#EXT-X-SKIP:") })
			if at < 0 {
				if !slices.Equal(full, delta) {
					t.Errorf("%s, %s: nothing is skipped, and it is another playlist", s.Name, w.Rendition.ID)
				}
				continue
			}
			deltas++
			skipped, err := strconv.Atoi(strings.TrimPrefix(delta[at], "#EXT-X-SKIP:SKIPPED-SEGMENTS="))
			if err != nil || delta[1] != "#EXT-X-VERSION:9" {
				t.Fatalf("%s: %v, version %s", s.Name, err, delta[1])
			}
			behind := 0.0
			for _, seg := range w.Segments[skipped:] {
				behind += w.Rendition.Timescale.Duration(seg.Duration).Seconds()
			}
			for _, part := range w.Open {
				behind += w.Rendition.Timescale.Duration(part.Duration).Seconds()
			}
			if behind < 6*float64(s.TargetDuration) {
				t.Errorf("%s, %s: skips up to %.3f s before the edge", s.Name, w.Rendition.ID, behind)
			}
			known := withoutMaps(full[at:])
			for range skipped {
				known = known[slices.IndexFunc(known, func(line string) bool { return line[0] != '#' })+1:]
			}
			if !slices.Equal(full[2:at], delta[2:at]) || !slices.Equal(known, withoutMaps(delta[at+1:])) {
				t.Errorf("%s, %s: the delta update does not follow from the full playlist:\n%s", s.Name, w.Rendition.ID, strings.Join(delta, "\n"))
			}
		}
	}
	if deltas == 0 {
		t.Error("no scene has anything to skip")
	}
}

func lines(text []byte) []string { return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") }

func withoutMaps(all []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(line string) bool { return strings.HasPrefix(line, "#EXT-X-MAP") })
}

// TestLowLatencyNeedsWholeFrames: rates of which no whole frames fill a part to
// 85 %, and irregular ones, get no parts, in no rendition.
func TestLowLatencyNeedsWholeFrames(t *testing.T) {
	for rate, want := range map[float64]bool{0: false, 5: false, 7: false, 10: true, 11: false, 12: true, 15: true, 17: false, 23.976: true, 24: true, 25: true, 29.97: true, 30: true, 50: true, 59.94: true, 60: true} {
		fps := media.Rational{Num: int(math.Round(rate * 1001)), Den: 1001}
		p := scene.New(scene.Shape{Rate: fps, Sampling: 48_000}).Publish(8).Presentation()
		if rate == 0 {
			p.Windows[0].Rendition.FrameRate = media.Rational{}
		}
		if got := hls.LowLatency(p); got != want {
			t.Errorf("%v fps: parts %v, want %v", rate, got, want)
		}
		for _, w := range p.Windows {
			if text := hls.MediaPlaylist(p, w, hls.Full); bytes.Contains(text, []byte("PART")) != want {
				t.Errorf("%v fps, %s: parts where %v", rate, w.Rendition.ID, want)
			}
		}
	}
	if hls.LowLatency(&media.Presentation{}) {
		t.Error("a stream without anything has parts")
	}
}

// TestLowLatencyRules holds every golden file to the sections on low latency.
func TestLowLatencyRules(t *testing.T) {
	for _, s := range scene.List() {
		for _, w := range s.Windows {
			t.Run(s.Name+"/"+w.Rendition.ID, func(t *testing.T) {
				text, err := os.ReadFile(goldenFile(s.Name, w.Rendition.ID))
				if err != nil {
					t.Fatal(err)
				}
				entries, rest := parse(t, text)
				head := header(entries, rest)
				if len(head.all("#EXT-X-PART-INF")) == 0 {
					if bytes.Contains(text, []byte("#EXT-X-PART")) || bytes.Contains(text, []byte("HINT")) || hls.LowLatency(s.Presentation) {
						t.Error("4.4.3.7: parts without EXT-X-PART-INF")
					}
					return
				}
				controlRule(t, head)
				partRules(t, entries, rest, w)
				edgeRules(t, rest, w)
			})
		}
	}
}

func attributes(value string) map[string]string {
	all := map[string]string{}
	for _, m := range regexp.MustCompile(`([A-Z-]+)=("[^"]*"|[^,]*)`).FindAllStringSubmatch(value, -1) {
		all[m[1]] = strings.Trim(m[2], `"`)
	}
	return all
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Error(err)
	}
	return n
}

// controlRule: 4.4.3.8.
func controlRule(t *testing.T, head entry) {
	t.Helper()
	control, target := attributes(head.one(t, "#EXT-X-SERVER-CONTROL")), number(t, head.one(t, "#EXT-X-TARGETDURATION"))
	part := number(t, attributes(head.one(t, "#EXT-X-PART-INF"))["PART-TARGET"])
	if control["CAN-BLOCK-RELOAD"] != "YES" || number(t, control["CAN-SKIP-UNTIL"]) < 6*target ||
		number(t, control["HOLD-BACK"]) < 3*target || number(t, control["PART-HOLD-BACK"]) < 3*part-1e-9 {
		t.Errorf("4.4.3.8: %v for target durations of %v and %v", control, target, part)
	}
}

// partRules: 4.4.4.9, and 6.2.2 on where parts are listed.
func partRules(t *testing.T, entries []entry, rest entry, w *media.Window) {
	t.Helper()
	const target = 0.35
	serial, behind := -1, 0.0
	for i := len(entries); i >= 0; i-- { // from the edge back
		e, length := rest, 0.0
		if i < len(entries) {
			e = entries[i]
			length = number(t, strings.TrimSuffix(e.one(t, "#EXTINF"), ","))
		}
		sum, all := 0.0, e.all("#EXT-X-PART")
		for k, value := range slices.Backward(all) {
			part := attributes(value)
			duration := number(t, part["DURATION"])
			isLast := k == len(all)-1 && i < len(entries)
			if duration > target || !isLast && duration < 0.85*target {
				t.Errorf("4.4.4.9: part %s lasts %v s", part["URI"], duration)
			}
			if (k == 0 || w.Rendition.Kind == media.Audio) != (part["INDEPENDENT"] == "YES") {
				t.Errorf("4.4.4.9: part %d of a segment, independent %q", k, part["INDEPENDENT"])
			}
			now := int(number(t, strings.TrimSuffix(strings.TrimPrefix(part["URI"], "part-"), ".m4s")))
			if serial >= 0 && now >= serial {
				t.Errorf("part %d stands before %d", now, serial)
			}
			serial = now
			sum += duration
		}
		if i < len(entries) {
			if len(all) > 0 && (math.Abs(sum-length) > 1e-5 || behind >= 6) {
				t.Errorf("6.2.2: %v s of parts in a segment of %v s that ends %v s before the edge", sum, length, behind)
			}
			if isDue := behind < 6 && len(e.all("#EXT-X-GAP")) == 0 && !w.Ended && !w.Segments[i].Pending; isDue && len(all) == 0 {
				t.Errorf("6.2.2: a segment that ends %v s before the edge has no parts", behind)
			}
		}
		behind += max(length, sum)
	}
}

// edgeRules: 4.4.5.3 and 4.4.5.4.
func edgeRules(t *testing.T, rest entry, w *media.Window) {
	t.Helper()
	hints, reports := rest.all("#EXT-X-PRELOAD-HINT"), rest.all("#EXT-X-RENDITION-REPORT")
	if w.Ended {
		if len(hints)+len(reports) > 0 {
			t.Error("4.4.5.3: hints after the end")
		}
		return
	}
	parts := rest.all("#EXT-X-PART")
	if len(parts) > 0 && len(hints) != 1 {
		t.Errorf("4.4.5.3: %d hints", len(hints))
	}
	for _, value := range hints {
		if hint := attributes(value); hint["TYPE"] != "PART" || hint["URI"] != "part-"+strconv.FormatUint(w.NextSerial, 10)+".m4s" {
			t.Errorf("4.4.5.3: %v, the next part is %d", hint, w.NextSerial)
		}
	}
	for _, value := range reports {
		if report := attributes(value); !strings.HasPrefix(report["URI"], "../") || report["LAST-MSN"] == "" {
			t.Errorf("4.4.5.4: %v", report)
		}
	}
}
