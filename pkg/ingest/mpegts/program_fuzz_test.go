package mpegts_test

import "testing"

// FuzzProgram gives the tracks of a program map its right checksum, which is as good
// as a lock to FuzzDemuxer, and every track the same data. The seeds are of real
// programs, in testdata.
func FuzzProgram(f *testing.F) {
	f.Fuzz(func(t *testing.T, tracks, data []byte) {
		const mostTracks, mostData = 1000, 4 << 10
		if len(tracks) > mostTracks || len(data) > mostData {
			t.Skip("it does not fit")
		}
		m := newMux()
		m.section(0, 0, []byte{0, 1, 0xe0 | pmtPID>>8, pmtPID & 0xff})
		for _, described := range [][]byte{tracks, tracks[:len(tracks)/2], tracks} {
			m.section(pmtPID, 2, append([]byte{0xe0 | videoPID>>8, videoPID & 0xff, 0xf0, 0}, described...))
			for _, pid := range []uint16{videoPID, audioPID, otherPID} {
				m.pes(pid, 90_000, 90_000, true, data)
				m.pes(pid, 93_000, 93_000, false, data)
			}
		}
		demuxAny(t, m.out)
	})
}
