package verify

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"weir/pkg/media"
	"weir/pkg/package/cmaf"
)

const mediaPlaylist = `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:2
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA-SEQUENCE:41
#EXT-X-DISCONTINUITY-SEQUENCE:3
#EXT-X-MAP:URI="init-a.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-11-23T12:00:00.000Z
#EXTINF:2.000000,
100.m4s
#EXT-X-DISCONTINUITY
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="init-b.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-11-23T12:00:10.500Z
#EXT-X-GAP
#EXTINF:1.966667,
300.m4s
#EXT-X-ENDLIST
`

const multivariantPlaylist = `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Audio",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="audio/index.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=3208007,AVERAGE-BANDWIDTH=2566406,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=30.000,AUDIO="audio"
source/index.m3u8
`

const liveMPD = `<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="dynamic" availabilityStartTime="1970-01-01T00:00:00Z" publishTime="2026-11-23T12:00:00.100Z">
<Period id="p1" start="PT100.5S"><AdaptationSet contentType="video"><Representation id="720p" codecs="avc1.64001f" width="1280" height="720" bandwidth="1">
<SegmentTemplate timescale="90000" presentationTimeOffset="9045000" media="$RepresentationID$/$Time$.m4s" initialization="$RepresentationID$/init.mp4">
<SegmentTimeline><S t="9045000" d="180000" r="1"/><S t="9585000" d="90000"/></SegmentTimeline></SegmentTemplate></Representation></AdaptationSet></Period>
<UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="/time"/></MPD>`

func TestParsePlaylist(t *testing.T) {
	t.Parallel()
	p, err := parsePlaylist(origin+"720p/index.m3u8", []byte(mediaPlaylist))
	if err != nil {
		t.Fatal(err)
	}
	if p.target != 2 || p.sequence != 41 || !p.independent || p.endlists != 1 || p.afterEnd || len(p.entries) != 2 {
		t.Fatalf("%+v", p)
	}
	want := entry{
		msn: 42, period: 5, url: origin + "720p/300.m4s", init: origin + "720p/init-b.mp4",
		duration: 1_966_667 * time.Microsecond, date: time.Date(2026, 11, 23, 12, 0, 10, 500e6, time.UTC), gap: true,
	}
	if !reflect.DeepEqual(p.entries[1], want) {
		t.Errorf("got  %+v\nwant %+v", p.entries[1], want)
	}
	if p.entries[0].period != 3 {
		t.Errorf("discontinuity number %d", p.entries[0].period)
	}
	for old, broken := range map[string]string{
		"#EXTM3U": "#EXTM4U", "2.000000": "NaN", "SEQUENCE:41": "SEQUENCE:-1", `URI="init-a.mp4"`: "", "2026-11-23T12:00:00.000Z": "today", "100.m4s": "http://[", "#EXTINF:2.000000,\n": "",
	} {
		if _, err := parsePlaylist(origin, []byte(strings.Replace(mediaPlaylist, old, broken, 1))); err == nil {
			t.Errorf("%q in place of %q was accepted", broken, old)
		}
	}
}

func TestParseMultivariant(t *testing.T) {
	t.Parallel()
	m, err := parseMultivariant(origin+"index.m3u8", []byte(multivariantPlaylist))
	if err != nil {
		t.Fatal(err)
	}
	v := m.variants[0]
	if !m.independent || v.url != origin+"source/index.m3u8" || v.bandwidth != 3208007 || v.codecs != "avc1.64001f,mp4a.40.2" ||
		v.width != 1280 || v.height != 720 || len(v.audio) != 1 || v.audio[0] != origin+"audio/index.m3u8" {
		t.Errorf("%+v", m)
	}
	for old, broken := range map[string]string{"#EXTM3U": "", "1280x720": "big", "BANDWIDTH=3208007": "BANDWIDTH=fast", "#EXT-X-STREAM-INF": "#X"} {
		if _, err := parseMultivariant(origin, []byte(strings.Replace(multivariantPlaylist, old, broken, 1))); err == nil {
			t.Errorf("%q in place of %q was accepted", broken, old)
		}
	}
}

