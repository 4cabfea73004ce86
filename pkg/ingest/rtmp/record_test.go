package rtmp

import (
	"bytes"
	"context"
	"flag"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	gomessage "github.com/yutopp/go-rtmp/message"

	"weir/pkg/media"
)

// record rewrites testdata/conversations.
var record = flag.Bool("record", false, "record what real publishers send into testdata/conversations")

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

// TestRecordConversations records; TestRecordedConversations plays back.
func TestRecordConversations(t *testing.T) {
	if !*record {
		t.Skip("run with -record to record the conversations again")
	}
	small := smallClip(t, "small.flv", "libx264", "-bf", "2", "-g", "5")
	// FFmpeg writes these into FLV from 6.1 on: put such a one first in PATH.
	hevc := smallClip(t, "hevc.mp4", "libx265", "-x265-params", "log-level=error:bframes=2:keyint=5:open-gop=1:repeat-headers=1")
	av1 := smallClip(t, "av1.mp4", "libaom-av1", "-cpu-used", "8", "-g", "5", "-b:v", "50k")
	gate, arrived := newRecorder(), make(chan media.Ticks, 100)
	gate.write = func(_ context.Context, unit media.AccessUnit) error {
		arrived <- unit.DTS
		return nil
	}
	copied := func(clip string) func(address string) {
		return func(address string) {
			if said, err := ffmpeg(t, clip, "rtmp://"+address+"/live/"+goodKey, "-c", "copy"); err != nil {
				t.Fatalf("ffmpeg: %v: %s", err, said)
			}
		}
	}
	for name, publish := range map[string]func(address string){
		"ffmpeg": copied(small), "ffmpeg-hevc": copied(hevc), "ffmpeg-av1": copied(av1),
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
