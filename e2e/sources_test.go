//go:build e2e

package e2e

import (
	"encoding/json"
	"math"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/pkg/verify"
)

// source is one kind that a creator may send, and what has to come of it.
type source struct {
	clip   func(t *testing.T) string
	ladder string
	// options are ffmpeg's for the output.
	options []string
	// video are the renditions' sizes in the last period; none for audio alone.
	video []string
	// rate and channels are the audio's in the last period.
	rate, channels int
	// periods is how many there are at least, at most one more.
	periods int
	// health is what the creator has to be told, codes with spaces between.
	health string
	// quiet is true where there is nothing to hear.
	quiet bool
}

func sources() map[string]source {
	sound := func(name string, options ...string) func(t *testing.T) string {
		return func(t *testing.T) string { t.Helper(); return sounding(t, name, options...) }
	}
	whole := []string{"640x360"}
	return map[string]source{
		"mono 44.1 kHz": {clip: sound("mono44", "-c:a", "aac", "-ar", "44100", "-ac", "1"), video: whole, rate: 44_100, channels: 1},
		"5.1 that stops and returns": {
			clip: sound("51", "-c:a", "copy"), options: []string{"-bsf:a", "noise=drop='between(pts*tb,4,8)'"}, video: whole, rate: 48_000, channels: 2,
		},
		"MP3 44.1 kHz":  {clip: sound("mp3", "-c:a", "libmp3lame", "-ar", "44100", "-ac", "2"), video: whole, rate: 44_100, channels: 2},
		"MP3 22.05 kHz": {clip: sound("mp3low", "-c:a", "libmp3lame", "-ar", "22050", "-ac", "1"), video: whole, rate: 48_000, channels: 2},
		"audio only":    {clip: stereoClip, options: []string{"-vn"}, rate: 48_000, channels: 2, health: "no_video"},
		"audio only, MP3, not announced": {
			clip: sound("mp3", "-c:a", "libmp3lame", "-ar", "44100", "-ac", "2"), options: []string{"-vn", "-flvflags", "no_metadata"},
			rate: 44_100, channels: 2, health: "no_video",
		},
		"video only": {clip: stereoClip, options: []string{"-an"}, video: whole, rate: 48_000, channels: 2, health: "no_audio", quiet: true},
		"audio 5 s late": {
			clip: stereoClip, options: []string{"-bsf:a", "noise=drop='lt(pts*tb,5)'"}, video: whole, rate: 48_000, channels: 2,
		},
		"other audio 5 s late, not announced": {
			clip:    sound("mono44", "-c:a", "aac", "-ar", "44100", "-ac", "1"),
			options: []string{"-bsf:a", "noise=drop='lt(pts*tb,5)'", "-flvflags", "no_metadata"},
			video:   whole, rate: 44_100, channels: 1, periods: 2,
		},
		"MP3 5 s late, not announced": {
			clip:    sound("mp3", "-c:a", "libmp3lame", "-ar", "44100", "-ac", "2"),
			options: []string{"-bsf:a", "noise=drop='lt(pts*tb,5)'", "-flvflags", "no_metadata"},
			video:   whole, rate: 44_100, channels: 2, periods: 2,
		},
		"audio that stops and returns": {
			clip: stereoClip, options: []string{"-bsf:a", "noise=drop='between(pts*tb,4,8)'"}, video: whole, rate: 48_000, channels: 2,
		},
		"MP3 that stops and returns": {
			clip:    sound("mp3", "-c:a", "libmp3lame", "-ar", "44100", "-ac", "2"),
			options: []string{"-bsf:a", "noise=drop='between(pts*tb,4,8)'"}, video: whole, rate: 44_100, channels: 2,
		},
		"gap in video": {
			clip: stereoClip, options: []string{"-bsf:v", "noise=drop='between(dts*tb,5,9)'"}, video: whole, rate: 48_000, channels: 2, periods: 2,
		},
		"a jump of 3 hours": {
			clip: stereoClip, video: whole, rate: 48_000, channels: 2, periods: 2,
			options: []string{
				"-bsf:v", "setts=pts='PTS+if(gte(DTS*TB,7),10800/TB,0)':dts='DTS+if(gte(DTS*TB,7),10800/TB,0)'",
				"-bsf:a", "setts=ts='TS+if(gte(TS*TB,7),10800/TB,0)'",
			},
		},
		"MP3 and a jump of 3 hours": {
			clip: sound("mp3", "-c:a", "libmp3lame", "-ar", "44100", "-ac", "2"), video: whole, rate: 44_100, channels: 2, periods: 2,
			options: []string{
				"-bsf:v", "setts=pts='PTS+if(gte(DTS*TB,7),10800/TB,0)':dts='DTS+if(gte(DTS*TB,7),10800/TB,0)'",
				"-bsf:a", "setts=ts='TS+if(gte(TS*TB,7),10800/TB,0)'",
			},
		},
		"video 6 s late, not announced": {
			clip: stereoClip, options: []string{"-bsf:v", "noise=drop='lt(dts*tb,5)'", "-flvflags", "no_metadata"},
			ladder: "240p", video: []string{"640x360", "426x240"}, rate: 48_000, channels: 2, periods: 2,
		},
		"another size in mid-stream": {
			clip: changingClip, ladder: "240p", video: []string{"480x270", "426x240"}, rate: 48_000, channels: 2, periods: 2,
		},
		"4:2:2 from mid-stream on": {
			clip: professionalClip, ladder: "240p", video: []string{"640x360", "426x240"}, rate: 48_000, channels: 2, periods: 2, health: "source_not_playable",
		},
		"black and far too loud": {
			clip: blackClip, ladder: "240p", video: []string{"640x360", "426x240"}, rate: 48_000, channels: 2, health: "video_black audio_clipping",
		},
		"keyframe interval auto": {
			clip: autoClip, ladder: "360p", video: []string{"854x480", "640x360"}, rate: 48_000, channels: 2, periods: 1, health: "keyframe_interval",
		},
	}
}

