package admission_test

import (
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/pkg/database"
	"weir/pkg/streamkey"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// advance lets the bubble's clock run; nothing really sleeps.
func advance(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // the clock of a synctest bubble.
}

// ring has no keys.
func ring(tb testing.TB) *streamkey.Ring {
	tb.Helper()
	db, err := database.Open(tb.Context(), tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	r, err := streamkey.NewRing(tb.Context(), streamkey.NewStore(db, nil), quiet(), nil)
	if err != nil {
		tb.Fatal(err)
	}
	if err := db.Close(); err != nil {
		tb.Fatal(err)
	}
	return r
}
