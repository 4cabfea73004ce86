//go:build e2e

package e2e

import (
	"os/exec"
	"testing"
	"time"
)

// TestVerify holds a live ladder to every rule that `weir verify` knows.
func TestVerify(t *testing.T) {
	t.Parallel()
	clip := cameraClip(t)
	w := start(t, t.TempDir())
	w.publish(clip)
	eventually(t, 20*time.Second, "the stream is live", func() bool { return w.state() == "live" })
	pass(8 * time.Second)
	table, err := exec.Command(w.process.Path, "verify", "--duration", "12s", w.base+"/live/main/").CombinedOutput()
	t.Logf("%s", table)
	if err != nil {
		t.Errorf("weir verify: %v", err)
	}
}
