package rtmp

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"reflect"
	"testing"
	"testing/iotest"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/ingest/codec"
	"weir/pkg/media"
)

// script is a net.Conn whose other end has sent everything already and hangs
// up then.
type script struct {
	net.Conn
	sent io.Reader
}

func (s script) Read(p []byte) (int, error)       { return s.sent.Read(p) }
func (script) Write(p []byte) (int, error)        { return len(p), nil }
func (script) Close() error                       { return nil }
func (script) SetReadDeadline(_ time.Time) error  { return nil }
func (script) SetWriteDeadline(_ time.Time) error { return nil }

// anyKey is a Gate that lets everyone in.
func anyKey(sessions chan<- *recording) ingest.Gate {
	return gateFunc(func(_ context.Context, req ingest.Request) (ingest.Session, error) {
		s := &recording{request: req, closed: make(chan ingest.End, 1), done: make(chan struct{})}
		sessions <- s
		return s, nil
	})
}

// play lets a server serve what a conversation holds, without its safety net
// for panics, and returns the session if there was one.
func play(tb testing.TB, sent io.Reader) (s *recording, server *Server) {
	tb.Helper()
	sessions := make(chan *recording, 1)
	server = NewServer(Config{Gate: anyKey(sessions), Log: slog.New(slog.DiscardHandler), MaxBitrate: 1 << 30})
	c := newConn(server, script{sent: sent}, netip.AddrPort{})
	c.serve(tb.Context())
	if c.chunks != nil && c.chunks.held > c.chunks.maxHeld {
		tb.Fatalf("%d bytes are held", c.chunks.held)
	}
	select {
	case s = <-sessions:
		if _, ok := <-s.closed; !ok {
			tb.Fatal("the session was not closed")
		}
		return s, server
	default:
		return nil, server
	}
}

// TestRecordedConversations: what real publishers sent once gives the same
// access units for ever.
func TestRecordedConversations(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]media.Ticks{"ffmpeg": 0, "ffmpeg-hevc": 0, "ffmpeg-av1": 0, "ffmpeg-opus": 0, "go-rtmp": 5 * 3600 * 1000} {
		sent := conversation(t, name)
		s, server := play(t, bytes.NewReader(sent))
		if s == nil {
			t.Fatalf("%s: nothing was published: %+v", name, server.Stats())
		}
		video, audio := s.of(media.Video), s.of(media.Audio)
		if len(video) != 10 || len(audio) < 28 || server.Stats().BadUnits != 0 {
			t.Fatalf("%s: %d video and %d audio access units, %+v", name, len(video), len(audio), server.Stats())
		}
		if first := video[0]; !first.Sync || first.DTS < start || first.DTS > start+300 || first.Track.Width != 96 {
			t.Errorf("%s: the first picture is %+v", name, first)
		}
		checkUnits(t, s.units)
		if slow, _ := play(t, iotest.OneByteReader(bytes.NewReader(sent))); !reflect.DeepEqual(slow.units, s.units) {
			t.Errorf("%s: byte by byte it is not the same", name)
		}
	}
}

// checkUnits holds access units to what Session.Write promises.
func checkUnits(tb testing.TB, units []media.AccessUnit) {
	tb.Helper()
	for _, u := range units {
		switch {
		case u.Track == nil || u.Track.Timescale != flvTimescale || len(u.Data) == 0:
			tb.Fatalf("access unit %+v", u)
		case u.Track.Kind == media.Audio && (!u.Sync || u.PTS != u.DTS || u.Track.SampleRate <= 0):
			tb.Fatalf("audio access unit %+v of %+v", u, u.Track)
		case u.Track.Kind == media.Video && (u.Track.Width <= 0 || u.Track.Height <= 0):
			tb.Fatalf("video access unit of %+v", u.Track)
		case u.Track.Codec == media.H264 && u.Track.Config[4]&3 != 3, u.Track.Codec == media.HEVC && u.Track.Config[21]&3 != 3:
			tb.Fatalf("lengths of NAL units are not 4 bytes in %+v", u.Track)
		case u.Track.Kind == media.Video && u.Track.Codec != media.AV1:
			checkNALs(tb, u)
		case u.Track.Codec == media.AV1:
			checkOBUs(tb, u)
		}
	}
}

