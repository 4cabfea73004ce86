package cmaf_test

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/hevc"
	"github.com/Eyevinn/mp4ff/mp4"

	"weir/pkg/media"
	"weir/pkg/package/cmaf"
)

// avcC720 is the decoder configuration of a 1280x720 clip, H.264 High 3.1.
const avcC720 = "0164001fffe1001b6764001facd9805005bb016a020202800001f480007530078c18cd01000568e97b2c8bfdf8f800"

func decode(t *testing.T, parts ...[]byte) *mp4.File {
	t.Helper()
	file, err := mp4.DecodeFile(bytes.NewReader(bytes.Join(parts, nil)))
	if err != nil {
		t.Fatalf("an independent reader refuses it: %v", err)
	}
	return file
}

func video(t *testing.T) *media.Track {
	t.Helper()
	config, err := hex.DecodeString(avcC720)
	if err != nil {
		t.Fatal(err)
	}
	return &media.Track{Kind: media.Video, Codec: media.H264, Timescale: 90_000, Config: config, Width: 1280, Height: 720}
}

func audio(rate int, config ...byte) *media.Track {
	return &media.Track{Kind: media.Audio, Codec: media.AAC, Timescale: media.Timescale(rate), Config: config, SampleRate: rate, Channels: 2}
}

func TestInit(t *testing.T) {
	anamorphic := video(t)
	anamorphic.SampleAspect = media.Rational{Num: 4, Den: 3}
	for _, c := range []struct {
		name   string
		track  *media.Track
		codecs string
		width  uint32 // of the picture in square pixels
	}{
		{"H.264", video(t), "avc1.64001f", 1280},
		{"anamorphic H.264", anamorphic, "avc1.64001f", 1706},
		{"AAC-LC", audio(48_000, 0x11, 0x90), "mp4a.40.2", 0},
		{"AAC-LC 96 kHz", audio(96_000, 0x10, 0x10), "mp4a.40.2", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			init, err := cmaf.NewInit(c.track)
			if err != nil {
				t.Fatal(err)
			}
			if init.Codecs != c.codecs {
				t.Errorf("codecs %s, want %s", init.Codecs, c.codecs)
			}
			moov := decode(t, init.Bytes).Init.Moov
			trak := moov.Trak
			if scale := trak.Mdia.Mdhd.Timescale; scale != uint32(c.track.Timescale) {
				t.Errorf("timescale %d", scale)
			}
			if moov.Mvex == nil || moov.Mvex.Trex.TrackID != 1 {
				t.Error("mvex and trex are missing (CMAF 7.5.14)")
			}
			if trak.Edts != nil {
				t.Error("an edit list would move presentation away from tfdt")
			}
			if width := uint32(trak.Tkhd.Width) >> 16; width != c.width {
				t.Errorf("track width %d, want %d", width, c.width)
			}
			stsd := trak.Mdia.Minf.Stbl.Stsd
			if c.track.Kind == media.Video {
				var conf bytes.Buffer
				if err := stsd.AvcX.AvcC.DecConfRec.Encode(&conf); err != nil || !bytes.Equal(conf.Bytes(), c.track.Config) {
					t.Errorf("avcC %x, want %x", conf.Bytes(), c.track.Config)
				}
			} else if got := stsd.Mp4a.Esds.DecConfigDescriptor.DecSpecificInfo.DecConfig; !bytes.Equal(got, c.track.Config) {
				t.Errorf("AudioSpecificConfig %x, want %x", got, c.track.Config)
			}
		})
	}
}

// Decoder configurations of x265 and SVT-AV1 for 640x360.
const (
	hvcC360 = "0101600000009000000000003ff000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003003f959809" +
		"a10001002a42010101600000030090000003000003003fa00502016965959a4932bc05a020000003002000000303c1" +
		"a2000100074401c172b46240"
	av1C360 = "81010c000a0b0000000cc4ff6700be0010"
)

// The other codecs: an independent reader finds the configuration, and names the
// codec from the parameter sets as we do from their summary.
func TestInitOfOtherCodecs(t *testing.T) {
	for _, c := range []struct {
		codec          media.Codec
		config, codecs string
	}{{media.HEVC, hvcC360, "hvc1.1.6.L63.90"}, {media.AV1, av1C360, "av01.0.01M.08"}} {
		config, err := hex.DecodeString(c.config)
		if err != nil {
			t.Fatal(err)
		}
		init, err := cmaf.NewInit(&media.Track{
			Kind: media.Video, Codec: c.codec, Timescale: 90_000, Config: config, Width: 640, Height: 360,
		})
		if err != nil || init.Codecs != c.codecs {
			t.Fatalf("%s: %+v, %v; want %s", c.codec, init, err, c.codecs)
		}
		var got bytes.Buffer
		var named string
		stsd := decode(t, init.Bytes).Init.Moov.Trak.Mdia.Minf.Stbl.Stsd
		if c.codec == media.HEVC {
			record := stsd.HvcX.HvcC.DecConfRec
			err = record.Encode(&got)
			sps, broken := hevc.ParseSPSNALUnit(record.GetNalusForType(hevc.NALU_SPS)[0])
			if broken != nil {
				t.Fatal(broken)
			}
			named = hevc.CodecString("hvc1", sps)
		} else {
			record := stsd.Av01.Av1C.CodecConfRec
			err, named = record.Encode(&got), record.CodecString("av01")
		}
		if err != nil || !bytes.Equal(got.Bytes(), config) || named != c.codecs {
			t.Errorf("%s: the reader finds %x (%v), named %s", c.codec, got.Bytes(), err, named)
		}
	}
}

