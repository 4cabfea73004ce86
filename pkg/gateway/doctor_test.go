package gateway

import (
	"cmp"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/pkg/doctor"
	"weir/pkg/live"
	"weir/pkg/publish"
)

// patient is a stream with an illness.
type patient struct {
	name string
	// video and audio say how ffmpeg records it, where they are not healthy.
	video, audio, filter string
	// treat changes its FLV tags, through what the network does to it.
	treat   func([]tag) []tag
	through func(net.Conn) net.Conn
	options publish.Options
	// configure changes the ward.
	configure func(*live.Config)
	// lasts is 40 s if it is 0.
	lasts time.Duration
	// want are the codes that are found, and may those that can be as well.
	want, may string
}

const (
	// healthyVideo is what the advice wants of 320x180; noise costs bits.
	healthyVideo = "-c:v libx264 -preset ultrafast -b:v 320k -maxrate 320k -bufsize 320k -g 60 -keyint_min 60 -sc_threshold 0"
	healthyAudio = "-c:a aac -b:a 128k -ar 48000 -ac 2"
	noisy        = "noise=alls=40:allf=t"
)

func patients() []patient {
	return []patient{
		{name: "healthy"},
		{name: "keyframes far apart", video: healthyVideo + " -g 300", want: "keyframe_interval"},
		{name: "keyframes close together", video: healthyVideo + " -g 15 -keyint_min 15", want: "keyframe_interval_short"},
		{name: "keyframes at any time", video: healthyVideo + " -g 600 -force_key_frames expr:eq(mod(n,100),0)+eq(mod(n,100),40)", want: "keyframe_interval_irregular"},
		{name: "open GOPs", video: healthyVideo + " -bf 3 -x264-params open-gop=1", want: "open_gop"},
		{name: "many B-frames", video: healthyVideo + " -bf 10 -b_strategy 0 -x264-params b-pyramid=none", want: "b_frames"},
		{name: "bitrate high", video: healthyVideo + " -b:v 1000k -maxrate 1000k -bufsize 1000k", want: "bitrate_high"},
		{name: "bitrate low", video: healthyVideo + " -b:v 60k -maxrate 60k -bufsize 60k", want: "bitrate_low"},
		{name: "bitrate swings", video: "-c:v libx264 -preset ultrafast -crf 42 -g 60 -keyint_min 60 -sc_threshold 0", filter: noisy + ":enable='lt(mod(t,10),2)'", want: "bitrate_swings"},
		{name: "odd shape", filter: noisy + ",crop=320:120", want: "resolution_unusual"},
		{name: "15 fps", video: healthyVideo + " -r 15 -g 30 -keyint_min 30", want: "frame_rate_unusual"},
		{name: "full range", filter: noisy + ",scale=out_range=full", video: "-pix_fmt yuvj420p " + healthyVideo, want: "colour_range_full"},
		{name: "4:2:2", video: "-pix_fmt yuv422p " + healthyVideo, want: "source_not_playable"},
		{name: "variable frame rate", filter: noisy + ",select='lt(random(0),0.6)'", video: "-fps_mode vfr " + healthyVideo + " -force_key_frames expr:gte(t,n_forced*2)", want: "variable_frame_rate"},
		{name: "mono at 44.1 kHz", audio: "-c:a aac -b:a 64k -ar 44100 -ac 1", want: "audio_mono audio_sample_rate"},
		{name: "audio bitrate low", audio: "-af volume=4 -c:a aac -b:a 32k -ac 2", want: "audio_bitrate_low"},
		{name: "audio bitrate high, at 96 kHz", audio: "-af aeval=random(0)-0.5|random(1)-0.5,aformat=channel_layouts=stereo -c:a aac -b:a 400k -ar 96000", want: "audio_bitrate_high audio_sample_rate"},
		{name: "no audio", audio: "-an", want: "no_audio"},
		{name: "no video", video: "-vn", want: "no_video"},
		{name: "audio behind", treat: audioBehind(800), lasts: 18 * time.Second, want: "av_offset"},
		{name: "audio clock slow", treat: audioSlow, want: "audio_clock"},
		{name: "frames skipped", treat: skipFrames, want: "encoder_overload"},
		{name: "timestamps jump", treat: glitches, want: "time_repairs"},
		{name: "uplink too slow", through: narrow(360_000, 0), lasts: 60 * time.Second, want: "uplink_slow"},
		{name: "uplink drops frames", treat: skipFrames, through: narrow(440_000, 1800*time.Millisecond), want: "uplink_drops_frames"},
		{name: "clock fast", options: publish.Options{Speed: 1.001}, lasts: 3 * time.Minute, want: "clock_drift"},
		{name: "surround", audio: "-c:a aac -b:a 256k -ar 48000 -ac 6", want: "audio_surround", may: "transcoding_failed"},
		{
			name: "keyframes far apart and few cores", video: healthyVideo + " -g 300 -b:v 3M -maxrate 3M -bufsize 3M", filter: noisy + ",scale=1920:1080",
			configure: encodes, want: "keyframe_interval top_rendition_capped", may: "transcoding_failed worker_restarted",
		},
		{name: "server held up", configure: isSlow, want: "server_behind"},
		{name: "reconnects", through: breaksAfter(8 * time.Second), options: publish.Options{Retry: true}, want: "reconnect_loop", may: "no_media"},
	}
}

