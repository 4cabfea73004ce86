package gateway

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weir/pkg/api"
	"weir/pkg/publish"
)

// attempt is one way to publish that is refused.
type attempt struct {
	name string
	// key makes a stream key of this draft; secret, if not nil, says what is
	// published with instead of its secret.
	draft  string
	secret func(r *running, made madeKey) string
	// file is what is published, clip if empty; application is live if empty.
	file, application string
	reason, words     string
}

// TestEveryRejectionIsTold: through the real server and a real client, over RTMP and
// RTMPS, an encoder is told what is wrong and how to mend it, and so are the log, the
// metrics, the events and the list of refusals.
func TestEveryRejectionIsTold(t *testing.T) {
	t.Run("rtmp", func(t *testing.T) { everyRejectionIsTold(t, false, "rtmps") })
	t.Run("rtmps", func(t *testing.T) { everyRejectionIsTold(t, true, "rtmp") })
}

// everyRejectionIsTold tries what is refused; other is the protocol that it is not
// tried with.
func everyRejectionIsTold(t *testing.T, secure bool, other string) {
	t.Helper()
	r := startGateway(t, "transcode: {ladder: source}\n"+withRTMPS)
	r.secure = secure
	busy := r.makeKey(`{"stream":"busy"}`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	live := r.keepPublishing(ctx, busy.Secret)
	attempts := []attempt{
		{name: "wrong key", draft: `{"stream":"main"}`, secret: func(_ *running, m madeKey) string { return m.Secret + "x" }, reason: "wrong_key", words: "No stream has this key"},
		{name: "the name", secret: func(*running, madeKey) string { return "main" }, reason: "wrong_key", words: "the stream's name, not its key"},
		{name: "stray space", draft: `{"stream":"main"}`, secret: func(_ *running, m madeKey) string { return m.Secret + "%20" }, reason: "stray_spaces", words: "space or line break in the stream key"},
		{name: "unknown application", draft: `{"stream":"main"}`, application: "app", reason: "unknown_application", words: "must end in /live"},
		{name: "key in the server field", draft: `{"stream":"main"}`, application: "live/" + busy.Secret, reason: "key_in_server_field", words: `move it to the encoder's "Stream Key" field`},
		{name: "expired", draft: `{"stream":"main","expires_at":"2026-01-01T00:00:00Z"}`, reason: "key_expired", words: "expired (2026-01-01T00:00:00Z)"},
		{name: "revoked", draft: `{"stream":"main"}`, secret: (*running).revoked, reason: "key_revoked", words: "was revoked"},
		{name: "protocol", draft: `{"stream":"main","rules":{"protocols":["` + other + `"]}}`, reason: "protocol_not_allowed", words: "begins with " + other + "://"},
		{name: "address", draft: `{"stream":"main","rules":{"addresses":["10.0.0.0/8","2001:db8::/32"]}}`, reason: "address_not_allowed", words: "may not be used from your address"},
		{name: "resolution", draft: `{"stream":"main","rules":{"max_resolution":"854x480"}}`, reason: "resolution_exceeded", words: "Your picture is 1280x720, and this stream key takes at most 854x480. In OBS, Settings → Video"},
		{name: "frame rate", draft: `{"stream":"main","rules":{"max_frame_rate":25}}`, reason: "frame_rate_exceeded", words: "You send 29.97 frames per second, and this stream key takes at most 25."},
		{name: "bit rate", draft: `{"stream":"main","rules":{"max_bitrate":400000}}`, reason: "bitrate_exceeded", words: "takes at most 0.4 Mbit/s, audio included. In OBS, Settings → Output: lower the Video Bitrate to 240 Kbps"},
		{name: "duration", draft: `{"stream":"short","rules":{"max_duration_s":1}}`, reason: "duration_reached", words: "at most 1s at a time"},
		{name: "already live", draft: `{"stream":"busy","rules":{"takeover":"forbid"}}`, reason: "already_live", words: "publishes busy already, and this stream key must not take over"},
		{name: "too large", draft: `{"stream":"main"}`, file: large(t), reason: "resolution_exceeded", words: "Your picture is 10240x4320, and Weir takes at most 8192"},
		{name: "codec", draft: `{"stream":"main"}`, file: vp6(t), reason: "unsupported_codec", words: "Weir takes H.264"},
	}
	for _, a := range attempts {
		t.Run(a.name, func(t *testing.T) {
			r.t = t
			why, ok := errors.AsType[*publish.RejectedError](r.attempt(a))
			if !ok || !strings.Contains(why.Description, a.words) {
				t.Errorf("the publisher hears %v, want %q", why, a.words)
			}
		})
	}
	r.t = t
	r.everywhere(attempts)
	cancel()
	if err := <-live; err != nil {
		t.Errorf("the publisher of busy was disturbed: %v", err)
	}
}

// keepPublishing publishes in real time until ctx ends; the stream is live when it
// returns.
func (r *running) keepPublishing(ctx context.Context, key string) <-chan error {
	r.t.Helper()
	if _, err := os.Stat(clip); err != nil {
		r.t.Skipf("NOT TESTED: the clip is not there: %v", err)
	}
	ended, begun := make(chan error, 1), make(chan struct{}, 100)
	go func() {
		ended <- publish.Run(ctx, r.to("live/"+key, publish.Options{
			File: clip, Loop: true,
			Progress: func(publish.Progress) {
				select {
				case begun <- struct{}{}:
				default:
				}
			},
		}))
	}()
	select {
	case <-begun:
	case err := <-ended:
		r.t.Fatalf("the first publisher: %v", err)
	}
	return ended
}

func (r *running) revoked(made madeKey) string {
	r.t.Helper()
	if code := r.call(http.MethodDelete, "/api/v1/keys/"+made.Key.ID, "", nil); code != http.StatusNoContent {
		r.t.Fatalf("answered %d", code)
	}
	return made.Secret
}

// attempt publishes in vain: again and again, faster than in real time.
func (r *running) attempt(a attempt) error {
	r.t.Helper()
	var made madeKey
	if a.draft != "" {
		made = r.makeKey(a.draft)
	}
	key, application, file := made.Secret, "live", clip
	if a.secret != nil {
		key = a.secret(r, made)
	}
	if a.application != "" {
		application = a.application
	}
	if a.file != "" {
		file = a.file
	}
	return publish.Run(r.t.Context(), r.to(application+"/"+key, publish.Options{File: file, Loop: true, Speed: 10}))
}

// everywhere looks for the attempts where operators do.
func (r *running) everywhere(attempts []attempt) {
	r.t.Helper()
	var refusals struct{ Refusals []api.Refusal }
	text := r.text("/api/v1/refusals")
	if err := json.Unmarshal([]byte(text), &refusals); err != nil {
		r.t.Fatal(err)
	}
	protocol := "rtmp"
	if r.secure {
		protocol = "rtmps"
	}
	metrics := r.text("/metrics")
	logged := make(map[string]bool)
	for _, a := range attempts {
		if !slices.ContainsFunc(refusals.Refusals, func(e api.Refusal) bool {
			return e.Reason == a.reason && e.Protocol == protocol && e.Remote == "127.0.0.1" && e.Message != ""
		}) {
			r.t.Errorf("%s: not in the list of refusals", a.name)
		}
		if !strings.Contains(metrics, `weir_ingest_rejections_total{reason="`+a.reason+`"}`) {
			r.t.Errorf("%s: not in the metrics", a.name)
		}
		// Another of the same reason within a second is counted, not logged.
		if !logged[a.reason] && !r.logs(a) {
			r.t.Errorf("%s: not in the log", a.name)
		}
		logged[a.reason] = true
	}
	r.happened(attempts)
	for _, secret := range secrets(text) {
		r.t.Errorf("the list shows what looks like a key: %s", secret)
	}
}

// logs reports whether the log has a line about an attempt, with its reason and the
// words that the encoder was told.
func (r *running) logs(a attempt) bool {
	words := strings.ReplaceAll(a.words, `"`, `\"`)
	for line := range strings.Lines(r.log.String()) {
		told := strings.Contains(line, `msg="publisher refused"`) || strings.Contains(line, `msg="publisher disconnected"`)
		if told && strings.Contains(line, "reason="+a.reason+" ") && strings.Contains(line, words) {
			return true
		}
	}
	return false
}

// happened looks at the events, of which not every attempt makes one (refusalPace):
// those that there are have a reason of some attempt, and its words.
func (r *running) happened(attempts []attempt) {
	r.t.Helper()
	var recent struct{ Events []api.Event }
	r.call(http.MethodGet, "/api/v1/events/recent", "", &recent)
	count := 0
	for _, e := range recent.Events {
		if e.Kind != api.PublishRejected {
			continue
		}
		count++
		if !slices.ContainsFunc(attempts, func(a attempt) bool { return a.reason == e.Reason && strings.Contains(e.Message, a.words) }) {
			r.t.Errorf("no attempt is like the event %+v", e)
		}
	}
	if count == 0 {
		r.t.Error("there is no event of any")
	}
}

// secrets are the words of a text that look like the keys of these tests.
func secrets(text string) (found []string) {
	for _, word := range strings.FieldsFunc(text, func(c rune) bool { return !strings.ContainsRune("_abcdefghijklmnopqrstuvwxyz0123456789", c) }) {
		if _, random, ok := strings.Cut(word, "_"); ok && len(random) >= 28 {
			found = append(found, word)
		}
	}
	return found
}

// text is what the gateway answers.
func (r *running) text(path string) string {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://"+r.addresses.HTTP+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+r.secret)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(body)
}

// vp6 is an FLV file with a second of pictures in a format of 2005.
func vp6(t *testing.T) string {
	t.Helper()
	picture := make([]byte, 100)
	picture[0] = 0x14 // keyframe, VP6
	return flv(t, slices.Repeat([][]byte{picture}, 25)...)
}

// large is one of H.264 in 10240x4320.
func large(t *testing.T) string {
	t.Helper()
	header, err := hex.DecodeString("1700000000" + "01420028ffe1000b67420028da00280008764001000468cb83cb")
	if err != nil {
		t.Fatal(err)
	}
	picture := append([]byte{0x17, 1, 0, 0, 0, 0, 0, 0, 91, 0x65}, make([]byte, 90)...)
	return flv(t, append([][]byte{header}, slices.Repeat([][]byte{picture}, 25)...)...)
}

// flv is a file of video tags, 25 a second.
func flv(t *testing.T, tags ...[]byte) string {
	t.Helper()
	file := []byte("FLV\x01\x01\x00\x00\x00\x09\x00\x00\x00\x00")
	for i, body := range tags {
		at := 40 * i
		tag := []byte{9, 0, 0, byte(len(body)), 0, byte(at >> 8), byte(at), 0, 0, 0, 0}
		file = slices.Concat(file, tag, body, []byte{0, 0, 0, byte(len(tag) + len(body))})
	}
	path := filepath.Join(t.TempDir(), "tags.flv")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
