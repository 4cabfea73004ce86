package hls_test

import (
	"bytes"
	"math"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"weir/pkg/media"
	"weir/pkg/package/hls"
	"weir/pkg/package/internal/scene"
)

// recordings are the scenes that are recorded here, with all that happens.
func recordings() []scene.Scene {
	var all []scene.Scene
	for _, s := range scene.List() {
		switch s.Name {
		case "discontinuity-new-init", "gap", "audio-tracks-gap", "audio-only", "ended-periods":
			all = append(all, s)
		}
	}
	return all
}

// record writes the playlist of a window as it grows. Scenes have no bytes: a
// segment gets some where it is no gap.
func record(p *media.Presentation, w *media.Window) []byte {
	text := hls.RecordingHead(p.TargetDuration)
	mapped := ""
	for i, seg := range w.Segments {
		breaks := i > 0 && seg.Period.Sequence != w.Segments[i-1].Period.Sequence
		text = append(text, hls.RecordingEntry(w.Rendition, seg, i == 0, breaks, mapped == seg.Init.Hash)...)
		if len(seg.Parts) > 0 {
			mapped = seg.Init.Hash
		}
	}
	return text
}

func recordedAll(p *media.Presentation) map[string][]byte {
	all := make(map[string][]byte)
	var renditions []*media.Rendition
	for _, w := range p.Windows {
		all[w.Rendition.ID], _ = hls.CloseRecording(record(p, w), math.MaxInt)
		renditions = append(renditions, w.Rendition)
	}
	all[multivariant] = hls.RecordingMultivariant(renditions)
	return all
}

func TestGoldenRecording(t *testing.T) {
	for _, s := range recordings() {
		for name, got := range recordedAll(s.Presentation) {
			file := filepath.Join("testdata", "recording", s.Name, name+".m3u8")
			holdGolden(t, file, got)
		}
	}
}

// TestRecordingRules holds a recording, while it grows and when it is closed, to RFC
// 8216bis.
func TestRecordingRules(t *testing.T) {
	for _, s := range recordings() {
		multivariantRules(t, recordedAll(s.Presentation)[multivariant], s.Presentation)
		for _, w := range s.Windows {
			t.Run(s.Name+"/"+w.Rendition.ID, func(t *testing.T) {
				grows := record(s.Presentation, w)
				recordingRules(t, grows, w, "EVENT")
				closed, n := hls.CloseRecording(grows, math.MaxInt)
				if n != len(w.Segments) {
					t.Errorf("%d entries of %d", n, len(w.Segments))
				}
				recordingRules(t, closed, w, "VOD")
				if again, _ := hls.CloseRecording(closed, math.MaxInt); !bytes.Equal(again, closed) {
					t.Errorf("closed twice, it is\n%s", again)
				}
			})
		}
	}
}

func recordingRules(t *testing.T, text []byte, w *media.Window, kind string) {
	t.Helper()
	entries, rest := parse(t, text)
	head := header(entries, rest)
	versionRule(t, head, 6)
	target, err := strconv.Atoi(head.one(t, "#EXT-X-TARGETDURATION"))
	if err != nil {
		t.Errorf("4.4.3.1: %v", err)
	}
	if got := head.one(t, "#EXT-X-PLAYLIST-TYPE"); got != kind {
		t.Errorf("4.4.3.5: the type is %s, want %s", got, kind)
	}
	if ends := len(rest.all("#EXT-X-ENDLIST")); ends > 1 || (ends == 1) != (kind == "VOD") {
		t.Errorf("4.4.3.4: %d times EXT-X-ENDLIST", ends)
	}
	list := decodeMedia(t, text)
	if int(list.Count()) != len(w.Segments) || len(entries) != len(w.Segments) {
		t.Fatalf("%d segments and %d URIs, want %d", list.Count(), len(entries), len(w.Segments))
	}
	mapped, period := "", w.Segments[0].Period.Sequence
	for i, e := range entries {
		seg := w.Segments[i]
		seconds, err := strconv.ParseFloat(strings.TrimSuffix(e.one(t, "#EXTINF"), ","), 64)
		if err != nil || math.Round(seconds) > float64(target) || math.Abs(seconds-w.Rendition.Timescale.Duration(seg.Duration).Seconds()) > 1e-6 {
			t.Errorf("4.4.4.1: EXTINF %v of a target of %d s, %v", seconds, target, err)
		}
		if gap := len(e.all("#EXT-X-GAP")); (gap == 1) != seg.Gap {
			t.Errorf("4.4.4.7: %d times EXT-X-GAP", gap)
		}
		for _, m := range e.all("#EXT-X-MAP") {
			mapped = m
		}
		if want := `URI="init-` + seg.Init.Hash + `.mp4"`; mapped != want && !seg.Gap {
			t.Errorf("4.4.4.5: segment %d is decoded by %s, want %s", i, mapped, want)
		}
		if breaks := len(e.all("#EXT-X-DISCONTINUITY")); (breaks == 1) != (seg.Period.Sequence != period) {
			t.Errorf("4.4.4.3: %d times EXT-X-DISCONTINUITY before segment %d", breaks, i)
		}
		if dated := len(e.all("#EXT-X-PROGRAM-DATE-TIME")); (dated == 1) != (i == 0 || seg.Period.Sequence != period) {
			t.Errorf("4.4.4.6: segment %d is dated %d times", i, dated)
		}
		period = seg.Period.Sequence
	}
}

// TestCutRecording: wherever a growing playlist is cut off, the whole entries before
// are what is closed.
func TestCutRecording(t *testing.T) {
	s := recordings()[0]
	whole := record(s.Presentation, s.Windows[0])
	uri := regexp.MustCompile(`(?m)^[^#\n]+\n`)
	for cut := range whole {
		closed, n := hls.CloseRecording(whole[:cut], math.MaxInt)
		if want := len(uri.FindAll(whole[:cut], -1)); n != want {
			t.Fatalf("%d entries of %d where %d bytes are there", n, want, cut)
		}
		if n == 0 {
			continue
		}
		recordingRules(t, closed, &media.Window{Rendition: s.Windows[0].Rendition, Segments: s.Windows[0].Segments[:n]}, "VOD")
	}
	if closed, n := hls.CloseRecording(whole, 2); n != 2 || len(uri.FindAll(closed, -1)) != 2 {
		t.Errorf("%d entries, want the first 2:\n%s", n, closed)
	}
}
