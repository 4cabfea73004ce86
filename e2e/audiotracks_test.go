//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"
)

// polyglotClip has three audio tracks: German at 440 Hz, English at 880 Hz and, in
// AC-3, a French audio description at 1760 Hz.
func polyglotClip(t *testing.T) string {
	t.Helper()
	arguments := []string{"-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30"}
	for _, tone := range []string{"440", "880", "1760"} {
		arguments = append(arguments, "-f", "lavfi", "-i", "sine=sample_rate=48000:frequency="+tone)
	}
	arguments = append(append(arguments, "-t", "20", "-map", "0", "-map", "1", "-map", "2", "-map", "3"), small(60)...)
	return cached(t, "polyglot-360p30-20s.ts", append(arguments, "-ac", "2", "-c:a", "aac", "-c:a:2", "ac3",
		"-metadata:s:a:0", "language=deu", "-metadata:s:a:1", "language=eng", "-metadata:s:a:2", "language=fra",
		"-disposition:a:2", "visual_impaired")...)
}

// listen makes the page tell how high the loudest tone is that it plays: 0 for silence.
const listen = `(() => {
  const video = document.querySelector("video")
  video.muted = false
  const context = new AudioContext()
  const analyser = context.createAnalyser()
  analyser.fftSize = 8192
  context.createMediaElementSource(video).connect(analyser)
  analyser.connect(context.destination)
  const bins = new Float32Array(analyser.frequencyBinCount)
  window.tone = () => {
    analyser.getFloatFrequencyData(bins)
    const loudest = bins.indexOf(Math.max(...bins))
    return bins[loudest] < -60 ? 0 : Math.round((loudest * context.sampleRate) / analyser.fftSize)
  }
  void context.resume()
})()`

// TestAudioTracks sends three audio tracks over SRT and changes between them on the
// watch page by keyboard, in hls.js and in dash.js, by what is heard.
func TestAudioTracks(t *testing.T) {
	t.Parallel()
	clip := polyglotClip(t)
	b := openBrowser(t)
	w := start(t, t.TempDir(), "--transcode.ladder", "source")
	b.open("hls", w.pageURL("/watch/main"))
	b.open("dash", w.pageURL("/watch/main?player=dash"))
	w.callSRT(clip, "-map", "0")
	hears := func(page string, tone int) {
		t.Helper()
		b.wait(page, fmt.Sprintf("Math.abs(window.tone() - %d) < 20", tone), 20*time.Second)
	}
	for _, page := range []string{"hls", "dash"} {
		b.wait(page, "document.querySelector('video')?.currentTime > 1", 30*time.Second)
		b.evaluate(page, listen, nil)
		hears(page, 440)
	}
	choose := func(page string, keys ...string) {
		t.Helper()
		b.do("press", map[string]any{"page": page, "key": "a"})
		b.wait(page, "document.activeElement.textContent === 'Deutsch'", 5*time.Second)
		b.screenshot(page, "watch-audio-"+page)
		for _, key := range keys {
			b.do("press", map[string]any{"page": page, "key": key})
		}
	}
	choose("hls", "ArrowDown", "Enter")
	choose("dash", "ArrowDown", "ArrowDown", "Enter")
	hears("hls", 880)
	hears("dash", 1760)
	verified(t, w)
	for page, tone := range map[string]int{"hls": 880, "dash": 1760} {
		hears(page, tone)
	}
}
