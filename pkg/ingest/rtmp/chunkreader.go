package rtmp

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"weir/pkg/ingest"
)

const (
	// maxChunkStreams is how many chunk streams a connection may use; encoders
	// use four or five.
	maxChunkStreams = 64
	// maxChunkSize is where larger chunk sizes stop making a difference: a
	// message has at most 16,777,215 bytes (section 5.4.1).
	maxChunkSize = 0xffffff
	// extendedMark in a 3-byte timestamp says that the real one follows in 4.
	extendedMark = 0xffffff
	// firstTrust is how many bytes are allocated for a message on the word of
	// its length field while nothing larger has come.
	firstTrust = 4 << 10
)

// errChunk is wrapped by every violation of the chunk format.
var errChunk = errors.New("the RTMP chunks are broken")

// chunkReader puts messages together from chunks (section 5.3).
type chunkReader struct {
	r *bufio.Reader
	// size is the chunk size that the other end has set.
	size    int
	streams map[uint32]*chunkStream
	// maxMessage limits the length of one message and maxHeld the memory of
	// all messages that are not complete yet.
	maxMessage, maxHeld int
	held                int
	// trust is how much may be allocated before the bytes have come: twice the
	// largest message so far.
	trust int
}

func newChunkReader(r *bufio.Reader, maxMessage, maxHeld int) *chunkReader {
	return &chunkReader{
		r: r, size: defaultChunkSize, streams: map[uint32]*chunkStream{},
		maxMessage: maxMessage, maxHeld: maxHeld, trust: firstTrust,
	}
}

// allow replaces the limits.
func (c *chunkReader) allow(maxMessage, maxHeld int) {
	c.maxMessage, c.maxHeld = maxMessage, maxHeld
}

// setSize follows a Set Chunk Size message.
func (c *chunkReader) setSize(size uint32) error {
	if size == 0 || size>>31 != 0 {
		return fmt.Errorf("%w: the chunk size is set to %d", errChunk, size)
	}
	c.size = int(min(size, maxChunkSize))
	return nil
}

// abort follows an Abort message: what has come of the message on this chunk
// stream is thrown away.
func (c *chunkReader) abort(id uint32) {
	if s, ok := c.streams[id]; ok {
		c.drop(s)
	}
}

// next reads chunks until a message is complete.
func (c *chunkReader) next() (message, error) {
	for {
		m, ok, err := c.chunk()
		if err != nil || ok {
			return m, err
		}
	}
}

// chunk reads one chunk; ok is true if it completes a message.
func (c *chunkReader) chunk() (m message, ok bool, err error) {
	format, id, err := c.basicHeader()
	if err != nil {
		return message{}, false, err
	}
	s, err := c.stream(id, format)
	if err != nil {
		return message{}, false, err
	}
	if format != 3 && s.open {
		c.drop(s) // A new header inside a message: what came of it is lost.
	}
	if err := c.messageHeader(s, format); err != nil {
		return message{}, false, err
	}
	if s.length > c.maxMessage {
		return message{}, false, errTooLarge(s.length, c.maxMessage)
	}
	if err := c.payload(s); err != nil {
		return message{}, false, err
	}
	if len(s.payload) < s.length {
		return message{}, false, nil
	}
	m = message{typ: s.typ, stream: s.messageStream, timestamp: s.timestamp, payload: s.payload}
	c.trust = max(c.trust, 2*len(s.payload))
	c.drop(s)
	return m, true, nil
}

// basicHeader reads the format and the chunk stream id, in 1 to 3 bytes
// (section 5.3.1.1).
func (c *chunkReader) basicHeader() (format byte, id uint32, err error) {
	first, err := c.r.ReadByte()
	if err != nil {
		return 0, 0, fmt.Errorf("read a chunk: %w", err)
	}
	format, id = first>>6, uint32(first&0x3f)
	if id >= 2 {
		return format, id, nil
	}
	extra, err := c.take(int(id) + 1)
	if err != nil {
		return 0, 0, err
	}
	if id == 0 {
		return format, 64 + uint32(extra[0]), nil
	}
	return format, 64 + uint32(extra[0]) + uint32(extra[1])<<8, nil
}

