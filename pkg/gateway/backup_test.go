package gateway

import (
	"context"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"weir/pkg/api"
	"weir/pkg/publish"
)

// TestBackupPublisher goes the whole way with two real publishers: the connection of
// the one breaks, the other goes on without a slate, and makes room when the first one
// has come back.
func TestBackupPublisher(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(clip); err != nil {
		t.Skipf("SKIPPED, NOT TESTED: the clip is not there: %v", err)
	}
	r := startGateway(t, "transcode: {ladder: source}\n")
	main, spare := r.makeKey(`{"stream":"nature"}`), r.makeKey(`{"stream":"nature","rules":{"backup":true}}`)
	ctx, leave := context.WithCancel(t.Context())
	lines := make(chan net.Conn, 2)
	ended := make(chan error, 3)
	start := func(key string) {
		go func() {
			ended <- publish.Run(ctx, publish.Options{
				File: clip, URL: "rtmp://" + r.addresses.RTMP + "/live/" + key, Loop: true,
				Dial: func(ctx context.Context, target publish.Target) (net.Conn, error) {
					line, err := (&net.Dialer{}).DialContext(ctx, "tcp", target.Address)
					lines <- line
					return line, err
				},
			})
		}()
	}
	start(main.Secret)
	cut := <-lines
	r.until("the primary", published("rtmp"))
	start(spare.Secret)
	<-lines
	var since time.Time
	r.until("both", func(st api.StreamStatus) bool {
		return st.Session != nil && st.Backup != nil && !st.Backup.OnAir && time.Since(st.Backup.ConnectedAt) > 3*time.Second
	})
	began := time.Now()
	if err := cut.Close(); err != nil {
		t.Fatal(err)
	}
	r.until("the backup", func(st api.StreamStatus) bool {
		since = time.Now()
		return st.Backup != nil && st.Backup.OnAir && st.State == "live"
	})
	if took := since.Sub(began); took > 5*time.Second {
		t.Errorf("the backup went on air after %v", took)
	}
	if err := <-ended; err == nil {
		t.Error("the connection was cut, and the primary has not noticed")
	}
	start(main.Secret)
	<-lines
	began = time.Now()
	r.until("the primary again", func(st api.StreamStatus) bool {
		since = time.Now()
		return st.State == "live" && st.Backup != nil && !st.Backup.OnAir
	})
	if took := since.Sub(began); took < 9*time.Second || took > 20*time.Second {
		t.Errorf("the primary was on air again after %v", took)
	}
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	list := ""
	for tries := 0; tries < 100 && strings.Count(list, "#EXT-X-DISCONTINUITY\n") < 2; tries++ {
		<-look.C // until its first segment is listed
		list = r.playlist("/live/nature/source/index.m3u8?ll=0")
	}
	if n := strings.Count(list, "#EXT-X-DISCONTINUITY\n"); n != 2 || strings.Contains(list, "ENDLIST") || strings.Count(list, "EXT-X-GAP") > 2 {
		t.Errorf("two switches make this of the playlist:\n%s", list)
	}
	text := r.text("/metrics")
	for _, want := range []string{`weir_stream_backup_switches_total{stream="nature"} 2`, `weir_stream_absences_total{stream="nature"} 0`} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	leave()
	for range 2 {
		if err := <-ended; err != nil {
			t.Errorf("a publisher was disturbed: %v", err)
		}
	}
}
