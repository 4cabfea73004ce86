package libav

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// workerEnv makes the test program a worker.
const workerEnv = "WEIR_TEST_WORKER"

func TestMain(m *testing.M) {
	if os.Getenv(workerEnv) != "" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		if err := Worker(ctx, false); err != nil && ctx.Err() == nil {
			panic(err)
		}
		return
	}
	goleak.VerifyTestMain(m)
}
