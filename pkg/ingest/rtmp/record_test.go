package rtmp

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"

	gomessage "github.com/yutopp/go-rtmp/message"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// record rewrites some of testdata/conversations.
var record = flag.String("record", "", "a regular expression: which of testdata/conversations to record again from real publishers")

// conversation is what a real publisher sent in one connection.
func conversation(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "conversations", name))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// conversations are all of them.
func conversations(tb testing.TB) [][]byte {
	tb.Helper()
	return [][]byte{
		conversation(tb, "ffmpeg"), conversation(tb, "go-rtmp"),
		conversation(tb, "ffmpeg-hevc"), conversation(tb, "ffmpeg-av1"),
		conversation(tb, "ffmpeg-opus"), conversation(tb, "ffmpeg-multitrack"),
	}
}

// tap is a listener in front of address that keeps what clients send.
func tap(t *testing.T, address string) (front string, sent func() []byte) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var kept bytes.Buffer
	var forwarding sync.WaitGroup
	forwarding.Go(func() {
		client, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer client.Close()
		server, err := net.Dial("tcp", address)
		if err != nil {
			t.Error(err)
			return
		}
		forwarding.Go(func() {
			defer server.Close()
			_, _ = io.Copy(server, io.TeeReader(client, &kept))
		})
		_, _ = io.Copy(client, server)
	})
	return l.Addr().String(), func() []byte {
		l.Close()
		forwarding.Wait()
		return kept.Bytes()
	}
}

// smallClip makes a second of ten pictures and a tone.
func smallClip(t *testing.T, name, encoder string, options ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	args := append([]string{
		"-v", "error", "-f", "lavfi", "-i", "testsrc2=size=96x64:rate=10", "-f", "lavfi", "-i", "sine", "-t", "1",
		"-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "32k", "-c:v", encoder,
	}, options...)
	if out, err := exec.CommandContext(t.Context(), encoderProgram(t, encoder), append(args, path)...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	return path
}

// encoderProgram is the first ffmpeg in PATH that has an encoder.
func encoderProgram(t *testing.T, encoder string) string {
	t.Helper()
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		path := filepath.Join(dir, "ffmpeg")
		if out, _ := exec.CommandContext(t.Context(), path, "-v", "error", "-h", "encoder="+encoder).Output(); bytes.HasPrefix(out, []byte("Encoder ")) {
			return path
		}
	}
	t.Fatalf("no ffmpeg in PATH has the encoder %s", encoder)
	return ""
}

// multitrackClip makes a second of a picture in two sizes, and of tones in four
// formats of audio.
func multitrackClip(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "multitrack.mkv")
	args := []string{"-v", "error", "-f", "lavfi", "-i", "testsrc2=size=96x64:rate=10"}
	for _, tone := range []string{"440", "880", "1760", "220"} {
		args = append(args, "-f", "lavfi", "-i", "sine=sample_rate=48000:frequency="+tone)
	}
	args = append(args, "-t", "1", "-filter_complex", "[0]split[large][all];[all]scale=48:32[small]", "-map", "[large]", "-map", "[small]",
		"-map", "1", "-map", "2", "-map", "3", "-map", "4", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-g", "5",
		"-b:a", "32k", "-ac", "1", "-c:a:0", "aac", "-c:a:1", "libopus", "-c:a:2", "flac", "-c:a:3", "ac3", path)
	if out, err := exec.CommandContext(t.Context(), encoderProgram(t, "libopus"), args...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	return path
}

