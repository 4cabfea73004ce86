package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"weir/pkg/api"
)

// callSRT has ffmpeg send clip over and over, in real time, and returns what it says
// when it has been sent away, or ctx has ended. Without codecs, it copies those of clip.
func (r *running) callSRT(ctx context.Context, key string, codecs ...string) (says string, err error) {
	r.t.Helper()
	return sendSRT(ctx, r.addresses.SRT, key, codecs...)
}

// sendSRT is callSRT by way of another address.
func sendSRT(ctx context.Context, address, key string, codecs ...string) (says string, err error) {
	args := slices.Concat([]string{"-v", "verbose", "-nostdin", "-re", "-stream_loop", "-1", "-i", clip, "-c", "copy"}, codecs,
		[]string{"-f", "mpegts", "srt://" + address + "?streamid=" + key})
	cmd := exec.CommandContext(ctx, "ffmpeg", args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	err = cmd.Run()
	return said.String(), err
}

// canCallSRT skips where there is nothing to call with.
func canCallSRT(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(clip); err != nil {
		t.Skipf("SKIPPED, NOT TESTED: the clip is not there: %v", err)
	}
	protocols, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-protocols").Output()
	if err != nil || !slices.Contains(strings.Fields(string(protocols)), "srt") {
		t.Skipf("SKIPPED, NOT TESTED: there is no ffmpeg that speaks SRT: %v", err)
	}
}

// TestRejectionsOverSRT: the rules of a key hold over SRT, too. Who is refused at the
// door hears a code; who breaks a limit later is disconnected. Why is in the list of
// refusals, in the log and among the metrics.
func TestRejectionsOverSRT(t *testing.T) {
	canCallSRT(t)
	r := startGateway(t, "transcode: {ladder: source}\n")
	const refused, disconnected = "Application-defined rejection reason", ""
	ctx, cancel := context.WithCancel(t.Context())
	busy := r.makeKey(`{"stream":"busy"}`)
	live := make(chan error, 1)
	go func() {
		_, err := r.callSRT(ctx, busy.Secret)
		live <- err
	}()
	r.untilLive("busy", "srt")
	cases := map[string]struct{ draft, says, words string }{
		"wrong_key":            {"", refused, "No stream has this key"},
		"stray_spaces":         {`{"stream":"s"}`, refused, "space or line break in the stream id"},
		"unsupported_codec":    {`{"stream":"u"}`, disconnected, "The video is MPEG-2"},
		"key_expired":          {`{"stream":"a","expires_at":"2026-01-01T00:00:00Z"}`, refused, "expired (2026-01-01T00:00:00Z)"},
		"protocol_not_allowed": {`{"stream":"b","rules":{"protocols":["rtmp","rtmps"]}}`, refused, "rtmp"},
		"address_not_allowed":  {`{"stream":"c","rules":{"addresses":["10.0.0.0/8"]}}`, refused, "may not be used from your address"},
		"already_live":         {`{"stream":"busy","rules":{"takeover":"forbid"}}`, refused, "publishes busy already"},
		"resolution_exceeded":  {`{"stream":"d","rules":{"max_resolution":"854x480"}}`, disconnected, "Your picture is 1280x720, and this stream key takes at most 854x480"},
		"frame_rate_exceeded":  {`{"stream":"e","rules":{"max_frame_rate":25}}`, disconnected, "this stream key takes at most 25"},
		"bitrate_exceeded":     {`{"stream":"f","rules":{"max_bitrate":300000}}`, disconnected, "takes at most 0.3 Mbit/s"},
		"duration_reached":     {`{"stream":"g","rules":{"max_duration_s":2}}`, disconnected, "at most 2s at a time"},
	}
	keys := make(map[string]string)
	for reason, c := range cases {
		keys[reason] = "main_nobody-has-this-key-here-at-all"
		if c.draft != "" {
			keys[reason] = r.makeKey(c.draft).Secret
		}
	}
	keys["stray_spaces"] += "%20"
	codecs := map[string][]string{"unsupported_codec": {"-c:v", "mpeg2video", "-s", "160x90"}}
	t.Run("callers", func(t *testing.T) {
		for reason, c := range cases {
			t.Run(reason, func(t *testing.T) {
				t.Parallel()
				patient, giveUp := context.WithTimeout(t.Context(), 40*time.Second)
				defer giveUp()
				says, err := r.callSRT(patient, keys[reason], codecs[reason]...)
				if err == nil || patient.Err() != nil || !strings.Contains(says, c.says) {
					t.Errorf("ffmpeg ended with %v, and says %s", err, says)
				}
			})
		}
	})
	var told struct {
		Refusals []struct{ Reason, Message, Protocol string }
	}
	text := r.text("/api/v1/refusals")
	if err := json.Unmarshal([]byte(text), &told); err != nil {
		t.Fatal(err)
	}
	metrics := r.text("/metrics")
	for reason, c := range cases {
		if !slices.ContainsFunc(told.Refusals, func(e struct{ Reason, Message, Protocol string }) bool {
			return e.Reason == reason && e.Protocol == "srt" && strings.Contains(e.Message, c.words)
		}) {
			t.Errorf("%s: not in the list of refusals", reason)
		}
		event := "publisher refused"
		if c.says == disconnected {
			event = "publisher disconnected"
		}
		if !r.logged(`msg="`+event+`"`, "protocol=srt", "reason="+reason, c.words) {
			t.Errorf("%s: not in the log: %s", reason, r.log)
		}
		if !strings.Contains(metrics, `weir_ingest_rejections_total{reason="`+reason+`"}`) {
			t.Errorf("%s: not among the metrics", reason)
		}
	}
	for _, secret := range secrets(text + r.log.String()) {
		t.Errorf("the list or the log shows what looks like a key: %s", secret)
	}
	if len(live) > 0 {
		t.Errorf("the publisher of busy was disturbed: %v", <-live)
	}
	cancel()
	if len(live) == 0 {
		<-live
	}
}

// logged reports whether a line of the log has all of the words.
func (r *running) logged(words ...string) bool {
	for line := range strings.Lines(r.log.String()) {
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) }) {
			return true
		}
	}
	return false
}

