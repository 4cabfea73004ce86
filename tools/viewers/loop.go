package main

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// loop waits for many connections and timers at once, on the goroutine that calls
// run; nothing in it is locked. It is epoll by hand: a goroutine for each of ten
// thousand connections would cost more than the gateway that is measured.
type loop struct {
	epoll  int
	conns  map[int32]*conn
	timers timers
	// scratch is where every connection reads to.
	scratch []byte
	now     time.Time
	// bytes counts all that was received.
	bytes int64
}

const scratchSize = 256 << 10

func newLoop() (*loop, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make an epoll: %w", err)
	}
	return &loop{epoll: epoll, conns: make(map[int32]*conn), scratch: make([]byte, scratchSize), now: time.Now()}, nil
}

// run calls back what connections and timers are due until done is true or ctx ends.
func (l *loop) run(ctx context.Context, done func() bool) error {
	events := make([]unix.EpollEvent, 256)
	for ctx.Err() == nil && !done() {
		n, err := unix.EpollWait(l.epoll, events, l.untilTimer())
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("wait for connections: %w", err)
		}
		l.now = time.Now()
		for i := range max(n, 0) {
			if c, ok := l.conns[events[i].Fd]; ok {
				c.ready(events[i].Events)
			}
		}
		for len(l.timers) > 0 && !l.timers[0].at.After(l.now) {
			heap.Pop(&l.timers).(timer).do() //nolint:forcetypeassert // timers holds nothing else.
		}
	}
	return nil
}

// untilTimer is how long epoll may wait, in ms: as long as ctx may be looked at late.
func (l *loop) untilTimer() int {
	const longest = 50 * time.Millisecond
	wait := longest
	if len(l.timers) > 0 {
		wait = min(wait, time.Until(l.timers[0].at))
	}
	return int(max(wait+time.Millisecond-1, 0) / time.Millisecond)
}

// at calls do at a time.
func (l *loop) at(t time.Time, do func()) { heap.Push(&l.timers, timer{t, do}) }

// close ends all connections.
func (l *loop) close() {
	for _, c := range l.conns {
		_ = unix.Close(c.fd) // the loop ends with them
	}
	_ = unix.Close(l.epoll)
}

type timer struct {
	at time.Time
	do func()
}

// timers is a heap, the earliest first.
type timers []timer

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].at.Before(t[j].at) }
func (t timers) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *timers) Push(x any)        { *t = append(*t, x.(timer)) } //nolint:forcetypeassert // see run.
func (t *timers) Pop() any {
	last := (*t)[len(*t)-1]
	*t = (*t)[:len(*t)-1]
	return last
}
