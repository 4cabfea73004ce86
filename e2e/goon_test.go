//go:build e2e

package e2e

import (
	"testing"
	"time"
)

// TestPlayersGoOn plays sources that change in mid-stream, or have sound alone:
// every player goes on by itself.
func TestPlayersGoOn(t *testing.T) {
	for _, name := range []string{"audio only", "another size in mid-stream", "other audio 5 s late, not announced", "a jump of 3 hours"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sources()[name]
			clip := s.clip(t)
			b := openBrowser(t)
			w := start(t, t.TempDir(), "--transcode.ladder", "source")
			w.openPlayers(b, nil)
			began := time.Now()
			w.publishTo(clip, w.publishURL(), s.options...)
			for player := range players() {
				b.wait(player, "window.report().playingAt", 20*time.Second)
			}
			pass(20*time.Second - time.Since(began))
			before := make(map[string]float64)
			for player := range players() {
				before[player] = b.report(player).Time
			}
			pass(6 * time.Second)
			for player := range players() {
				r := b.report(player)
				t.Logf("%s: at %.1f s, %.1f s in the last 6 s, stalls %.0f, errors %v, got over %v", player, r.Time, r.Time-before[player], r.Stalls, r.Errors, r.Notes)
				if r.Time-before[player] < 5 || len(r.Errors) > 0 {
					t.Errorf("%s did not go on by itself", player)
				}
			}
		})
	}
}
