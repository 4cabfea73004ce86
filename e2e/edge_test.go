//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

const (
	edgeViewers = 500
	sourceList  = "source/index.m3u8"
)

// got is what one viewer received, and when.
type got struct {
	code        int
	body        []byte
	first, last time.Time
	err         error
}

// crowd fetches one URL for each of n viewers at once; query makes it theirs.
func crowd(t *testing.T, n int, address func(viewer int) string) []got {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: n}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 20 * time.Second}
	all := make([]got, n)
	var wait sync.WaitGroup
	for i := range all {
		wait.Go(func() { all[i] = receive(client, address(i)) })
	}
	wait.Wait()
	return all
}

func receive(client *http.Client, address string) (g got) {
	res, err := client.Get(address)
	if err != nil {
		return got{err: err}
	}
	defer res.Body.Close()
	g.code = res.StatusCode
	head := make([]byte, 1)
	_, g.err = io.ReadFull(res.Body, head)
	g.first = time.Now()
	rest, err := io.ReadAll(res.Body)
	if g.err == nil {
		g.err = err
	}
	g.body, g.last = slices.Concat(head, rest), time.Now()
	return g
}

// same fails unless all viewers received the same, and returns it.
func same(t *testing.T, all []got) []byte {
	t.Helper()
	for i, g := range all {
		if g.err != nil || g.code != http.StatusOK || !bytes.Equal(g.body, all[0].body) {
			t.Fatalf("viewer %d of %d: %d, %v, %d bytes (the first got %d)", i, len(all), g.code, g.err, len(g.body), len(all[0].body))
		}
	}
	return all[0].body
}

// own is a query as players make it: in any order, with data of their own.
func own(viewer int, query string) string {
	cmcd := "CMCD=" + url.QueryEscape(fmt.Sprintf(`sid="viewer-%d",bl=%d`, viewer, viewer*100))
	if viewer%2 == 0 {
		return "?" + cmcd + "&" + query
	}
	return "?" + query + "&" + cmcd + "&utm_source=x"
}

var (
	sequence = regexp.MustCompile(`#EXT-X-MEDIA-SEQUENCE:(\d+)`)
	segments = regexp.MustCompile(`(?m)^(\d+)\.m4s$`)
	hint     = regexp.MustCompile(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="([^"]+)"`)
)