// encodes lets top renditions be encoded, by workers that cannot be started in the
// bubble.
func encodes(cfg *live.Config) {
	cfg.SourceOnly, cfg.WorkerCommand = false, []string{"/nowhere/weir"}
}

// isSlow holds up whoever deals with the stream, as a machine does whose memory is
// on a disk.
func isSlow(cfg *live.Config) {
	cfg.Audience = func(string) (reporting, stalled int) {
		time.Sleep(900 * time.Millisecond) //nolint:forbidigo // the clock of a synctest bubble.
		return 0, 0
	}
}

// audioBehind sends audio by so many milliseconds later than its times say.
func audioBehind(by int) func([]tag) []tag {
	return func(tags []tag) (out []tag) {
		for _, g := range tags {
			if g.kind == 8 && !g.header() {
				if g.at -= by; g.at < 0 {
					continue
				}
			}
			out = append(out, g)
		}
		return out
	}
}

// audioSlow stretches the times of audio by a hundredth.
func audioSlow(tags []tag) []tag {
	for i := range tags {
		if g := &tags[i]; g.kind == 8 {
			g.at += g.at / 100
		}
	}
	return tags
}

// skipFrames leaves out a tenth of the pictures, as OBS does under load: some in
// a row, then none for a while.
func skipFrames(tags []tag) (out []tag) {
	pictures := 0
	for _, g := range tags {
		if g.kind == 9 && !g.header() && !g.key() {
			pictures++
			if pictures%60 < 6 {
				continue
			}
		}
		out = append(out, g)
	}
	return out
}

// glitches gives a picture in each two seconds a wrong time.
func glitches(tags []tag) []tag {
	pictures := 0
	for i := range tags {
		if g := &tags[i]; g.kind == 9 && !g.header() && !g.key() {
			if pictures++; pictures%60 == 30 && g.at > 5000 {
				g.at -= 5000
			}
		}
	}
	return tags
}

// network is a connection with faults of the network.
type network struct {
	net.Conn
	began time.Time
	// rate is in bit/s, and free when what was written is through; before any of
	// it, everything stalls for stall, once, after five seconds.
	rate  int
	free  time.Time
	stall time.Duration
	// breaks is when it breaks; never if 0.
	breaks time.Duration
}

func narrow(rate int, stall time.Duration) func(net.Conn) net.Conn {
	return func(c net.Conn) net.Conn { return &network{Conn: c, began: time.Now(), rate: rate, stall: stall} }
}

func breaksAfter(d time.Duration) func(net.Conn) net.Conn {
	return func(c net.Conn) net.Conn { return &network{Conn: c, began: time.Now(), breaks: d} }
}

