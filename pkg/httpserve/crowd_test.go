package httpserve_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/pkg/plainhttp"
)

// fetched is what a viewer got.
type fetched struct {
	code   int
	header http.Header
	body   []byte
}

func fetch(ctx context.Context, client *http.Client, address, name, value string) (fetched, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fetched{}, err
	}
	request.Header.Set("Accept-Encoding", "identity")
	if name != "" {
		request.Header.Set(name, value)
	}
	answer, err := client.Do(request)
	if err != nil {
		return fetched{}, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return fetched{answer.StatusCode, answer.Header, body}, err
}

// TestNobodyInACrowdMissesTheAnswer: viewers of every kind wait for playlists and parts
// while others leave at any moment, the moment of the publish included. Who stays has
// what who comes later gets, and all are counted.
func TestNobodyInACrowdMissesTheAnswer(t *testing.T) {
	const rounds, viewers = 8, 60
	g := newGateway(t, nil)
	p := g.lowLatency()
	client, base := g.listen(t, false)
	kinds := [][2]string{{}, {}, {}, {"Accept-Encoding", "gzip"}, {"If-None-Match", `"another"`}, {"Te", "trailers"}}
	var answered atomic.Int64
	for round := range rounds {
		index := round + 1
		playlist := base + reloadPath(int(p.msn), index)
		part := fmt.Sprintf("%s/live/main/source/part-%d.m4s", base, p.msn*2+uint64(index))
		var all sync.WaitGroup
		var got sync.Map
		for i := range viewers {
			address, kind := playlist, kinds[i%len(kinds)]
			if i%2 == 0 {
				address = part
			}
			leaves := i%5 == 0
			ctx, leave := context.WithCancel(t.Context())
			if leaves && i%10 == 0 {
				time.AfterFunc(time.Duration(rand.IntN(30))*time.Millisecond, leave)
			}
			all.Go(func() {
				defer leave()
				one, err := fetch(ctx, client, address, kind[0], kind[1])
				if err == nil {
					answered.Add(1)
				}
				if !leaves || err == nil {
					got.Store(i, one)
				}
				if !leaves && err != nil {
					t.Errorf("round %d, viewer %d: %v", round, i, err)
				}
			})
		}
		<-time.After(time.Duration(rand.IntN(30)) * time.Millisecond)
		p.part("source", index)
		all.Wait()
		got.Range(func(key, value any) bool {
			i, one := key.(int), value.(fetched)
			kind := kinds[i%len(kinds)]
			address := playlist
			if i%2 == 0 {
				address = part
			}
			want, err := fetch(t.Context(), client, address, kind[0], kind[1])
			if err != nil || one.code != http.StatusOK || !bytes.Equal(one.body, want.body) {
				t.Errorf("round %d, viewer %d: %d %q, want %q, %v", round, i, one.code, one.body, want.body, err)
			}
			one.header.Del("Date")
			want.header.Del("Date")
			if fmt.Sprint(one.header) != fmt.Sprint(want.header) {
				t.Errorf("round %d, viewer %d:\n%v, want\n%v", round, i, one.header, want.header)
			}
			answered.Add(1)
			return true
		})
	}
	g.isHeld(t, 0)
	counted := g.counter(t, "weir_http_requests_total", "kind", "playlist", "code", "200") + g.counter(t, "weir_http_requests_total", "kind", "part", "code", "200")
	if counted < float64(answered.Load()) {
		t.Errorf("%v answers are counted, %d came", counted, answered.Load())
	}
}

// TestDirectAnswersAreTheHandlers: what is answered by the short cut is what net/http
// and the handler answer, header and body.
func TestDirectAnswersAreTheHandlers(t *testing.T) {
	g := newGateway(t, nil)
	p := g.lowLatency()
	client, base := g.listen(t, false)
	scale := p.rendition("source").Timescale
	for _, c := range []struct{ path, coding string }{
		{"/live/main/source/index.m3u8", "identity"},
		{"/live/main/source/index.m3u8", "gzip"},
		{"/live/main/source/index.m3u8?ll=0", "identity"},
		{"/live/main/audio/index.m3u8?_HLS_skip=YES", "identity"},
		{reloadPath(int(p.msn), 0), "identity"},
		{segmentPath("source", p.msn-1, int(scale)), "identity"},
		{segmentPath("source", p.msn-1, int(scale)) + "?CMCD=bl%3D2000", "identity"},
		{fmt.Sprintf("/live/main/source/part-%d.m4s", p.msn*2), "identity"},
	} {
		path, query, _ := strings.Cut(c.path, "?")
		for range 40 { // it is from a file in the end
			if g.handler.Direct(&plainhttp.Request{Path: path, Query: query, Header: http.Header{}}) == nil {
				t.Fatalf("%s is not answered directly", c.path)
			}
		}
		direct, err := fetch(t.Context(), client, base+c.path, "Accept-Encoding", c.coding)
		if err != nil {
			t.Fatal(err)
		}
		g.level.Set(slog.LevelDebug)
		handled, err := fetch(t.Context(), client, base+c.path, "Accept-Encoding", c.coding)
		g.level.Set(slog.LevelInfo)
		if err != nil || direct.code != handled.code || !bytes.Equal(direct.body, handled.body) {
			t.Errorf("%s: %d, %d bytes, handled: %d, %d bytes, %v", c.path, direct.code, len(direct.body), handled.code, len(handled.body), err)
		}
		direct.header.Del("Date")
		handled.header.Del("Date")
		if fmt.Sprint(direct.header) != fmt.Sprint(handled.header) {
			t.Errorf("%s:\n%v, handled:\n%v", c.path, direct.header, handled.header)
		}
	}
	for _, path := range []string{
		"/", "/live/main/index.m3u8", "/live/none/source/index.m3u8", "/live/main/none/index.m3u8", "/live/main/source/1.m4s", "/live/main/source/01.m4s",
		"/live/main/source/part-1.m4s", "/live/main/source/part-x.m4s", "/live/main/source/index.m3u8?_HLS_msn=1795999999", "/live/main/source/index.m3u8?_HLS_part=1",
		"/live/m%61in/source/index.m3u8", "/live/main/source/iframes.m3u8", "/live/main/source", "/live/",
	} {
		file, query, _ := strings.Cut(path, "?")
		if g.handler.Direct(&plainhttp.Request{Path: file, Query: query, Header: http.Header{}}) != nil {
			t.Errorf("%s is answered directly", path)
		}
	}
	file := segmentPath("source", p.msn-1, int(scale))
	if g.handler.Direct(&plainhttp.Request{Path: file, Header: http.Header{"Range": {"bytes=0-1"}}}) != nil {
		t.Error("a range is answered directly")
	}
}