// nextMSN is the number of the segment that a playlist has open.
func nextMSN(t *testing.T, playlist []byte) int {
	t.Helper()
	first := sequence.FindSubmatch(playlist)
	if first == nil {
		t.Fatalf("not a media playlist: %s", playlist)
	}
	n, err := strconv.Atoi(string(first[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n + len(segments.FindAll(playlist, -1))
}

// lowLatencyEdge publishes the camera to a gateway behind Varnish.
func lowLatencyEdge(t *testing.T) (*weir, *edge) {
	t.Helper()
	clip := cameraClip(t)
	w := start(t, t.TempDir(), "--transcode.ladder", "source")
	e := openEdge(t, w)
	w.publish(clip)
	eventually(t, 20*time.Second, "parts are listed", func() bool {
		body, _ := fetch(t, w.url(sourceList))
		return hint.MatchString(body) && len(segments.FindAllString(body, -1)) > 2
	})
	return w, e
}

// TestEdgeCollapses lets 500 viewers wait behind Varnish, each with a query of
// its own: the origin is asked once for each playlist update and each part.
func TestEdgeCollapses(t *testing.T) {
	w, e := lowLatencyEdge(t)
	body, _ := fetch(t, w.url(sourceList))
	msn := nextMSN(t, []byte(body))
	for round := range 4 {
		query := fmt.Sprintf("_HLS_msn=%d&_HLS_part=%d", msn+1+round, round)
		playlist := same(t, crowd(t, edgeViewers, func(i int) string { return e.url(sourceList) + own(i, query) }))
		if n := e.requests(sourceList + "?" + query); n != 1 {
			t.Errorf("%s: %d requests at the origin, want 1", query, n)
		}
		next := hint.FindSubmatch(playlist)
		if next == nil {
			t.Fatalf("no part is hinted at: %s", playlist)
		}
		part := "source/" + string(next[1])
		same(t, crowd(t, edgeViewers, func(i int) string { return e.url(part) + own(i, "") }))
		if n := e.requests(part); n != 1 {
			t.Errorf("%s: %d requests at the origin, want 1", part, n)
		}
	}
}

// TestEdgeStreams fetches a segment through Varnish while it grows.
func TestEdgeStreams(t *testing.T) {
	t.Parallel()
	w, e := lowLatencyEdge(t)
	body, _ := fetch(t, w.url(sourceList))
	list := segments.FindAllStringSubmatch(body, -1)
	last, _ := strconv.Atoi(list[len(list)-1][1])
	before, _ := strconv.Atoi(list[len(list)-2][1])
	path := fmt.Sprintf("source/%d.m4s", 2*last-before)
	all := crowd(t, 50, func(i int) string { return e.url(path) + own(i, "") })
	through := same(t, all)
	direct, _ := fetch(t, w.url(path))
	if direct != string(through) {
		t.Errorf("%d bytes through Varnish, %d from the origin", len(through), len(direct))
	}
	if n := e.requests(path); n != 1 {
		t.Errorf("%d requests at the origin, want 1", n)
	}
	least := time.Hour
	for _, g := range all {
		least = min(least, g.last.Sub(g.first))
	}
	t.Logf("the first byte came %v before the last, at least", least)
	if least < 200*time.Millisecond {
		t.Errorf("the first byte came only %v before the last", least)
	}
}

// TestEdgeAnswers holds what Varnish answers to what caches and players need.
func TestEdgeAnswers(t *testing.T) {
	t.Parallel()
	w, e := lowLatencyEdge(t)
	body, _ := fetch(t, w.url(sourceList))
	for _, c := range []struct {
		path  string
		code  int
		cache string
		cors  bool
	}{
		{"/live/main/index.m3u8", 200, "public, max-age=1", true},
		{"/live/main/manifest.mpd", 200, "public, max-age=1", true},
		{"/live/main/source/index.m3u8?ll=0", 200, "public, max-age=1", true},
		{"/live/main/source/" + segments.FindString(body), 200, "public, max-age=3600, immutable", true},
		{"/live/nobody/index.m3u8", 404, "public, max-age=1", true},
		{"/live/main/source/index.m3u8?_HLS_msn=9999999999", 400, "no-store", true},
		{"/live/main/source/index.m3u8?_HLS_part=1", 400, "no-store", true},
		{"/time", 200, "no-store", true},
		{"/metrics", 404, "", false},
	} {
		for range 2 { // a miss and a hit
			res, err := http.Get(e.base + c.path)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			h := res.Header
			if res.StatusCode != c.code || h.Get("Cache-Control") != c.cache || (h.Get("Access-Control-Allow-Origin") == "*") != c.cors {
				t.Errorf("%s: %d %v", c.path, res.StatusCode, h)
			}
		}
	}
}

// TestEdgePlays plays in hls.js's low-latency mode through Varnish.
func TestEdgePlays(t *testing.T) {
	t.Parallel()
	clip := cameraClip(t)
	b := openBrowser(t)
	w := start(t, t.TempDir(), "--transcode.ladder", "source")
	e := openEdge(t, w)
	b.play("hls", e.url("index.m3u8"), url.Values{"ll": {"1"}})
	w.publish(clip)
	b.wait("hls", "window.report().playingAt", 20*time.Second)
	pass(20 * time.Second)
	var behind float64
	b.evaluate("hls", "window.latency()", &behind)
	r := b.report("hls")
	t.Logf("%.1f s played, %.2f s behind the edge, stalls %.0f, got over %v", r.Time, behind, r.Stalls, r.Notes)
	if len(r.Stalls) > 0 || len(r.Errors) > 0 || r.Time < 18 || behind > 3 {
		t.Errorf("does not play well: %+v", r)
	}
}