// checkOBUs scans a temporal unit again: nothing is left to take out.
func checkOBUs(tb testing.TB, u media.AccessUnit) {
	tb.Helper()
	found, err := codec.ReadTemporalUnit(bytes.Clone(u.Data))
	if err != nil || !bytes.Equal(found.Data, u.Data) || found.Frames == 0 || u.Sync != (found.Key && found.Header != nil) {
		tb.Fatalf("access unit %x, sync %v: scanned again %+v, %v", u.Data, u.Sync, found, err)
	}
}

// checkNALs repacks a picture again: nothing is left to do.
func checkNALs(tb testing.TB, u media.AccessUnit) {
	tb.Helper()
	var again []byte
	var idr bool
	var err error
	if u.Track.Codec == media.HEVC {
		var class codec.Class
		again, class, err = codec.HEVCUnit(bytes.Clone(u.Data), 4)
		idr = class == codec.IDR
	} else {
		again, idr, err = codec.AVCUnit(bytes.Clone(u.Data), 4)
	}
	if err != nil || !bytes.Equal(again, u.Data) || idr != u.Sync {
		tb.Fatalf("access unit %x, sync %v: repacked %x, IDR %v, %v", u.Data, u.Sync, again, idr, err)
	}
}

func FuzzConn(f *testing.F) {
	for _, c := range conversations(f) {
		f.Add(c[1+2*1536:])
	}
	// The handshake has a target of its own: here it only wastes bytes.
	hello := make([]byte, 1+2*1536)
	hello[0] = rtmpVersion
	f.Fuzz(func(t *testing.T, sent []byte) {
		if s, _ := play(t, io.MultiReader(bytes.NewReader(hello), bytes.NewReader(sent))); s != nil {
			checkUnits(t, s.units)
		}
	})
}

func FuzzHandshake(f *testing.F) {
	for _, c := range conversations(f) {
		f.Add(c[:1+2*1536])
	}
	for _, base := range []int{digestFirst, digestSecond} {
		_, hello := clientHello(f, base)
		f.Add(hello)
	}
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		w := &wire{Reader: bytes.NewReader(sent)}
		if err := handshake(w); err == nil && w.Len() != 1+2*1536 {
			t.Errorf("the answer has %d bytes", w.Len())
		}
	})
}

func FuzzChunkReader(f *testing.F) {
	for _, c := range conversations(f) {
		f.Add(c[1+2*1536:])
	}
	f.Add(join(0x04, head0(extendedMark, 300, 9, 1), be32(20_000_000), text(128), 0xc4, be32(20_000_000), text(128), 0xc4, text(48)))
	f.Fuzz(func(t *testing.T, sent []byte) {
		const most = 64 << 10
		r := newChunkReader(bufio.NewReader(bytes.NewReader(sent)), most, 2*most)
		total := 0
		for {
			m, err := r.next()
			if r.held > 2*most || len(r.streams) > maxChunkStreams {
				t.Fatalf("%d bytes on %d chunk streams are held", r.held, len(r.streams))
			}
			if err != nil {
				return
			}
			if total += len(m.payload); len(m.payload) > most || total > len(sent) {
				t.Fatalf("a message of %d bytes, %d in all, from %d", len(m.payload), total, len(sent))
			}
			if m.typ == typeSetChunkSize && len(m.payload) == 4 {
				_ = r.setSize(uint24(m.payload[1:]))
			}
		}
	})
}

// countAMF counts values and the deepest nesting.
func countAMF(values ...any) (count, depth int) {
	for _, v := range values {
		inner := []any{}
		switch v := v.(type) {
		case amfObject:
			for _, p := range v {
				inner = append(inner, p.value)
			}
		case []any:
			inner = v
		}
		n, d := countAMF(inner...)
		count, depth = count+1+n, max(depth, d+1)
	}
	return count, depth
}

