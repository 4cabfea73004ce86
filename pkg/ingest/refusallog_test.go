package ingest_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/pkg/ingest"
)

// TestRefusalLog: a flood of one reason takes a line a second, and none of another's.
func TestRefusalLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		log := slog.New(slog.NewTextHandler(&text, nil))
		var refusals ingest.RefusalLog
		refuse := func(reason ingest.Reason, stream string) {
			why := &ingest.Rejection{Reason: reason, Message: "because", Stream: stream}
			refusals.Write(t.Context(), log, ingest.Refusal{Protocol: "rtmp", Why: why}, why)
		}
		for range 2500 {
			refuse(ingest.WrongKey, "")
			<-time.After(time.Millisecond)
		}
		refuse(ingest.KeyExpired, "studio")
		if n := strings.Count(text.String(), "reason=wrong_key"); n != 3 {
			t.Errorf("%d lines of what came 2500 times in 2.5 s, want 3:\n%s", n, text.String())
		}
		if !strings.Contains(text.String(), `msg="publisher refused" protocol=rtmp reason=key_expired stream=studio`) {
			t.Errorf("the other reason is not there:\n%s", text.String())
		}
		if n := strings.Count(text.String(), "omitted=999"); n != 2 {
			t.Errorf("what was held back is counted %d times, want 2:\n%s", n, text.String())
		}
	})
}
