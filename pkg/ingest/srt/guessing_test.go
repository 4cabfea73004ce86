package srt

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"weir/pkg/admission"
	"weir/pkg/database"
	"weir/pkg/ingest"
	"weir/pkg/streamkey"
)

// deskGate lets nobody in, in the end: it asks who does decide.
type deskGate struct{ *admission.Desk }

func (g deskGate) Publish(ctx context.Context, req ingest.Request) (ingest.Session, error) {
	if _, err := g.Admit(ctx, req); err != nil {
		return nil, fmt.Errorf("admit the publisher: %w", err)
	}
	return nil, &ingest.Rejection{Reason: ingest.AlreadyLive, Message: "Somebody publishes already."}
}

// newDesk knows goodKey, which has a passphrase.
func newDesk(t *testing.T) *admission.Desk {
	t.Helper()
	keys, err := ingest.NewKeys([]ingest.StreamKey{{Name: "main", Key: goodKey, Passphrase: passphrase}})
	if err != nil {
		t.Fatal(err)
	}
	db, err := database.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	ring, err := streamkey.NewRing(t.Context(), streamkey.NewStore(db, nil), quiet(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return admission.New(ring, quiet(), admission.Config{Keys: keys})
}

// encrypted is a conclusion like hello's with the material of a key, nil for none.
func encrypted(cookie uint32, id string, material []byte) []byte {
	if material == nil {
		return hello(cookie, id)
	}
	return appendExtension(hello(cookie, id), extKeyRequest, func(b []byte) []byte { return append(b, material...) })
}

// TestGuessesOverSRT: codes tell who comes with the right key what is wrong with its
// passphrase, nobody else, and nothing at all to who has guessed too often.
func TestGuessesOverSRT(t *testing.T) {
	t.Parallel()
	_, at := serve(t, Config{Gate: deskGate{newDesk(t)}})
	right := material(t, 9, evenKey, bytes.Repeat([]byte{1}, 16))
	wrong := bytes.Clone(right)
	wrong[len(wrong)-1] ^= 1
	call := func(key string, material []byte) uint32 {
		p := newPeer(t, at)
		defer p.Close()
		return p.handshake(encrypted(p.greet(), key, material)).typ - rejectionBase
	}
	type attempt struct {
		name, key string
		material  []byte
		code      uint32
	}
	cases := []attempt{
		{"unknown key", "nobodys-key", nil, rejectUnauthorized},
		{"unknown key, encrypted", "nobodys-key", right, rejectUnauthorized},
		{"right key, no passphrase", goodKey, nil, rejectUnsecure},
		{"right key, wrong passphrase", goodKey, wrong, rejectSecret},
	}
	for _, c := range cases {
		if code := call(c.key, c.material); code != c.code {
			t.Errorf("%s: code %d, want %d", c.name, code, c.code)
		}
	}
	for i, c := range append(cases, attempt{"right key, right passphrase", goodKey, right, rejectConflict}) {
		// The limit cools while it is tested.
		for n := 0; call(fmt.Sprintf("guess-%d-%d", i, n), wrong) != rejectOverload; n++ {
			if n > 50 {
				t.Fatal("50 encrypted guesses, and nobody minds")
			}
		}
		if code := call(c.key, c.material); code != rejectOverload {
			t.Errorf("%s, over the limit: code %d", c.name, code)
		}
	}
}
