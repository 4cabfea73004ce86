package gateway

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"weir/pkg/api"
	"weir/pkg/publish"
)

// TestDecoderBombs publishes what is made to take all memory of who decodes it, to the
// real server with its real workers. Pictures that say that they are huge are not taken,
// at the door where the stream begins with them and by the worker where they come later,
// and the creator is told. Another stream plays on.
func TestDecoderBombs(t *testing.T) {
	t.Parallel()
	const sound = " -f lavfi -i sine=sample_rate=48000:d=30 -c:a aac -c:v libx264 -preset ultrafast -pix_fmt yuv420p"
	calm := recording(t, "-f lavfi -i testsrc2=size=640x360:rate=30:d=30"+sound+" -g 60 -b:v 300k")
	sliced := recording(t, "-f lavfi -i testsrc2=size=1280x720:rate=10:d=30"+sound+" -g 10 -t 6 -x264-params slice-max-mbs=2")
	r := startGateway(t, "transcode: {ladder: 240p}\n")
	keyOf := func(stream string) string { return r.makeKey(`{"stream":"` + stream + `"}`).Secret }
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	send := func(key, file string) <-chan error {
		ended := make(chan error, 1)
		go func() {
			ended <- publish.Run(ctx, publish.Options{File: file, Loop: true, URL: "rtmp://" + r.addresses.RTMP + "/live/" + key})
		}()
		return ended
	}
	bystander := send(keyOf("nature"), calm)
	r.until("the bystander", published("rtmp"))
	huge := recording(t, "-f lavfi -i testsrc2=size=640x360:rate=30:d=6"+sound+" -profile:v baseline -shortest")
	retag(t, huge, hugeFromTheStart)
	if why, ok := errors.AsType[*publish.RejectedError](<-send(keyOf("huge"), huge)); !ok || !strings.Contains(why.Description, "takes at most 8192") {
		t.Errorf("huge pictures from the start end with %v", why)
	}
	for stream, make := range map[string]func(*testing.T) string{"h264": bombH264, "hevc": bombHEVC} {
		send(keyOf(stream), make(t))
	}
	send(keyOf("sliced"), sliced)
	most := 0
	look := func(wanted func(api.StreamStatus) bool) func(api.StreamStatus) bool {
		return func(st api.StreamStatus) bool {
			most = max(most, peakOfWorkers(t))
			return wanted(st)
		}
	}
	r.untilOf("hevc", "that the creator is told of pictures that cannot be decoded", look(func(st api.StreamStatus) bool {
		return slices.ContainsFunc(st.Health, func(f api.Finding) bool { return f.Code == "video_damaged" })
	}))
	// A parameter set that is refused leaves the one before it, by which H.264 is decoded
	// all the same.
	for _, stream := range []string{"h264", "sliced"} {
		list := "http://" + r.addresses.HTTP + "/live/" + stream + "/240p/index.m3u8?ll=0"
		r.untilOf(stream, stream+": that the worker encodes it", look(func(st api.StreamStatus) bool {
			return st.Worker != nil && st.Worker.Restarts == 0 && strings.Count(string(fetched(t, list)), "#EXTINF") >= 4
		}))
	}
	t.Logf("no worker took more than %d MiB", most>>20)
	if most > 512<<20 {
		t.Errorf("a worker took %d MiB", most>>20)
	}
	r.expectMore()
	var st api.StreamStatus
	if r.call(http.MethodGet, "/api/v1/streams/nature", "", &st); st.Worker == nil || st.Worker.Restarts > 0 {
		t.Errorf("the bystander's worker: %+v", st.Worker)
	}
	if list := r.playlist(); strings.Contains(list, "EXT-X-GAP") || strings.Contains(list, "DISCONTINUITY\n") {
		t.Errorf("viewers of the bystander get\n%s", list)
	}
	select {
	case err := <-bystander:
		t.Errorf("the bystander was sent away: %v", err)
	default:
	}
}

// peakOfWorkers is the most memory that any worker of this process has had resident, in
// bytes.
func peakOfWorkers(t *testing.T) (most int) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		status := make(map[string]string)
		for line := range strings.Lines(string(raw)) {
			name, value, _ := strings.Cut(line, ":")
			status[name] = strings.TrimSpace(value)
		}
		if status["PPid"] != strconv.Itoa(os.Getpid()) {
			continue
		}
		if kib, err := strconv.Atoi(strings.TrimSuffix(status["VmHWM"], " kB")); err == nil {
			most = max(most, kib<<10)
		}
	}
	return most
}
