package rtmp

import (
	"bytes"
	"context"
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// clip is a real recording; the test is skipped where it is missing.
func clip(tb testing.TB, name string) string {
	tb.Helper()
	path := filepath.Join("..", "..", "..", "..", "shared", "media", name)
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("SKIPPED, NOT TESTED: the clip %s is missing: %v", name, err)
	}
	return path
}

// program is the path of a program; the test is skipped where it is missing.
func program(tb testing.TB, name string) string {
	tb.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		tb.Skipf("SKIPPED, NOT TESTED: %s is not installed: %v", name, err)
	}
	return path
}

// ffmpeg publishes a clip without encoding it and returns what ffmpeg said.
func ffmpeg(tb testing.TB, path, url string, options ...string) (said string, err error) {
	tb.Helper()
	args := append([]string{"-hide_banner", "-loglevel", "error", "-copyts", "-i", path}, options...)
	cmd := exec.CommandContext(tb.Context(), program(tb, "ffmpeg"), append(args, "-f", "flv", url)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err = cmd.Run()
	return stderr.String(), err
}

// packet is what ffprobe tells of one packet.
type packet struct {
	pts, dts float64
	key      bool
}

// probe lists the packets of the first stream of a kind.
func probe(tb testing.TB, path, stream string) []packet {
	tb.Helper()
	out, err := exec.CommandContext(tb.Context(), program(tb, "ffprobe"), "-v", "error", "-select_streams", stream,
		"-show_entries", "packet=pts_time,dts_time,flags", "-of", "csv=p=0", path).Output()
	if err != nil {
		tb.Fatal(err)
	}
	r := csv.NewReader(bytes.NewReader(out))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	packets := make([]packet, 0, len(rows))
	for _, row := range rows {
		pts, errPTS := strconv.ParseFloat(row[0], 64)
		dts, errDTS := strconv.ParseFloat(row[1], 64)
		if errPTS != nil || errDTS != nil {
			tb.Fatalf("ffprobe wrote %v", row)
		}
		packets = append(packets, packet{pts, dts, strings.HasPrefix(row[2], "K")})
	}
	return packets
}

// milliseconds is a time of ffprobe as FLV has it.
func milliseconds(seconds float64) media.Ticks { return media.Ticks(seconds*1000 + 0.5) }

func comparePackets(t *testing.T, got []media.AccessUnit, want []packet) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d access units, ffprobe reads %d", len(got), len(want))
	}
	last := media.Ticks(-1)
	for i, u := range got {
		if u.DTS < last {
			t.Fatalf("access unit %d: DTS %d after %d", i, u.DTS, last)
		}
		last = u.DTS
		if w := want[i]; u.PTS != milliseconds(w.pts) || u.DTS != milliseconds(w.dts) || u.Sync != w.key {
			t.Fatalf("access unit %d: PTS %d, DTS %d, sync %v; ffprobe reads %+v", i, u.PTS, u.DTS, u.Sync, w)
		}
	}
}

func TestFFmpegPublishes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		width, height int
		rate          media.Rational
	}{
		{"camera_720p60_4M_cbr.flv", 1280, 720, media.Rational{Num: 60, Den: 1}},
		{"camera_1080p30_6M_cbr.flv", 1920, 1080, media.Rational{Num: 30, Den: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path, gate := clip(t, c.name), newRecorder()
			server, address := serve(t, Config{Gate: gate, MaxBitrate: 500_000_000})
			if said, err := ffmpeg(t, path, "rtmp://"+address+"/live/"+goodKey, "-c", "copy"); err != nil {
				t.Fatalf("ffmpeg: %v: %s", err, said)
			}
			s := <-gate.sessions
			if end := <-s.closed; !end.OnPurpose || end.Err != nil {
				t.Errorf("the session ended %+v, want on purpose", end)
			}
			comparePackets(t, s.of(media.Video), probe(t, path, "v:0"))
			comparePackets(t, s.of(media.Audio), probe(t, path, "a:0"))
			checkTracks(t, s, c.width, c.height, c.rate)
			if stats := server.Stats(); stats.BadUnits != 0 || stats.AccessUnits == 0 {
				t.Errorf("stats %+v", stats)
			}
		})
	}
}

func checkTracks(t *testing.T, s *recording, width, height int, rate media.Rational) {
	t.Helper()
	video, audio := s.of(media.Video)[0].Track, s.of(media.Audio)[0].Track
	if video.Codec != media.H264 || video.Width != width || video.Height != height || video.FrameRate != rate ||
		video.Timescale != 1000 || video.SampleAspect != (media.Rational{Num: 1, Den: 1}) {
		t.Errorf("video track %+v", video)
	}
	if audio.Codec != media.AAC || audio.SampleRate != 48_000 || audio.Channels != 2 || audio.Timescale != 1000 {
		t.Errorf("audio track %+v", audio)
	}
	for _, u := range s.units {
		if u.Track != video && u.Track != audio {
			t.Fatal("the track changed although the parameters did not")
		}
	}
	m := s.metadata[0]
	if m.FrameRate != rate.Float() || !strings.HasPrefix(m.Encoder, "Lavf") || m.AudioBitrate == 0 ||
		m.HasVideo == nil || !*m.HasVideo || m.HasAudio == nil || !*m.HasAudio {
		t.Errorf("metadata %+v", m)
	}
	if !strings.Contains(s.request.Encoder, "Lavf") || s.request.Protocol != "rtmp" || !s.request.Remote.IsValid() {
		t.Errorf("request %+v", s.request)
	}
}

