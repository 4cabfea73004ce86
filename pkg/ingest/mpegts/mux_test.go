package mpegts_test

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"testing"

	"weir/pkg/media"
)

// mux writes transport packets for tests.
type mux struct {
	counters map[uint16]byte
	out      []byte
	// said are the descriptors of tracks, by PID.
	said map[uint16][]byte
}

const (
	pmtPID   = 0x1000
	videoPID = 0x100
	audioPID = 0x101
	otherPID = 0x102
)

// What encoders call their tracks in a program map.
const (
	typeAVC, typeHEVC, typeADTS, typeMPEG2, typeCues = 0x1b, 0x24, 0x0f, 0x02, 0x86
)

func newMux() *mux { return &mux{counters: make(map[uint16]byte)} }

// packet appends one packet; random marks it as one that decoding can start at.
func (m *mux) packet(pid uint16, starts, random bool, payload []byte) (rest []byte) {
	header := []byte{0x47, byte(pid >> 8), byte(pid), 0x10 | m.counters[pid]}
	m.counters[pid] = (m.counters[pid] + 1) & 0x0f
	if starts {
		header[1] |= 0x40
	}
	room := 184
	if random || len(payload) < room {
		header[3] |= 0x20
		field := []byte{0}
		if random {
			field = []byte{1, 0x40}
		}
		for len(payload)+len(field) < room {
			if field[0]++; len(field) == 1 {
				field = append(field, 0)
			} else {
				field = append(field, 0xff)
			}
		}
		header = append(header, field...)
	}
	n := 188 - len(header)
	m.out = append(append(m.out, header...), payload[:n]...)
	return payload[n:]
}

func (m *mux) send(pid uint16, random bool, payload []byte) {
	for starts := true; len(payload) > 0; starts, random = false, false {
		payload = m.packet(pid, starts, random, payload)
	}
}

// section appends a table, with the right checksum.
func (m *mux) section(pid uint16, table byte, content []byte) {
	size := 5 + len(content) + 4
	s := slices.Concat([]byte{table, 0xb0 | byte(size>>8), byte(size), 0, 1, 0xc1, 0, 0}, content)
	s = binary.BigEndian.AppendUint32(s, crc(s))
	m.send(pid, false, append([]byte{0}, s...))
}

func crc(b []byte) uint32 {
	c := uint32(0xffffffff)
	for _, v := range b {
		for i := 7; i >= 0; i-- {
			bit := c>>31 ^ uint32(v>>i)&1
			if c <<= 1; bit == 1 {
				c ^= 0x04c11db7
			}
		}
	}
	return c
}

// described is a track in a program map.
type described struct {
	pid uint16
	typ byte
}

// program appends the tables.
func (m *mux) program(tracks ...described) {
	m.section(0, 0, []byte{0, 1, 0xe0 | pmtPID>>8, pmtPID & 0xff})
	content := []byte{0xe0 | videoPID>>8, videoPID & 0xff, 0xf0, 0}
	for _, t := range tracks {
		said := m.said[t.pid]
		content = append(content, t.typ, 0xe0|byte(t.pid>>8), byte(t.pid), 0xf0, byte(len(said)))
		content = append(content, said...)
	}
	m.section(pmtPID, 2, content)
}

// pes appends a PES packet; the length of video is not said.
func (m *mux) pes(pid uint16, pts, dts media.Ticks, random bool, data []byte) {
	stamp := func(mark byte, t media.Ticks) []byte {
		return []byte{mark<<4 | byte(t>>29)&0x0e | 1, byte(t >> 22), byte(t>>14) | 1, byte(t >> 7), byte(t<<1) | 1}
	}
	header := []byte{0, 0, 1, 0xe0, 0, 0, 0x80, 0xc0, 10}
	if pid != videoPID {
		header[3] = 0xc0
		binary.BigEndian.PutUint16(header[4:], uint16(3+10+len(data)))
	}
	m.send(pid, random, slices.Concat(header, stamp(3, pts), stamp(1, dts), data))
}

// Parameter sets of x264 for 1280x720, and of 640x360.
const (
	sps720, pps720 = "6764001facd9405005bb016a020202800001f480007530078c18cb", "68efbcb0"
	sps360         = "6764001eacd940a02ff97011000003000100000300320f162d96"
)

func annexB(tb testing.TB, units ...string) []byte {
	tb.Helper()
	var b []byte
	for _, u := range units {
		raw, err := hex.DecodeString(u)
		if err != nil {
			tb.Fatal(err)
		}
		b = append(append(b, 0, 0, 0, 1), raw...)
	}
	return b
}

// adts is a frame of AAC-LC, 48 kHz, stereo.
func adts(data ...byte) []byte {
	size := 7 + len(data)
	return append([]byte{0xff, 0xf1, 0x4c, 0x80 | byte(size>>11), byte(size >> 3), byte(size<<5) | 0x1f, 0xfc}, data...)
}
