package httpserve_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"weir/pkg/audience"
	"weir/pkg/httpserve"
)

// Who plays is a viewer, by the address before the proxies; who only looks, or is
// refused, or watches something else, is none.
func TestViewersAreCounted(t *testing.T) {
	crowd := audience.New()
	proxy := netip.MustParsePrefix("10.0.0.0/8")
	g := newGateway(t, func(c *httpserve.Config) {
		c.Audience = crowd
		c.TrustedProxies = func() []netip.Prefix { return []netip.Prefix{proxy} }
	})
	g.live(3)
	ask := func(path, client string) {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.RemoteAddr = "10.0.0.1:4242"
		r.Header.Set("X-Forwarded-For", client)
		g.serve(r)
	}
	now := time.Date(2026, 11, 23, 12, 0, 0, 250_000_000, time.UTC) // the fixture's clock
	for i, c := range []struct {
		path, client string
		viewers      int
	}{
		{"/live/main/index.m3u8", "192.0.2.1", 0},
		{"/watch/main", "192.0.2.1", 0},
		{"/live/main/source/7.m4s", "192.0.2.1", 0},
		{"/live/nobody/index.m3u8", "192.0.2.1", 0},
		{"/live/main/source/index.m3u8", "192.0.2.1", 1},
		{"/live/main/audio/index.m3u8", "192.0.2.1", 1},
		{"/live/main/manifest.mpd?CMCD=sid%3D%22one%22", "192.0.2.2", 1},
		{"/live/main/360p/init-" + hash + ".mp4?CMCD=sid%3D%22one%22", "192.0.2.2", 2},
	} {
		ask(c.path, c.client)
		at := now.Add(time.Duration(i) * time.Second) // figures are a second old
		if got := crowd.Figures(at, "main").Viewers; got != c.viewers {
			t.Errorf("after %s of %s: %d viewers, want %d", c.path, c.client, got, c.viewers)
		}
	}
	if got := crowd.Figures(now.Add(9*time.Second), "main").Renditions; got["source"] != 1 || got["audio"] != 1 || got["360p"] != 1 {
		t.Errorf("renditions: %v", got)
	}
}
