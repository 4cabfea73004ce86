package publish

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

const key = "s3cr3t-stream-key"

// writeFLV makes a file of 30 pictures a second and AAC frames at 48 kHz, in
// the order of their times, for the given number of pictures.
func writeFLV(t *testing.T, pictures int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clip.flv")
	require.NoError(t, os.WriteFile(path, makeFLV(pictures), 0o600))
	return path
}

func makeFLV(pictures int) []byte {
	var b bytes.Buffer
	b.WriteString("FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00")
	put := func(k kind, at int, body []byte) {
		header := make([]byte, flvTagHeader)
		binary.BigEndian.PutUint32(header, uint32(len(body)))
		header[0] = byte(k)
		header[4], header[5], header[6], header[7] = byte(at>>16), byte(at>>8), byte(at), byte(at>>24)
		b.Write(header)
		b.Write(body)
		b.Write(binary.BigEndian.AppendUint32(nil, uint32(len(body)+flvTagHeader)))
	}
	put(kindData, 0, []byte("\x02\x00\x0aonMetaData\x05"))
	put(kindVideo, 0, []byte{keyAVC, avcHeader, 0, 0, 0, 1, 0x64, 0, 31})
	put(kindAudio, 0, []byte{anyAAC, aacHeader, 0x11, 0x90}) // AAC-LC, 48 kHz, stereo.
	frame := 0
	for picture := range pictures {
		for ; frame*1024*30 < picture*48_000; frame++ {
			put(kindAudio, (frame*1024*1000+24_000)/48_000, []byte{anyAAC, 1, byte(frame)})
		}
		first := byte(interAVC)
		if picture%60 == 0 {
			first = keyAVC
		}
		put(kindVideo, (picture*1000+15)/30, []byte{first, avcNALU, 0, 0, 33, byte(picture)})
	}
	return b.Bytes()
}

func TestPublishesInRealTimeAndEndsOnPurpose(t *testing.T) {
	file := writeFLV(t, 90)
	synctest.Test(t, func(t *testing.T) {
		server := &peer{t: t, pings: 5}
		begin := time.Now()
		var reports []Progress
		err := Run(t.Context(), Options{
			File: file, URL: "rtmp://example.com/live/" + key, Dial: server.dial,
			Progress: func(p Progress) { reports = append(reports, p) },
		})
		require.NoError(t, err)
		server.serving.Wait()
		require.Equal(t, "live", server.application)
		require.Equal(t, key, server.key)
		require.Equal(t, []string{"connect", "releaseStream", "FCPublish", "createStream", "publish", "FCUnpublish", "deleteStream"}, server.commands)
		require.Equal(t, []uint32{1, 2, 3, 4, 5}, server.pongs)
		require.Len(t, reports, 2)
		media := server.media[0]
		require.Equal(t, []kind{kindData, kindVideo, kindAudio}, []kind{media[0].kind, media[1].kind, media[2].kind})
		require.Len(t, media, 3+90+140)
		for _, m := range media {
			due := time.Duration(m.stamp) * time.Millisecond
			require.InDelta(t, due, m.at.Sub(begin), float64(time.Millisecond), "sent at another time than it says")
		}
		require.Equal(t, uint32(2967), media[len(media)-1].stamp)
	})
}

func TestSpeedShortensTheWait(t *testing.T) {
	file := writeFLV(t, 90)
	synctest.Test(t, func(t *testing.T) {
		server := &peer{t: t}
		begin := time.Now()
		require.NoError(t, Run(t.Context(), Options{File: file, URL: "rtmp://h/live/" + key, Dial: server.dial, Speed: 10}))
		server.serving.Wait()
		require.InDelta(t, 0.2967, time.Since(begin).Seconds(), 0.001)
		last := server.media[0][len(server.media[0])-1]
		require.Equal(t, uint32(2967), last.stamp)
	})
}

func TestCancelEndsOnPurpose(t *testing.T) {
	file := writeFLV(t, 90)
	synctest.Test(t, func(t *testing.T) {
		server := &peer{t: t}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		require.NoError(t, Run(ctx, Options{File: file, URL: "rtmp://h/live/" + key, Dial: server.dial, Loop: true}))
		server.serving.Wait()
		require.Equal(t, "deleteStream", server.commands[len(server.commands)-1])
		media := server.media[0]
		require.InDelta(t, 10_000, media[len(media)-1].stamp, 40)
	})
}

