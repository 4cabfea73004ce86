package plainhttp_test

import (
	"bytes"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"weir/pkg/plainhttp"
)

// TestOneAnswerForMany: one handler makes the answer and offers it to all who wait.
// Who does not read is sent the rest when it does, those who do read have all of it
// before, and each connection goes on with its next request.
func TestOneAnswerForMany(t *testing.T) {
	const viewers = 8
	var whole []byte
	for len(whole) < 5<<20 { // more than a socket takes at once
		whole = strconv.AppendInt(whole, int64(len(whole)), 10)
	}
	waiting, done := make(chan plainhttp.Sharer, viewers), make(chan struct{})
	// Nobody is given up who reads only when others have.
	patient := plainhttp.Limits{Header: time.Minute, Idle: time.Minute, Patience: time.Minute, Stretch: 1 << 20}
	_, address := serveWithin(t, patient, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/wait":
			waiting <- w.(plainhttp.Sharer)
			<-done
		case "/answer":
			w.Header().Set("Content-Length", strconv.Itoa(len(whole)))
			w.Header().Set("Plain", "true")
			w.WriteHeader(http.StatusOK)
			own := w.(plainhttp.Sharer)
			answer := own.Compose([][]byte{whole[:1000], whole[1000:]})
			if answer.Size() != int64(len(whole)) {
				t.Errorf("the body has %d bytes", answer.Size())
			}
			began := time.Now()
			for range viewers - 1 {
				(<-waiting).Offer(answer)
			}
			own.Offer(answer)
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("somebody was waited for: %v", took)
			}
			close(done)
		default:
			answerAll(w, r)
		}
	})
	all := make([]*talk, viewers)
	for i := range all {
		all[i] = dial(t, address)
		path := "/wait"
		if i == 0 {
			path = "/answer"
		}
		all[i].say("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	hears := func(k *talk) {
		code, plain, body := k.hear()
		if code != http.StatusOK || plain != "true" || !bytes.Equal([]byte(body), whole) {
			t.Errorf("%d, %d bytes", code, len(body))
		}
		k.say("GET /small HTTP/1.1\r\nHost: x\r\n\r\n")
		if code, _, body := k.hear(); code != http.StatusOK || body != "small " {
			t.Errorf("the next request: %d %q", code, body)
		}
	}
	const slow = 2
	var quick sync.WaitGroup
	for _, k := range all[slow:] {
		quick.Go(func() { hears(k) })
	}
	quick.Wait()
	for _, k := range all[:slow] {
		hears(k)
	}
}
