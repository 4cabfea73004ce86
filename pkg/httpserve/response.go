package httpserve

import (
	"io"
	"net/http"
	"time"

	"weir/pkg/plainhttp"
)

const (
	// patience is how long a viewer may take to accept one stretch of bytes;
	// whoever is slower holds memory and a connection for nothing.
	patience = 15 * time.Second
	// stretch is the most that is written under one deadline: patience for it
	// is 35 kbit/s, below any rendition's bit rate.
	stretch = 64 << 10
)

// response wraps a ResponseWriter: it counts, moves the write deadline as long
// as bytes flow, and sees to it that every response states Cache-Control. It
// belongs to the goroutine of its request.
type response struct {
	http.ResponseWriter
	control *http.ResponseController
	kind    kind
	code    int
	bytes   int64
}

func newResponse(w http.ResponseWriter) *response {
	return &response{ResponseWriter: w, control: http.NewResponseController(w), kind: kindOther}
}

// Unwrap lets http.ResponseController reach the connection.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader sends the header, once.
func (w *response) WriteHeader(code int) {
	if w.code != 0 {
		return
	}
	if code >= http.StatusOK {
		w.code = code
	}
	if w.Header().Get("Cache-Control") == "" {
		w.Header().Set("Cache-Control", cacheNever)
	}
	w.extend()
	w.ResponseWriter.WriteHeader(code)
}

// Write sends p, in stretches that each have a deadline of their own.
func (w *response) Write(p []byte) (written int, err error) {
	if w.code == 0 {
		w.WriteHeader(http.StatusOK)
	}
	for {
		piece := p[:min(len(p), stretch)]
		w.extend()
		n, err := w.ResponseWriter.Write(piece)
		written += n
		w.bytes += int64(n)
		p = p[len(piece):]
		if err != nil || len(p) == 0 {
			return written, err
		}
	}
}

// ReadFrom is how http.ServeContent hands over what it sends.
func (w *response) ReadFrom(src io.Reader) (int64, error) {
	if limited, ok := src.(*io.LimitedReader); ok {
		if whole, ok := limited.R.(*pieces); ok {
			n, err := w.send(whole, limited.N)
			limited.N -= n
			return n, err
		}
	}
	return io.Copy(struct{ io.Writer }{w}, src)
}

// send writes the next n bytes of p without a copy: by one call, where the
// connection takes slices.
func (w *response) send(p *pieces, n int64) (int64, error) {
	whole, ok := w.ResponseWriter.(plainhttp.BufferWriter)
	if !ok {
		return p.sendTo(w, n)
	}
	if w.code == 0 {
		w.WriteHeader(http.StatusOK)
	}
	sent, err := whole.WriteBuffers(p.take(n))
	w.bytes += sent
	return sent, err
}

// extend gives the viewer time for the next bytes. Writers that have no
// deadline, such as those of tests, need none.
func (w *response) extend() {
	_ = w.control.SetWriteDeadline(time.Now().Add(patience))
}

// finish makes sure that a response exists when its handler has returned.
func (w *response) finish() {
	if w.code == 0 {
		w.WriteHeader(http.StatusOK)
	}
}
