package httpserve

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"

	"weir/pkg/plainhttp"
)

// document is a finished text with what serving it takes. It is made once and
// shared by all viewers.
type document struct {
	body []byte
	tag  string
	// zipped compresses once, at the first request for it; nil if that saves
	// nothing.
	zipped func() []byte
	// answers maps form to *plainhttp.Answer.
	answers sync.Map
}

// form is how a document is sent.
type form struct {
	zipped bool
	cache  string
}

// answer is the answer with the document, which the first viewer has made.
func (d *document) answer(zipped bool, cache string, by func() *plainhttp.Answer) *plainhttp.Answer {
	key := form{zipped, cache}
	if made, ok := d.answers.Load(key); ok {
		return made.(*plainhttp.Answer) //nolint:forcetypeassert // answers holds nothing else.
	}
	made, _ := d.answers.LoadOrStore(key, by())
	return made.(*plainhttp.Answer) //nolint:forcetypeassert // see above.
}

func newDocument(body []byte, c *compressor) *document {
	digest := sha256.Sum256(body)
	return &document{
		body:   body,
		tag:    hex.EncodeToString(digest[:8]),
		zipped: sync.OnceValue(func() []byte { return c.compress(body) }),
	}
}

// serve answers with the document. The ETag is strong, so that the compressed
// form has one of its own.
func (d *document) serve(w http.ResponseWriter, r *http.Request, contentType, cache string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", cache)
	h.Add("Vary", "Accept-Encoding")
	body, tag := d.body, d.tag
	if acceptsGzip(r.Header) {
		if zipped := d.zipped(); zipped != nil {
			body, tag = zipped, tag+"-gzip"
			h.Set("Content-Encoding", "gzip")
			h.Set("Content-Length", strconv.Itoa(len(zipped)))
		}
	}
	h.Set("ETag", `"`+tag+`"`)
	serveContent(w, r, newPieces([][]byte{body}))
}

// acceptsGzip reads Accept-Encoding (RFC 9110, 12.5.3).
func acceptsGzip(h http.Header) bool {
	for one := range strings.SplitSeq(strings.Join(h.Values("Accept-Encoding"), ","), ",") {
		coding, weight, weighted := strings.Cut(one, ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		_, q, _ := strings.Cut(weight, "=")
		value, err := strconv.ParseFloat(strings.TrimSpace(q), 64)
		return !weighted || (err == nil && value > 0)
	}
	return false
}

// compressor reuses gzip writers, whose tables are far larger than a playlist.
type compressor struct {
	writers sync.Pool
}

func newCompressor() *compressor {
	return &compressor{writers: sync.Pool{New: func() any { return gzip.NewWriter(nil) }}}
}

// compress returns nil if the compressed form is not smaller.
func (c *compressor) compress(body []byte) []byte {
	zip, ok := c.writers.Get().(*gzip.Writer)
	if !ok {
		return nil
	}
	defer c.writers.Put(zip)
	var out bytes.Buffer
	zip.Reset(&out)
	if _, err := zip.Write(body); err != nil {
		return nil
	}
	if err := zip.Close(); err != nil || out.Len() >= len(body) {
		return nil
	}
	return out.Bytes()
}
