package plainhttp

import (
	"bytes"
	"net/http"
	"strconv"
	"time"
)

const (
	// inSize holds a request of a player or browser; longer ones are net/http's.
	inSize = 4 << 10
	// smallBody is the most of a body that is copied, to be sent with its header.
	smallBody = 8 << 10
)

// BufferWriter is what a response is, for handlers that have whole bodies at hand.
type BufferWriter interface {
	// WriteBuffers is Write of several slices at once, which are not copied. None
	// of them is changed or kept.
	WriteBuffers(bufs [][]byte) (int64, error)
}

// exchange is a request and its response, in memory that is used again. It is the
// http.ResponseWriter.
type exchange struct {
	request *http.Request
	server  *Server
	// pen writes, on the goroutine of the handler.
	pen *pen
	// target and host are the request's.
	target, host string
	// asked and header are those of the request and of the response; values are the
	// request's.
	asked, header http.Header
	values        []string

	// code is 0 until the handler says it. length is what the header promises, and
	// negative if it promises nothing.
	code   int
	length int64
	// head is the header as it is sent, small what is held back of the body.
	head, small bytes.Buffer
	// bufs are what is sent together.
	bufs [][]byte
	// begun is whether the header was sent, chunked whether the body follows in
	// chunks. sent counts the body.
	begun, chunked bool
	sent           int64
	err            error
}

func newExchange() *exchange {
	return &exchange{asked: make(http.Header), header: make(http.Header)}
}

// clear lets go of everything but memory to be used again.
func (x *exchange) clear() {
	clear(x.asked)
	clear(x.header)
	clear(x.values)
	clear(x.bufs)
	x.values, x.bufs = x.values[:0], x.bufs[:0]
	x.head.Reset()
	x.small.Reset()
	x.request, x.server, x.pen, x.err = nil, nil, nil, nil
	x.target, x.host = "", ""
	x.code, x.length, x.sent = 0, 0, 0
	x.begun, x.chunked = false, false
}

// Header implements http.ResponseWriter.
func (x *exchange) Header() http.Header { return x.header }

// WriteHeader implements http.ResponseWriter.
func (x *exchange) WriteHeader(code int) {
	if x.code != 0 || code < http.StatusOK { // nobody here needs to hear of what comes first
		return
	}
	x.code, x.length = code, unknown
	if n, err := strconv.ParseInt(x.header.Get("Content-Length"), 10, 64); err == nil && n >= 0 {
		x.length = n
	}
}

const unknown = -1

// Write implements http.ResponseWriter. What is small is sent with the end of the
// response.
func (x *exchange) Write(p []byte) (int, error) {
	x.sniff(p)
	if x.err == nil && !x.begun && !x.isBodiless() && x.small.Len()+len(p) <= smallBody {
		return x.small.Write(p)
	}
	n, err := x.WriteBuffers([][]byte{p})
	return int(n), err
}

// WriteBuffers implements BufferWriter.
func (x *exchange) WriteBuffers(bufs [][]byte) (size int64, err error) {
	if len(bufs) > 0 {
		x.sniff(bufs[0])
	}
	if x.isBodiless() {
		return 0, http.ErrBodyNotAllowed
	}
	for _, buf := range bufs {
		size += int64(len(buf))
	}
	if err := x.send(bufs, size); err != nil {
		return 0, err
	}
	return size, nil
}

// sniff begins a response whose handler just writes.
func (x *exchange) sniff(p []byte) {
	if x.code != 0 {
		return
	}
	if len(x.header["Content-Type"]) == 0 && len(p) > 0 {
		x.header.Set("Content-Type", http.DetectContentType(p))
	}
	x.WriteHeader(http.StatusOK)
}

// isBodiless reports whether the response has no body whatever is written.
func (x *exchange) isBodiless() bool { return isBodiless(x.code) }

// Flush implements http.Flusher.
func (x *exchange) Flush() { _ = x.FlushError() }

// FlushError is Flush for http.ResponseController.
func (x *exchange) FlushError() error {
	x.sniff(nil)
	return x.send(nil, 0)
}

// SetWriteDeadline and SetReadDeadline are there for http.ResponseController, and do
// nothing: the server looks after its viewers by itself.
func (*exchange) SetWriteDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (*exchange) SetReadDeadline(time.Time) error { return nil }

// send sends what was held back and bufs, whose size is given.
func (x *exchange) send(bufs [][]byte, size int64) error {
	if x.err != nil {
		return x.err
	}
	x.bufs = x.bufs[:0]
	if !x.begun {
		x.begun = true
		x.chunked = x.length == unknown && !x.isBodiless()
		x.writeHead()
		x.bufs = append(x.bufs, x.head.Bytes())
		size += int64(x.small.Len())
	}
	chunk := x.chunked && size > 0 // an empty one would be the last
	if chunk {
		x.bufs = append(x.bufs, append(strconv.AppendInt(nil, size, 16), "\r\n"...))
	}
	x.bufs = append(append(x.bufs, x.small.Bytes()), bufs...)
	if chunk {
		x.bufs = append(x.bufs, []byte("\r\n"))
	}
	x.sent += size
	x.err = x.write(x.bufs)
	x.small.Reset()
	return x.err
}

func (x *exchange) write(bufs [][]byte) error { return x.pen.send(bufs, x.server.now.Load()) }

// writeHead makes the header.
func (x *exchange) writeHead() {
	if x.chunked {
		x.header.Set("Transfer-Encoding", "chunked")
	}
	if len(x.header["Date"]) == 0 {
		x.header["Date"] = []string{*x.server.date.Load()}
	}
	if x.server.closing.Load() {
		x.header.Set("Connection", "close")
	}
	writeHead(&x.head, x.code, x.header)
	x.head.WriteString("\r\n")
}

// finish sends the end of the response, and reports whether another may follow.
func (x *exchange) finish() (keep bool) {
	x.sniff(nil)
	switch {
	case x.begun && x.chunked:
		if x.err == nil {
			x.err = x.write([][]byte{[]byte("0\r\n\r\n")})
		}
	case !x.begun:
		if x.length == unknown && !x.isBodiless() {
			x.length = int64(x.small.Len())
			x.header.Set("Content-Length", strconv.FormatInt(x.length, 10))
		}
		_ = x.send(nil, 0) // it is kept
	}
	whole := x.chunked || x.isBodiless() || x.sent == x.length
	return whole && x.err == nil
}