// TestSources publishes every kind of source and reads what viewers get.
func TestSources(t *testing.T) {
	t.Parallel()
	for name, s := range sources() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clip := s.clip(t)
			if s.ladder == "" {
				s.ladder = "source"
			}
			w := start(t, t.TempDir(), "--transcode.ladder", s.ladder)
			w.publishTo(clip, w.publishURL(), s.options...)
			eventually(t, 20*time.Second, "the stream is live", func() bool { return w.state() == "live" })
			pass(5 * time.Second)
			verified(t, w)
			pass(2 * time.Second)
			s.check(t, w)
		})
	}
}

// verified holds a stream to every rule of weir verify.
func verified(t *testing.T, w *weir) {
	t.Helper()
	report, err := verify.Run(t.Context(), w.base+"/live/main/", verify.Options{Duration: 8 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	for _, broken := range report.Failed() {
		t.Errorf("rule %s (%s) is broken: %s", broken.Rule, broken.Section, broken.Seen)
	}
}

func (s source) check(t *testing.T, w *weir) {
	t.Helper()
	multivariant, _ := fetch(t, w.url("index.m3u8"))
	if !regexp.MustCompile(`(?m)^#EXT-X-STREAM-INF:[^\n]*CODECS="mp4a\.40\.2"[^\n]*\naudio/index\.m3u8$`).MatchString(multivariant) {
		t.Errorf("there is no variant of audio alone:\n%s", multivariant)
	}
	sound := w.fetchPeriods("audio")
	last := sound[len(sound)-1]
	if n := len(sound); n < max(s.periods, 1) || n > max(s.periods, 1)+1 {
		t.Errorf("audio has %d periods, want %d:\n%s", n, s.periods, last.text)
	}
	if got := probed(t, last, "sample_rate"); got != strconv.Itoa(s.rate) {
		t.Errorf("audio at %s Hz, want %d", got, s.rate)
	}
	if got := probed(t, last, "channels"); got != strconv.Itoa(s.channels) {
		t.Errorf("audio of %s channels, want %d", got, s.channels)
	}
	s.expectSound(t, last)
	checkPeriods(t, sound, false)
	var sizes []string
	for _, id := range w.renditions() {
		video := w.fetchPeriods(id)
		checkPeriods(t, video, true)
		checkBeside(t, video, sound)
		newest := video[len(video)-1]
		sizes = append(sizes, probed(t, newest, "width")+"x"+probed(t, newest, "height"))
	}
	if !slices.Equal(sizes, s.video) {
		t.Errorf("video of %v, want %v", sizes, s.video)
	}
	body, _ := w.get("/api/v1/streams/main")
	for code := range strings.FieldsSeq(s.health) {
		if !strings.Contains(body, `"`+code+`"`) {
			t.Errorf("the creator is not told of %s: %s", code, body)
		}
	}
}

// expectSound decodes audio and looks whether there is any to hear.
func (s source) expectSound(t *testing.T, w window) {
	t.Helper()
	loud := false
	for _, b := range decoded(t, w.save(t), "-xerror", "-vn", "-ac", "1", "-f", "s8", "-c:a", "pcm_s8", "-") {
		loud = loud || int8(b) > 1 || int8(b) < -1
	}
	if loud == s.quiet {
		t.Errorf("there is sound: %v", loud)
	}
}

// checkPeriods holds each period of a rendition to its promises and decodes it.
func checkPeriods(t *testing.T, periods []window, video bool) {
	t.Helper()
	for n, p := range periods {
		for i, s := range p.segments {
			if video && (!s.first.IsSync() || !isIDR(s.first.Data) || s.first.CompositionTimeOffset != 0) {
				t.Errorf("%s segment %d does not start with an IDR that is shown at its tfdt", p.id, s.msn)
			}
			seconds := float64(s.duration) / float64(p.timescale)
			ends := i == len(p.segments)-1 && n < len(periods)-1
			if seconds >= 2.5 || seconds < 1.95 && !ends && (video || len(periods) == 1) || math.Abs(seconds-s.extinf) > 0.001 {
				t.Errorf("%s segment %d lasts %.4f s, EXTINF %.4f, want 2", p.id, s.msn, seconds, s.extinf)
			}
			if i > 0 && s.start != p.segments[i-1].start+p.segments[i-1].duration {
				t.Errorf("%s segment %d starts at %d, the one before ends at %d", p.id, s.msn, s.start, p.segments[i-1].start+p.segments[i-1].duration)
			}
		}
		decoded(t, p.save(t), "-xerror", "-f", "null", "-")
	}
	if strings.Contains(periods[0].text, "#EXT-X-GAP") {
		t.Errorf("%s has a gap:\n%s", periods[0].id, periods[0].text)
	}
}

// checkBeside compares where the segments of a video rendition and of audio
// start, by their numbers.
func checkBeside(t *testing.T, video, audio []window) {
	t.Helper()
	starts := make(map[int]float64)
	for _, p := range audio {
		for _, s := range p.segments {
			starts[s.msn] = float64(s.start) / float64(p.timescale)
		}
	}
	both := 0
	for _, p := range video {
		for _, s := range p.segments {
			at, known := starts[s.msn]
			if !known {
				continue
			}
			both++
			if off := at - float64(s.start)/float64(p.timescale); math.Abs(off) > 0.030 {
				t.Errorf("audio segment %d starts %.1f ms off %s", s.msn, 1000*off, p.id)
			}
		}
	}
	if both < 4 {
		t.Errorf("%s and audio have only %d segments in common", video[0].id, both)
	}
}

// fetchPeriods reads a rendition, one window for each init segment or
// discontinuity.
func (w *weir) fetchPeriods(id string) []window {
	w.t.Helper()
	text, code := fetch(w.t, w.url(id+"/index.m3u8"))
	if code != 200 {
		w.t.Fatalf("%s playlist: %d %s", id, code, text)
	}
	var periods []window
	var init string
	msn, fresh := 0, true
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		tag, value, _ := strings.Cut(line, ":")
		switch tag {
		case "#EXT-X-MEDIA-SEQUENCE":
			msn, _ = strconv.Atoi(value)
		case "#EXT-X-DISCONTINUITY":
			fresh = true
		case "#EXT-X-MAP":
			init, fresh = strings.Trim(strings.TrimPrefix(value, "URI="), `"`), true
		case "#EXTINF":
			if fresh {
				periods = append(periods, w.openPeriod(id, init, text))
			}
			fresh = false
			p := &periods[len(periods)-1]
			extinf, _ := strconv.ParseFloat(strings.TrimSuffix(value, ","), 64)
			p.segments = append(p.segments, segment{msn: msn, extinf: extinf})
			msn++
		}
		if line != "" && !strings.HasPrefix(line, "#") {
			p := &periods[len(periods)-1]
			s := &p.segments[len(p.segments)-1]
			s.bytes = w.piece(id, line)
			s.parse(w.t, p.trex, float64(p.timescale))
		}
	}
	return periods
}

// probed is one field that ffprobe reads of a window's stream.
func probed(t *testing.T, w window, field string) string {
	t.Helper()
	out, err := exec.Command(program(t, "ffprobe"), "-v", "error", "-show_entries", "stream="+field, "-of", "json", w.save(t)).Output()
	if err != nil {
		t.Fatalf("ffprobe %s: %v", w.id, err)
	}
	var probe struct{ Streams []map[string]any }
	if err := json.Unmarshal(out, &probe); err != nil || len(probe.Streams) != 1 {
		t.Fatalf("ffprobe %s: %v: %s", w.id, err, out)
	}
	switch v := probe.Streams[0][field].(type) {
	case string:
		return v
	case float64:
		return strconv.Itoa(int(v))
	}
	return ""
}
