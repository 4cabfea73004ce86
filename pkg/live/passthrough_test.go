package live

import (
	"strings"
	"testing"

	"weir/pkg/media"
)

func TestUnplayable(t *testing.T) {
	for _, c := range []struct {
		name  string
		track media.Track
		want  string // a part of the reason; empty: playable
	}{
		{"High 4.0, what OBS sends", media.Track{Codec: media.H264, Config: []byte{1, 100, 0, 40}}, ""},
		{"Main 3.1", media.Track{Codec: media.H264, Config: []byte{1, 77, 0, 31}}, ""},
		{"constrained Baseline", media.Track{Codec: media.H264, Config: []byte{1, 66, 0xc0, 31}}, ""},
		{"High 4.2, the highest", media.Track{Codec: media.H264, Config: []byte{1, 100, 0, 42}}, ""},
		{"High 5.1", media.Track{Codec: media.H264, Config: []byte{1, 100, 0, 51}}, "level 5.1"},
		{"interlaced", media.Track{Codec: media.H264, Config: []byte{1, 100, 0, 40}, Interlaced: true}, "interlaced"},
		{"10 bit", media.Track{Codec: media.H264, Config: []byte{1, 110, 0, 40}}, "profile 110"},
		{"4:2:2", media.Track{Codec: media.H264, Config: []byte{1, 122, 0, 40}}, "profile 122"},
		{"HEVC", media.Track{Codec: media.HEVC, Config: []byte{1, 1, 0, 40}}, "HEVC"},
		{"no configuration", media.Track{Codec: media.H264}, "missing"},
	} {
		if got := unplayable(&c.track); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
