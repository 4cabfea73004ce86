package plainhttp_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/pkg/plainhttp"
)

// patient gives nobody up who reads only when others have.
func patient() plainhttp.Limits {
	return plainhttp.Limits{Header: time.Minute, Idle: time.Minute, Patience: time.Minute, Stretch: 1 << 20}
}

// waiters is a Direct that holds requests for /wait and leaves all others.
type waiters struct {
	waiting, left chan *plainhttp.Held
}

func newWaiters() *waiters {
	return &waiters{waiting: make(chan *plainhttp.Held, 16), left: make(chan *plainhttp.Held, 16)}
}

func (w *waiters) direct(r *plainhttp.Request) *plainhttp.Answer {
	if r.Path == "/wait" {
		w.waiting <- r.Hold(func(h *plainhttp.Held) { w.left <- h })
	}
	return nil
}

// wait has a viewer wait.
func (w *waiters) wait(t *testing.T, address string) (*talk, *plainhttp.Held) {
	t.Helper()
	k := dial(t, address)
	k.say("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
	return k, <-w.waiting
}

func plainText(body ...[]byte) *plainhttp.Answer {
	return plainhttp.Compose(func(w http.ResponseWriter) {
		w.Header().Set("Plain", "true")
		w.Header().Set("Content-Type", "text/plain")
		if len(body) == 0 {
			w.WriteHeader(http.StatusNoContent)
		}
		for _, piece := range body {
			_, _ = w.Write(piece)
		}
	})
}

// inMemory is a file that is nothing but memory.
func inMemory(t *testing.T, content []byte) *os.File {
	t.Helper()
	fd, err := unix.MemfdCreate("test", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), "test")
	t.Cleanup(func() { _ = file.Close() })
	if _, err := file.Write(content); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestOneAnswerForMany is sent to all who wait. Who does not read is sent the rest when
// it does, those who do read have all of it before, and each connection goes on with
// its next request.
func TestOneAnswerForMany(t *testing.T) {
	const viewers = 8
	var whole []byte
	for len(whole) < 5<<20 { // more than a socket takes at once
		whole = strconv.AppendInt(whole, int64(len(whole)), 10)
	}
	answer := plainText(whole[:1000], whole[1000:])
	for name, answer := range map[string]*plainhttp.Answer{"from memory": answer, "from a file": answer.InFile(inMemory(t, whole))} {
		t.Run(name, func(t *testing.T) {
			w := newWaiters()
			_, address := serveWithin(t, patient(), w.direct, answerAll)
			all, held := make([]*talk, viewers), make([]*plainhttp.Held, viewers)
			for i := range all {
				all[i], held[i] = w.wait(t, address)
			}
			if answer.Code() != http.StatusOK || answer.Size() != int64(len(whole)) {
				t.Errorf("the answer is %d, of %d bytes", answer.Code(), answer.Size())
			}
			plainhttp.Send(held, answer)
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
			if len(w.left) > 0 {
				t.Error("somebody who was answered is said to have left")
			}
		})
	}
}

// TestWhoLeavesIsNotHeld: Direct is told, and an answer that comes too late is for the
// others.
func TestWhoLeavesIsNotHeld(t *testing.T) {
	w := newWaiters()
	_, address := serveWithin(t, patient(), w.direct, answerAll)
	leaves, gone := w.wait(t, address)
	stays, held := w.wait(t, address)
	_ = leaves.conn.Close()
	if left := <-w.left; left != gone {
		t.Error("another one is said to have left")
	}
	plainhttp.Send([]*plainhttp.Held{gone, held}, plainText([]byte("here")))
	if code, _, body := stays.hear(); code != http.StatusOK || body != "here" {
		t.Errorf("%d %q", code, body)
	}
}

// TestShutdownAnswersWhoIsHeld, and ends the connection then.
func TestShutdownAnswersWhoIsHeld(t *testing.T) {
	w := newWaiters()
	s, address := serveWithin(t, patient(), w.direct, answerAll)
	k, held := w.wait(t, address)
	resting := dial(t, address)
	resting.say("GET /small HTTP/1.1\r\nHost: x\r\n\r\n")
	resting.hear()
	over := make(chan error, 1)
	go func() { over <- s.Shutdown(t.Context()) }()
	resting.closes()
	plainhttp.Send([]*plainhttp.Held{held}, plainText([]byte("the last")))
	if code, _, body := k.hear(); code != http.StatusOK || body != "the last" {
		t.Errorf("%d %q", code, body)
	}
	k.closes()
	if err := <-over; err != nil {
		t.Error(err)
	}
}

// TestDirectAnswers is the same as an answer of the handler, and its connection goes on
// with what is left to that.
func TestDirectAnswers(t *testing.T) {
	answers := map[string]*plainhttp.Answer{"/text": plainText([]byte("a "), []byte("text")), "/none": plainText()}
	asked := make(chan string, 4)
	_, address := serveWithin(t, patient(), func(r *plainhttp.Request) *plainhttp.Answer {
		asked <- r.Path + "?" + r.Query + " " + r.Header.Get("A")
		return answers[r.Path]
	}, answerAll)
	k := dial(t, address)
	for _, c := range []struct {
		path, body string
		code       int
	}{{"/text?a=b", "a text", 200}, {"/none", "", 204}, {"/small", "small ", 200}, {"/text", "a text", 200}} {
		k.say("GET " + c.path + " HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n")
		answer, err := http.ReadResponse(k.in, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if err = errors.Join(err, answer.Body.Close()); err != nil || answer.StatusCode != c.code || string(body) != c.body {
			t.Errorf("%s: %d %q, %v", c.path, answer.StatusCode, body, err)
		}
		if date, err := http.ParseTime(answer.Header.Get("Date")); err != nil || time.Since(date) > 10*time.Second {
			t.Errorf("%s: date %v, %v", c.path, date, err)
		}
	}
	if first := <-asked; first != "/text?a=b b" {
		t.Errorf("asked %q", first)
	}
}

// TestAFileThatIsTooShort breaks the connection: half an answer must not look whole.
func TestAFileThatIsTooShort(t *testing.T) {
	short := plainText(bytes.Repeat([]byte("long"), 100)).InFile(inMemory(t, []byte("short")))
	_, address := serveWithin(t, patient(), func(*plainhttp.Request) *plainhttp.Answer { return short }, answerAll)
	k := dial(t, address)
	k.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	answer, err := http.ReadResponse(k.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.ReadAll(answer.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v", err)
	}
}

// TestWhoHangsUpIsAnswered has asked and sent the end of its side at once, and the
// connection is not kept.
func TestWhoHangsUpIsAnswered(t *testing.T) {
	answer := plainText([]byte("a text"))
	_, address := serveWithin(t, patient(), func(r *plainhttp.Request) *plainhttp.Answer {
		if r.Path == "/direct" {
			return answer
		}
		return nil
	}, answerAll)
	for path, want := range map[string]string{"/direct": "a text", "/small": "small "} {
		k := dial(t, address)
		k.say("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
		if err := k.conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if code, _, body := k.hear(); code != http.StatusOK || body != want {
			t.Errorf("%s: %d %q", path, code, body)
		}
		k.closes()
	}
}
