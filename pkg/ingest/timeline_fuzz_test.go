package ingest_test

import (
	"encoding/binary"
	"testing"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// fuzzTracks are what a fuzzed unit may belong to.
func fuzzTracks() []*media.Track {
	return []*media.Track{
		videoTrack(fps30), videoTrack(media.Rational{}), videoTrack(media.Rational{Num: 1 << 31, Den: 7}),
		aacTrack(48_000, 2), aacTrack(44_100, 1), aacTrack(8000, 2),
		{Kind: media.Audio, Codec: media.MP3, SampleRate: 44_100, Channels: 2},
		{Kind: media.Audio, Codec: media.AAC, SampleRate: 192_000},
	}
}

// fuzzUnits reads one unit from each 8 bytes: track and sync, a step of time
// (small, large or absolute), and a composition offset.
func fuzzUnits(raw []byte) []media.AccessUnit {
	tracks := fuzzTracks()
	var units []media.AccessUnit
	var now uint32
	for ; len(raw) >= 8; raw = raw[8:] {
		step := binary.BigEndian.Uint32(raw[2:])
		switch raw[0] >> 6 {
		case 0:
			now += step % 100
		case 1:
			now += step % 5000
		case 2:
			now -= step % 5000
		default:
			now = step
		}
		units = append(units, media.AccessUnit{
			Track: tracks[raw[0]&7], DTS: media.Ticks(now),
			PTS:  media.Ticks(now) + media.Ticks(int16(binary.BigEndian.Uint16(raw[6:]))),
			Sync: raw[0]&8 != 0, Data: raw[1:2],
		})
	}
	return units
}

func FuzzTimeline(f *testing.F) {
	for _, s := range []source{newSource(fps30, 48_000), newSource(ntsc30, 44_100)} {
		var seed []byte
		last := media.Ticks(0)
		for _, u := range s.units(3) {
			kind := byte(3)
			if isVideo(u) {
				kind = 0
				if u.Sync {
					kind = 8
				}
			}
			seed = append(seed, kind, u.Data[1])
			seed = binary.BigEndian.AppendUint32(seed, uint32(u.DTS-last))
			seed = binary.BigEndian.AppendUint16(seed, uint16(u.PTS-u.DTS))
			last = u.DTS
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		units := fuzzUnits(raw)
		out, _ := pushAny(t, ingest.Metadata{}, units)
		// A gap is filled for 5 s at most, at 48 kHz with 234 frames and more
		// at higher rates.
		if limit := 1000 * (len(units) + 2); len(out) > limit {
			t.Fatalf("%d units came of %d", len(out), len(units))
		}
	})
}

// FuzzFurtherAudio has units of three audio tracks among those of the default ones.
func FuzzFurtherAudio(f *testing.F) {
	s := newSource(fps30, 48_000)
	var seed []byte
	last := media.Ticks(0)
	for _, u := range woven(s.units(3), furtherTrack(s, 1, 3), 2) {
		kind := byte(3 | u.Track.Number<<4)
		if isVideo(u) {
			kind = 8
		}
		seed = append(seed, kind, u.Data[1])
		seed = binary.BigEndian.AppendUint32(seed, uint32(max(u.DTS-last, 0)))
		seed = binary.BigEndian.AppendUint16(seed, 0)
		last = u.DTS
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, raw []byte) {
		units := fuzzUnits(raw)
		for i := range units {
			if number := int(raw[8*i]>>4&1 + raw[8*i]>>5&1); number > 0 && !isVideo(units[i]) {
				track := *units[i].Track
				track.Number = number
				units[i].Track = &track
			}
		}
		out, _ := pushTracks(t, ingest.Metadata{AudioTracks: []ingest.AudioTrack{{Number: 1}, {Number: 2}}}, units)
		for number, of := range out {
			if limit := 1000 * (len(units) + 2); len(of) > limit {
				t.Fatalf("%d units of track %d came of %d", len(of), number, len(units))
			}
		}
	})
}

func BenchmarkTimeline(b *testing.B) {
	units := newSource(fps30, 48_000).units(600)
	for i := range units {
		units[i].Data = make([]byte, 100)
	}
	timeline := ingest.NewTimeline(ingest.TimelineConfig{Anchor: anchor})
	var lap media.Ticks
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		u := units[i%len(units)]
		if i > 0 && i%len(units) == 0 {
			lap += 600_000
		}
		u.DTS += lap
		u.PTS += lap
		timeline.Push(u)
	}
	if r := timeline.Repairs(); r.Jumps+r.Nudged > 0 {
		b.Fatalf("%+v", r)
	}
}
