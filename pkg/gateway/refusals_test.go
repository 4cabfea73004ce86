package gateway

import (
	"net/netip"
	"testing"
	"time"

	"weir/pkg/api"
	"weir/pkg/ingest"
)

func TestRefusalsAreToldAndNotRepeated(t *testing.T) {
	r := newRefusals(api.NewFeed())
	now := time.Unix(1_800_000_000, 0)
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for _, c := range []struct {
		after time.Duration
		from  netip.Addr
		why   ingest.Reason
		news  bool
	}{
		{0, a, ingest.WrongKey, true},
		{time.Second, b, ingest.WrongKey, false}, // too soon after any
		{5 * time.Second, a, ingest.WrongKey, false},
		{10 * time.Second, a, ingest.StraySpaces, true},
		{20 * time.Second, b, ingest.WrongKey, true},
		{31 * time.Second, a, ingest.WrongKey, true},
	} {
		if news := r.isNews(now.Add(c.after), refusal{c.from, c.why}); news != c.news {
			t.Errorf("%s of %s after %v is news: %v", c.why, c.from, c.after, news)
		}
	}
	for i := range 10_000 {
		r.isNews(now.Add(time.Hour+time.Duration(i)*time.Minute), refusal{netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), ingest.WrongKey})
	}
	if len(r.told) > refusalsKnown {
		t.Errorf("%d are remembered", len(r.told))
	}
}
