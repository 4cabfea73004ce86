package gateway

import (
	"context"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/internal/badnet"
	"weir/pkg/api"
	"weir/pkg/publish"
)

// cabled publishes stream nature over a cable of its own until ctx ends; pull takes the
// cable away without a word to either end.
type cabled func(ctx context.Context, r *running, key string) (pull func(), ended <-chan error)

// rtmpCable has the repository's own publisher.
func rtmpCable(ctx context.Context, r *running, key string) (func(), <-chan error) {
	cut, ended := make(chan struct{}), make(chan error, 1)
	front := badnet.NewTCP(r.t, r.addresses.RTMP, cut)
	go func() {
		ended <- publish.Run(ctx, publish.Options{File: clip, Loop: true, URL: "rtmp://" + front + "/live/" + key})
	}()
	return func() { close(cut) }, ended
}

// srtCable has ffmpeg.
func srtCable(ctx context.Context, r *running, key string) (func(), <-chan error) {
	cut, ended := make(chan struct{}), make(chan error, 1)
	_, front := badnet.New(r.t, netip.MustParseAddrPort(r.addresses.SRT), badnet.Conditions{Cut: cut})
	go func() {
		_, err := sendSRT(ctx, front.String(), key)
		ended <- err
	}()
	return func() { close(cut) }, ended
}

// TestCablePulled pulls a publisher's cable, so that no end of its connection comes.
// Playback goes on, an encoder that comes back by another connection takes over at once
// although the old one is still open, and one that stays away is sent away after
// ingest.idle_timeout.
func TestCablePulled(t *testing.T) {
	t.Parallel()
	canCallSRT(t)
	for protocol, connect := range map[string]cabled{"rtmp": rtmpCable, "srt": srtCable} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			r := startGateway(t, "transcode: {ladder: source}\ningest: {idle_timeout: 12s}\n")
			key := r.makeKey(`{"stream":"nature"}`)
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			publishing := func(more func(api.StreamStatus) bool) func(api.StreamStatus) bool {
				return func(st api.StreamStatus) bool {
					return published(protocol)(st) && st.OnAir == "source" && more(st)
				}
			}
			var begun time.Time
			pull, first := connect(ctx, r, key.Secret)
			r.until("the publisher", publishing(func(st api.StreamStatus) bool {
				begun = st.Session.ConnectedAt
				return strings.Contains(r.playlist(), "#EXTINF")
			}))
			pull()
			r.until("something else on air", func(st api.StreamStatus) bool { return st.OnAir != "source" })
			pull, second := connect(ctx, r, key.Secret)
			r.until("the take-over", publishing(func(st api.StreamStatus) bool { return st.Session.ConnectedAt.After(begun) }))
			if reason := r.lastEnd(); reason != "taken_over" {
				t.Errorf("the connection of the pulled cable ended as %q", reason)
			}
			r.expectMore()

			pull()
			pulled := time.Now()
			r.until("that it is noticed", func(st api.StreamStatus) bool { return st.Session == nil && st.OnAir == "slate" })
			if took := time.Since(pulled); took < 11*time.Second || took > 24*time.Second {
				t.Errorf("the connection was given up after %v", took)
			}
			if reason := r.lastEnd(); reason != "timed_out" {
				t.Errorf("the connection of the pulled cable ended as %q", reason)
			}
			r.expectMore()
			_, third := connect(ctx, r, key.Secret)
			r.until("the publisher again", publishing(func(api.StreamStatus) bool { return true }))
			r.expectMore()
			if list := r.playlist(); strings.Contains(list, "EXT-X-GAP") || strings.Contains(list, "ENDLIST") {
				t.Errorf("viewers get\n%s", list)
			}
			if broken := watchedFor(r, "nature", time.Second); len(broken) > 0 {
				t.Errorf("viewers get what breaks rules: %+v", broken)
			}
			leave()
			for _, ended := range []<-chan error{first, second, third} {
				<-ended
			}
		})
	}
}

// lastEnd is why the session ended that ended last.
func (r *running) lastEnd() string {
	r.t.Helper()
	var list struct{ Sessions []api.SessionRecord }
	r.call(http.MethodGet, "/api/v1/sessions", "", &list)
	reason, at := "", time.Time{}
	for _, s := range list.Sessions {
		if s.EndedAt != nil && s.EndedAt.After(at) {
			reason, at = s.Reason, *s.EndedAt
		}
	}
	return reason
}

// expectMore waits for two more segments of stream nature.
func (r *running) expectMore() {
	r.t.Helper()
	newest := func() int {
		list := r.playlist()
		first, err := strconv.Atoi(regexp.MustCompile(`#EXT-X-MEDIA-SEQUENCE:(\d+)`).FindStringSubmatch(list)[1])
		if err != nil {
			r.t.Fatal(err)
		}
		return first + strings.Count(list, "#EXTINF")
	}
	before := newest()
	r.until("more segments", func(api.StreamStatus) bool { return newest() >= before+2 })
}
