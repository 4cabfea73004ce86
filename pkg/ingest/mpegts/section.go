package mpegts

import (
	"encoding/binary"

	"weir/pkg/media"
)

// maxSection is the longest section of a program association or map table.
const maxSection = 3 + 1021

// sections puts the sections of one PID together (2.4.4).
type sections struct {
	line line
	buf  []byte
	// open is true while a section has begun.
	open bool
}

// push takes a packet and calls take for every section that is complete and
// whose checksum is right; it returns how many were wrong.
func (s *sections) push(p packet, take func(section []byte)) (damaged int) {
	if len(p.payload) == 0 {
		return 0
	}
	repeats, gap := s.line.follow(p)
	if repeats {
		return 0
	}
	if gap {
		s.open = false
	}
	payload := p.payload
	if p.starts {
		pointer := int(payload[0])
		payload = payload[1:]
		if pointer > len(payload) {
			s.open = false
			return 1
		}
		if s.open {
			s.buf = append(s.buf, payload[:pointer]...)
			damaged += s.complete(take)
		}
		s.open, s.buf, payload = true, s.buf[:0], payload[pointer:]
	}
	if !s.open {
		return damaged
	}
	s.buf = append(s.buf, payload...)
	return damaged + s.complete(take)
}

// complete takes the sections at the beginning of buf.
func (s *sections) complete(take func(section []byte)) (damaged int) {
	const header, stuffing = 3, 0xff
	for s.open && len(s.buf) >= header {
		if s.buf[0] == stuffing {
			s.open = false
			return damaged
		}
		size := header + int(binary.BigEndian.Uint16(s.buf[1:])&0x0fff)
		if size > maxSection {
			s.open = false
			return damaged + 1
		}
		if len(s.buf) < size {
			return damaged
		}
		if checksum(s.buf[:size]) != 0 {
			damaged++
		} else {
			take(s.buf[:size])
		}
		s.buf = append(s.buf[:0], s.buf[size:]...)
	}
	return damaged
}

// checksum is CRC_32 (annex A) of a section; over the whole of a right one it is
// 0.
func checksum(b []byte) uint32 {
	const polynomial = 0x04c11db7
	crc := uint32(0xffffffff)
	for _, v := range b {
		crc ^= uint32(v) << 24
		for range 8 {
			if crc&(1<<31) != 0 {
				crc = crc<<1 ^ polynomial
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}

// A section's body is between its long header and its checksum.
const (
	longHeader   = 8
	checksumSize = 4
)

// body is that of a section in force with the given table_id.
func body(section []byte, table byte) ([]byte, bool) {
	const current = 1
	if len(section) < longHeader+checksumSize || section[0] != table || section[5]&current == 0 {
		return nil, false
	}
	return section[longHeader : len(section)-checksumSize], true
}

// parsePAT reads a program association section (2.4.4.3): the PID of the first
// program's map. ok is false where there is none.
func parsePAT(section []byte) (pid uint16, ok bool) {
	const table, entry = 0, 4
	b, ok := body(section, table)
	for ; ok && len(b) >= entry; b = b[entry:] {
		if binary.BigEndian.Uint16(b) != 0 { // 0 is the network PID
			return binary.BigEndian.Uint16(b[2:]) & 0x1fff, true
		}
	}
	return 0, false
}

// elementary is a track as a program map describes it.
type elementary struct {
	pid    uint16
	format format
	// opus is the Opus descriptor.
	opus []byte
	// language is a BCP 47 tag, and role is what the track is for; both are empty
	// where nothing is said.
	language string
	role     media.Role
}

// maxElementary is how many tracks of a program are looked at.
const maxElementary = 64

// parsePMT reads a program map section (2.4.4.8).
func parsePMT(section []byte) (all []elementary, ok bool) {
	const table, fixed, entry = 2, 4, 5
	b, ok := body(section, table)
	if !ok || len(b) < fixed {
		return nil, false
	}
	info := int(binary.BigEndian.Uint16(b[2:]) & 0x0fff)
	if b = b[fixed:]; info > len(b) {
		return nil, false
	}
	for b = b[info:]; len(b) >= entry && len(all) < maxElementary; {
		size := int(binary.BigEndian.Uint16(b[3:]) & 0x0fff)
		if size > len(b)-entry {
			return nil, false
		}
		e := elementary{pid: binary.BigEndian.Uint16(b[1:]) & 0x1fff}
		e.format, e.opus = describe(b[0], b[entry:entry+size])
		if e.format.kind == media.Audio {
			e.language, e.role = spoken(b[entry : entry+size])
		}
		all = append(all, e)
		b = b[entry+size:]
	}
	return all, true
}
