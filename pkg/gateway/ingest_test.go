package gateway

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestMetricsAreServed: a metric that cannot be collected would take all others
// with it.
func TestMetricsAreServed(t *testing.T) {
	r := startGateway(t, "")
	answer, err := http.Get("http://" + r.addresses.HTTP + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%d, %v: %s", answer.StatusCode, err, text)
	}
	for _, metric := range []string{"weir_ingest_connections 0", `weir_srt_packet_troubles_total{kind="lost"} 0`, `weir_mpegts_damages_total{kind="gap"} 0`} {
		if !strings.Contains(string(text), metric+"\n") {
			t.Errorf("there is no %s", metric)
		}
	}
}
