package rtmp

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"weir/pkg/ingest"
)

// tickedPair is a connection that is read at ticks, and the other end of it.
func tickedPair(t *testing.T) (*socket, *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	other, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	accepted, err := Ticked(l).Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = accepted.Close() })
	s := socketBeneath(accepted)
	s.tick()
	if _, ok := s.Conn.(*ticked); !ok {
		t.Fatalf("the connection is a %T", s.Conn)
	}
	far, _ := other.(*net.TCPConn)
	return s, far
}

// TestTickedBytes: all bytes come, in both directions, also when they are more than the
// buffers of the system, and then the end.
func TestTickedBytes(t *testing.T) {
	t.Parallel()
	s, far := tickedPair(t)
	sent := bytes.Repeat([]byte("0123456789abcde\n"), 1<<20)
	go func() {
		_, _ = io.Copy(far, far) // an echo
		_ = far.CloseWrite()
	}()
	var writer sync.WaitGroup
	defer writer.Wait()
	writer.Go(func() {
		_, _ = s.Write(sent)
		_ = s.CloseWrite()
	})
	if got, err := io.ReadAll(s); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d of %d bytes came back, %v", len(got), len(sent), err)
	}
}

// TestTickedDeadlines: reads and writes that cannot go on end at their deadlines, those
// that another goroutine sets meanwhile too.
func TestTickedDeadlines(t *testing.T) {
	t.Parallel()
	s, _ := tickedPair(t)
	soon := func() time.Time { return time.Now().Add(3 * ingest.Tick) }
	some := make([]byte, 1<<20)
	_ = s.SetReadDeadline(soon())
	if _, err := s.Read(some); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a read of nothing: %v", err)
	}
	_ = s.SetReadDeadline(time.Time{})
	time.AfterFunc(3*ingest.Tick, func() { _ = s.SetReadDeadline(time.Unix(1, 0)) })
	if _, err := s.Read(some); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("an interrupted read: %v", err)
	}
	_ = s.SetDeadline(soon())
	for {
		if _, err := s.Write(some); err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("a write that nobody reads: %v", err)
			}
			break
		}
	}
}

// TestTickedEnds: a connection that the other end has reset or that was closed says so,
// and touches no descriptor any more.
func TestTickedEnds(t *testing.T) {
	t.Parallel()
	s, far := tickedPair(t)
	_ = far.SetLinger(0)
	_ = far.Close()
	if _, err := s.Read(make([]byte, 8)); !errors.Is(err, syscall.ECONNRESET) || !hungUp(err) {
		t.Errorf("a read after a reset: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	_, readErr := s.Read(make([]byte, 8))
	_, writeErr := s.Write(make([]byte, 8))
	for _, err := range []error{readErr, writeErr, s.CloseWrite(), s.Close()} {
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("after it was closed: %v", err)
		}
	}
}