// TestFFmpegPublishesOneTrack: metadata says which track never comes.
func TestFFmpegPublishesOneTrack(t *testing.T) {
	t.Parallel()
	gate := newRecorder()
	_, address := serve(t, Config{Gate: gate, MaxBitrate: 500_000_000})
	if said, err := ffmpeg(t, clip(t, "camera_720p60_4M_cbr.flv"), "rtmp://"+address+"/live/"+goodKey, "-c", "copy", "-an", "-t", "2"); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, said)
	}
	s := <-gate.sessions
	<-s.closed
	if m := s.metadata[0]; m.HasAudio == nil || *m.HasAudio || m.HasVideo == nil || !*m.HasVideo {
		t.Errorf("metadata of a stream without audio: %+v", m)
	}
	if len(s.of(media.Audio)) != 0 || len(s.of(media.Video)) < 100 {
		t.Errorf("%d video and %d audio access units", len(s.of(media.Video)), len(s.of(media.Audio)))
	}
}

// TestFFmpegPublishesOtherAudio: MP3 is taken, and FLAC-like formats refused.
func TestFFmpegPublishesOtherAudio(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		encoder string
		reason  ingest.Reason
	}{{"libmp3lame", ""}, {"adpcm_swf", ingest.UnsupportedCodec}} {
		t.Run(c.encoder, func(t *testing.T) {
			t.Parallel()
			gate := newRecorder()
			server, address := serve(t, Config{Gate: gate, MaxBitrate: 500_000_000})
			said, err := ffmpeg(t, clip(t, "camera_720p60_4M_cbr.flv"), "rtmp://"+address+"/live/"+goodKey,
				"-c:v", "copy", "-c:a", c.encoder, "-ar", "44100", "-t", "4")
			s := <-gate.sessions
			<-s.closed
			if c.reason != "" {
				untilActive(server, 0)
				if server.Stats().Ended[c.reason] != 1 {
					t.Fatalf("stats %+v, ffmpeg said %q (%v)", server.Stats(), said, err)
				}
				return
			}
			if err != nil {
				t.Fatalf("ffmpeg: %v: %s", err, said)
			}
			audio := s.of(media.Audio)
			if len(audio) < 100 {
				t.Fatalf("%d audio access units", len(audio))
			}
			if a := audio[0].Track; a.Codec != media.MP3 || a.SampleRate != 44_100 || a.Channels != 2 {
				t.Errorf("audio track %+v, metadata %+v", a, s.metadata)
			}
		})
	}
}

// TestFFmpegIsToldWhy: ffmpeg shows the description of a rejection.
func TestFFmpegIsToldWhy(t *testing.T) {
	t.Parallel()
	path := clip(t, "camera_720p60_4M_cbr.flv")
	server, address := serve(t, Config{Gate: newRecorder()})
	for _, c := range []struct {
		path   string
		reason ingest.Reason
		says   string
	}{
		{"/live/another-key", ingest.WrongKey, "No stream has this stream key"},
		{"/stream/" + goodKey, ingest.UnknownApplication, "must end in /live"},
		{"/live/" + goodKey + "/x", ingest.KeyInServerField, "more after /live"},
		{"/live/", ingest.MissingKey, "stream key is empty"},
	} {
		said, err := ffmpeg(t, path, "rtmp://"+address+c.path, "-c", "copy", "-t", "1")
		if err == nil || !strings.Contains(said, c.says) {
			t.Errorf("%s: ffmpeg said %q (%v), want %q", c.path, said, err, c.says)
		}
		if server.Stats().Ended[c.reason] != 1 {
			t.Errorf("%s: counted %v", c.path, server.Stats().Ended)
		}
	}
}

// TestFFmpegPlayerIsToldWhere: who plays from the RTMP port is sent to HTTP.
func TestFFmpegPlayerIsToldWhere(t *testing.T) {
	t.Parallel()
	_, address := serve(t, Config{Gate: newRecorder()})
	cmd := exec.CommandContext(t.Context(), program(t, "ffprobe"), "-v", "error", "rtmp://"+address+"/live/"+goodKey)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "Weir serves viewers over HTTP") {
		t.Errorf("ffprobe said %q (%v)", out, err)
	}
}

// TestSessionEndReachesFFmpeg: the publisher learns why it is thrown out, even
// while it sends as fast as it can and the session does not take more.
func TestSessionEndReachesFFmpeg(t *testing.T) {
	t.Parallel()
	path := clip(t, "camera_720p60_4M_cbr.flv")
	gate := newRecorder()
	full := make(chan struct{}, 1)
	gate.write = func(ctx context.Context, _ media.AccessUnit) error {
		full <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}
	_, address := serve(t, Config{Gate: gate, MaxBitrate: 500_000_000})
	go func() {
		s := <-gate.sessions
		<-full
		s.finish(&ingest.Rejection{Reason: ingest.TakenOver, Message: "Another encoder took over."})
		gate.sessions <- s
	}()
	said, err := ffmpeg(t, path, "rtmp://"+address+"/live/"+goodKey, "-c", "copy")
	s := <-gate.sessions
	if end := <-s.closed; end.OnPurpose || end.Err == nil || !strings.Contains(end.Err.Error(), "took over") {
		t.Errorf("the session ended %+v", end)
	}
	if err == nil || !strings.Contains(said, "Another encoder took over") {
		t.Errorf("ffmpeg said %q (%v)", said, err)
	}
}
