package admission_test

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/pkg/admission"
	"weir/pkg/ingest"
)

const goodKey = "main_a-good-key-of-the-stream"

// newDesk knows goodKey, and what change adds.
func newDesk(t *testing.T, change func(*admission.Config)) *admission.Desk {
	t.Helper()
	keys, err := ingest.NewKeys([]ingest.StreamKey{{Name: "main", Key: goodKey}})
	if err != nil {
		t.Fatal(err)
	}
	cfg := admission.Config{Keys: keys}
	if change != nil {
		change(&cfg)
	}
	return admission.New(ring(t), quiet(), cfg)
}

// try is why a key from an address is refused; "" if it is not.
func try(t *testing.T, d *admission.Desk, from, key string) ingest.Reason {
	t.Helper()
	_, err := d.Admit(t.Context(), request(from, key))
	return reasonOf(err)
}

func request(from, key string) ingest.Request {
	return ingest.Request{Protocol: "rtmp", Remote: netip.AddrPortFrom(netip.MustParseAddr(from), 1), Application: "live", Key: key, Encoder: "OBS"}
}

func reasonOf(err error) ingest.Reason {
	if why, ok := errors.AsType[*ingest.Rejection](err); ok {
		return why.Reason
	}
	return ""
}

// TestGuessesAreSlowedDown: for each address, and each /64 of IPv6, whether the key
// is right or not; but not who was let in before, nor other addresses.
func TestGuessesAreSlowedDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, nil)
		guess := func(from string, n int) ingest.Reason { return try(t, d, from, fmt.Sprint("guess-", n)) }
		// The limit of the last one is still hot at the end.
		for _, pair := range [][2]string{{"192.0.2.1", "192.0.2.2"}, {"2001:db8::1", "2001:db8:0:1::1"}} {
			from, other := pair[0], pair[1]
			for n := range 10 {
				if why := guess(from, n); why != ingest.WrongKey {
					t.Fatalf("%s: guess %d: %q", from, n, why)
				}
			}
			_, err := d.Admit(t.Context(), request(from, "guess-11"))
			if reasonOf(err) != ingest.TooManyAttempts || !strings.Contains(err.Error(), "Wait 6 s") && !strings.Contains(err.Error(), "Wait 7 s") {
				t.Errorf("%s: %v", from, err)
			}
			if why := try(t, d, from, goodKey); why != ingest.TooManyAttempts {
				t.Errorf("%s: the right key is told apart: %q", from, why)
			}
			if why := try(t, d, other, goodKey); why != "" {
				t.Errorf("%s is punished for %s: %q", other, from, why)
			}
			advance(7 * time.Second)
			if why := try(t, d, from, goodKey); why != "" {
				t.Errorf("%s: the limit does not cool: %q", from, why)
			}
			for n := range 50 {
				guess(from, 100+n)
			}
			if why := try(t, d, from, goodKey); why != "" {
				t.Errorf("%s: who has published before does not come back: %q", from, why)
			}
		}
		if why := guess("2001:db8::ffff", 1000); why != ingest.TooManyAttempts {
			t.Errorf("another address of the same /64: %q", why)
		}
	})
}

// An encoder with a wrong key, that tries for ever, takes nothing from others
// behind the same address.
func TestOneWrongKeyAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, nil)
		for range 1000 {
			if why := try(t, d, "192.0.2.1", "yesterdays-key"); why != ingest.WrongKey {
				t.Fatalf("it is told %q", why)
			}
			advance(100 * time.Millisecond)
		}
		if why := try(t, d, "192.0.2.1", goodKey); why != "" {
			t.Errorf("its neighbour is refused: %q", why)
		}
	})
}

// However many addresses guess, what is remembered of them stays bounded.
func TestGuessesFromEverywhere(t *testing.T) {
	d := newDesk(t, nil)
	fromEverywhere(t, 200_000, func(a netip.Addr) {
		_, _ = d.Admit(t.Context(), ingest.Request{Protocol: "rtmp", Remote: netip.AddrPortFrom(a, 1), Key: "wrong"})
	})
}

// fromEverywhere calls try with so many addresses, of which the first 10,000 may take
// memory.
func fromEverywhere(t *testing.T, addresses int, try func(netip.Addr)) {
	t.Helper()
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	const first = 10_000
	var before uint64
	for i := range addresses {
		if i == first {
			before = heap()
		}
		try(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if grown := int64(heap()) - int64(before); grown > 2<<20 {
		t.Errorf("%d more addresses take %d bytes", addresses-first, grown)
	}
}
