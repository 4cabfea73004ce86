package srt

import "encoding/binary"

// headerSize is that of every packet (section 3).
const headerSize = 16

// Control types (section 3.2, table 1).
const (
	typeHandshake   = 0x0000
	typeKeepAlive   = 0x0001
	typeACK         = 0x0002
	typeNAK         = 0x0003
	typeShutdown    = 0x0005
	typeACKACK      = 0x0006
	typeDropRequest = 0x0007
	typeUser        = 0x7fff
)

// header is that of a packet.
type header struct {
	control bool
	// typ, subtype and info are of a control packet.
	typ, subtype uint16
	info         uint32
	// seq, key and again are of a data packet: its number, which of the two keys
	// encrypts it (0 for none), and whether it was sent before.
	seq   sequence
	key   byte
	again bool
	// timestamp is in microseconds since the sender's start, destination the
	// number of the socket that it is for.
	timestamp, destination uint32
}

// parseHeader splits a datagram; ok is false for what is too short.
func parseHeader(b []byte) (h header, body []byte, ok bool) {
	if len(b) < headerSize {
		return header{}, nil, false
	}
	first, second := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	h.timestamp, h.destination = binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint32(b[12:])
	if h.control = first>>31 == 1; h.control {
		h.typ, h.subtype, h.info = uint16(first>>16)&0x7fff, uint16(first), second
	} else {
		h.seq, h.key, h.again = sequence(first), byte(second>>27)&3, second>>26&1 == 1
	}
	return h, b[headerSize:], true
}

// controlPacket makes a control packet, whose body is appended by the caller.
func controlPacket(typ, subtype uint16, info, timestamp, destination uint32) []byte {
	b := make([]byte, headerSize, 128)
	binary.BigEndian.PutUint32(b, 1<<31|uint32(typ)<<16|uint32(subtype))
	binary.BigEndian.PutUint32(b[4:], info)
	binary.BigEndian.PutUint32(b[8:], timestamp)
	binary.BigEndian.PutUint32(b[12:], destination)
	return b
}

// sequence is the number of a data packet: 31 bits that begin anew.
type sequence uint32

const sequenceMask = 1<<31 - 1

func (s sequence) plus(n int) sequence { return sequence(uint32(s)+uint32(n)) & sequenceMask }

// since is how far s is ahead of other, negative where it is behind.
func (s sequence) since(other sequence) int { return int(int32(uint32(s-other)<<1) >> 1) }
