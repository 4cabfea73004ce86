package gateway

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/pkg/api"
)

// until looks at stream nature until it is as wanted.
func (r *running) until(what string, wanted func(api.StreamStatus) bool) {
	r.t.Helper()
	r.untilOf("nature", what, wanted)
}

// untilOf does so with any stream.
func (r *running) untilOf(stream, what string, wanted func(api.StreamStatus) bool) {
	r.t.Helper()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for range 400 {
		var st api.StreamStatus
		if r.call(http.MethodGet, "/api/v1/streams/"+stream, "", &st) == http.StatusOK && wanted(st) {
			return
		}
		<-look.C
	}
	r.t.Fatalf("in vain it was waited for %s\n%s", what, r.log)
}

// playlist is what viewers of stream nature get.
func (r *running) playlist() string {
	r.t.Helper()
	return r.playlistOf("nature")
}

func (r *running) playlistOf(stream string) string {
	r.t.Helper()
	path := "/live/" + stream + "/source/index.m3u8?ll=0"
	res, err := http.Get("http://" + r.addresses.HTTP + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		r.t.Fatalf("%s: %s %v", path, res.Status, err)
	}
	return string(text)
}

func published(by string) func(api.StreamStatus) bool {
	return func(st api.StreamStatus) bool {
		return st.State == "live" && st.Session != nil && st.Session.Protocol == by
	}
}

// TestChannel plays files in turn, passes over one that cannot be read, makes room
// for an encoder, goes on when that has said that it is done, and follows the
// configuration.
func TestChannel(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(clip); err != nil {
		t.Skipf("SKIPPED, NOT TESTED: the clip is not there: %v", err)
	}
	broken := filepath.Join(t.TempDir(), "broken.mp4")
	if err := os.WriteFile(broken, []byte("not a film at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	second := filepath.Join(filepath.Dir(clip), "src_butterfly_720p30.mp4")
	r := startGateway(t, fmt.Sprintf("transcode: {ladder: source}\nchannels: [{name: nature, files: ['%s', '%s', '%s']}]\n", broken, clip, second))
	key := r.makeKey(`{"stream":"nature"}`)

	r.until("the channel", published("file"))
	if !strings.Contains(r.log.String(), "1 of 3 files cannot be played") {
		t.Error("the log does not name the broken file")
	}
	// The first clip has 4 s: what follows came over the seam to the second.
	r.until("the second clip", func(st api.StreamStatus) bool {
		return st.Session != nil && time.Since(st.Session.ConnectedAt) > 9*time.Second
	})
	list := r.playlist()
	if n := strings.Count(list, "#EXTINF"); n < 3 || strings.Contains(list, "EXT-X-GAP") || strings.Contains(list, "ENDLIST") {
		t.Errorf("%d segments:\n%s", n, list)
	}

	if err := r.publish(key.Secret); err != nil {
		t.Errorf("an encoder cannot take over: %v", err)
	}
	r.until("the channel after an encoder", published("file"))
	if list := r.playlist(); strings.Contains(list, "ENDLIST") {
		t.Errorf("the end of an encoder's stream was that of the channel:\n%s", list)
	}

	all, err := os.ReadFile(r.file)
	if err != nil {
		t.Fatal(err)
	}
	rest, _, _ := strings.Cut(string(all), "channels:")
	r.configure(rest)
	var reloaded struct{ Changes []api.SettingChange }
	if code := r.call(http.MethodPost, "/api/v1/config/reload", "", &reloaded); code != http.StatusOK || len(reloaded.Changes) != 1 {
		t.Errorf("the reload: %d %+v", code, reloaded)
	}
	r.until("the end of the channel", func(st api.StreamStatus) bool { return st.Session == nil })
}
