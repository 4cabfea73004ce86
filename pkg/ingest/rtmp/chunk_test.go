package rtmp

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"weir/pkg/ingest"
)

// text is a payload of n bytes that tells its place in each byte.
func text(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + i%26)
	}
	return b
}

// join joins byte slices, bytes and strings.
func join(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			b = append(b, byte(p))
		case byte:
			b = append(b, p)
		case string:
			b = append(b, p...)
		case []byte:
			b = append(b, p...)
		}
	}
	return b
}

func be24(v int) []byte    { return []byte{byte(v >> 16), byte(v >> 8), byte(v)} }
func be32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }
func le32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }

// head0, head1 and head2 are message headers of those types.
func head0(timestamp, length, typ int, stream uint32) []byte {
	return join(be24(timestamp), be24(length), typ, le32(stream))
}
func head1(delta, length, typ int) []byte { return join(be24(delta), be24(length), typ) }
func head2(delta int) []byte              { return be24(delta) }

func readChunks(data []byte) (messages []message, err error) {
	r := newChunkReader(bufio.NewReader(bytes.NewReader(data)), 1<<20, 2<<20)
	for {
		m, err := r.next()
		if err != nil {
			return messages, err
		}
		if m.typ == typeSetChunkSize {
			if err := r.setSize(binary.BigEndian.Uint32(m.payload)); err != nil {
				return messages, err
			}
		}
		if m.typ == typeAbort {
			r.abort(binary.BigEndian.Uint32(m.payload))
		}
		messages = append(messages, m)
	}
}

func TestChunkForms(t *testing.T) {
	t.Parallel()
	long := text(300)
	for _, c := range []struct {
		name string
		in   []byte
		want []message
	}{
		{
			"full header, one chunk",
			join(0x04, head0(1000, 5, 9, 1), "hello"),
			[]message{{9, 1, 1000, []byte("hello")}},
		},
		{
			"message over three chunks",
			join(0x04, head0(1000, 300, 9, 1), long[:128], 0xc4, long[128:256], 0xc4, long[256:]),
			[]message{{9, 1, 1000, long}},
		},
		{
			"types 1, 2 and 3 leave out what stays the same",
			join(0x04, head0(1000, 2, 9, 7), "aa", 0x44, head1(40, 3, 8), "bbb", 0x84, head2(20), "ccc", 0xc4, "ddd"),
			[]message{{9, 7, 1000, []byte("aa")}, {8, 7, 1040, []byte("bbb")}, {8, 7, 1060, []byte("ccc")}, {8, 7, 1080, []byte("ddd")}},
		},
		{
			"type 3 after type 0 near the start adds its timestamp (ffmpeg)",
			join(0x04, head0(23, 2, 8, 1), "aa", 0xc4, "bb", 0xc4, "cc"),
			[]message{{8, 1, 23, []byte("aa")}, {8, 1, 46, []byte("bb")}, {8, 1, 69, []byte("cc")}},
		},
		{
			"type 3 after type 0 far from the start adds nothing (librtmp, nginx)",
			join(0x04, head0(60_000, 2, 8, 1), "aa", 0xc4, "bb"),
			[]message{{8, 1, 60_000, []byte("aa")}, {8, 1, 60_000, []byte("bb")}},
		},
		{
			"type 1 opens a chunk stream (librtmp)",
			join(0x42, head1(5, 4, 3), be32(77)),
			[]message{{3, 0, 5, be32(77)}},
		},
		{
			"basic headers of two and three bytes",
			join(0x00, 0, head0(1, 1, 9, 1), "a", 0x00, 255, head0(2, 1, 9, 1), "b",
				0x01, 0, 0, head0(3, 1, 9, 1), "c", 0x01, 255, 255, head0(4, 1, 9, 1), "d", 0xc1, 255, 255, "e"),
			[]message{
				{9, 1, 1, []byte("a")},
				{9, 1, 2, []byte("b")},
				{9, 1, 3, []byte("c")},
				{9, 1, 4, []byte("d")},
				{9, 1, 8, []byte("e")},
			},
		},
		{
			"interleaved chunk streams",
			join(0x04, head0(10, 200, 9, 1), long[:128], 0x05, head0(11, 3, 8, 1), "snd", 0xc4, long[128:200]),
			[]message{{8, 1, 11, []byte("snd")}, {9, 1, 10, long[:200]}},
		},
		{
			"empty message",
			join(0x04, head0(10, 0, 9, 1), 0x84, head2(10)),
			[]message{{9, 1, 10, nil}, {9, 1, 20, nil}},
		},
		{
			"time wraps",
			join(0x04, head0(extendedMark, 1, 9, 1), be32(0xfffffff0), "a", 0x84, head2(0x20), "b"),
			[]message{{9, 1, 0xfffffff0, []byte("a")}, {9, 1, 0x10, []byte("b")}},
		},
		{
			"abort throws away what came",
			join(0x04, head0(10, 200, 9, 1), long[:128], 0x02, head0(0, 4, 2, 0), be32(4), 0x04, head0(20, 2, 9, 1), "ok"),
			[]message{{2, 0, 0, be32(4)}, {9, 1, 20, []byte("ok")}},
		},
		{
			"a new header inside a message throws away what came",
			join(0x04, head0(10, 200, 9, 1), long[:128], 0x04, head0(20, 2, 9, 1), "ok"),
			[]message{{9, 1, 20, []byte("ok")}},
		},
		{
			"chunk size is set, inside another message too",
			join(0x04, head0(10, 300, 9, 1), long[:128], 0x02, head0(0, 4, 1, 0), be32(1000), 0xc4, long[128:]),
			[]message{{1, 0, 0, be32(1000)}, {9, 1, 10, long}},
		},
		{
			"chunk size of one byte",
			join(0x02, head0(0, 4, 1, 0), be32(1), 0x04, head0(10, 3, 9, 1), "a", 0xc4, "b", 0xc4, "c"),
			[]message{{1, 0, 0, be32(1)}, {9, 1, 10, []byte("abc")}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			checkMessages(t, c.in, c.want)
		})
	}
}

