package hls_test

import (
	"bytes"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grafov/m3u8"

	"weir/pkg/media"
	"weir/pkg/package/internal/scene"
)

// tag is one line that starts with #EXT.
type tag struct{ name, value string }

// entry is a URI with the tags before it.
type entry struct {
	uri  string
	tags []tag
}

func (e entry) all(name string) (values []string) {
	for _, tag := range e.tags {
		if tag.name == name {
			values = append(values, tag.value)
		}
	}
	return values
}

// one is the value of a tag that has to be there exactly once.
func (e entry) one(t *testing.T, name string) string {
	t.Helper()
	values := e.all(name)
	if len(values) != 1 {
		t.Fatalf("%s stands %d times before %q, want 1", name, len(values), e.uri)
	}
	return values[0]
}

// parse reads the lines of a playlist (RFC 8216bis, 4.1): what stands before
// each URI, and what stands after the last.
func parse(t *testing.T, text []byte) (entries []entry, rest entry) {
	t.Helper()
	if !bytes.HasSuffix(text, []byte("\n")) {
		t.Error("the last line is cut off")
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if lines[0] != "#EXTM3U" {
		t.Errorf("4.4.1.1: the first line is %q, not #EXTM3U", lines[0])
	}
	for _, line := range lines[1:] {
		switch {
		case strings.HasPrefix(line, "#EXT"):
			name, value, _ := strings.Cut(line, ":")
			rest.tags = append(rest.tags, tag{name, value})
		case line == "" || strings.HasPrefix(line, "#"):
			t.Errorf("4.1: line %q says nothing", line)
		default:
			rest.uri = line
			entries = append(entries, rest)
			rest = entry{}
		}
	}
	return entries, rest
}

// header is every tag of the playlist's head, wherever its first URI is.
func header(entries []entry, rest entry) entry {
	if len(entries) > 0 {
		return entries[0]
	}
	return rest
}

// decodeMaster leaves I-frame playlists out: the reader gives them the audio
// renditions of the others.
func decodeMaster(t *testing.T, text []byte) *m3u8.MasterPlaylist {
	t.Helper()
	text = regexp.MustCompile(`(?m)^#EXT-X-I-FRAME-STREAM-INF.*\n`).ReplaceAll(text, nil)
	list := m3u8.NewMasterPlaylist()
	if err := list.DecodeFrom(bytes.NewReader(text), true); err != nil {
		t.Fatalf("an independent reader refuses it: %v", err)
	}
	return list
}

// decodeMedia asks for a media playlist by name: one without segments does not
// tell the reader what it is.
func decodeMedia(t *testing.T, text []byte) *m3u8.MediaPlaylist {
	t.Helper()
	list, err := m3u8.NewMediaPlaylist(0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if err := list.DecodeFrom(bytes.NewReader(text), true); err != nil {
		t.Fatalf("an independent reader refuses it: %v", err)
	}
	return list
}

// TestRules holds every golden file to RFC 8216bis, section by section.
func TestRules(t *testing.T) {
	for _, s := range scene.List() {
		read := func(t *testing.T, playlist string) []byte {
			t.Helper()
			text, err := os.ReadFile(goldenFile(s.Name, playlist))
			if err != nil {
				t.Fatalf("%v; make golden writes it", err)
			}
			return text
		}
		t.Run(s.Name+"/"+multivariant, func(t *testing.T) {
			multivariantRules(t, read(t, multivariant), s.Presentation)
		})
		for _, w := range s.Windows {
			t.Run(s.Name+"/"+w.Rendition.ID, func(t *testing.T) {
				text := read(t, w.Rendition.ID)
				mediaRules(t, text, w)
				readBack(t, text, w)
			})
		}
	}
}

func multivariantRules(t *testing.T, text []byte, p *media.Presentation) {
	t.Helper()
	entries, rest := parse(t, text)
	for _, tag := range rest.tags {
		if tag.name != "#EXT-X-I-FRAME-STREAM-INF" {
			t.Errorf("a tag without a URI: %v", tag)
		}
	}
	versionRule(t, header(entries, rest), 1)
	master := decodeMaster(t, text)
	audio := p.Audio()
	videos, groups := len(p.Windows)-len(audio), min(len(audio), 1)
	if got := len(master.Variants); got != videos+groups || got != len(entries) {
		t.Fatalf("%d variants and %d URIs, want %d", got, len(entries), videos+groups)
	}
	for i, v := range master.Variants {
		codecs := 1
		if i < videos {
			codecs += groups
			r := p.Windows[i].Rendition
			if want := strconv.Itoa(r.Width) + "x" + strconv.Itoa(r.Height); v.Resolution != want {
				t.Errorf("4.4.6.2: RESOLUTION %s, want %s", v.Resolution, want)
			}
			if math.Abs(v.FrameRate-r.FrameRate.Float()) > 0.0005 {
				t.Errorf("4.4.6.2: FRAME-RATE %v, want %v", v.FrameRate, r.FrameRate.Float())
			}
			if v.URI != r.ID+"/index.m3u8" {
				t.Errorf("URI %s of rendition %s", v.URI, r.ID)
			}
		}
		entries[i].one(t, "#EXT-X-STREAM-INF")
		if v.Bandwidth == 0 || v.AverageBandwidth == 0 || v.AverageBandwidth > v.Bandwidth {
			t.Errorf("4.4.6.2: BANDWIDTH %d, AVERAGE-BANDWIDTH %d", v.Bandwidth, v.AverageBandwidth)
		}
		if got := strings.Split(v.Codecs, ","); len(got) != codecs || got[0] == "" {
			t.Errorf("4.4.6.2: CODECS %q, want %d of them", v.Codecs, codecs)
		}
		groupRule(t, v, audio)
	}
}

// groupRule: AUDIO names a group that exists (4.4.6.2), in which names differ, one
// rendition is the default one, and what players choose by tells the others apart
// (4.4.6.1.1).
func groupRule(t *testing.T, v *m3u8.Variant, audio []*media.Rendition) {
	t.Helper()
	if len(audio) == 0 {
		if v.Audio != "" || len(v.Alternatives) != 0 {
			t.Errorf("4.4.6.2: AUDIO %q where there is none", v.Audio)
		}
		return
	}
	if len(v.Alternatives) != len(audio) {
		t.Fatalf("4.4.6.1: %d audio renditions, want %d", len(v.Alternatives), len(audio))
	}
	names, choices := map[string]bool{}, map[string]bool{}
	for i, a := range v.Alternatives {
		if a.GroupId != v.Audio || a.Name == "" || names[a.Name] || a.Default != (i == 0) || a.URI != audio[i].ID+"/index.m3u8" || a.Language != audio[i].Language {
			t.Errorf("4.4.6.1: variant in group %q, audio %+v", v.Audio, a)
		}
		choice := a.Language + a.Characteristics
		if a.Autoselect == "YES" == choices[choice] {
			t.Errorf("4.4.6.1.1: AUTOSELECT %s of %+v", a.Autoselect, a)
		}
		names[a.Name], choices[choice] = true, true
	}
}

// versionRule: EXT-X-VERSION stands once and suffices for what is used (8).
func versionRule(t *testing.T, head entry, need int) {
	t.Helper()
	if version, err := strconv.Atoi(head.one(t, "#EXT-X-VERSION")); err != nil || version < need {
		t.Errorf("8: EXT-X-VERSION %d, %v; want at least %d", version, err, need)
	}
}

var (
	extinf = regexp.MustCompile(`^\d+\.\d{6},$`)
	mapURI = regexp.MustCompile(`^URI="init-[0-9a-f]{12}\.mp4"$`)
)

func mediaRules(t *testing.T, text []byte, w *media.Window) {
	t.Helper()
	entries, rest := parse(t, text)
	head := header(entries, rest)
	versionRule(t, head, 6) // EXT-X-MAP without EXT-X-I-FRAMES-ONLY
	target, err := strconv.Atoi(head.one(t, "#EXT-X-TARGETDURATION"))
	if err != nil {
		t.Errorf("4.4.3.1: %v", err)
	}
	if ends := len(rest.all("#EXT-X-ENDLIST")); w.Ended != (ends == 1) || ends > 1 {
		t.Errorf("4.4.3.4: %d times EXT-X-ENDLIST", ends)
	}
	if len(entries) == 0 {
		return
	}
	head.one(t, "#EXT-X-MEDIA-SEQUENCE")
	head.one(t, "#EXT-X-DISCONTINUITY-SEQUENCE")
	if n := len(head.all("#EXT-X-DISCONTINUITY")); n != 0 {
		t.Errorf("4.4.3.3: the first segment has %d EXT-X-DISCONTINUITY beside its number", n)
	}
	isMapped := false
	var expected time.Time
	for i, e := range entries {
		value := e.one(t, "#EXTINF")
		seconds, err := strconv.ParseFloat(strings.TrimSuffix(value, ","), 64)
		if err != nil || !extinf.MatchString(value) || math.Round(seconds) > float64(target) {
			t.Errorf("4.4.4.1, 4.4.3.1: EXTINF %s of a target of %d s, %v", value, target, err)
		}
		for _, m := range e.all("#EXT-X-MAP") {
			isMapped = true
			if !mapURI.MatchString(m) {
				t.Errorf("4.4.4.5: EXT-X-MAP:%s", m)
			}
		}
		if !isMapped && len(e.all("#EXT-X-GAP")) == 0 {
			t.Errorf("4.4.4.5: %s stands before any EXT-X-MAP", e.uri)
		}
		date, err := time.Parse(time.RFC3339, e.one(t, "#EXT-X-PROGRAM-DATE-TIME"))
		if err != nil {
			t.Errorf("4.4.4.6: %v", err)
		}
		off := date.Sub(expected).Abs()
		if i > 0 && len(e.all("#EXT-X-DISCONTINUITY")) == 0 && off > time.Millisecond {
			t.Errorf("4.4.4.6: %s is dated %s, %s off the segment before", e.uri, date, off)
		}
		expected = date.Add(time.Duration(seconds * float64(time.Second)))
	}
}

// readBack compares what an independent reader makes of the playlist with what
// was published.
func readBack(t *testing.T, text []byte, w *media.Window) {
	t.Helper()
	list := decodeMedia(t, ordinary(text))
	entries, _ := parse(t, text)
	if int(list.Count()) != len(w.Segments) || len(entries) != len(w.Segments) {
		t.Fatalf("%d segments and %d URIs, want %d", list.Count(), len(entries), len(w.Segments))
	}
	if list.Closed != w.Ended {
		t.Errorf("closed: %v, want %v", list.Closed, w.Ended)
	}
	sequence, current := list.DiscontinuitySeq, ""
	for i, want := range w.Segments {
		got, scale := list.Segments[i], w.Rendition.Timescale
		sequence += uint64(len(entries[i].all("#EXT-X-DISCONTINUITY")))
		if got.Map != nil {
			current = got.Map.URI
		}
		if got.SeqId != want.MSN || sequence != want.Period.Sequence {
			t.Errorf("segment %d of discontinuity %d, want %d of %d", got.SeqId, sequence, want.MSN, want.Period.Sequence)
		}
		if got.URI != strconv.FormatInt(int64(want.Start), 10)+".m4s" || current != "init-"+want.Init.Hash+".mp4" {
			t.Errorf("segment %d: %s with %s", want.MSN, got.URI, current)
		}
		if math.Abs(got.Duration-scale.Duration(want.Duration).Seconds()) > 1e-6 {
			t.Errorf("segment %d lasts %v, want %v", want.MSN, got.Duration, scale.Duration(want.Duration))
		}
		if off := scale.Time(want.Start).Sub(got.ProgramDateTime); off < 0 || off >= time.Millisecond {
			t.Errorf("segment %d is dated %v off", want.MSN, off)
		}
		if gaps := len(entries[i].all("#EXT-X-GAP")); want.Gap != (gaps == 1) || gaps > 1 {
			t.Errorf("segment %d: %d times EXT-X-GAP", want.MSN, gaps)
		}
	}
}
