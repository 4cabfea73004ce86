package cmaf_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/Eyevinn/mp4ff/avc"

	"weir/pkg/media"
	"weir/pkg/package/cmaf"
)

// nals is a sample of NAL units with lengths of four bytes.
func nals(units ...[]byte) (sample []byte) {
	for _, u := range units {
		sample = binary.BigEndian.AppendUint32(sample, uint32(len(u)))
		sample = append(sample, u...)
	}
	return sample
}

// TestWithParameterSets: an independent reader finds the sets before the first
// picture, and everything else as it was.
func TestWithParameterSets(t *testing.T) {
	track := video(t)
	conf, err := avc.DecodeAVCDecConfRec(track.Config)
	if err != nil {
		t.Fatal(err)
	}
	sps, pps := conf.SPSnalus[0], conf.PPSnalus[0]
	delimiter, notes, idr, other := []byte{9, 0x10}, []byte{6, 5, 1, 0}, []byte{0x65, 1, 2, 3}, []byte{0x41, 4, 5}
	for _, c := range []struct {
		name        string
		first, want []byte
	}{
		{"picture alone", nals(idr), nals(sps, pps, idr)},
		{"delimiter", nals(delimiter, notes, idr), nals(delimiter, sps, pps, notes, idr)},
		{"its own", nals(delimiter, sps, pps, idr), nals(delimiter, sps, pps, idr)},
		{"broken", []byte{0, 0, 0, 9, 0x65}, append(nals(sps, pps), 0, 0, 0, 9, 0x65)},
		{"empty", nil, nals(sps, pps)},
	} {
		t.Run(c.name, func(t *testing.T) {
			samples := []cmaf.Sample{{Duration: 3000, Sync: true, Data: c.first}, {Duration: 3000, CompositionOffset: 6000, Data: nals(other)}}
			for name, chunk := range map[string][]byte{
				"first": cmaf.NewFirstChunk(90_000, 7, 180_000, samples), "later": cmaf.NewChunk(7, 180_000, samples),
			} {
				before := bytes.Clone(chunk)
				file := decode(t, cmaf.WithParameterSets(chunk, track)...)
				if !bytes.Equal(chunk, before) {
					t.Error("what viewers share was changed")
				}
				got, err := file.Segments[0].Fragments[0].GetFullSamples(nil)
				if err != nil || len(got) != 2 {
					t.Fatalf("%s: %d samples, %v", name, len(got), err)
				}
				if !bytes.Equal(got[0].Data, c.want) || !bytes.Equal(got[1].Data, nals(other)) {
					t.Errorf("%s: samples %x and %x, want %x", name, got[0].Data, got[1].Data, c.want)
				}
				if got[0].DecodeTime != 180_000 || got[1].DecodeTime != 183_000 || got[1].CompositionTimeOffset != 6000 || got[0].Dur != 3000 {
					t.Errorf("%s: times %+v", name, got)
				}
			}
		})
	}
}

// TestWithoutParameterSets: what has none stays as it is.
func TestWithoutParameterSets(t *testing.T) {
	chunk := cmaf.NewFirstChunk(48_000, 1, 0, []cmaf.Sample{{Duration: 1024, Data: []byte{1, 2, 3}}})
	short := video(t)
	short.Config = short.Config[:9]
	for name, c := range map[string]struct {
		chunk []byte
		track *media.Track
	}{
		"audio":              {chunk, audio(48_000, 0x11, 0x90)},
		"a cut-off record":   {chunk, short},
		"no chunk":           {[]byte("what is this, and why does it have so many bytes that a chunk could have, and more than a few of them, too, as it has to?"), video(t)},
		"nothing":            {nil, video(t)},
		"a cut-off chunk":    {chunk[:90], video(t)},
		"a cut-off sample":   {chunk[:len(chunk)-1], video(t)},
		"boxes of no length": {make([]byte, 200), video(t)},
	} {
		if got := bytes.Join(cmaf.WithParameterSets(c.chunk, c.track), nil); !bytes.Equal(got, c.chunk) {
			t.Errorf("%s was changed", name)
		}
	}
}