// stream finds the state of a chunk stream or begins it. Type 1 is let through
// at the start of one: librtmp is known to send it. Types 2 and 3 need a
// length that only an earlier header could have told.
func (c *chunkReader) stream(id uint32, format byte) (*chunkStream, error) {
	if s, ok := c.streams[id]; ok {
		return s, nil
	}
	if format >= 2 {
		return nil, fmt.Errorf("%w: chunk stream %d begins with a header of type %d", errChunk, id, format)
	}
	if len(c.streams) >= maxChunkStreams {
		return nil, limitExceeded(fmt.Sprintf("The encoder uses more than %d chunk streams.", maxChunkStreams))
	}
	s := new(chunkStream)
	c.streams[id] = s
	return s, nil
}

// messageHeader reads the rest of a chunk's header (sections 5.3.1.2 and
// 5.3.1.3) and, where the chunk opens a message, sets its time.
func (c *chunkReader) messageHeader(s *chunkStream, format byte) error {
	if format == 3 {
		return c.bareHeader(s)
	}
	header, err := c.take([]int{11, 7, 3}[format])
	if err != nil {
		return err
	}
	field := uint24(header)
	if format <= 1 {
		s.length, s.typ = int(uint24(header[3:])), header[6]
	}
	if format == 0 {
		s.messageStream = binary.LittleEndian.Uint32(header[7:])
	}
	s.extended = field == extendedMark
	if s.extended {
		more, err := c.take(4)
		if err != nil {
			return err
		}
		field = binary.BigEndian.Uint32(more)
	}
	s.begin(format, field)
	return nil
}

// bareHeader handles a chunk of type 3, which has no header but, after an
// extended timestamp, that once more. The specification demands it; older
// encoders leave it out. The first such chunk of a chunk stream tells which
// kind it is: the repetition is known byte for byte, so that media data looks
// like it once in 2^32 times.
func (c *chunkReader) bareHeader(s *chunkStream) error {
	value := s.field
	if s.extended && s.repeats != repeatsNot {
		next, err := c.peek(4)
		if err != nil {
			return err
		}
		if seen := binary.BigEndian.Uint32(next); s.repeated(seen) {
			value = seen
			if _, err := c.take(4); err != nil {
				return err
			}
		}
	}
	if !s.open {
		s.begin(3, value)
	}
	return nil
}

// payload reads as much of the message as belongs into this chunk.
func (c *chunkReader) payload(s *chunkStream) error {
	at := len(s.payload)
	n := min(c.size, s.length-at)
	for n > 0 {
		// A chunk may be as large as a message: its length is not believed
		// either.
		step := min(n, max(c.trust, at))
		if err := c.grow(s, at+step); err != nil {
			return err
		}
		if _, err := io.ReadFull(c.r, s.payload[at:at+step]); err != nil {
			return fmt.Errorf("read a message of %d bytes: %w", s.length, err)
		}
		at, n = at+step, n-step
	}
	return nil
}

// grow makes room for n bytes of payload, never for more than the message
// claims, nor for more than the limits leave.
func (c *chunkReader) grow(s *chunkStream, n int) error {
	if n > cap(s.payload) {
		size := min(s.length, max(n, 2*cap(s.payload), c.trust))
		if c.held+size-cap(s.payload) > c.maxHeld {
			return limitExceeded(fmt.Sprintf("The encoder begins more messages than it ends: over %d KiB wait for their rest.", c.maxHeld>>10))
		}
		c.held += size - cap(s.payload)
		grown := make([]byte, len(s.payload), size)
		copy(grown, s.payload)
		s.payload = grown
	}
	s.payload = s.payload[:n]
	return nil
}

// drop ends the message on s, complete or not.
func (c *chunkReader) drop(s *chunkStream) {
	c.held -= cap(s.payload)
	s.payload, s.open = nil, false
}

// take reads n bytes, at most 11, that are valid until the next read.
func (c *chunkReader) take(n int) ([]byte, error) {
	b, err := c.peek(n)
	if err != nil {
		return nil, err
	}
	_, err = c.r.Discard(n)
	return b, err //nolint:wrapcheck // it cannot fail: the bytes are there.
}

func (c *chunkReader) peek(n int) ([]byte, error) {
	b, err := c.r.Peek(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("read a chunk header: %w", err)
	}
	return b, nil
}

func errTooLarge(length, limit int) error {
	return limitExceeded(fmt.Sprintf("The encoder sends a message of %d KiB; %d KiB are allowed here. Lower the bit rate.", length>>10, limit>>10))
}

func limitExceeded(message string) error {
	return &ingest.Rejection{Reason: ingest.LimitExceeded, Message: message}
}
