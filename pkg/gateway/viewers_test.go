package gateway

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"weir/pkg/api"
)

// stands asks for a playlist as a player that has stood still does (CTA-5004).
func (r *running) stands(player int) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://"+r.addresses.HTTP+"/live/nature/source/index.m3u8", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("CMCD-Session", fmt.Sprintf(`sid="player-%d"`, player))
	req.Header.Set("CMCD-Status", "bs")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	_ = res.Body.Close()
}

// TestViewersThatStall: what viewers' players tell of themselves becomes a finding.
func TestViewersThatStall(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(clip); err != nil {
		t.Skipf("SKIPPED, NOT TESTED: the clip is not there: %v", err)
	}
	r := startGateway(t, fmt.Sprintf("transcode: {ladder: source}\nchannels: [{name: nature, files: ['%s']}]\n",
		filepath.Join(filepath.Dir(clip), "src_butterfly_720p30.mp4")))
	told := func(st api.StreamStatus) bool {
		return slices.ContainsFunc(st.Health, func(f api.Finding) bool { return f.Code == "viewers_stall" && f.Hop == "viewer" })
	}
	r.until("the stream", published("file"))
	r.until("the finding", func(st api.StreamStatus) bool {
		if told(st) {
			return true
		}
		for player := range 4 {
			r.stands(player)
		}
		return false
	})
}
