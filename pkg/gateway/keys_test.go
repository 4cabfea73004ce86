package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/pkg/database"
	"weir/pkg/publish"
	"weir/pkg/streamkey"
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
	return publish.Run(r.t.Context(), r.to("live/"+key, publish.Options{File: clip, Speed: 100}))
}

// to has a publisher publish to a path, over RTMPS where that is what r is tried with.
func (r *running) to(path string, o publish.Options) publish.Options {
	if !r.secure {
		o.URL = "rtmp://" + r.addresses.RTMP + "/" + path
		return o
	}
	o.URL = "rtmps://" + r.addresses.RTMPS + "/" + path
	o.Dial = func(ctx context.Context, target publish.Target) (net.Conn, error) {
		// The gateway's certificate is of its own making.
		dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
		return dialer.DialContext(ctx, "tcp", target.Address)
	}
	return o
}

// withRTMPS are settings for it.
const withRTMPS = "rtmps: {address: '127.0.0.1:0'}\ntls: {mode: self_signed}\n"

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

// TestRevokedKeyEndsItsSession: also where another process revokes it, which the
// gateway sees in the database.
func TestRevokedKeyEndsItsSession(t *testing.T) {
	r := startGateway(t, "transcode: {ladder: source}\n")
	for name, revoke := range map[string]func(id string){
		"by the API": func(id string) { r.call(http.MethodDelete, "/api/v1/keys/"+id, "", nil) },
		"by another process": func(id string) {
			db, err := database.Open(t.Context(), filepath.Dir(r.file))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := streamkey.NewStore(db, nil).Revoke(t.Context(), id, time.Now()); err != nil {
				t.Fatal(err)
			}
		},
	} {
		made := r.makeKey(`{"stream":"studio"}`)
		ended := r.keepPublishing(t.Context(), made.Secret)
		revoke(made.Key.ID)
		why, ok := errors.AsType[*publish.RejectedError](<-ended)
		if !ok || !strings.Contains(why.Description, "Your stream key was revoked") {
			t.Errorf("%s: the publisher hears %v", name, why)
		}
	}
}