func checkMessages(t *testing.T, in []byte, want []message) {
	t.Helper()
	got, err := readChunks(in)
	if !errors.Is(err, io.EOF) {
		t.Fatalf("it ended with %v", err)
	}
	if !slices.EqualFunc(got, want, sameMessage) {
		t.Errorf("read %v\nwant %v", got, want)
	}
}

func sameMessage(a, b message) bool {
	return a.typ == b.typ && a.stream == b.stream && a.timestamp == b.timestamp && bytes.Equal(a.payload, b.payload)
}

func TestExtendedTimestamps(t *testing.T) {
	t.Parallel()
	const hours = 20_000_000 // Over 5.5 h: more than 3 bytes hold.
	long := text(300)
	ext := be32(hours)
	full := head0(extendedMark, 300, 9, 1)
	for _, c := range []struct {
		name string
		in   []byte
		want []message
	}{
		{
			"repeated on chunks of type 3, as the specification has it",
			join(0x04, full, ext, long[:128], 0xc4, ext, long[128:256], 0xc4, ext, long[256:]),
			[]message{{9, 1, hours, long}},
		},
		{
			"not repeated, as older encoders have it",
			join(0x04, full, ext, long[:128], 0xc4, long[128:256], 0xc4, long[256:]),
			[]message{{9, 1, hours, long}},
		},
		{
			"each chunk stream has its own way",
			join(0x04, full, ext, long[:128], 0x05, full, ext, long[:128], 0xc4, ext, long[128:256], 0xc5, long[128:256],
				0xc4, ext, long[256:], 0xc5, long[256:]),
			[]message{{9, 1, hours, long}, {9, 1, hours, long}},
		},
		{
			"the way holds, even where data looks like the timestamp",
			join(0x04, full, ext, long[:128], 0xc4, long[128:256], 0xc4, long[256:],
				0x04, full, ext, long[:128], 0xc4, ext, long[132:256], 0xc4, long[256:]),
			[]message{{9, 1, hours, long}, {9, 1, hours, join(long[:128], ext, long[132:])}},
		},
		{
			"type 1 and 2 with an extended difference",
			join(0x04, head0(0, 1, 9, 1), "a", 0x44, head1(extendedMark, 2, 9), ext, "bb", 0x84, head2(extendedMark), ext, "cc"),
			[]message{{9, 1, 0, []byte("a")}, {9, 1, hours, []byte("bb")}, {9, 1, 2 * hours, []byte("cc")}},
		},
		{
			"type 1 whose type 3 repeats the absolute time",
			join(0x04, head0(40, 1, 9, 1), "a", 0x44, head1(extendedMark, 300, 9), ext, long[:128],
				0xc4, be32(hours+40), long[128:256], 0xc4, be32(hours+40), long[256:]),
			[]message{{9, 1, 40, []byte("a")}, {9, 1, hours + 40, long}},
		},
		{
			"type 3 opens a message and repeats",
			join(0x04, head0(extendedMark, 4, 9, 1), ext, "aaaa", 0xc4, ext, "bbbb"),
			[]message{{9, 1, hours, []byte("aaaa")}, {9, 1, hours, []byte("bbbb")}},
		},
		{
			"type 3 opens a message with a time of its own",
			join(0x04, full, ext, long[:128], 0xc4, ext, long[128:256], 0xc4, ext, long[256:],
				0xc4, be32(hours+40), long[:128], 0xc4, be32(hours+40), long[128:256], 0xc4, be32(hours+40), long[256:]),
			[]message{{9, 1, hours, long}, {9, 1, hours + 40, long}},
		},
		{
			"small timestamps again",
			join(0x04, full, ext, long[:128], 0xc4, ext, long[128:256], 0xc4, ext, long[256:],
				0x44, head1(40, 200, 9), long[:128], 0xc4, long[128:200]),
			[]message{{9, 1, hours, long}, {9, 1, hours + 40, long[:200]}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			checkMessages(t, c.in, c.want)
		})
	}
}

