//go:build e2e

package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"
)

// segment is one that a playlist lists, fetched and taken apart.
type segment struct {
	msn      int
	start    uint64 // tfdt of the first chunk
	duration uint64 // sum of the samples'
	extinf   float64
	first    mp4.FullSample
	shown    []float64 // presentation times in seconds, as the boxes say
	bytes    []byte
}

// window is one rendition's playlist with everything in it.
type window struct {
	id        string
	text      string
	timescale uint64
	init      []byte
	trex      *mp4.TrexBox
	segments  []segment
}

// fetchWindow reads a rendition as a player does.
func (w *weir) fetchWindow(id string) window {
	w.t.Helper()
	text, code := fetch(w.t, w.url(id+"/index.m3u8"))
	if code != 200 {
		w.t.Fatalf("%s playlist: %d %s", id, code, text)
	}
	out := w.openPeriod(id, regexp.MustCompile(`#EXT-X-MAP:URI="([^"]+)"`).FindStringSubmatch(text)[1], text)
	msn, err := strconv.Atoi(regexp.MustCompile(`#EXT-X-MEDIA-SEQUENCE:(\d+)`).FindStringSubmatch(text)[1])
	if err != nil {
		w.t.Fatal(err)
	}
	for _, listed := range regexp.MustCompile(`#EXTINF:([\d.]+),.*\n([^#\n]+)`).FindAllStringSubmatch(text, -1) {
		seg := segment{msn: msn, bytes: w.piece(id, listed[2])}
		msn++
		if seg.extinf, err = strconv.ParseFloat(listed[1], 64); err != nil {
			w.t.Fatal(err)
		}
		seg.parse(w.t, out.trex, float64(out.timescale))
		out.segments = append(out.segments, seg)
	}
	return out
}

// openPeriod is a window without segments that the init segment at uri decodes.
func (w *weir) openPeriod(id, uri, text string) window {
	w.t.Helper()
	out := window{id: id, text: text, init: w.piece(id, uri)}
	head, err := mp4.DecodeFile(bytes.NewReader(out.init))
	if err != nil {
		w.t.Fatalf("%s init: %v", id, err)
	}
	out.timescale = uint64(head.Init.Moov.Trak.Mdia.Mdhd.Timescale)
	out.trex = head.Init.Moov.Mvex.Trex
	return out
}

func (w *weir) piece(id, uri string) []byte {
	w.t.Helper()
	body, code := fetch(w.t, w.url(id+"/"+uri))
	if code != 200 {
		w.t.Fatalf("%s/%s: %d %s", id, uri, code, body)
	}
	return []byte(body)
}

// parse reads the chunks and checks that their times follow each other.
func (s *segment) parse(t *testing.T, trex *mp4.TrexBox, timescale float64) {
	t.Helper()
	file, err := mp4.DecodeFile(bytes.NewReader(s.bytes))
	if err != nil {
		t.Fatalf("segment %d: %v", s.msn, err)
	}
	for _, part := range file.Segments {
		for _, frag := range part.Fragments {
			samples, err := frag.GetFullSamples(trex)
			if err != nil {
				t.Fatalf("segment %d: %v", s.msn, err)
			}
			if s.duration == 0 {
				s.start, s.first = samples[0].DecodeTime, samples[0]
			}
			for _, sample := range samples {
				if sample.DecodeTime != s.start+s.duration {
					t.Errorf("segment %d: a sample at %d, want %d", s.msn, sample.DecodeTime, s.start+s.duration)
				}
				s.duration += uint64(sample.Dur)
				s.shown = append(s.shown, float64(int64(sample.DecodeTime)+int64(sample.CompositionTimeOffset))/timescale)
			}
		}
	}
}

// save writes the window as one file that ffprobe and ffmpeg can read.
func (w window) save(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), w.id+".mp4")
	whole := bytes.Clone(w.init)
	for _, s := range w.segments {
		whole = append(whole, s.bytes...)
	}
	if err := os.WriteFile(file, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// shown are the presentation times of the window's pictures in order, read
// from the boxes: ffprobe's are late by the largest negative composition offset
// where a fragmented file has no edit list.
func (w window) shown() []float64 {
	var all []float64
	for _, s := range w.segments {
		all = append(all, s.shown...)
	}
	slices.Sort(all)
	return all
}

// isIDR reports whether a sample in AVCC form holds an IDR slice (NAL type 5).
func isIDR(data []byte) bool {
	for len(data) > 4 {
		size := int(data[0])<<24 | int(data[1])<<16 | int(data[2])<<8 | int(data[3])
		if data[4]&0x1f == 5 {
			return true
		}
		if size < 0 || 4+size > len(data) {
			return false
		}
		data = data[4+size:]
	}
	return false
}

// expectServed fails for every media request that was not answered with media.
func (w *weir) expectServed() {
	w.t.Helper()
	body, _ := w.get("/metrics")
	for line := range strings.SplitSeq(body, "\n") {
		if !strings.HasPrefix(line, "weir_http_requests_total") {
			continue
		}
		if regexp.MustCompile(`kind="(init|segment|part)"`).MatchString(line) && !regexp.MustCompile(`code="[23]`).MatchString(line) {
			w.t.Errorf("media requests failed: %s", line)
		}
	}
}

// renditions lists the video renditions of the multivariant playlist in order.
func (w *weir) renditions() []string {
	w.t.Helper()
	text, code := fetch(w.t, w.url("index.m3u8"))
	if code != 200 {
		w.t.Fatalf("multivariant playlist: %d %s", code, text)
	}
	var ids []string
	for _, m := range regexp.MustCompile(`(?m)^#EXT-X-STREAM-INF:.*RESOLUTION.*\n(\S+)/index\.m3u8`).FindAllStringSubmatch(text, -1) {
		ids = append(ids, m[1])
	}
	return ids
}

// checkWindow holds one rendition to what the issue asks: continuous times,
// every segment an IDR first, 2 s each.
func checkWindow(t *testing.T, w window, video bool) {
	t.Helper()
	if len(w.segments) < 4 {
		t.Fatalf("%s lists %d segments:\n%s", w.id, len(w.segments), w.text)
	}
	for i, s := range w.segments {
		if video && (!s.first.IsSync() || !isIDR(s.first.Data) || s.first.CompositionTimeOffset != 0) {
			t.Errorf("%s segment %d does not start with an IDR that is shown at its tfdt", w.id, s.msn)
		}
		if i > 0 && s.start != w.segments[i-1].start+w.segments[i-1].duration {
			t.Errorf("%s segment %d starts at %d, the one before ends at %d", w.id, s.msn, s.start, w.segments[i-1].start+w.segments[i-1].duration)
		}
		seconds := float64(s.duration) / float64(w.timescale)
		if seconds < 1.95 || seconds > 2.05 || seconds-s.extinf > 0.001 || s.extinf-seconds > 0.001 {
			t.Errorf("%s segment %d lasts %.4f s, EXTINF %.4f, want 2", w.id, s.msn, seconds, s.extinf)
		}
	}
	if strings.Contains(w.text, "#EXT-X-GAP") {
		t.Errorf("%s has a gap:\n%s", w.id, w.text)
	}
}