func TestRejectionIsToldInTheServersWords(t *testing.T) {
	file := writeFLV(t, 9)
	synctest.Test(t, func(t *testing.T) {
		server := &peer{t: t, refuse: "No stream has this key. Copy it again."}
		err := Run(t.Context(), Options{File: file, URL: "rtmp://h/live/" + key, Dial: server.dial, Retry: true})
		server.serving.Wait()
		var rejected *RejectedError
		require.ErrorAs(t, err, &rejected)
		require.ErrorContains(t, err, "No stream has this key. Copy it again.")
		require.NotContains(t, err.Error(), key)
		require.Len(t, server.media, 1, "a wrong key was tried again")
	})
}

func TestKickIsToldInTheServersWords(t *testing.T) {
	file := writeFLV(t, 90)
	synctest.Test(t, func(t *testing.T) {
		server := &peer{t: t, dropAfter: 50, kick: "Another encoder took over."}
		err := Run(t.Context(), Options{File: file, URL: "rtmp://h/live/" + key, Dial: server.dial})
		server.serving.Wait()
		require.ErrorContains(t, err, "Another encoder took over.")
	})
}

func TestRetryGoesOnAtTheNextKeyframe(t *testing.T) {
	file := writeFLV(t, 180)
	synctest.Test(t, func(t *testing.T) {
		server := &peer{t: t, dropAfter: 100}
		require.NoError(t, Run(t.Context(), Options{File: file, URL: "rtmp://h/live/" + key, Dial: server.dial, Retry: true}))
		server.serving.Wait()
		require.Len(t, server.media, 2)
		again := server.media[1]
		for i, want := range []kind{kindData, kindVideo, kindAudio} {
			require.Equal(t, want, again[i].kind)
			require.Zero(t, again[i].stamp)
		}
		require.Equal(t, kindVideo, again[3].kind)
		require.Equal(t, byte(keyAVC), again[3].body[0])
		require.Zero(t, again[3].stamp, "a new connection begins at 0")
		require.Equal(t, byte(60), again[3].body[5], "the next keyframe is picture 60")
		last := again[len(again)-1]
		require.Equal(t, byte(179), last.body[5])
		require.InDelta(t, (179-60)*1000/30, last.stamp, 1)
	})
}

func TestNoServer(t *testing.T) {
	file := writeFLV(t, 9)
	refused := errors.New("connection refused")
	err := Run(t.Context(), Options{File: file, URL: "rtmp://h/live/" + key, Dial: func(context.Context, Target) (net.Conn, error) {
		return nil, refused
	}})
	require.ErrorIs(t, err, refused)
}

func TestSilentServerTimesOut(t *testing.T) {
	file := writeFLV(t, 9)
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		defer server.Close()
		go func() { // It takes everything and says nothing.
			for buffer := make([]byte, 4096); ; {
				if _, err := server.Read(buffer); err != nil {
					return
				}
			}
		}()
		begin := time.Now()
		err := Run(t.Context(), Options{File: file, URL: "rtmp://h/live/" + key, Dial: func(context.Context, Target) (net.Conn, error) {
			return client, nil
		}})
		require.ErrorContains(t, err, "no answer")
		require.Equal(t, answerTimeout, time.Since(begin))
	})
}

func TestTargets(t *testing.T) {
	for address, want := range map[string]Target{
		"rtmp://example.com/live/key":               {Address: "example.com:1935", Application: "live", Key: "key"},
		"rtmp://example.com:19350/live/key?token=1": {Address: "example.com:19350", Application: "live", Key: "key?token=1"},
		"rtmps://[::1]/a/b/key":                     {Secure: true, Address: "[::1]:443", Application: "a/b", Key: "key"},
	} {
		got, err := ParseTarget(address)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.NotContains(t, got.String(), "key")
	}
	for _, address := range []string{"", "example.com/live/key", "http://h/live/key", "rtmp://h/key", "rtmp://h//", "rtmp:///live/key", "rtmp://h:x/live/secretkey"} {
		_, err := ParseTarget(address)
		require.ErrorIs(t, err, errTarget, address)
		require.NotContains(t, err.Error(), "secretkey")
	}
}