func TestBrokenChunks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		in   []byte
		want error
	}{
		{"type 2 opens a chunk stream", join(0x84, head2(1)), errChunk},
		{"type 3 opens a chunk stream", join(0xc4), errChunk},
		{"chunk size 0", join(0x02, head0(0, 4, 1, 0), be32(0)), errChunk},
		{"chunk size with its first bit set", join(0x02, head0(0, 4, 1, 0), be32(1<<31)), errChunk},
		{"ends inside a basic header", join(0x01, 1), io.ErrUnexpectedEOF},
		{"ends inside a message header", join(0x04, 1, 2), io.ErrUnexpectedEOF},
		{"ends inside a payload", join(0x04, head0(0, 9, 9, 1), "abc"), io.ErrUnexpectedEOF},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := readChunks(c.in); !errors.Is(err, c.want) {
				t.Errorf("the error is %v, want %v", err, c.want)
			}
		})
	}
}

func TestChunkLimits(t *testing.T) {
	t.Parallel()
	manyStreams := func() (b []byte) {
		for id := range maxChunkStreams + 1 {
			b = join(b, 0x01, id, id>>8, head0(0, 200, 9, 1), text(128))
		}
		return b
	}
	manyPartial := func() (b []byte) {
		for id := range 40 {
			b = join(b, 0x00, id, head0(0, 900<<10, 9, 1), text(60<<10))
		}
		return b
	}
	for _, c := range []struct {
		name, says string
		in         []byte
	}{
		{"too many chunk streams", "64 chunk streams", manyStreams()},
		{"a message that claims too much", "2048 KiB", join(0x04, head0(0, 2<<20, 9, 1))},
		{"messages without end", "more messages than it ends", join(0x02, head0(0, 4, 1, 0), be32(60<<10), manyPartial())},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := readChunks(c.in)
			rejection, ok := errors.AsType[*ingest.Rejection](err)
			if !ok || rejection.Reason != ingest.LimitExceeded || !strings.Contains(rejection.Message, c.says) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// TestChunkMemoryFollowsBytes: what a length field claims is not allocated
// before it has come.
func TestChunkMemoryFollowsBytes(t *testing.T) {
	t.Parallel()
	const claimed = 1 << 20
	in := join(0x02, head0(0, 4, 1, 0), be32(maxChunkSize), 0x04, head0(0, claimed, 9, 1), text(10_000))
	r := newChunkReader(bufio.NewReader(bytes.NewReader(in)), claimed, 2*claimed)
	if _, err := r.next(); err != nil {
		t.Fatal(err)
	}
	if err := r.setSize(maxChunkSize); err != nil {
		t.Fatal(err)
	}
	if _, err := r.next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	if r.held > 4*10_000 {
		t.Errorf("%d bytes are held for 10,000 that came", r.held)
	}
}

// TestChunkMemoryIsGivenBack: complete, aborted and replaced messages leave
// nothing behind.
func TestChunkMemoryIsGivenBack(t *testing.T) {
	t.Parallel()
	long := text(300)
	in := join(0x04, head0(0, 300, 9, 1), long[:128], 0xc4, long[128:256], 0xc4, long[256:],
		0x05, head0(0, 300, 9, 1), long[:128], 0x05, head0(0, 2, 9, 1), "ok",
		0x06, head0(0, 300, 9, 1), long[:128], 0x02, head0(0, 4, 2, 0), be32(6))
	r := newChunkReader(bufio.NewReader(bytes.NewReader(in)), 1<<20, 1<<20)
	for {
		m, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if m.typ == typeAbort {
			r.abort(6)
		}
	}
	if r.held != 0 {
		t.Errorf("%d bytes are held for nothing", r.held)
	}
}

// TestChunkWriterReadsBack: what the writer writes, the reader reads.
func TestChunkWriterReadsBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var wire bytes.Buffer
		w := chunkWriter{w: &wire, size: defaultChunkSize}
		var want []message
		for range rapid.IntRange(1, 5).Draw(t, "messages") {
			m := message{
				typ:     rapid.SampledFrom([]byte{typeSetChunkSize, typeUserControl, typeCommandAMF0}).Draw(t, "type"),
				stream:  rapid.Uint32().Draw(t, "stream"),
				payload: rapid.SliceOfN(rapid.Byte(), 0, 700).Draw(t, "payload"),
			}
			if m.typ == typeSetChunkSize {
				m.payload = be32(rapid.Uint32Range(1, 5000).Draw(t, "size"))
			}
			w.write(rapid.ByteRange(2, 63).Draw(t, "chunk stream"), m)
			want = append(want, m)
		}
		if err := w.flush(); err != nil {
			t.Fatal(err)
		}
		got, err := readChunks(wire.Bytes())
		if !errors.Is(err, io.EOF) || !slices.EqualFunc(got, want, sameMessage) {
			t.Fatalf("read %v (%v), want %v", got, err, want)
		}
	})
}
