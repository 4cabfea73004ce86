package rtmp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"strconv"
	"testing"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// chunked is a clip as chunks of one size, without handshake and commands.
func chunked(b *testing.B, size int) (wire []byte, units int) {
	b.Helper()
	var out bytes.Buffer
	w := chunkWriter{w: &out, size: size}
	for _, tag := range flvTags(b, clip(b, "camera_720p60_4M_cbr.flv"), 1<<20) {
		if tag.typ != typeVideo && tag.typ != typeAudio {
			continue
		}
		if tag.data[1] == packetCoded {
			units++
		}
		header := len(w.buf)
		w.write(tag.typ, message{typ: tag.typ, stream: 1, payload: tag.data})
		copy(w.buf[header+1:], be24(int(tag.timestamp)))
	}
	if err := w.flush(); err != nil {
		b.Fatal(err)
	}
	return out.Bytes(), units
}

// sink is a Session that takes everything.
type sink struct{ units int }

func (*sink) Metadata(ingest.Metadata)                        {}
func (s *sink) Write(context.Context, media.AccessUnit) error { s.units++; return nil }
func (*sink) Close(ingest.End)                                {}
func (*sink) Done() <-chan struct{}                           { return nil }
func (*sink) Err() error                                      { return nil }

// BenchmarkAccessUnit measures a publisher of 720p60 at 4 Mbit/s with audio,
// from the bytes of the connection to the session, for each access unit.
func BenchmarkAccessUnit(b *testing.B) {
	for _, size := range []int{128, 4096} {
		b.Run("chunks of "+strconv.Itoa(size), func(b *testing.B) {
			wire, units := chunked(b, size)
			server := NewServer(Config{Log: slog.New(slog.DiscardHandler)})
			reader := bytes.NewReader(nil)
			c := newConn(server, script{sent: reader}, netip.AddrPort{})
			c.chunks = newChunkReader(bufio.NewReaderSize(c.link, readBufferSize), largestMessage, largestMessage)
			if err := c.chunks.setSize(uint32(size)); err != nil {
				b.Fatal(err)
			}
			session, done := new(sink), 0
			b.ReportAllocs()
			for b.Loop() {
				if done++; done%units != 1 {
					continue // One round is the whole clip: all its access units.
				}
				reader.Reset(wire)
				if err := drain(b.Context(), c, session); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(wire))/float64(units), "B/unit")
		})
	}
}

// drain hands on everything that the connection has.
func drain(ctx context.Context, c *conn, session ingest.Session) error {
	for {
		m, err := c.read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = c.receive(ctx, session, m)
		}
		if err != nil {
			return err
		}
	}
}
