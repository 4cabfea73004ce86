package streamkey_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/pkg/database"
	"weir/pkg/ingest"
	"weir/pkg/streamkey"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is when the tests begin, to the second.
func noon() time.Time { return time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC) }

func open(t *testing.T, dir string) *sql.DB {
	t.Helper()
	db, err := database.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func ring(t *testing.T, store *streamkey.Store, revoked func(context.Context, string)) *streamkey.Ring {
	t.Helper()
	r, err := streamkey.NewRing(t.Context(), store, slog.New(slog.DiscardHandler), revoked)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// reason is why a secret is refused at a time: "" if it is not, "unknown" if it is
// nobody's.
func reason(t *testing.T, r *streamkey.Ring, secret string, now time.Time) ingest.Reason {
	t.Helper()
	_, known, err := r.Find(t.Context(), secret, now)
	if !known {
		return "unknown"
	}
	why, _ := errors.AsType[*ingest.Rejection](err)
	if why == nil {
		return ""
	}
	return why.Reason
}

// TestLifeOfAKey: made, changed, rotated with an overlap, revoked; what its
// secrets open at each time.
func TestLifeOfAKey(t *testing.T) {
	ctx := t.Context()
	store := streamkey.NewStore(open(t, t.TempDir()), nil)
	var gone []string
	r := ring(t, store, func(_ context.Context, id string) { gone = append(gone, id) })
	refresh := func() {
		t.Helper()
		if err := r.Refresh(ctx); err != nil {
			t.Fatal(err)
		}
	}
	rules := ingest.Rules{Protocols: []string{"rtmps"}, MaxBitrate: 6_000_000}
	made, first, err := store.Create(ctx, streamkey.Key{Stream: "studio", Label: "Ann", Rules: rules, Passphrase: "ten letters", Expires: noon().Add(time.Hour)}, noon())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(first, "studio_") || len(first) != len("studio_")+28 || len(made.ID) != 8 || made.State(noon()) != streamkey.Active {
		t.Errorf("made %+v with a secret of %d characters", made, len(first))
	}
	refresh()
	grant, known, err := r.Find(ctx, first, noon())
	if !known || err != nil || grant.Stream != "studio" || grant.Key != made.ID || grant.Rules.MaxBitrate != 6_000_000 || grant.Passphrase != "ten letters" {
		t.Errorf("found %+v %v %v", grant, known, err)
	}
	rotated, second, err := store.Rotate(ctx, made.ID, 10*time.Minute, noon())
	if err != nil || second == first || len(rotated.Secrets) != 2 || !rotated.Secrets[0].ValidUntil.IsZero() {
		t.Fatalf("rotated into %+v: %v", rotated, err)
	}
	// A second rotation does not let the first secret live longer.
	if _, _, err = store.Rotate(ctx, made.ID, time.Hour, noon().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	refresh()
	for _, c := range []struct {
		secret string
		after  time.Duration
		want   ingest.Reason
	}{
		{first, 10*time.Minute - 1, ""},
		{first, 10 * time.Minute, ingest.KeyExpired},
		{second, time.Hour - 1, ""},
		{second, time.Hour, ingest.KeyExpired}, // with the whole key
		{second + "x", 0, "unknown"},
		{"", 0, "unknown"},
	} {
		if got := reason(t, r, c.secret, noon().Add(c.after)); got != c.want {
			t.Errorf("after %v: %q, want %q", c.after, got, c.want)
		}
	}
	changed, err := store.Update(ctx, made.ID, func(k *streamkey.Key) error {
		k.Label, k.Expires, k.Rules = "Bob", time.Time{}, ingest.Rules{}
		return nil
	})
	if err != nil || changed.Label != "Bob" || !changed.Expires.IsZero() || changed.Rules.MaxBitrate != 0 || changed.Passphrase == "" {
		t.Errorf("changed into %+v: %v", changed, err)
	}
	for range 2 {
		if _, err = store.Revoke(ctx, made.ID, noon()); err != nil {
			t.Fatal(err)
		}
	}
	refresh()
	refresh()
	if got := reason(t, r, second, noon()); got != ingest.KeyRevoked {
		t.Errorf("the revoked key: %q", got)
	}
	if len(gone) != 1 || gone[0] != made.ID {
		t.Errorf("told that %v are gone", gone)
	}
	if _, _, err = store.Rotate(ctx, made.ID, 0, noon()); !errors.Is(err, streamkey.ErrRevoked) {
		t.Errorf("rotated a revoked key: %v", err)
	}
	// After a while it is forgotten.
	if _, _, err = store.Create(ctx, streamkey.Key{Stream: "other"}, noon().Add(31*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if all, err := store.List(ctx); err != nil || len(all) != 1 || all[0].Stream != "other" {
		t.Errorf("%+v %v", all, err)
	}
}

func TestStoreRefuses(t *testing.T) {
	ctx := t.Context()
	store := streamkey.NewStore(open(t, t.TempDir()), func(r ingest.Rules) error {
		if r.Ladder == "rope" {
			return errors.New("a rope is no ladder")
		}
		return nil
	})
	_, _, err := store.Create(ctx, streamkey.Key{
		Stream: "Main", Label: "two\nlines", Passphrase: "short",
		Rules: ingest.Rules{
			Protocols: []string{"http"}, Addresses: []string{"10.0.0.0/33"}, MaxBitrate: -1, MaxResolution: "1080p",
			MaxFrameRate: 0.5, MaxDuration: -1, Takeover: "perhaps", Ladder: strings.Repeat("9p,", 100),
		},
	}, noon())
	if _, ok := errors.AsType[*streamkey.InvalidError](err); !ok {
		t.Fatalf("the error is %v", err)
	}
	for _, says := range []string{`"Main" is not`, "label", "passphrase has 5", `"http"`, `"10.0.0.0/33"`, "bit rate of -1", `"1080p"`, "frame rate of 0.5", "duration of -1", `"perhaps"`, "ladder has 300"} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("nothing says %s in\n%v", says, err)
		}
	}
	if _, _, err = store.Create(ctx, streamkey.Key{Stream: "main", Rules: ingest.Rules{Ladder: "rope"}}, noon()); err == nil || !strings.Contains(err.Error(), "rope") {
		t.Errorf("the ladder was taken: %v", err)
	}
	made, _, err := store.Create(ctx, streamkey.Key{Stream: "main"}, noon())
	if err != nil {
		t.Fatal(err)
	}
	if _, err = store.Update(ctx, made.ID, func(k *streamkey.Key) error { k.Rules.MaxResolution = "x"; return nil }); err == nil {
		t.Error("a change that is wrong was made")
	}
	for _, id := range []string{"", "ffffffff", "'; DROP TABLE stream_keys; --"} {
		_, found := store.Find(ctx, id)
		_, revoked := store.Revoke(ctx, id, noon())
		_, _, rotated := store.Rotate(ctx, id, 0, noon())
		for _, err := range []error{found, revoked, rotated} {
			if !errors.Is(err, streamkey.ErrUnknown) {
				t.Errorf("id %q: %v", id, err)
			}
		}
	}
	if all, err := store.List(ctx); err != nil || len(all) != 1 || all[0].Rules.MaxResolution != "" {
		t.Errorf("%+v %v", all, err)
	}
}

// Nothing in the data folder is of use to who reads it, but for a passphrase.
func TestSecretsAreNotKept(t *testing.T) {
	dir := t.TempDir()
	store := streamkey.NewStore(open(t, dir), nil)
	made, secret, err := store.Create(t.Context(), streamkey.Key{Stream: "main"}, noon())
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := store.Rotate(t.Context(), made.ID, time.Hour, noon())
	if err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(dir, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{secret, other} {
			if bytes.Contains(text, []byte(strings.TrimPrefix(s, "main_"))) {
				t.Errorf("%s holds a secret", file.Name())
			}
		}
	}
}

// TestMadeThisMoment: a secret that another process has just made is good at once,
// before anything follows the database; a wrong one stays wrong.
func TestMadeThisMoment(t *testing.T) {
	dir := t.TempDir()
	r := ring(t, streamkey.NewStore(open(t, dir), nil), nil)
	command := streamkey.NewStore(open(t, dir), nil)
	for range 3 {
		made, first, err := command.Create(t.Context(), streamkey.Key{Stream: "main", Passphrase: "ten letters"}, noon())
		if err != nil {
			t.Fatal(err)
		}
		if grant, known, why := r.Find(t.Context(), first, noon()); grant.Passphrase != "ten letters" {
			t.Errorf("the new key opens %+v %v %v", grant, known, why)
		}
		_, second, err := command.Rotate(t.Context(), made.ID, 0, noon())
		if err != nil {
			t.Fatal(err)
		}
		if why := reason(t, r, second, noon()); why != "" {
			t.Errorf("the new secret: %q", why)
		}
		if why := reason(t, r, first, noon()); why != ingest.KeyExpired {
			t.Errorf("the old secret, once the new one was seen: %q", why)
		}
		if why := reason(t, r, second+"x", noon()); why != "unknown" {
			t.Errorf("a wrong secret: %q", why)
		}
	}
}

// TestFollow: what another process does to the database is seen within two
// seconds, without a word to the gateway.
func TestFollow(t *testing.T) {
	dir := t.TempDir()
	r := ring(t, streamkey.NewStore(open(t, dir), nil), nil)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	command := streamkey.NewStore(open(t, dir), nil)
	made, secret, err := command.Create(t.Context(), streamkey.Key{Stream: "main"}, noon())
	if err != nil {
		t.Fatal(err)
	}
	await := func(want ingest.Reason) {
		t.Helper()
		const patience = 10 * time.Second // on a busy machine
		begin := time.Now()
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for now := range tick.C {
			if reason(t, r, secret, noon()) == want {
				t.Logf("seen after %v", now.Sub(begin).Round(10*time.Millisecond))
				return
			}
			if now.Sub(begin) > patience {
				t.Fatalf("not seen after %v", patience)
			}
		}
	}
	await("")
	if _, err = command.Revoke(t.Context(), made.ID, noon()); err != nil {
		t.Fatal(err)
	}
	await(ingest.KeyRevoked)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
