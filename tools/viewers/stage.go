package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// stage is the stream that is watched: where it is, and when what was published.
type stage struct {
	base    *url.URL
	address netip.AddrPort
	client  *http.Client
	tracks  []*track
	// pictures are those that this program publishes itself; nil if it does not.
	pictures *pictures
}

// track is one rendition. An observer of its own follows it; viewers on the loop
// read when a segment was first listed.
type track struct {
	path string
	// frameRate is 0 for audio.
	frameRate float64

	mu sync.Mutex
	// listed is when a segment was first there, by its URI.
	listed map[string]time.Time
	// pictures is how many there are up to the end of each part, by its serial
	// number; ends are the parts that end a segment.
	pictures map[int]int
	ends     map[int]bool
	counted  int
	// opening is the serial number of the first part of a segment, by the number
	// of the segment, next the number of the one that is open or comes next.
	opening map[int]int
	next    int
}

// beginTimeout is how long a stream may take to begin.
const beginTimeout = 30 * time.Second

var errStream = errors.New("this is not a stream to watch")

// openStage waits for the stream whose multivariant playlist is at address.
func openStage(ctx context.Context, address string) (*stage, error) {
	base, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("read the address of the stream: %w", err)
	}
	host, err := netip.ParseAddrPort(base.Host)
	if err != nil || !host.Addr().IsLoopback() || !host.Addr().Is4() {
		return nil, fmt.Errorf("%w: %s is not http://127.0.0.1:PORT/...; other machines are not to be loaded", errStream, address)
	}
	s := &stage{base: base, address: host, client: &http.Client{Transport: &http.Transport{}}}
	ctx, cancel := context.WithTimeout(ctx, beginTimeout)
	defer cancel()
	for {
		body, err := s.fetch(ctx, address)
		if err == nil {
			return s, s.read(body)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the stream: %w", err)
		}
	}
}

// servedBy is the same stream at another server's address, which has copies of it.
func (s *stage) servedBy(address string) *stage {
	other, base := *s, *s.base
	base.Host = address
	other.base, other.address = &base, netip.MustParseAddrPort(address)
	return &other
}

// read finds the first variant and its audio.
func (s *stage) read(multivariant []byte) error {
	for line := range strings.Lines(string(multivariant)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "#EXT-X-STREAM-INF:"):
			rate, _ := strconv.ParseFloat(attribute([]byte(line), "FRAME-RATE="), 64)
			s.tracks = append(s.tracks, newTrack(rate))
		case strings.HasPrefix(line, "#EXT-X-MEDIA:TYPE=AUDIO"):
			audio := newTrack(0)
			audio.path = attribute([]byte(line), `URI="`)
			s.tracks = append(s.tracks, audio)
		case line != "" && line[0] != '#' && len(s.tracks) > 0:
			s.tracks[len(s.tracks)-1].path = line
		}
	}
	video := -1
	for i, t := range s.tracks {
		t.path = s.base.ResolveReference(&url.URL{Path: strings.TrimSuffix(t.path, "?"+url.Values{"ll": {"0"}}.Encode())}).Path
		if t.frameRate > 0 && video < 0 {
			video = i
		}
	}
	if video < 0 {
		return fmt.Errorf("%w: no variant with video", errStream)
	}
	kept := []*track{s.tracks[video]}
	for _, t := range s.tracks {
		if t.frameRate == 0 {
			kept = append(kept, t)
			break
		}
	}
	s.tracks = kept
	return nil
}

func newTrack(frameRate float64) *track {
	return &track{frameRate: frameRate, listed: make(map[string]time.Time), pictures: make(map[int]int), ends: make(map[int]bool), opening: make(map[int]int)}
}

// observe follows a track from its first segment on until ctx ends.
func (s *stage) observe(ctx context.Context, t *track) error {
	address := s.base.ResolveReference(&url.URL{Path: t.path})
	for {
		body, err := s.fetch(ctx, address.String())
		if ctx.Err() != nil {
			return nil //nolint:nilerr // whatever failed, it failed because it was to end.
		}
		if err != nil {
			return fmt.Errorf("observe the stream: %w", err)
		}
		p, err := parsePlaylist(body)
		if err != nil {
			return err
		}
		t.note(&p, time.Now())
		address.RawQuery = fmt.Sprintf("_HLS_msn=%d&_HLS_part=%d", p.next(), len(p.open))
	}
}

// note takes in what a playlist says for the first time.
func (t *track) note(p *playlist, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, seg := range p.segments {
		if _, known := t.listed[seg.uri]; !known {
			t.listed[seg.uri] = now
		}
	}
	t.next = p.next()
	if t.frameRate == 0 {
		return
	}
	if len(p.open) > 0 {
		t.opening[t.next] = p.open[0].serial
	}
	for _, seg := range p.segments {
		t.count(seg.parts)
		if n := len(seg.parts); n > 0 {
			t.ends[seg.parts[n-1].serial] = true
		}
	}
	t.count(p.open)
}

// count numbers the pictures of parts that come for the first time.
func (t *track) count(parts []part) {
	for _, one := range parts {
		if _, known := t.pictures[one.serial]; known {
			continue
		}
		t.counted += int(math.Round(one.seconds * t.frameRate))
		t.pictures[one.serial] = t.counted
	}
}

// completedBy is the number, from 0, of the picture whose arrival completes a part:
// its last, or, for a segment's last part, the one that opens the next segment.
func (t *track) completedBy(serial int) (picture int, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	picture, ok = t.pictures[serial]
	if !t.ends[serial] {
		picture--
	}
	return picture, ok
}

// since is when a segment was first listed; ok is false if it never was.
func (t *track) since(uri string) (at time.Time, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, ok = t.listed[uri]
	return at, ok
}

// newest is when the newest segment was first listed.
func (t *track) newest() (at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, one := range t.listed {
		if one.After(at) {
			at = one
		}
	}
	return at
}

// nextNumber is that of the segment that is open or comes next.
func (t *track) nextNumber() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.next
}

// first is the serial number of the first part of a segment.
func (t *track) first(msn int) (serial int, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	serial, ok = t.opening[msn]
	return serial, ok
}

// published is when the last of what a part needs was sent to the gateway; ok is
// false if that is not known.
func (s *stage) published(t *track, serial int) (at time.Time, ok bool) {
	if s.pictures == nil {
		return at, false
	}
	picture, ok := t.completedBy(serial)
	if !ok {
		return at, false
	}
	return s.pictures.at(picture)
}

// request is what a viewer sends for a path.
func (s *stage) request(path string) []byte {
	return []byte("GET " + path + " HTTP/1.1\r\nHost: " + s.base.Host +
		"\r\nUser-Agent: weir-viewers\r\nAccept: */*\r\nOrigin: http://viewers.invalid\r\n\r\n")
}

// viewerAddress is a loopback address of a viewer's own, so that no limit per
// address and no range of ports is in the way.
func viewerAddress(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)})
}

var errStatus = errors.New("the answer is not 200")

// fetch gets a text, by a connection that is not one of the viewers'.
func (s *stage) fetch(ctx context.Context, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("ask for %s: %w", address, err)
	}
	answer, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%w but %d: %s", errStatus, answer.StatusCode, bytes.TrimSpace(body))
	}
	return body, err
}

// beside is the path of a file in the folder of another.
func beside(path, file string) string { return path[:strings.LastIndexByte(path, '/')+1] + file }
