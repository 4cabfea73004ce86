package rtmp

import (
	"encoding/binary"
	"fmt"
	"io"
)

// sendChunkSize is the chunk size that the server announces: every reply of
// its own fits into one chunk.
const sendChunkSize = 4096

// defaultChunkSize holds for either direction until it is set (section 5.4.1).
const defaultChunkSize = 128

// chunkWriter writes messages as chunks. It is for the few, small messages of
// a server that only receives: full headers, timestamp 0.
type chunkWriter struct {
	w    io.Writer
	size int
	buf  []byte
}

// write queues a message on a chunk stream below 64; flush sends it.
func (c *chunkWriter) write(chunkStream byte, m message) {
	c.buf = append(c.buf, chunkStream, 0, 0, 0, // Type 0, timestamp.
		byte(len(m.payload)>>16), byte(len(m.payload)>>8), byte(len(m.payload)), m.typ)
	c.buf = binary.LittleEndian.AppendUint32(c.buf, m.stream)
	for rest := m.payload; len(rest) > 0; {
		n := min(len(rest), c.size)
		c.buf = append(c.buf, rest[:n]...)
		if rest = rest[n:]; len(rest) > 0 {
			c.buf = append(c.buf, 0xc0|chunkStream)
		}
	}
	if m.typ == typeSetChunkSize {
		c.size = int(binary.BigEndian.Uint32(m.payload))
	}
}

// flush sends what was written since the last flush.
func (c *chunkWriter) flush() error {
	if len(c.buf) == 0 {
		return nil
	}
	_, err := c.w.Write(c.buf)
	c.buf = c.buf[:0]
	if err != nil {
		return fmt.Errorf("send a reply: %w", err)
	}
	return nil
}
