package mpegts_test

import (
	"fmt"
	"slices"
	"testing"

	"weir/pkg/ingest"
	"weir/pkg/ingest/mpegts"
	"weir/pkg/media"
)

// counts are how many frames came of each track.
func counts(t *testing.T, d *mpegts.Demuxer, stream []byte) map[int]int {
	t.Helper()
	_, audio := push(t, d, stream)
	all := map[int]int{}
	for _, u := range audio {
		all[u.Track.Number]++
	}
	return all
}

// TestAudioTracks: each PID is a track, and the map tells what it is.
func TestAudioTracks(t *testing.T) {
	t.Parallel()
	m, d := newMux(), mpegts.NewDemuxer(0)
	m.said = map[uint16][]byte{
		audioPID: {0x0a, 4, 'g', 'e', 'r', 0},
		0x102:    {0x0a, 4, 'e', 'n', 'g', 0},
		0x103:    {0x0a, 4, 'd', 'e', 'u', 3},                                      // for the visually impaired
		0x104:    {0x0a, 4, 'f', 'r', 'e', 0, 0x7f, 5, 6, 2<<2 | 1, 'f', 'r', 'a'}, // DVB's clean audio
		0x105:    {0x0a, 4, 0, 0, 0, 0},
	}
	pids := []uint16{audioPID, 0x102, 0x103, 0x104, 0x105, 0x106}
	tracks := []described{{videoPID, typeAVC}}
	for _, pid := range pids {
		tracks = append(tracks, described{pid, typeADTS})
	}
	m.program(tracks...)
	for i, pid := range pids {
		for range i + 1 {
			m.pes(pid, 0, 0, true, adts(byte(i)))
		}
	}
	if got := fmt.Sprint(counts(t, d, m.out)); got != "map[0:1 1:2 2:3 3:4 4:5 5:6]" {
		t.Errorf("frames by track: %s", got)
	}
	want := []ingest.AudioTrack{
		{Number: 0, Language: "de"},
		{Number: 1, Language: "en"},
		{Number: 2, Language: "de", Role: media.RoleDescription},
		{Number: 3, Language: "fr", Role: media.RoleIntelligibility},
		{Number: 4},
		{Number: 5},
	}
	if got, _ := d.Metadata(); !slices.Equal(got.AudioTracks, want) || got.OtherTracks {
		t.Errorf("%+v", got)
	}
}

// TestAudioTracksThatChange: a track keeps its number when others come and go; only
// the default one's place is taken.
func TestAudioTracksThatChange(t *testing.T) {
	t.Parallel()
	d := mpegts.NewDemuxer(0)
	m := newMux()
	for _, step := range []struct {
		pids []uint16
		want string
	}{
		{[]uint16{0x101, 0x102, 0x103}, "map[0:1 1:2 2:3]"},
		{[]uint16{0x103, 0x101}, "map[0:1 2:3]"},
		{[]uint16{0x104, 0x103, 0x101}, "map[0:1 1:4 2:3]"},
		{[]uint16{0x104, 0x103}, "map[0:4 2:3]"},
	} {
		tracks := []described{{videoPID, typeAVC}}
		for _, pid := range step.pids {
			tracks = append(tracks, described{pid, typeADTS})
		}
		m.out = nil
		m.program(tracks...)
		for _, pid := range step.pids {
			for range pid - 0x100 {
				m.pes(pid, 0, 0, true, adts(byte(pid)))
			}
		}
		if got := fmt.Sprint(counts(t, d, m.out)); got != step.want {
			t.Errorf("PIDs %x: frames by track %s, want %s", step.pids, got, step.want)
		}
	}
}

// TestTooManyAudioTracks: what is beyond the limit is told of, and so is a codec that
// cannot be taken.
func TestTooManyAudioTracks(t *testing.T) {
	t.Parallel()
	tracks := []described{{videoPID, typeAVC}}
	for i := range uint16(20) {
		tracks = append(tracks, described{0x200 + i, typeADTS})
	}
	m, d := newMux(), mpegts.NewDemuxer(0)
	m.program(tracks...)
	m.pes(0x200+17, 0, 0, true, adts(1))
	if got := counts(t, d, m.out); len(got) != 0 || d.Stats().OtherUnits != 1 {
		t.Errorf("%v, %+v", got, d.Stats())
	}
	if got, _ := d.Metadata(); len(got.AudioTracks) != 16 || !got.OtherTracks {
		t.Errorf("%+v", got)
	}
	m, d = newMux(), mpegts.NewDemuxer(0)
	m.program(append(slices.Clone(both), described{otherPID, 0x87})...) // E-AC-3
	push(t, d, m.out)
	if got, _ := d.Metadata(); len(got.AudioTracks) != 1 || !got.OtherTracks {
		t.Errorf("%+v", got)
	}
}
