package mpegts

import "bytes"

const (
	packetSize = 188
	syncByte   = 0x47
	// nullPID is that of stuffing.
	nullPID = 0x1fff
)

// packet is one transport packet (2.4.3.2). payload is a part of the bytes that
// it was read from, nil where it has none.
type packet struct {
	pid     uint16
	counter byte
	// starts is payload_unit_start_indicator, random random_access_indicator,
	// and breaks discontinuity_indicator: its counter begins anew.
	starts, random, breaks bool
	payload                []byte
}

// parsePacket reads one packet; ok is false for what is damaged or scrambled.
func parsePacket(b []byte) (p packet, ok bool) {
	const damaged, starts, scrambled, hasField, hasPayload = 0x80, 0x40, 0xc0, 0x20, 0x10
	if b[0] != syncByte || b[1]&damaged != 0 || b[3]&scrambled != 0 {
		return packet{}, false
	}
	p = packet{
		pid: uint16(b[1]&0x1f)<<8 | uint16(b[2]), counter: b[3] & 0x0f,
		starts: b[1]&starts != 0, payload: b[4:packetSize],
	}
	if b[3]&hasField != 0 {
		size := int(b[4])
		if size > packetSize-5 {
			return packet{}, false
		}
		if size > 0 {
			p.breaks, p.random = b[5]&0x80 != 0, b[5]&0x40 != 0
		}
		p.payload = b[5+size : packetSize]
	}
	if b[3]&hasPayload == 0 {
		p.payload = nil
	}
	return p, true
}

// packets finds the packets in bytes that come in any pieces.
type packets struct {
	// rest is what came after the last whole packet.
	rest []byte
	// locked is true while packets begin where they should.
	locked bool
	// skipped counts losses of synchronisation.
	skipped uint64
}

// each calls take for every packet. What take gets is valid during the call.
func (s *packets) each(data []byte, take func(b []byte)) {
	if len(s.rest) > 0 {
		s.rest = append(s.rest, data...)
		data = s.rest
	}
	for len(data) >= packetSize {
		if !inStep(data, s.locked) {
			data = s.find(data)
			continue
		}
		s.locked = true
		take(data[:packetSize])
		data = data[packetSize:]
	}
	s.rest = append(s.rest[:0], data...)
}

// inStep reports whether a packet begins here. Who is not in step yet needs the
// sync byte of the next one too, where that has come.
func inStep(data []byte, locked bool) bool {
	return data[0] == syncByte && (locked || len(data) == packetSize || data[packetSize] == syncByte)
}

// find looks for the next sync byte.
func (s *packets) find(data []byte) []byte {
	if s.locked {
		s.locked = false
		s.skipped++
	}
	if next := bytes.IndexByte(data[1:], syncByte); next >= 0 {
		return data[1+next:]
	}
	return nil
}

// line is the continuity of one PID's packets (2.4.3.3).
type line struct {
	known   bool
	counter byte
}

// follow judges a packet with payload: one is a repetition of the last, and one
// comes after others that are missing.
func (l *line) follow(p packet) (repeats, gap bool) {
	const most = 0x0f
	next := (l.counter + 1) & most
	repeats = l.known && !p.breaks && p.counter == l.counter
	gap = l.known && !p.breaks && p.counter != next && !repeats
	l.known, l.counter = true, p.counter
	return repeats, gap
}
