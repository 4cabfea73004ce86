package webhook_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"weir/pkg/database"
	"weir/pkg/webhook"
	"weir/pkg/webhook/sign"
)

const (
	crashVariable = "WEBHOOK_TEST_CRASH_DIR"
	crashEvents   = 50
)

func crashDir() string { return os.Getenv(crashVariable) }

// publishUntilKilled is another process: it publishes events that nobody takes,
// says so when they are in the database, and goes on until it is killed.
func publishUntilKilled(dir string) {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1) //nolint:forbidigo // this is a main.
		}
	}
	db, err := database.Open(context.Background(), dir)
	fail(err)
	h := webhook.New(db, "weir/test", slog.New(slog.DiscardHandler))
	nobody := webhook.Wish{URL: "http://127.0.0.1:1/", Secret: sign.NewSecret()}
	h.Configure([]webhook.Wish{nobody}, loopback())
	go func() { fail(h.Run(context.Background())) }()
	for n := 1; n <= crashEvents; n++ {
		publish(h, "stream.started", n)
	}
	for tick := time.Tick(time.Millisecond); ; <-tick {
		stats, err := h.Stats(context.Background())
		fail(err)
		if stats.Waiting == crashEvents && stats.Failed > 0 {
			_, err := fmt.Fprintln(os.Stdout, "kept")
			fail(err)
		}
	}
}

// TestACrashLosesNothing kills a process (SIGKILL) in whose queue events wait.
func TestACrashLosesNothing(t *testing.T) {
	r := receive(t)
	dir := t.TempDir()
	program := exec.CommandContext(t.Context(), os.Args[0])
	program.Env = append(os.Environ(), crashVariable+"="+dir)
	program.Stderr = os.Stderr
	out, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "kept\n" {
		t.Errorf("it said %q, %v", line, err)
	}
	if err := program.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out)
	_ = program.Wait() // it was killed

	all := make(chan struct{})
	r.will(func(w http.ResponseWriter, request *http.Request, e event) bool {
		if len(r.taken) == crashEvents-1 {
			defer close(all)
		}
		return takes(w, request, e)
	})
	move(t, dir, r)
	_, stop := running(t, dir, r.wish())
	<-all
	stop()
	if got := r.numbers(); !same(got, numbers(1, crashEvents)) {
		t.Errorf("it got %v", got)
	}
}

// move gives the queue in dir to another receiver, and makes all of it due.
func move(t *testing.T, dir string, to *receiver) {
	t.Helper()
	db, err := database.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, change := range []string{
		"INSERT INTO webhooks (id, url, events, label, secret, configured, created_at) VALUES (?1, '', '[]', '', '', 1, 0)",
		"UPDATE webhook_deliveries SET webhook_id = ?1, next_at = 0",
	} {
		if _, err := db.ExecContext(t.Context(), change, webhook.ConfiguredID(to.URL)); err != nil {
			t.Fatal(err)
		}
	}
}
