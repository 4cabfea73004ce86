package gateway

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"weir/pkg/publish"
)

// clip is a real one of 4 s.
const clip = "../../../shared/media/src_bee_720p30.mp4"

// madeKey is what the API says of a new stream key.
type madeKey struct {
	Key struct {
		ID string `json:"id"`
	} `json:"key"`
	Secret string `json:"secret"`
}

// makeKey asks the API for a key.
func (r *running) makeKey(draft string) madeKey {
	r.t.Helper()
	var made madeKey
	if code := r.call(http.MethodPost, "/api/v1/keys", draft, &made); code != http.StatusCreated {
		r.t.Fatalf("the API answers %d to %s", code, draft)
	}
	return made
}

// publish publishes clip with a key, 100 times as fast as an encoder would, and
// returns what the server has against it.
func (r *running) publish(key string) error {
	r.t.Helper()
	if _, err := os.Stat(clip); err != nil {
		r.t.Skipf("NOT TESTED: the clip is not there: %v", err)
	}
	return publish.Run(r.t.Context(), publish.Options{File: clip, URL: "rtmp://" + r.addresses.RTMP + "/live/" + key, Speed: 100})
}

// refused wants a publisher to be told so.
func (r *running) refused(key, words string) {
	r.t.Helper()
	why, ok := errors.AsType[*publish.RejectedError](r.publish(key))
	if !ok || !strings.Contains(why.Description, words) {
		r.t.Errorf("the publisher hears %v, want %q", why, words)
	}
}

// TestKeysOfTheAPI: a key that the API made opens its stream until it is revoked,
// through the real server, and both of its secrets do while it is rotated.
func TestKeysOfTheAPI(t *testing.T) {
	r := startGateway(t, "transcode: {ladder: source}\n")
	made := r.makeKey(`{"stream":"studio"}`)
	if err := r.publish(made.Secret); err != nil {
		t.Errorf("the new key: %v", err)
	}
	var rotated, again madeKey
	path := "/api/v1/keys/" + made.Key.ID
	if code := r.call(http.MethodPost, path+"/rotate", `{"overlap_s":3600}`, &rotated); code != http.StatusOK {
		t.Fatalf("answered %d", code)
	}
	for _, secret := range []string{made.Secret, rotated.Secret} {
		if err := r.publish(secret); err != nil {
			t.Errorf("in the overlap: %v", err)
		}
	}
	r.call(http.MethodPost, path+"/rotate", `{"overlap_s":0}`, &again)
	r.refused(made.Secret, "replaced by a new one")
	r.refused(again.Secret+"x", "No stream has this key")
	r.refused("Studio", "\"studio\" is the stream's name, not its key")
	if code := r.call(http.MethodDelete, path, "", nil); code != http.StatusNoContent {
		t.Fatalf("answered %d", code)
	}
	r.refused(again.Secret, "was revoked")
	if strings.Contains(r.log.String(), made.Secret) || strings.Contains(r.log.String(), again.Secret) {
		t.Error("the log shows a key")
	}
}
