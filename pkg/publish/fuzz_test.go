package publish

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/stretchr/testify/require"
)

// exhaust reads a clip to its end, twice, and holds it to what Run relies on.
func exhaust(t *testing.T, data []byte) {
	t.Helper()
	c, err := open(bytes.NewReader(data))
	if err != nil {
		return
	}
	for range 2 {
		bodies := 0
		for {
			p, err := c.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return
			}
			if len(p.body) == 0 || len(p.body) > mostBody {
				t.Fatalf("a body of %d bytes", len(p.body))
			}
			if p.place > 0 && len(p.body) < p.place+compositionSize {
				t.Fatal("no room for the composition offset")
			}
			if bodies++; bodies > 100_000 {
				t.Fatal("more packets than the file has bytes")
			}
		}
		if err := c.rewind(); err != nil {
			t.Fatal(err)
		}
	}
	l := newLoop([]clip{c}, true)
	for range 1000 {
		if _, err := l.next(); err != nil {
			return
		}
	}
}

func FuzzFLV(f *testing.F) {
	f.Add(makeFLV(3))
	f.Add(makeFLV(3)[:100])
	f.Add([]byte("FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00\x09\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) { exhaust(t, data) })
}

func FuzzMP4(f *testing.F) {
	f.Add(makeMP4(f))
	for _, name := range []string{"src_bee_720p30.mp4", "wave_croatia_1080p25.mp4"} {
		whole, err := os.ReadFile(filepath.Join(clips, name))
		if err != nil {
			f.Logf("the clip %s is missing: one seed less", name)
			continue
		}
		f.Add(withoutMedia(f, whole))
	}
	f.Fuzz(func(t *testing.T, data []byte) { exhaust(t, data) })
}

// withoutMedia cuts mdat boxes down, so that what is left is all structure.
func withoutMedia(tb testing.TB, whole []byte) []byte {
	tb.Helper()
	boxes, err := children(whole)
	require.NoError(tb, err)
	var kept []byte
	for _, b := range boxes {
		if b.name == "mdat" {
			kept = append(kept, 0, 0, 0, 16, 'm', 'd', 'a', 't', 1, 2, 3, 4, 5, 6, 7, 8)
			continue
		}
		kept = append(kept, b.whole...)
	}
	return kept
}

// makeMP4 makes a fragmented file of two pictures and two audio frames.
func makeMP4(tb testing.TB) []byte {
	tb.Helper()
	init := mp4.CreateEmptyInit()
	init.AddEmptyTrack(90_000, "video", "und")
	init.AddEmptyTrack(48_000, "audio", "und")
	sps := []byte{0x67, 0x64, 0, 0x1f, 0xac, 0xd9, 0x40, 0x50, 5, 0xbb, 1, 0x10, 0, 0, 3, 0, 0x10, 0, 0, 3, 3, 0xc0, 0xf1, 0x83, 0x19, 0x60}
	require.NoError(tb, init.Moov.Traks[0].SetAVCDescriptor("avc1", [][]byte{sps}, [][]byte{{0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0}}, true))
	require.NoError(tb, init.Moov.Traks[1].SetAACDescriptor(2, 48_000))
	var b bytes.Buffer
	require.NoError(tb, init.Encode(&b))
	fragment, err := mp4.CreateMultiTrackFragment(1, []uint32{1, 2})
	require.NoError(tb, err)
	for i := range uint64(2) {
		for track, duration := range map[uint32]uint32{1: 3000, 2: 1024} {
			require.NoError(tb, fragment.AddFullSampleToTrack(mp4.FullSample{
				Sample:     mp4.Sample{Flags: mp4.SyncSampleFlags, Dur: duration, Size: 5},
				DecodeTime: i * uint64(duration), Data: []byte{0, 0, 0, 1, byte(i)},
			}, track))
		}
	}
	require.NoError(tb, fragment.Encode(&b))
	return b.Bytes()
}

func TestFragmentedFileOfOurOwn(t *testing.T) {
	c, err := open(bytes.NewReader(makeMP4(t)))
	require.NoError(t, err)
	var kinds []kind
	for {
		p, err := c.next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		kinds = append(kinds, p.kind)
		if !p.header {
			require.Equal(t, []byte{0, 0, 0, 1}, p.body[len(p.body)-5:len(p.body)-1])
		}
	}
	require.Equal(t, []kind{kindData, kindVideo, kindAudio, kindVideo, kindAudio, kindAudio, kindVideo}, kinds)
}

// TestLyingLengths gives files whose lengths claim far more than there is: they
// have to be refused without allocating it.
func TestLyingLengths(t *testing.T) {
	table := func(name string, body ...uint32) []byte {
		b := binary.BigEndian.AppendUint32(nil, uint32(8+4*len(body)))
		b = append(b, name...)
		for _, word := range body {
			b = binary.BigEndian.AppendUint32(b, word)
		}
		return b
	}
	inflated := makeMP4(t)
	stsz := bytes.Index(inflated, []byte("stsz"))
	require.Positive(t, stsz)
	// Four billion samples of one byte each, with their times and places.
	copy(inflated[stsz+8:], []byte{0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff})
	nested := bytes.Repeat([]byte("\xff\xff\xff\xffmoov"), 100_000)
	for name, data := range map[string][]byte{
		"samples": inflated,
		"nesting": nested,
		"box":     slices.Concat(table("ftyp", 0), []byte("\x00\x00\x00\x01moov\xff\xff\xff\xff\xff\xff\xff\xff")),
		"tiny":    slices.Concat(table("ftyp", 0), []byte("\x00\x00\x00\x02moov")),
	} {
		_, err := open(bytes.NewReader(data))
		require.Error(t, err, name)
		t.Log(name, err)
	}
}
