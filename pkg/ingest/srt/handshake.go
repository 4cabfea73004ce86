package srt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// Handshake types (section 3.2.1); a rejection is rejectionBase and a code.
const (
	induction  = 1
	conclusion = 0xffffffff
)

// Extensions of a handshake (table 5), and the flags that announce them (table 4).
const (
	extHandshakeRequest  = 1
	extHandshakeResponse = 2
	extKeyRequest        = 3
	extKeyResponse       = 4
	extStreamID          = 5
	extCongestion        = 6
	extFilter            = 7
	extGroup             = 8

	announcesHandshake = 1
	announcesKey       = 2
)

// Flags of the handshake extension (table 6).
const (
	flagTSBPDSND    = 0x01
	flagTSBPDRCV    = 0x02
	flagCRYPT       = 0x04
	flagTLPKTDROP   = 0x08
	flagPERIODICNAK = 0x10
	flagREXMITFLG   = 0x20
	flagSTREAM      = 0x40
)

const (
	// magic tells a caller that the listener speaks version 5.
	magic = 0x4a17
	// ownVersion is what libsrt must be at least to know all that is used here.
	ownVersion = 0x010500
	// leastVersion has handshakes of version 5.
	leastVersion = 0x010300
	// handshakeSize is that of a handshake without extensions.
	handshakeSize = 48
	// maxStreamID is libsrt's own limit.
	maxStreamID = 512
)

// handshake is the control information of one (section 3.2.1).
type handshake struct {
	version    uint32
	encryption uint16
	extension  uint16
	first      sequence
	mtu        uint32
	window     uint32
	typ        uint32
	socket     uint32
	cookie     uint32

	// The rest is from extensions. described is true if there is one of the
	// handshake itself. latency is how long the caller wants its packets to be
	// held at least, in milliseconds.
	described     bool
	srtVersion    uint32
	flags         uint32
	latency, back uint16
	streamID      string
	key           []byte
	congestion    string
	filter, group bool
}

var errHandshake = errors.New("invalid SRT handshake")

// parseHandshake reads one with its extensions. It keeps no part of b.
func parseHandshake(b []byte) (h handshake, err error) {
	if len(b) < handshakeSize {
		return handshake{}, fmt.Errorf("%w: %d bytes", errHandshake, len(b))
	}
	word := func(i int) uint32 { return binary.BigEndian.Uint32(b[4*i:]) }
	h = handshake{
		version: word(0), encryption: uint16(word(1) >> 16), extension: uint16(word(1)),
		first: sequence(word(2)) & sequenceMask, mtu: word(3), window: word(4), typ: word(5),
		socket: word(6), cookie: word(7),
	}
	if h.typ != conclusion || h.version < 5 {
		return h, nil
	}
	for b = b[handshakeSize:]; len(b) >= 4; {
		typ, size := binary.BigEndian.Uint16(b), 4*int(binary.BigEndian.Uint16(b[2:]))
		if size > len(b)-4 {
			return handshake{}, fmt.Errorf("%w: extension %d of %d bytes where %d are left", errHandshake, typ, size, len(b)-4)
		}
		if err := h.extend(typ, b[4:4+size]); err != nil {
			return handshake{}, err
		}
		b = b[4+size:]
	}
	return h, nil
}

// extend reads one extension.
func (h *handshake) extend(typ uint16, b []byte) error {
	switch typ {
	case extHandshakeRequest:
		if len(b) < 12 {
			return fmt.Errorf("%w: its own extension has %d bytes", errHandshake, len(b))
		}
		h.described = true
		h.srtVersion, h.flags = binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
		h.back, h.latency = binary.BigEndian.Uint16(b[8:]), binary.BigEndian.Uint16(b[10:])
	case extKeyRequest:
		h.key = slices.Clone(b)
	case extStreamID:
		if len(b) > maxStreamID {
			return fmt.Errorf("%w: a stream id of %d bytes", errHandshake, len(b))
		}
		h.streamID = wordString(b)
	case extCongestion:
		h.congestion = wordString(b[:min(len(b), 64)])
	case extFilter:
		h.filter = len(b) > 0
	case extGroup:
		h.group = true
	}
	return nil
}

// wordString reads a text whose words of 4 bytes are reversed (section 3.2.1.3).
func wordString(b []byte) string {
	out := make([]byte, 0, len(b))
	for word := range slices.Chunk(b, 4) {
		for _, c := range slices.Backward(word) {
			out = append(out, c)
		}
	}
	for len(out) > 0 && out[len(out)-1] == 0 {
		out = out[:len(out)-1]
	}
	return string(out)
}

// append writes the fixed part of h.
func (h *handshake) append(b []byte, local netip.Addr) []byte {
	for _, word := range []uint32{
		h.version, uint32(h.encryption)<<16 | uint32(h.extension), uint32(h.first), h.mtu, h.window, h.typ, h.socket, h.cookie,
	} {
		b = binary.BigEndian.AppendUint32(b, word)
	}
	// The address, in words of the byte order of IPv4 addresses there.
	ip := [16]byte{}
	if local.Is4() {
		v4 := local.As4()
		slices.Reverse(v4[:])
		copy(ip[:], v4[:])
	}
	return append(b, ip[:]...)
}

// reply is the packet that answers h with the given type and nothing else.
func (h *handshake) reply(typ, socket, timestamp uint32, remote netip.Addr) []byte {
	answer := *h
	answer.typ, answer.encryption, answer.extension = typ, 0, 0
	if typ == induction {
		answer.version, answer.extension = 5, magic
	}
	destination := h.socket
	answer.socket = socket
	return answer.append(controlPacket(typeHandshake, 0, 0, timestamp, destination), remote)
}

// accept is the packet that accepts h: the number of our socket, the latency in
// milliseconds, and its key material as it came.
func (h *handshake) accept(socket, timestamp uint32, latency uint16, remote netip.Addr) []byte {
	answer := *h
	answer.version, answer.socket, answer.cookie = 5, socket, 0
	answer.extension = announcesHandshake
	answer.window = maxWindow
	if h.key != nil {
		answer.extension |= announcesKey
	}
	b := answer.append(controlPacket(typeHandshake, 0, 0, timestamp, h.socket), remote)
	b = appendExtension(b, extHandshakeResponse, func(b []byte) []byte {
		b = binary.BigEndian.AppendUint32(b, ownVersion)
		b = binary.BigEndian.AppendUint32(b, flagTSBPDSND|flagTSBPDRCV|flagCRYPT|flagTLPKTDROP|flagPERIODICNAK|flagREXMITFLG)
		b = binary.BigEndian.AppendUint16(b, latency)
		return binary.BigEndian.AppendUint16(b, h.back)
	})
	if h.key != nil {
		b = appendExtension(b, extKeyResponse, func(b []byte) []byte { return append(b, h.key...) })
	}
	return b
}

func appendExtension(b []byte, typ uint16, content func([]byte) []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, typ)
	at := len(b)
	b = content(append(b, 0, 0))
	binary.BigEndian.PutUint16(b[at:], uint16((len(b)-at-2)/4))
	return b
}
