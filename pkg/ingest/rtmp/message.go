package rtmp

import "encoding/binary"

// The message types: what a message's payload is (sections 5.4, 6.2 and 7.1).
const (
	typeSetChunkSize     byte = 1
	typeAbort            byte = 2
	typeAcknowledgement  byte = 3
	typeUserControl      byte = 4
	typeWindowSize       byte = 5
	typeSetPeerBandwidth byte = 6
	typeAudio            byte = 8
	typeVideo            byte = 9
	typeDataAMF3         byte = 15
	typeCommandAMF3      byte = 17
	typeDataAMF0         byte = 18
	typeCommandAMF0      byte = 20
	typeAggregate        byte = 22
)

// The events of user control messages that matter here (section 7.1.7).
const (
	eventStreamBegin  = 0
	eventPingRequest  = 6
	eventPingResponse = 7
)

// Chunk streams that the server sends on.
const (
	chunkStreamControl = 2 // Reserved for control messages.
	chunkStreamCommand = 3
	chunkStreamStatus  = 5
)

// message is one RTMP message.
type message struct {
	typ byte
	// stream is the message stream: 0 for the connection itself.
	stream uint32
	// timestamp is in milliseconds and wraps.
	timestamp uint32
	// payload is the receiver's to keep and to write to.
	payload []byte
}

// controlMessage is a protocol control message that holds one number.
func controlMessage(typ byte, value uint32) message {
	return message{typ: typ, payload: binary.BigEndian.AppendUint32(nil, value)}
}

func userControl(event uint16, value uint32) message {
	payload := binary.BigEndian.AppendUint16(nil, event)
	return message{typ: typeUserControl, payload: binary.BigEndian.AppendUint32(payload, value)}
}

// peerBandwidth asks the other end for acknowledgements every window bytes;
// the limit is "dynamic", as media servers send it.
func peerBandwidth(window uint32) message {
	const dynamic = 2
	return message{typ: typeSetPeerBandwidth, payload: append(binary.BigEndian.AppendUint32(nil, window), dynamic)}
}

// uint24 reads the first three bytes of b.
func uint24(b []byte) uint32 { return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]) }
