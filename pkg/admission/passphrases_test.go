package admission_test

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"weir/pkg/admission"
	"weir/pkg/ingest"
)

const (
	goodPassphrase = "correct-horse-battery"
	// lockedKey is one of lockedKeys, all of which have goodPassphrase.
	lockedKey  = "locked0_a-key-with-a-passphrase"
	lockedKeys = 15
)

// newLockedDesk knows lockedKeys beside goodKey.
func newLockedDesk(t *testing.T) *admission.Desk {
	t.Helper()
	return newDesk(t, func(c *admission.Config) {
		all := []ingest.StreamKey{{Name: "main", Key: goodKey}}
		for n := range lockedKeys {
			all = append(all, ingest.StreamKey{Name: fmt.Sprint("locked", n), Key: numbered(n), Passphrase: goodPassphrase})
		}
		keys, err := ingest.NewKeys(all)
		if err != nil {
			t.Fatal(err)
		}
		c.Keys = keys
	})
}

func numbered(n int) string { return fmt.Sprintf("locked%d_a-key-with-a-passphrase", n) }

// srtCaller comes over SRT. Its passphrase is "" where it does not encrypt.
type srtCaller struct {
	from, key, passphrase string
	// tried counts the passphrases that it was held against.
	tried *atomic.Int64
}

func (c srtCaller) request() ingest.Request {
	req := request(c.from, c.key)
	req.Protocol, req.Encrypted = "srt", c.passphrase != ""
	req.Unlock = func(passphrase string) error {
		if c.tried != nil && passphrase != "" && req.Encrypted {
			c.tried.Add(1)
		}
		if passphrase != c.passphrase {
			return &ingest.Rejection{Reason: ingest.WrongPassphrase, Message: "The passphrase is not the one of this stream key."}
		}
		return nil
	}
	return req
}

// call is why the caller is refused; "" if it is not.
func (c srtCaller) call(t *testing.T, d *admission.Desk) ingest.Reason {
	t.Helper()
	_, err := d.Admit(t.Context(), c.request())
	return reasonOf(err)
}

// TestEncryptedGuesses: who guesses keys over SRT is slowed down as over RTMP, whether it
// encrypts or not, and then hears nothing of which keys there are, nor has anything
// derived.
func TestEncryptedGuesses(t *testing.T) {
	for _, guess := range []string{"", "any-passphrase"} {
		synctest.Test(t, func(t *testing.T) {
			d := newLockedDesk(t)
			for n := range 10 {
				if why := (srtCaller{"192.0.2.1", fmt.Sprint("guess-", n), guess, nil}).call(t, d); why != ingest.WrongKey {
					t.Fatalf("passphrase %q: guess %d: %q", guess, n, why)
				}
			}
			var tried atomic.Int64
			for _, key := range []string{"guess-11", goodKey, lockedKey} {
				for _, passphrase := range []string{"", "wrong-passphrase", goodPassphrase} {
					if why := (srtCaller{"192.0.2.1", key, passphrase, &tried}).call(t, d); why != ingest.TooManyAttempts {
						t.Errorf("key %s with passphrase %q is told apart: %q", key, passphrase, why)
					}
				}
			}
			if n := tried.Load(); n != 0 {
				t.Errorf("%d passphrases were tried for who is over the limit", n)
			}
			if why := (srtCaller{"192.0.2.2", lockedKey, goodPassphrase, nil}).call(t, d); why != "" {
				t.Errorf("another address is punished: %q", why)
			}
			advance(7 * time.Second)
			if why := (srtCaller{"192.0.2.1", lockedKey, goodPassphrase, nil}).call(t, d); why != "" {
				t.Errorf("the limit does not cool: %q", why)
			}
		})
	}
}

// TestPassphraseGuesses: who has a key and guesses its passphrase is slowed down, and
// nobody else behind the same address.
func TestPassphraseGuesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newLockedDesk(t)
		var tried atomic.Int64
		guess := func(n int) ingest.Reason {
			return srtCaller{"192.0.2.1", lockedKey, fmt.Sprint("wrong-passphrase-", n), &tried}.call(t, d)
		}
		for n := range 10 {
			if why := guess(n); why != ingest.WrongPassphrase {
				t.Fatalf("guess %d: %q", n, why)
			}
		}
		_, err := d.Admit(t.Context(), srtCaller{"192.0.2.1", lockedKey, goodPassphrase, &tried}.request())
		why, _ := errors.AsType[*ingest.Rejection](err)
		if why == nil || why.Reason != ingest.TooManyAttempts || why.Stream != "locked0" {
			t.Errorf("after ten guesses the right one is told apart: %+v", why)
		}
		if n := tried.Load(); n != 10 {
			t.Errorf("%d passphrases were tried", n)
		}
		for _, neighbour := range []srtCaller{{"192.0.2.1", numbered(1), goodPassphrase, nil}, {"192.0.2.1", goodKey, "", nil}, {"192.0.2.2", lockedKey, goodPassphrase, nil}} {
			if why := neighbour.call(t, d); why != "" {
				t.Errorf("%+v is punished: %q", neighbour, why)
			}
		}
		advance(time.Second)
		if why := (srtCaller{"192.0.2.1", lockedKey, goodPassphrase, nil}).call(t, d); why != "" {
			t.Errorf("the limit does not cool: %q", why)
		}
		// Not even who has published from there may guess without end.
		refused := 0
		for n := range 100 {
			if guess(100+n) == ingest.TooManyAttempts {
				refused++
			}
		}
		if refused != 90 {
			t.Errorf("%d of 100 guesses were refused", refused)
		}
	})
}

