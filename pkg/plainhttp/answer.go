package plainhttp

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strconv"
)

// Answer is a whole response, to be sent to any number of viewers. It is never
// changed.
type Answer struct {
	code int
	// head is the header but for its tail, see loop.
	head []byte
	// body is sent, or size bytes of file where that is not nil. Who has the Answer
	// keeps file open.
	body [][]byte
	file *os.File
	size int64
}

// Compose makes an Answer of what write does with a ResponseWriter, which is a
// BufferWriter.
func Compose(write func(w http.ResponseWriter)) *Answer {
	r := &record{header: make(http.Header)}
	write(r)
	r.WriteHeader(http.StatusOK)
	a := &Answer{code: r.code, body: r.body}
	for _, buf := range r.body {
		a.size += int64(len(buf))
	}
	if !isBodiless(r.code) {
		r.header["Content-Length"] = []string{strconv.FormatInt(a.size, 10)}
	}
	var head bytes.Buffer
	writeHead(&head, r.code, r.header)
	a.head = head.Bytes()
	return a
}

// Code is the status code.
func (a *Answer) Code() int { return a.code }

// Size is the length of the body, in bytes.
func (a *Answer) Size() int64 { return a.size }

// Body is what is sent after the header. It must not be changed.
func (a *Answer) Body() [][]byte { return a.body }

// InFile is the same answer, whose body the kernel takes from file, which has to hold
// just that, from its beginning. The file must not be closed or changed; it closes
// itself when nobody refers to it any more.
func (a *Answer) InFile(file *os.File) *Answer {
	filed := *a
	filed.file, filed.body = file, nil
	return &filed
}

// record is the ResponseWriter of Compose.
type record struct {
	header http.Header
	code   int
	body   [][]byte
}

// Header implements http.ResponseWriter.
func (r *record) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *record) WriteHeader(code int) {
	if r.code == 0 {
		r.code = code
	}
}

// Write implements http.ResponseWriter.
func (r *record) Write(p []byte) (int, error) {
	n, err := r.WriteBuffers([][]byte{bytes.Clone(p)})
	return int(n), err
}

// WriteBuffers implements BufferWriter.
func (r *record) WriteBuffers(bufs [][]byte) (size int64, err error) {
	r.WriteHeader(http.StatusOK)
	for _, buf := range bufs {
		size += int64(len(buf))
		r.body = append(r.body, buf)
	}
	return size, nil
}

// isBodiless reports whether a response has no body whatever is written.
func isBodiless(code int) bool {
	return code == http.StatusNoContent || code == http.StatusNotModified
}

// writeHead writes a status line and header, without the empty line after it.
func writeHead(w *bytes.Buffer, code int, header http.Header) {
	fmt.Fprintf(w, "HTTP/1.1 %03d %s\r\n", code, http.StatusText(code))
	_ = header.Write(w) // memory takes everything
}