// TestRecordConversations records; TestRecordedConversations and
// TestRecordedMultitrack play back. FFmpeg writes HEVC and AV1 into FLV from 6.1 on,
// several tracks and Opus from 8.0 on: put such a one first in PATH.
func TestRecordConversations(t *testing.T) {
	if *record == "" {
		t.Skip("run with -record . to record the conversations again")
	}
	wanted := regexp.MustCompile(*record)
	small := smallClip(t, "small.flv", "libx264", "-bf", "2", "-g", "5")
	gate, arrived := newRecorder(), make(chan media.Ticks, 1000)
	gate.write = func(_ context.Context, unit media.AccessUnit) error {
		arrived <- unit.DTS
		return nil
	}
	copied := func(clip func() string, options ...string) func(address string) {
		return func(address string) {
			if said, err := ffmpeg(t, clip(), "rtmp://"+address+"/live/"+goodKey, append(options, "-c", "copy")...); err != nil {
				t.Fatalf("ffmpeg: %v: %s", err, said)
			}
		}
	}
	for name, publish := range map[string]func(address string){
		"ffmpeg": copied(func() string { return small }),
		// With open GOPs and parameter sets in band.
		"ffmpeg-hevc": copied(func() string {
			return smallClip(t, "hevc.mp4", "libx265", "-x265-params", "log-level=error:bframes=2:keyint=5:open-gop=1:repeat-headers=1")
		}),
		"ffmpeg-av1": copied(func() string {
			return smallClip(t, "av1.mp4", "libaom-av1", "-cpu-used", "8", "-g", "5", "-b:v", "50k")
		}),
		"ffmpeg-opus": copied(func() string {
			return smallClip(t, "opus.mkv", "libx264", "-g", "5", "-ar", "48000", "-c:a", "libopus")
		}),
		"ffmpeg-multitrack": copied(func() string { return multitrackClip(t) }, "-map", "0"),
		"go-rtmp": func(address string) {
			for len(arrived) > 0 {
				<-arrived // What ffmpeg published.
			}
			c, stream := goClient(t, address)
			defer c.Close()
			if err := stream.Publish(&gomessage.NetStreamPublish{PublishingName: goodKey, PublishingType: "live"}); err != nil {
				t.Fatal(err)
			}
			tags := flvTags(t, small, 1000)
			for _, tag := range tags {
				tag.timestamp += 5 * 3600 * 1000
				var err error
				switch tag.typ {
				case typeVideo:
					err = stream.Write(6, tag.timestamp, &gomessage.VideoMessage{Payload: bytes.NewReader(tag.data)})
				case typeAudio:
					err = stream.Write(4, tag.timestamp, &gomessage.AudioMessage{Payload: bytes.NewReader(tag.data)})
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			// go-rtmp closes before it has written all: wait for all but the
			// metadata, the sequence headers and the end of sequence.
			for range len(tags) - 4 {
				<-arrived
			}
		},
	} {
		if !wanted.MatchString(name) {
			continue
		}
		_, address := serve(t, Config{Gate: gate})
		front, sent := tap(t, address)
		publish(front)
		path := filepath.Join("testdata", "conversations", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, sent(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRecordedMultitrack: FFmpeg 9 sends each further track in a message of its own,
// and tells of channels where nobody asked.
func TestRecordedMultitrack(t *testing.T) {
	t.Parallel()
	s, server := play(t, bytes.NewReader(conversation(t, "ffmpeg-multitrack")))
	if s == nil {
		t.Fatalf("nothing was published: %+v", server.Stats())
	}
	checkUnits(t, s.units)
	counts := make(map[string]int)
	for _, u := range s.units {
		counts[fmt.Sprintf("%d %s, %dx%d, %d Hz", u.Track.Number, u.Track.Codec, u.Track.Width, u.Track.Height, u.Track.SampleRate)]++
	}
	want := map[string]int{
		"0 h264, 96x64, 0 Hz": 10, "1 h264, 48x32, 0 Hz": 10,
		"0 aac, 0x0, 48000 Hz": 48, "1 opus, 0x0, 48000 Hz": 51, "2 flac, 0x0, 48000 Hz": 47, "3 ac3, 0x0, 48000 Hz": 32,
	}
	if !maps.Equal(counts, want) {
		t.Errorf("access units %v, want %v", counts, want)
	}
	named := s.metadata[len(s.metadata)-1].AudioTracks
	if !slices.Equal(named, []ingest.AudioTrack{{Number: 1}, {Number: 2}, {Number: 3}}) {
		t.Errorf("audio tracks %+v", named)
	}
	if stats := server.Stats(); stats.BadUnits+stats.OtherUnits != 0 {
		t.Errorf("%+v", stats)
	}
}