func FuzzAMF0(f *testing.F) {
	for _, c := range conversations(f) {
		messages(c, func(m message) {
			if m.typ == typeCommandAMF0 || m.typ == typeDataAMF0 {
				f.Add(m.payload)
			}
		})
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		values, err := decodeAMF0(data)
		if count, depth := countAMF(values...); count > maxAMFValues || depth > maxAMFDepth {
			t.Fatalf("%d values, nested %d deep", count, depth)
		}
		if err == nil {
			parseCommand(data)
			parseMetadata(data)
		}
	})
}

// messages calls each for the messages of a conversation.
func messages(sent []byte, each func(message)) {
	r := newChunkReader(bufio.NewReader(bytes.NewReader(sent[1+2*1536:])), 1<<20, 1<<20)
	for {
		m, err := r.next()
		if err != nil {
			return
		}
		if m.typ == typeSetChunkSize {
			_ = r.setSize(uint24(m.payload[1:]))
		}
		each(m)
	}
}

func FuzzFLVVideo(f *testing.F) {
	addTags(f, typeVideo)
	f.Add(join(0x90, "hvc1", fromHex(f, hevcRecord)), join(0x97, 2, be24(1), 0x06, 0x11, "hvc1", 0, be24(10), be24(0), nals(4, "\x28\x01a"), 1, be24(0)))
	f.Add(join(0x96, 0x00, "hvc1", 1, fromHex(f, hevcRecord)), join(0xa6, 0x13, "hvc1", 1, be24(10), be24(0), nals(4, "\x28\x01a"), 0, be24(0)))
	f.Add(join(0x90, "av01", fromHex(f, av1Record)), join(0x91, "av01", fromHex(f, av1Record[8:]), 0x32, 1, 0x10))
	f.Fuzz(func(t *testing.T, header, tag []byte) {
		d := new(demuxer)
		for i, data := range [][]byte{header, tag, bytes.Clone(header), bytes.Clone(tag)} {
			if u, ok, err := d.pushVideo(uint32(i), data); ok && err == nil {
				checkUnits(t, []media.AccessUnit{u})
			}
			checkUnits(t, d.more)
			if len(d.others) > maxTracks {
				t.Fatalf("%d tracks", len(d.others))
			}
		}
	})
}

func FuzzFLVAudio(f *testing.F) {
	addTags(f, typeAudio)
	f.Add(join(0x2f, 0xff, 0xfb, 0x90, 0x64, "data"), join(0x2f, 0xff, 0xf3, 0x90, 0xc4, "data"))
	f.Add(join(0x90, "Opus", fromHex(f, opusHead)), join(0x91, "Opus", "data"))
	f.Add(join(0x90, "fLaC", fromHex(f, flacHead)), join(0x95, 0x11, "fLaC", 0, be24(4), "data", 1, be24(1), "?"))
	f.Add(join(0x91, "ac-3", fromHex(f, ac3Frame)), join(0x97, 2, be24(999_999), 0x01, "ac-3", fromHex(f, ac3Frame)))
	f.Fuzz(func(t *testing.T, header, tag []byte) {
		d := new(demuxer)
		for i, data := range [][]byte{header, tag, bytes.Clone(header), bytes.Clone(tag)} {
			if u, ok, err := d.pushAudio(uint32(i), data); ok && err == nil {
				checkUnits(t, []media.AccessUnit{u})
			}
			checkUnits(t, d.more)
			if len(d.metadata.AudioTracks) > maxSounds {
				t.Fatalf("%d tracks are named", len(d.metadata.AudioTracks))
			}
		}
	})
}

// addTags adds the tags of one type, each with its sequence header.
func addTags(f *testing.F, typ byte) {
	f.Helper()
	for _, c := range conversations(f) {
		var header []byte
		messages(c, func(m message) {
			switch {
			case m.typ != typ:
			case m.payload[1] == packetSequenceHeader:
				header = m.payload
			default:
				f.Add(header, m.payload)
			}
		})
	}
}