const tokenSecret = "a secret of more than 32 bytes for HS256"

// signed is a token that is good for the stream by-token, for as long as that.
func signed(t *testing.T, good time.Duration) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(tokenSecret)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.Signed(signer).Claims(map[string]any{"stream": "by-token", "exp": time.Now().Add(good).Unix()}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestTokenOverSRT: a JSON Web Token has room in a stream id.
func TestTokenOverSRT(t *testing.T) {
	t.Parallel()
	canCallSRT(t)
	r := startGateway(t, "transcode: {ladder: source}\nauth: {jwt: {secret: '"+tokenSecret+"'}}\n")
	if says, err := r.callSRT(t.Context(), signed(t, -time.Hour)); err == nil || !strings.Contains(r.text("/api/v1/refusals"), "key_expired") {
		t.Errorf("an expired token: %v: %s", err, says)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := r.callSRT(ctx, "#!::m=publish,r="+signed(t, time.Hour))
		ended <- err
	}()
	r.untilLive("by-token", "srt")
	cancel()
	<-ended
}

// untilLive waits until a stream is, by a protocol.
func (r *running) untilLive(stream, protocol string) {
	r.t.Helper()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	var st api.StreamStatus
	for range 300 {
		st = api.StreamStatus{}
		if r.call(http.MethodGet, "/api/v1/streams/"+stream, "", &st) == http.StatusOK && st.State == "live" && st.Session != nil && st.Session.Protocol == protocol {
			return
		}
		<-look.C
	}
	r.t.Fatalf("%s is not live: %+v\n%s", stream, st, r.log)
}
