package gateway

import (
	"net/netip"
	"testing"
	"time"

	"weir/pkg/api"
	"weir/pkg/ingest"
)

func refusalOf(from netip.Addr, why ingest.Reason, stream string) ingest.Refusal {
	return ingest.Refusal{Remote: netip.AddrPortFrom(from, 1), Protocol: "rtmp", Why: &ingest.Rejection{Reason: why, Stream: stream}}
}

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
		if news := r.add(now.Add(c.after), refusalOf(c.from, c.why, "")); news != c.news {
			t.Errorf("%s of %s after %v is news: %v", c.why, c.from, c.after, news)
		}
	}
	all := r.list()
	if len(all) != 3 || all[0].Remote != "192.0.2.1" || all[0].Count != 3 || all[0].Time.Sub(all[0].FirstAt) != 31*time.Second {
		t.Errorf("the list is %+v", all)
	}
}

// However many strangers come, the list stays bounded and creators find their own
// attempts in it.
func TestStrangersDoNotPushCreatorsOut(t *testing.T) {
	r := newRefusals(api.NewFeed())
	now := time.Unix(1_800_000_000, 0)
	for i := range 20 {
		r.add(now, refusalOf(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), ingest.BitrateExceeded, "main"))
	}
	for i := range 10_000 {
		r.add(now.Add(time.Duration(i)*time.Minute), refusalOf(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), ingest.WrongKey, ""))
	}
	count := func() (known int) {
		for _, e := range r.list() {
			if e.Stream != "" {
				known++
			}
		}
		return known
	}
	if n := len(r.list()); n != 20+strangersKept || count() != 20 {
		t.Errorf("%d are kept, %d of known keys", n, count())
	}
	for i := range 1000 {
		r.add(now, refusalOf(netip.AddrFrom4([4]byte{192, 1, byte(i >> 8), byte(i)}), ingest.BitrateExceeded, "main"))
	}
	if n := len(r.list()); n != refusalsKept || count() != refusalsKept {
		t.Errorf("%d are kept, %d of known keys", n, count())
	}
}

// Each reason reaches the events with the words for the creator, however little the
// list has to do with others.
func TestEventOfARefusal(t *testing.T) {
	for _, why := range []ingest.Reason{ingest.WrongKey, ingest.LimitExceeded, ingest.ResolutionExceeded, ingest.TimedOut} {
		feed, events := api.NewFeed(), []api.Event{}
		feed.Relay(func(e api.Event) { events = append(events, e) })
		what := refusalOf(netip.MustParseAddr("192.0.2.1"), why, "main")
		what.Why.Message = "Words for " + string(why)
		newRefusals(feed).tell(what)
		if len(events) != 1 || events[0].Kind != api.PublishRejected || events[0].Reason != string(why) ||
			events[0].Message != what.Why.Message || events[0].Stream != "main" {
			t.Errorf("of %s: %+v", why, events)
		}
	}
}