func (w *network) Write(b []byte) (int, error) {
	if w.breaks > 0 && time.Since(w.began) > w.breaks {
		_ = w.Close()
		return 0, net.ErrClosed
	}
	if w.rate > 0 {
		now := time.Now()
		if now.Sub(w.began) > 5*time.Second {
			w.free = w.free.Add(w.stall)
			w.stall = 0
		}
		if w.free.Before(now) {
			w.free = now
		}
		w.free = w.free.Add(time.Duration(len(b)) * 8 * time.Second / time.Duration(w.rate))
		time.Sleep(time.Until(w.free)) //nolint:forbidigo // the clock of a synctest bubble.
	}
	return w.Conn.Write(b)
}

// generated are twenty seconds of a picture and of a sound.
const generated = "-f lavfi -i testsrc2=s=320x180:r=30 -f lavfi -i anoisesrc=a=0.3:r=48000 -t 20"

// record is what ffmpeg takes from the healthy recording, its first input, and
// what it makes anew of what is generated.
func (p patient) record() string {
	video, audio := "-map 0:v -c:v copy", "-map 0:a -c:a copy"
	switch {
	case p.video == "-vn":
		video = p.video
	case p.video != "" || p.filter != "":
		video = "-map 1:v -vf " + cmp.Or(p.filter, noisy) + " " + cmp.Or(p.video, healthyVideo)
	}
	switch {
	case p.audio == "-an":
		audio = p.audio
	case p.audio != "":
		audio = "-map 2:a " + p.audio
	}
	return video + " " + audio
}

func TestDoctorFindsIllnesses(t *testing.T) {
	healthy := recording(t, generated+" -vf "+noisy+" "+healthyVideo+" "+healthyAudio)
	for _, p := range patients() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			if p.lasts == 0 {
				p.lasts = 40 * time.Second
			}
			file := recording(t, "-i "+healthy+" "+generated+" "+p.record())
			if p.treat != nil {
				retag(t, file, p.treat)
			}
			synctest.Test(t, func(t *testing.T) {
				found := openWard(t, p.configure).admit(t, p.lasts, file, p.options, p.through)
				for code := range strings.FieldsSeq(p.may) {
					delete(found, code)
				}
				if got := strings.Join(codes(found), " "); got != p.want {
					t.Errorf("found %q, want %q: %+v", got, p.want, found)
				}
				for _, f := range found {
					t.Logf("%s (%s, %s): %s", f.Code, f.Hop, f.Severity, f.Message)
				}
			})
		})
	}
}

// recording makes an FLV file with ffmpeg.
func recording(t *testing.T, args string) string {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skipf("SKIPPED, NOT TESTED: ffmpeg is not installed: %v", err)
	}
	path := filepath.Join(t.TempDir(), "stream.flv")
	cmd := exec.CommandContext(t.Context(), "ffmpeg", append(append([]string{"-v", "error", "-y"}, strings.Fields(args)...), "-f", "flv", path)...)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg %s: %v: %s", args, err, said)
	}
	return path
}

// sharedClip is a real recording.
func sharedClip(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "media", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("SKIPPED, NOT TESTED: the clip %s is missing: %v", name, err)
	}
	return path
}

// codes are those that were found, sorted.
func codes(found map[string]doctor.Finding) []string {
	var all []string
	for code := range found {
		all = append(all, code)
	}
	slices.Sort(all)
	return all
}

// A healthy stream has no findings, or nobody believes those of others.
func TestDoctorFindsNothingInHealthyStreams(t *testing.T) {
	for _, name := range []string{"camera_1080p30_6M_cbr.flv", "camera_720p60_4M_cbr.flv"} {
		t.Run(name, func(t *testing.T) {
			file := sharedClip(t, name)
			synctest.Test(t, func(t *testing.T) {
				found := openWard(t, nil).admit(t, 3*time.Minute, file, publish.Options{}, nil)
				for _, f := range found {
					t.Errorf("%s: %s %+v", f.Code, f.Message, f.Evidence)
				}
			})
		})
	}
}
