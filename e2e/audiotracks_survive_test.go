//go:build e2e

package e2e

import (
	"encoding/binary"
	"net/url"
	"os/exec"
	"testing"
	"time"
)

// spawn runs an encoder until it is ended, or the test is over.
func spawn(t *testing.T, name string, arguments ...string) *publisher {
	t.Helper()
	cmd := exec.Command(name, arguments...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &publisher{process: cmd, exited: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(p.kill)
	return p
}

// callSRT has ffmpeg send a clip over SRT, over and over; options are its for the
// output.
func (w *weir) callSRT(clip string, options ...string) *publisher {
	w.t.Helper()
	arguments := append([]string{"-v", "error", "-nostdin", "-re", "-stream_loop", "-1", "-i", clip}, options...)
	return spawn(w.t, program(w.t, "ffmpeg"), append(arguments, "-c", "copy",
		"-f", "mpegts", "srt://"+w.srt+"?streamid="+url.QueryEscape(w.key))...)
}

// tone is how high the newest segments of an audio rendition sound, in Hz; 0 is
// silence.
func (w *weir) tone(id string) int {
	w.t.Helper()
	periods := w.fetchPeriods(id)
	newest := periods[len(periods)-1]
	if n := len(newest.segments); n > 2 {
		newest.segments = newest.segments[n-2:]
	}
	const rate = 8000
	raw := decoded(w.t, newest.save(w.t), "-ac", "1", "-ar", "8000", "-f", "s16le", "-c:a", "pcm_s16le", "-")
	if len(raw) < 2*rate*3/2 {
		return -1 // less than one whole segment
	}
	crossings, high := 0, false
	for i := rate / 2; i < rate*3/2; i++ { // a second behind the decoder's first frames
		v := int16(binary.LittleEndian.Uint16(raw[2*i:]))
		if high && v < -200 || !high && v > 200 {
			high = !high
			crossings++
		}
	}
	return crossings / 2
}

// hears waits until the audio renditions sound as they should.
func (w *weir) hears(what string, tones map[string]int) {
	w.t.Helper()
	eventually(w.t, 20*time.Second, what+" is heard", func() bool {
		for id, want := range tones {
			if off := w.tone(id) - want; off < -10 || off > 10 {
				return false
			}
		}
		return true
	})
}

// TestAudioTracksSurvive: three languages come over Enhanced RTMP, are silent under the
// slate, come back over SRT in another order to where they were, and are one when
// another encoder takes over. At no time a rule is broken.
func TestAudioTracksSurvive(t *testing.T) {
	t.Parallel()
	overSRT := polyglotClip(t)
	overRTMP := cached(t, "polyglot-360p30-20s.mp4", "-i", overSRT, "-map", "0", "-c", "copy")
	w := start(t, t.TempDir(), "--transcode.ladder", "240p")
	first := spawn(t, w.process.Path, "publish", "--loop", overRTMP, w.publishURL())
	eventually(t, 20*time.Second, "the stream is live", func() bool { return w.state() == "live" })
	w.hears("what comes over RTMP", map[string]int{"audio": 440, "audio_2": 880, "audio_3": 1760})
	verified(t, w)

	first.kill()
	w.hears("the silence of the slate", map[string]int{"audio": 0, "audio_2": 0, "audio_3": 0})
	verified(t, w)

	// What is for others than all, such as an audio description, is no stand-in for it:
	// that has to be taken off the French.
	second := w.callSRT(overSRT, "-map", "0:v", "-map", "0:a:0", "-map", "0:a:2", "-map", "0:a:1", "-disposition:a:1", "0")
	w.hears("what comes over SRT", map[string]int{"audio": 440, "audio_2": 880, "audio_3": 1760})
	verified(t, w)

	w.callSRT(overSRT, "-map", "0:v", "-map", "0:a:1")
	select {
	case <-second.exited:
	case <-time.After(10 * time.Second):
		t.Error("the second encoder has not been told that it was taken over")
	}
	w.hears("one track alone, as the first", map[string]int{"audio": 880, "audio_2": 0, "audio_3": 0})
	verified(t, w)
}
