package ingest_test

import (
	"slices"
	"testing"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

func TestParseAudioConfig(t *testing.T) {
	for _, c := range []struct {
		name   string
		config []byte
		want   ingest.AudioConfig
	}{
		{"LC 48 kHz stereo", []byte{0x11, 0x90}, ingest.AudioConfig{ObjectType: 2, SampleRate: 48_000, Channels: 2, FrameLength: 1024}},
		{"LC 44.1 kHz mono", []byte{0x12, 0x08}, ingest.AudioConfig{ObjectType: 2, SampleRate: 44_100, Channels: 1, FrameLength: 1024}},
		{"LC 5.1", []byte{0x11, 0xb0}, ingest.AudioConfig{ObjectType: 2, SampleRate: 48_000, Channels: 6, FrameLength: 1024}},
		{"LC with 'no SBR' behind it, as ffmpeg writes it", []byte{0x11, 0x90, 0x56, 0xe5, 0x00}, ingest.AudioConfig{ObjectType: 2, SampleRate: 48_000, Channels: 2, FrameLength: 1024}},
		{"LC with frames of 960", []byte{0x11, 0x94}, ingest.AudioConfig{ObjectType: 2, SampleRate: 48_000, Channels: 2, FrameLength: 960}},
		{"backward compatible SBR 24 to 48 kHz", []byte{0x13, 0x10, 0x56, 0xe5, 0x98}, ingest.AudioConfig{ObjectType: 2, SampleRate: 24_000, Channels: 2, FrameLength: 1024, SBR: true, ExtensionRate: 48_000}},
		{"hierarchical SBR", []byte{0x2b, 0x11, 0x88, 0x00}, ingest.AudioConfig{ObjectType: 2, SampleRate: 24_000, Channels: 2, FrameLength: 1024, SBR: true, ExtensionRate: 48_000}},
		{"hierarchical PS", []byte{0xeb, 0x09, 0x88, 0x00}, ingest.AudioConfig{ObjectType: 2, SampleRate: 24_000, Channels: 1, FrameLength: 1024, SBR: true, PS: true, ExtensionRate: 48_000}},
		{"explicit rate of 37 kHz", ingest.LCConfig(37_000, 2), ingest.AudioConfig{ObjectType: 2, SampleRate: 37_000, Channels: 2, FrameLength: 1024}},
		{"channels in a program config element", []byte{0x11, 0x80}, ingest.AudioConfig{ObjectType: 2, SampleRate: 48_000, Channels: 0, FrameLength: 1024}},
		{"escaped object type 42 (USAC)", []byte{0xf9, 0x46, 0x40}, ingest.AudioConfig{ObjectType: 42, SampleRate: 48_000, Channels: 2, FrameLength: 1024}},
	} {
		got, err := ingest.ParseAudioConfig(c.config)
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
}

func TestParseAudioConfigRefuses(t *testing.T) {
	for name, config := range map[string][]byte{
		"nothing":                  {},
		"one byte":                 {0x11},
		"object type 0":            {0x01, 0x90},
		"reserved rate index":      {0x16, 0x90},
		"explicit rate of 0":       {0x17, 0x80, 0x00, 0x00, 0x10},
		"explicit rate of 16 MHz":  {0x17, 0xff, 0xff, 0xff, 0x90},
		"reserved channels":        {0x11, 0xc0},
		"SBR without its own rate": {0x2b, 0x11},
	} {
		if got, err := ingest.ParseAudioConfig(config); err == nil {
			t.Errorf("%s: accepted as %+v", name, got)
		}
	}
}

func TestLCConfigIsTheSpellingOfEncoders(t *testing.T) {
	if got := ingest.LCConfig(48_000, 2); !slices.Equal(got, []byte{0x11, 0x90}) {
		t.Errorf("48 kHz stereo = %x", got)
	}
	if got := ingest.LCConfig(44_100, 1); !slices.Equal(got, []byte{0x12, 0x08}) {
		t.Errorf("44.1 kHz mono = %x", got)
	}
}

func TestPlainAAC(t *testing.T) {
	track := func(codec media.Codec, rate int, config ...byte) *media.Track {
		return &media.Track{Kind: media.Audio, Codec: codec, SampleRate: rate, Config: config}
	}
	for name, c := range map[string]struct {
		track *media.Track
		want  bool
	}{
		"LC stereo": {track(media.AAC, 48_000, 0x11, 0x90), true},
		"LC 5.1":    {track(media.AAC, 48_000, 0x11, 0xb0), false},
		"HE-AAC":    {track(media.AAC, 24_000, 0x2b, 0x11, 0x88, 0x00), false},
		"PS":        {track(media.AAC, 24_000, 0xeb, 0x09, 0x88, 0x00), false},
		"960":       {track(media.AAC, 48_000, 0x11, 0x94), false},
		"MP3":       {track(media.MP3, 44_100), false},
		"no config": {track(media.AAC, 48_000), false},
	} {
		if got := ingest.PlainAAC(c.track); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func FuzzAudioConfig(f *testing.F) {
	for _, seed := range [][]byte{
		{0x11, 0x90}, {0x2b, 0x11, 0x88, 0x00}, {0x13, 0x10, 0x56, 0xe5, 0x98}, {0xf9, 0x46, 0x40}, {0x17, 0xff, 0xff, 0xff, 0x90},
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, config []byte) {
		c, err := ingest.ParseAudioConfig(config)
		if err != nil {
			return
		}
		if c.SampleRate <= 0 || c.SampleRate > 192_000 || c.Channels < 0 || c.Channels > 24 || c.ObjectType <= 0 {
			t.Fatalf("%x is impossible: %+v", config, c)
		}
		if c.ObjectType == 2 && c.Channels >= 1 && c.Channels <= 6 && !c.SBR && c.FrameLength == 1024 {
			again, err := ingest.ParseAudioConfig(ingest.LCConfig(c.SampleRate, c.Channels))
			if err != nil || again != c {
				t.Fatalf("%x: %+v became %+v, %v", config, c, again, err)
			}
		}
	})
}
