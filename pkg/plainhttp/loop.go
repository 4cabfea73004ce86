package plainhttp

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// loop serves many connections on one goroutine, which everything in it belongs to but
// what mu guards.
type loop struct {
	server *Server
	// epoll has all connections and wake in it. It is watched by the Go runtime, as a
	// socket would be: no thread stands in it while nothing happens.
	epoll  *os.File
	raw    syscall.RawConn
	conns  map[int32]*conn
	events [256]unix.EpollEvent
	ready  int
	// tail ends every header; it has the date.
	tail    []byte
	closing bool

	// Memory that is used again for each request.
	in       [inSize]byte
	exchange *exchange
	bufs     [][]byte
	vectors  vectors

	// mu guards what others want of the loop. wake is an eventfd.
	mu    sync.Mutex
	tasks []func()
	wake  int
	ended bool
}

func (s *Server) newLoop() (*loop, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make an epoll: %w", err)
	}
	if err = unix.SetNonblock(epoll, true); err != nil { // so that the runtime watches it
		return nil, errors.Join(fmt.Errorf("make an epoll: %w", err), unix.Close(epoll))
	}
	l := &loop{server: s, epoll: os.NewFile(uintptr(epoll), "epoll"), conns: make(map[int32]*conn), wake: -1}
	l.raw, err = l.epoll.SyscallConn()
	if err == nil {
		l.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	}
	if err == nil {
		err = l.watch(l.wake, unix.EPOLLIN)
	}
	if err != nil {
		l.end()
		return nil, fmt.Errorf("make an epoll: %w", err)
	}
	l.dated()
	return l, nil
}

// watch has the loop told, once for each change, what can be done with fd.
func (l *loop) watch(fd int, what uint32) error {
	event := unix.EpollEvent{Events: what | unix.EPOLLET, Fd: int32(fd)}
	return l.control(func(epoll int) error { return unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, fd, &event) })
}

func (l *loop) forget(fd int) error {
	return l.control(func(epoll int) error { return unix.EpollCtl(epoll, unix.EPOLL_CTL_DEL, fd, nil) })
}

func (l *loop) control(do func(epoll int) error) (err error) {
	if gone := l.raw.Control(func(fd uintptr) { err = do(int(fd)) }); gone != nil {
		return gone
	}
	return err
}

// run serves until the server closes and all connections have ended. Whatever happens
// on connections comes before the next task, which may take a while: those that were
// sent a part of something are sent the rest before others begin.
func (l *loop) run() {
	defer l.end()
	wait := l.look
	for !l.closing || len(l.conns) > 0 {
		task := l.next()
		if task != nil {
			task()
			l.poll()
		} else if err := l.raw.Read(wait); err != nil {
			panic(fmt.Errorf("wait for viewers: %w", err)) // nothing closes it but end
		}
		for _, event := range l.events[:l.ready] {
			if c, ok := l.conns[event.Fd]; ok {
				c.happened(event.Events)
			}
		}
	}
}

// poll looks whether anything has happened, without waiting.
func (l *loop) poll() {
	if err := l.raw.Control(func(epoll uintptr) { l.look(epoll) }); err != nil {
		l.ready = 0
	}
}

// look reports whether anything has happened.
func (l *loop) look(epoll uintptr) bool {
	n, errno := pollEvents(int(epoll), l.events[:])
	if errno != 0 { // it was interrupted
		n = 0
	}
	l.ready = n
	return n > 0
}

// post has the loop do something soon.
func (l *loop) post(task func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tasks = append(l.tasks, task)
	if len(l.tasks) == 1 && !l.ended {
		_, _ = unix.Write(l.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // it has room for far more
	}
}

// next is the next task, nil if there is none.
func (l *loop) next() (task func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.tasks) > 0 {
		task, l.tasks = l.tasks[0], l.tasks[1:]
	}
	return task
}

// sweep is done once a second.
func (l *loop) sweep() {
	l.dated()
	for _, c := range l.conns {
		if c.isOver() {
			c.end()
		}
	}
}

// dated makes the end of all headers.
func (l *loop) dated() {
	text := "Date: " + *l.server.date.Load() + "\r\n\r\n"
	if l.closing {
		text = "Connection: close\r\n" + text
	}
	l.tail = []byte(text)
}

// shut ends the connections that nothing is sent on, or all at once; the others when
// they are answered.
func (l *loop) shut(all bool) {
	l.closing = true
	l.dated()
	for _, c := range l.conns {
		if all || c.phase == idle {
			c.end()
		}
	}
}

func (l *loop) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	_ = l.epoll.Close() // nobody is in it
	if l.wake >= 0 {
		_ = unix.Close(l.wake)
	}
}
