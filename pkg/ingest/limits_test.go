package ingest_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"weir/pkg/ingest"
)

func TestAllowance(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	a := ingest.NewAllowance(8000, now) // 1000 bytes a second, 10,000 ahead.
	for _, c := range []struct {
		after time.Duration
		bytes uint64
		ok    bool
	}{
		{0, 10_000, true},
		{0, 1, false},
		{time.Second, 999, true},
		{time.Second, 1001, false},
		{time.Hour, 10_000, true},
		{0, 1, false},
	} {
		now = now.Add(c.after)
		if ok := a.Spend(c.bytes, now); ok != c.ok {
			t.Errorf("%d bytes after %v: %v", c.bytes, c.after, ok)
		}
	}
}

// TestSeldom: one line a second, and none is forgotten.
func TestSeldom(t *testing.T) {
	t.Parallel()
	var s ingest.Seldom
	now := time.Unix(1000, 0)
	var logged []string
	for i := range 2500 {
		if attrs, ok := s.Allow(now.Add(time.Duration(i) * time.Millisecond)); ok {
			line := ""
			if len(attrs) > 0 {
				line = attrs[0].String()
			}
			logged = append(logged, line)
		}
	}
	if got := strings.Join(logged, ","); got != ",omitted=999,omitted=999" {
		t.Errorf("logged %q", got)
	}
}

// TestAdmission: neither all nor one neighbourhood take more than their share.
func TestAdmission(t *testing.T) {
	t.Parallel()
	a := ingest.NewAdmission()
	enter := func(address string) bool { return a.Enter(netip.MustParseAddr(address)) == nil }
	if enter("192.0.2.1") {
		t.Error("it lets in before it has limits")
	}
	a.Limit(4, 2)
	for _, c := range []struct {
		address string
		in      bool
	}{
		{"192.0.2.1", true},
		{"192.0.2.1", true},
		{"192.0.2.1", false},
		{"2001:db8::1", true},
		{"2001:db8::ffff:1", true},
		{"2001:db8::2", false},
		{"2001:db8:1::1", false},
	} {
		if got := enter(c.address); got != c.in {
			t.Errorf("%s enters: %v", c.address, got)
		}
	}
	a.Leave(netip.MustParseAddr("192.0.2.1"))
	if !enter("192.0.2.1") || a.Count() != 4 {
		t.Errorf("after one has left: %d", a.Count())
	}
}