func TestParseManifest(t *testing.T) {
	t.Parallel()
	m, err := parseManifest(origin+"manifest.mpd", []byte(liveMPD))
	if err != nil {
		t.Fatal(err)
	}
	r := m.periods[0].representations[0]
	if m.kind != "dynamic" || m.clock != "http://host/time" || m.periods[0].start != 100500*time.Millisecond ||
		r.offset != 9_045_000 || r.init != origin+"720p/init.mp4" || len(r.entries) != 3 {
		t.Fatalf("%+v", m)
	}
	if want := (timed{time: 9_225_000, duration: 180_000, url: origin + "720p/9225000.m4s"}); r.entries[1] != want {
		t.Errorf("got %+v, want %+v", r.entries[1], want)
	}
	for old, broken := range map[string]string{`r="1"`: `r="99999999"`, `d="90000"`: `d="0"`, `timescale="90000"`: `timescale="0"`, "$Time$": "$Number$", "2026-": "later ", "<MPD": "<MPX"} {
		if _, err := parseManifest(origin, []byte(strings.Replace(liveMPD, old, broken, 1))); err == nil {
			t.Errorf("%q in place of %q was accepted", broken, old)
		}
	}
}

// boxes are a real init segment and a real segment of two chunks.
func boxes(tb testing.TB) (header, body []byte) {
	tb.Helper()
	config, err := hex.DecodeString(avcC720)
	if err != nil {
		tb.Fatal(err)
	}
	init, err := cmaf.NewInit(&media.Track{Kind: media.Video, Codec: media.H264, Timescale: 90_000, Config: config, Width: 1280, Height: 720})
	if err != nil {
		tb.Fatal(err)
	}
	return init.Bytes, append(
		cmaf.NewChunk(7, 9_000, []cmaf.Sample{{Duration: 3000, Sync: true, Data: []byte{0, 0, 0, 1, 0x65}}, {Duration: 3001, Data: []byte{0, 0, 0, 1, 0x41}}}),
		cmaf.NewChunk(8, 15_001, []cmaf.Sample{{Duration: 2999, CompositionOffset: -6, Data: []byte{0, 0, 0, 1, 0x41}}})...)
}

func TestParseBoxes(t *testing.T) {
	t.Parallel()
	header, body := boxes(t)
	init := parseInit(header)
	if init.fault != "" || !init.isVideo() || init.codecs != "avc1.64001f" || init.width != 1280 || init.height != 720 || init.editList || init.tracks != 1 {
		t.Fatalf("%+v", init)
	}
	s := parseSegment(body, init)
	if s.fault != "" || s.start() != 9_000 || s.end() != 18_000 || s.size != len(body) || len(s.chunks) != 2 {
		t.Fatalf("%+v", s)
	}
	first := chunk{sequence: 7, trackID: 1, baseIsMoof: true, trunVersion: 1, start: 9_000, duration: 6001, sync: true, idr: true, lead: 133}
	second := chunk{sequence: 8, trackID: 1, baseIsMoof: true, trunVersion: 1, start: 15_001, duration: 2999, offset: -6, lead: 255}
	if s.chunks[0] != first || s.chunks[1] != second {
		t.Errorf("%+v", s.chunks)
	}
	huge := bytes.Clone(body)
	huge[0] = 0x7f
	for name, data := range map[string][]byte{"nothing": nil, "cut": body[:len(body)-1], "too long a box": huge, "no moof": header} {
		if s := parseSegment(data, init); s.fault == "" {
			t.Errorf("%s was accepted", name)
		}
	}
	if i := parseInit(body); i.fault == "" {
		t.Error("an init segment without moov was accepted")
	}
}

// FuzzParse feeds every parser with foreign bytes: none may panic or hang.
func FuzzParse(f *testing.F) {
	header, body := boxes(f)
	for _, seed := range [][]byte{[]byte(mediaPlaylist), []byte(lowPlaylist), []byte(multivariantPlaylist), []byte(liveMPD), header, body} {
		f.Add(seed)
	}
	init := parseInit(header)
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := parsePlaylist(origin, data)
		if err == nil && len(p.entries) > maxEntries {
			t.Error("too many entries")
		}
		if _, err := parseMultivariant(origin, data); errors.Is(err, errPanic) {
			t.Log("a library failed, and was caught:", err)
		}
		producerTime(data)
		// The MPD library is left out: it hangs on some broken texts, for which
		// decodeMPD has a deadline.
		_ = wellFormed(data)
		parseInit(data)
		if s := parseSegment(data, init); s.fault == "" && len(s.chunks) == 0 {
			t.Error("a segment without chunks or a fault")
		}
	})
}