func TestInitIsNamedByItsBytes(t *testing.T) {
	first, err := cmaf.NewInit(video(t))
	if err != nil {
		t.Fatal(err)
	}
	same, err := cmaf.NewInit(video(t))
	if err != nil {
		t.Fatal(err)
	}
	other := video(t)
	other.Width = 640
	changed, err := cmaf.NewInit(other)
	if err != nil {
		t.Fatal(err)
	}
	if first.Hash != same.Hash || first.Hash == changed.Hash {
		t.Errorf("hashes %s, %s of equal tracks and %s of another", first.Hash, same.Hash, changed.Hash)
	}
}

func TestInitRefuses(t *testing.T) {
	short := video(t)
	short.Config = short.Config[:3]
	for name, track := range map[string]*media.Track{
		"no hvcC":        {Kind: media.Video, Codec: media.HEVC},
		"no av1C":        {Kind: media.Video, Codec: media.AV1},
		"no marker":      {Kind: media.Video, Codec: media.AV1, Config: make([]byte, 20)},
		"VP9":            {Kind: media.Video, Codec: media.VP9},
		"truncated avcC": short,
		"no ASC":         audio(48_000),
	} {
		if _, err := cmaf.NewInit(track); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestChunk(t *testing.T) {
	init, err := cmaf.NewInit(video(t))
	if err != nil {
		t.Fatal(err)
	}
	const start = media.Ticks(161_590_152_342_343)
	samples := []cmaf.Sample{
		{Duration: 3000, Sync: true, Data: []byte("IDR picture")},
		{Duration: 3001, CompositionOffset: 6000, Data: []byte("P")},
		{Duration: 2999, CompositionOffset: -3000, Data: []byte("B picture")},
	}
	file := decode(t, init.Bytes, cmaf.NewChunk(42, start, samples))
	frag := file.Segments[0].Fragments[0]
	if n := frag.Moof.Mfhd.SequenceNumber; n != 42 {
		t.Errorf("sequence number %d", n)
	}
	got, err := frag.GetFullSamples(file.Init.Moov.Mvex.Trex)
	if err != nil || len(got) != len(samples) {
		t.Fatalf("%d samples, %v", len(got), err)
	}
	at := uint64(start)
	for i, want := range samples {
		if g := got[i]; g.DecodeTime != at || g.Dur != want.Duration || g.CompositionTimeOffset != want.CompositionOffset ||
			g.IsSync() != want.Sync || !bytes.Equal(g.Data, want.Data) {
			t.Errorf("sample %d: %+v at %d, want %+v at %d", i, g, g.DecodeTime, want, at)
		}
		at += uint64(want.Duration)
	}
}

// TestFirstChunk: what opens a segment tells when it was published and is a chunk
// like others behind that.
func TestFirstChunk(t *testing.T) {
	samples := []cmaf.Sample{{Duration: 3000, Sync: true, Data: []byte("IDR picture")}}
	for scale, at := range map[media.Timescale]time.Time{
		90_000: time.Date(2026, 11, 23, 21, 30, 59, 295_000_000, time.UTC),
		48_000: time.Date(2026, 11, 23, 21, 30, 59, 999_000_000, time.UTC),
	} {
		start := scale.At(at)
		text := cmaf.NewFirstChunk(scale, 42, start, samples)
		file := decode(t, text)
		prft, ok := file.Children[0].(*mp4.PrftBox)
		if !ok || media.Ticks(prft.MediaTime) != start || prft.ReferenceTrackID != 1 || prft.Flags != mp4.PrftTimeEncoderInput {
			t.Fatalf("%+v of media time %d", prft, start)
		}
		if off := prft.NTPTimestamp.Time().Sub(at); off.Abs() > time.Microsecond {
			t.Errorf("published at %s, want %s", prft.NTPTimestamp.Time(), at)
		}
		if rest := text[prft.Size():]; !bytes.Equal(rest, cmaf.NewChunk(42, start, samples)) {
			t.Errorf("what follows prft is no ordinary chunk: %q", rest)
		}
	}
}

func TestChunkAllocatesOnce(t *testing.T) {
	samples := []cmaf.Sample{{Duration: 3000, Sync: true, Data: make([]byte, 50_000)}, {Duration: 3000, Data: make([]byte, 5000)}}
	for name, make := range map[string]func(){
		"any": func() { cmaf.NewChunk(1, 0, samples) }, "first": func() { cmaf.NewFirstChunk(90_000, 1, 0, samples) },
	} {
		if n := testing.AllocsPerRun(100, make); n > 1 {
			t.Errorf("%s: %v allocations per chunk, want 1", name, n)
		}
	}
}

func BenchmarkChunk(b *testing.B) {
	samples := make([]cmaf.Sample, 10)
	for i := range samples {
		samples[i] = cmaf.Sample{Duration: 3000, Sync: i == 0, Data: make([]byte, 20_000)}
	}
	b.ReportAllocs()
	for b.Loop() {
		cmaf.NewChunk(1, 0, samples)
	}
}
