//go:build e2e

package e2e

import (
	"context"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestRestartOverSRT ends the gateway under an encoder of libsrt, which is started
// again as an encoder reconnects, and under hls.js and dash.js on Weir's own page:
// the stream goes on with higher numbers, and so do both.
func TestRestartOverSRT(t *testing.T) {
	t.Parallel()
	clip := cameraClip(t)
	for name, signal := range map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "kill -9": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openBrowser(t)
			data := t.TempDir()
			w := start(t, data, "--transcode.ladder", "source")
			w.callAgain(clip)
			eventually(t, 20*time.Second, "the stream is live", func() bool { return w.state() == "live" })
			for _, player := range []string{"hls", "dash"} {
				b.open(player, w.pageURL("/watch/main?player="+player))
				b.wait(player, "document.querySelector('video')?.currentTime > 0 && document.querySelector('video').buffered.length > 0", 20*time.Second)
			}
			pass(4 * time.Second)

			before := newestMSN(w.fetchWindow("source"))
			if err := w.process.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			w.exited <- <-w.exited
			down := time.Now()
			again := start(t, data, "--transcode.ladder", "source", "--srt.address", w.srt, "--rtmp.address", w.rtmp, "--http.address", strings.TrimPrefix(w.base, "http://"))
			eventually(t, 30*time.Second, "the stream is live again", func() bool { return again.state() == "live" })
			t.Logf("live again %v after the end", time.Since(down).Round(time.Millisecond))
			if first := again.fetchWindow("source").segments[0].msn; first <= before {
				t.Errorf("after the restart segment %d follows %d", first, before)
			}
			for _, player := range []string{"hls", "dash"} {
				took := eventually(t, 30*time.Second, player+" goes on by itself", func() bool {
					from := b.position(player)
					pass(3 * time.Second)
					played := b.position(player) - from
					return played > 2.5 && played < 4 // not a jump to another player's time
				})
				t.Logf("%s has played for 3 s again %v after the stream", player, took.Round(time.Millisecond))
			}
		})
	}
}

// position is where the video of a page is, in seconds.
func (b *browser) position(page string) (at float64) {
	b.t.Helper()
	b.evaluate(page, "document.querySelector('video').currentTime", &at)
	return at
}

// callAgain has ffmpeg send a clip over SRT, and starts it again whenever it has
// given up.
func (w *weir) callAgain(clip string) {
	w.t.Helper()
	ffmpeg := program(w.t, "ffmpeg")
	ctx, leave := context.WithCancel(context.Background())
	var encoder sync.WaitGroup
	encoder.Go(func() {
		for ctx.Err() == nil {
			_ = exec.CommandContext(ctx, ffmpeg, "-v", "error", "-nostdin", "-re", "-stream_loop", "-1", "-i", clip, "-c", "copy",
				"-f", "mpegts", "srt://"+w.srt+"?streamid="+url.QueryEscape(w.key)).Run()
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	})
	w.t.Cleanup(func() {
		leave()
		encoder.Wait()
	})
}
