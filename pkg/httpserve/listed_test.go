package httpserve_test

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"weir/pkg/media"
)

// TestEveryListedURLIsServed follows every address in the real playlists and
// manifest.
func TestEveryListedURLIsServed(t *testing.T) {
	g := newGateway(t, nil)
	p := g.live(3)
	p.gap("360p", "audio", "source")
	p.segment("source", "360p", "audio")
	addresses := g.hlsAddresses(t, "/live/main/index.m3u8")
	for _, a := range addresses {
		if strings.HasSuffix(a, ".m3u8") {
			addresses = append(addresses, g.hlsAddresses(t, a)...)
		}
	}
	// 4 media playlists (audio is a variant too) and 2 of I-frames, each with 1
	// init and 4 segments.
	if want := 6 * (1 + 1 + 4); len(addresses) != want {
		t.Errorf("%d addresses in the playlists, want %d: %s", len(addresses), want, addresses)
	}
	dash := g.dashAddresses(t, "/live/main/manifest.mpd")
	if want := 3 * (1 + 4); len(dash) != want {
		t.Errorf("%d addresses in the manifest, want %d: %s", len(dash), want, dash)
	}
	for _, a := range append(addresses, dash...) {
		if w := g.get(a); w.Code != http.StatusOK {
			t.Errorf("%s: %d", a, w.Code)
		}
	}
}

// gap announces the next segment as missing.
func (p *publisher) gap(ids ...string) {
	for _, id := range ids {
		r := p.rendition(id)
		start := media.Ticks(p.msn) * media.Ticks(r.Timescale) * 2
		p.st.AddSegment(id, &media.Segment{
			MSN: p.msn, Start: start, Duration: 2 * media.Ticks(r.Timescale), Period: p.period, Init: p.init(r), Gap: true,
		})
	}
	p.msn++
}

func resolve(t *testing.T, base, reference string) string {
	t.Helper()
	from, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	to, err := from.Parse(reference)
	if err != nil {
		t.Fatal(err)
	}
	return to.RequestURI()
}

func (g *gateway) hlsAddresses(t *testing.T, playlist string) []string {
	t.Helper()
	var found []string
	attribute := regexp.MustCompile(`URI="([^"]+)"`)
	gap := false
	for line := range strings.Lines(g.get(playlist).Body.String()) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "#EXT-X-GAP"):
			gap = true
		case strings.HasPrefix(line, "#"):
			if m := attribute.FindStringSubmatch(line); m != nil {
				found = append(found, resolve(t, playlist, m[1]))
			}
		case gap:
			gap = false
		case line != "":
			found = append(found, resolve(t, playlist, line))
		}
	}
	return found
}

type manifest struct {
	Representations []struct {
		ID       string `xml:"id,attr"`
		Template struct {
			Media          string `xml:"media,attr"`
			Initialization string `xml:"initialization,attr"`
			Timeline       []struct {
				T *uint64 `xml:"t,attr"`
				D uint64  `xml:"d,attr"`
				R uint64  `xml:"r,attr"`
			} `xml:"SegmentTimeline>S"`
		} `xml:"SegmentTemplate"`
	} `xml:"Period>AdaptationSet>Representation"`
}

func (g *gateway) dashAddresses(t *testing.T, address string) []string {
	t.Helper()
	var m manifest
	if err := xml.Unmarshal(g.get(address).Body.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, r := range m.Representations {
		expand := func(template string, at uint64) string {
			return resolve(t, address, strings.NewReplacer("$RepresentationID$", r.ID, "$Time$", strconv.FormatUint(at, 10)).Replace(template))
		}
		found = append(found, expand(r.Template.Initialization, 0))
		at := uint64(0)
		for _, s := range r.Template.Timeline {
			if s.T != nil {
				at = *s.T
			}
			for range s.R + 1 {
				found = append(found, expand(r.Template.Media, at))
				at += s.D
			}
		}
	}
	return found
}
