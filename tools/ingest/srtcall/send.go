package srtcall

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"
)

// Sent is what has been sent when datagrams have been.
type Sent struct {
	Bytes, Again int
	Late         time.Duration
}

var (
	errURL  = errors.New("write srt://HOST:PORT?streamid=KEY")
	errGone = errors.New("the listener ended the connection")
)

// Send sends a clip in its time, from its begin to its end or until ctx is over.
// progress is told of what was sent since the last time, by one goroutine at a time.
func Send(ctx context.Context, to string, clip *Clip, progress func(Sent)) error {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "srt" || u.Query().Get("streamid") == "" {
		return fmt.Errorf("%w, not %q", errURL, to)
	}
	var dialer net.Dialer
	dialled, err := dialer.DialContext(ctx, "udp", u.Host)
	if err != nil {
		return fmt.Errorf("call: %w", err)
	}
	conn, _ := dialled.(*net.UDPConn)
	defer conn.Close()
	socket, err := call(ctx, conn, u.Query().Get("streamid"))
	if err != nil {
		return fmt.Errorf("call %s: %w", u.Host, err)
	}
	s := &sender{conn: conn, to: socket, began: time.Now(), clip: clip, progress: progress}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var listening sync.WaitGroup
	listening.Go(func() { cancel(s.listen()) })
	s.pace(ctx)
	_, _ = conn.Write(control(typeShutdown, 0, s.timestamp(time.Now()), socket, 0))
	cause := context.Cause(ctx)
	_ = conn.Close()
	listening.Wait()
	if errors.Is(cause, errGone) {
		return cause
	}
	return nil
}

type sender struct {
	conn  *net.UDPConn
	to    uint32
	began time.Time
	clip  *Clip

	mu       sync.Mutex
	buf      [headerSize + perDatagram*packetSize]byte
	progress func(Sent)
}

func (s *sender) timestamp(now time.Time) uint32 {
	return uint32(now.Sub(s.began) / time.Microsecond)
}

// pace sends what is due together, as an encoder does with the pieces of a picture.
func (s *sender) pace(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for next := 0; next < len(s.clip.at); {
		due := s.clip.at[next]
		timer.Reset(time.Until(s.began.Add(due)))
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		var sent Sent
		for ; next < len(s.clip.at) && s.clip.at[next] <= due; next++ {
			sent.Bytes += s.send(next, false)
		}
		sent.Late = time.Since(s.began.Add(due))
		s.tell(sent)
	}
}

func (s *sender) tell(sent Sent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.progress(sent)
}

// send sends the datagram n, whose number is its place in the clip.
func (s *sender) send(n int, again bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	const alone, repeated = 3 << 30, 1 << 26
	second := alone | uint32(n+1)&(repeated-1)
	if again {
		second |= repeated
	}
	b := s.buf[:headerSize]
	binary.BigEndian.PutUint32(b, uint32(n))
	binary.BigEndian.PutUint32(b[4:], second)
	binary.BigEndian.PutUint32(b[8:], uint32(s.clip.at[n]/time.Microsecond))
	binary.BigEndian.PutUint32(b[12:], s.to)
	b = append(b, s.clip.datagrams[n]...)
	_, _ = s.conn.Write(b) // It may get lost later, too.
	return len(b) - headerSize
}

// listen answers what the listener sends, until the connection is over.
func (s *sender) listen() error {
	buf := make([]byte, 1500)
	for {
		n, err := s.conn.Read(buf)
		if err != nil {
			return errGone
		}
		if n < headerSize || buf[0]&0x80 == 0 {
			continue
		}
		switch typ := binary.BigEndian.Uint16(buf) & 0x7fff; typ {
		case typeACK:
			_, _ = s.conn.Write(control(typeACKACK, binary.BigEndian.Uint32(buf[4:]), s.timestamp(time.Now()), s.to))
		case typeNAK:
			s.tell(Sent{Again: s.repeat(buf[headerSize:n])})
		case typeShutdown:
			return errGone
		}
	}
}

// repeat sends what is asked for (section 3.2.5).
func (s *sender) repeat(list []byte) (count int) {
	const isRange = 1 << 31
	for ; len(list) >= 4; list = list[4:] {
		first := binary.BigEndian.Uint32(list)
		last := first
		if first&isRange != 0 && len(list) >= 8 {
			first, last, list = first&^isRange, binary.BigEndian.Uint32(list[4:]), list[4:]
		}
		for n := first; n <= last && int(n) < len(s.clip.at); n++ {
			s.send(int(n), true)
			count++
		}
	}
	return count
}