// A passphrase that came over RTMP would open nothing, and takes nothing back.
func TestPassphraseGuessesGoOnBesideRTMP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newLockedDesk(t)
		for n := range 10 {
			srtCaller{"192.0.2.1", lockedKey, fmt.Sprint("wrong-passphrase-", n), nil}.call(t, d)
			if why := try(t, d, "192.0.2.1", lockedKey); why != "" {
				t.Fatalf("over RTMP: %q", why)
			}
		}
		if why := (srtCaller{"192.0.2.1", lockedKey, "wrong-passphrase-11", nil}).call(t, d); why != ingest.TooManyAttempts {
			t.Errorf("guess 11: %q", why)
		}
	})
}

// An encoder with a wrong passphrase, or none, that tries for ever is told so, and takes
// nothing from others behind the same address, not even from one with the same key.
func TestOneWrongPassphraseAgainAndAgain(t *testing.T) {
	for _, wrong := range []string{"yesterdays-passphrase", ""} {
		synctest.Test(t, func(t *testing.T) {
			d := newLockedDesk(t)
			for range 1000 {
				if why := (srtCaller{"192.0.2.1", lockedKey, wrong, nil}).call(t, d); why != ingest.WrongPassphrase {
					t.Fatalf("passphrase %q: it is told %q", wrong, why)
				}
				advance(time.Second)
			}
			if why := try(t, d, "192.0.2.1", goodKey); why != "" {
				t.Errorf("its neighbour is refused: %q", why)
			}
			if why := (srtCaller{"192.0.2.1", lockedKey, goodPassphrase, nil}).call(t, d); why != "" {
				t.Errorf("its neighbour with the same key is refused: %q", why)
			}
		})
	}
}

// TestForgottenPassphrase: who sends none makes no guess, however often.
func TestForgottenPassphrase(t *testing.T) {
	d := newLockedDesk(t)
	for range 100 {
		_, err := d.Admit(t.Context(), srtCaller{"192.0.2.1", lockedKey, "", nil}.request())
		if why, _ := errors.AsType[*ingest.Rejection](err); why == nil || why.Reason != ingest.WrongPassphrase || why.Stream != "locked0" {
			t.Fatalf("it is told %+v", why)
		}
	}
	if why := (srtCaller{"192.0.2.1", goodKey, "one-too-many", nil}).call(t, d); why != ingest.WrongPassphrase {
		t.Errorf("a passphrase where there is none: %q", why)
	}
}

// TestOnePassphraseForManyKeys: each key is a guess of the address.
func TestOnePassphraseForManyKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newLockedDesk(t)
		for n := range lockedKeys {
			want := ingest.WrongPassphrase
			if n >= 10 {
				want = ingest.TooManyAttempts
			}
			if why := (srtCaller{"192.0.2.1", numbered(n), "popular-passphrase", nil}).call(t, d); why != want {
				t.Errorf("key %d: %q, want %q", n, why, want)
			}
		}
	})
}

// TestPassphraseGuessesAtOnce: a guess counts before it is looked at.
func TestPassphraseGuessesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newLockedDesk(t)
		var tried atomic.Int64
		var all sync.WaitGroup
		for n := range 100 {
			all.Go(func() { srtCaller{"192.0.2.1", lockedKey, fmt.Sprint("wrong-passphrase-", n), &tried}.call(t, d) })
		}
		all.Wait()
		if n := tried.Load(); n != 10 {
			t.Errorf("%d passphrases were tried", n)
		}
	})
}

// TestPassphraseForAll: a key without a passphrase of its own has the one of all.
func TestPassphraseForAll(t *testing.T) {
	d := newDesk(t, func(c *admission.Config) { c.Passphrase = goodPassphrase })
	for passphrase, want := range map[string]ingest.Reason{"": ingest.WrongPassphrase, "wrong-passphrase": ingest.WrongPassphrase, goodPassphrase: ""} {
		if why := (srtCaller{"192.0.2.1", goodKey, passphrase, nil}).call(t, d); why != want {
			t.Errorf("passphrase %q: %q, want %q", passphrase, why, want)
		}
	}
	if why := try(t, d, "192.0.2.1", goodKey); why != "" {
		t.Errorf("RTMP has no passphrase: %q", why)
	}
}

// However many addresses have a key and guess, what is remembered stays bounded.
func TestPassphraseGuessesFromEverywhere(t *testing.T) {
	d := newLockedDesk(t)
	fromEverywhere(t, 50_000, func(a netip.Addr) {
		srtCaller{a.String(), lockedKey, "wrong-passphrase", nil}.call(t, d)
	})
}
