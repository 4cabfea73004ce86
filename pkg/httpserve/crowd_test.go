package httpserve_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/pkg/media"
)

// bulky adds the part that comes next to the open segment of source, with a content
// of its own that no socket takes at once.
func (p *publisher) bulky(index int) (content []byte) {
	r := p.rendition("source")
	second := media.Ticks(r.Timescale)
	for len(content) < 5<<20 {
		content = strconv.AppendInt(content, int64(len(content)), 10)
	}
	p.st.AddPart("source", &media.Part{
		Serial: p.msn*2 + uint64(index), MSN: p.msn, Index: index, Independent: index == 0,
		Start: (2*media.Ticks(p.msn) + media.Ticks(index)) * second, Duration: second, Bytes: content,
	}, p.period)
	return content
}

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

// TestASlowOneInACrowdHoldsUpNobody: who does not read is sent the rest when it does,
// and the others have all long before.
func TestASlowOneInACrowdHoldsUpNobody(t *testing.T) {
	const slow, viewers = 3, 15
	g := newGateway(t, nil)
	p := g.lowLatency()
	client, base := g.listen(t, false)
	address := fmt.Sprintf("%s/live/main/source/part-%d.m4s", base, p.msn*2+1)
	var quick, all sync.WaitGroup
	read := make(chan struct{})
	bodies := make([][]byte, viewers)
	for i := range slow {
		all.Go(func() {
			request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
			answer, err := client.Do(request)
			if err != nil {
				t.Error(err)
				return
			}
			defer answer.Body.Close()
			<-read
			if bodies[i], err = io.ReadAll(answer.Body); err != nil {
				t.Error(err)
			}
		})
	}
	for i := slow; i < viewers; i++ {
		quick.Go(func() {
			one, err := fetch(t.Context(), client, address, "", "")
			if err != nil || one.code != http.StatusOK {
				t.Errorf("%d, %v", one.code, err)
			}
			bodies[i] = one.body
		})
	}
	g.isHeld(t, viewers)
	content := p.bulky(1)
	quick.Wait()
	close(read)
	all.Wait()
	for i, body := range bodies {
		if !bytes.Equal(body, content) {
			t.Errorf("viewer %d has %d bytes of %d", i, len(body), len(content))
		}
	}
	if sent, want := g.counter(t, "weir_http_response_bytes_total", "kind", "part"), float64(viewers*len(content)); sent != want {
		t.Errorf("%v bytes are counted, want %v", sent, want)
	}
}
