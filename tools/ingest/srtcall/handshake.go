package srtcall

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"
)

const (
	headerSize    = 16
	handshakeSize = 48
	// Control types, and the types of a handshake.
	typeHandshake = 0
	typeACK       = 2
	typeNAK       = 3
	typeShutdown  = 5
	typeACKACK    = 6
	induction     = 1
	conclusion    = 0xffffffff
	// retryEvery is how long an answer is waited for, tries how often.
	retryEvery, tries = 500 * time.Millisecond, 20
)

var (
	errRefused  = errors.New("the listener refused")
	errNoAnswer = errors.New("no answer")
)

// control makes a control packet.
func control(typ uint16, info, timestamp, to uint32, words ...uint32) []byte {
	b := make([]byte, 0, headerSize+4*len(words))
	for _, word := range append([]uint32{1<<31 | uint32(typ)<<16, info, timestamp, to}, words...) {
		b = binary.BigEndian.AppendUint32(b, word)
	}
	return b
}

// call brings a connection to where it may send, and returns the number of the
// listener's socket.
func call(ctx context.Context, conn *net.UDPConn, streamID string) (socket uint32, err error) {
	const mtu, window, datagrams, own = 1500, 8192, 2, 1
	hello := []uint32{4, datagrams, 0, mtu, window, induction, own, 0, 0, 0, 0, 0}
	answer, err := ask(ctx, conn, hello, induction)
	if err != nil {
		return 0, err
	}
	const cookie, extended = 7, 1 | 4
	hello = []uint32{5, extended, 0, mtu, window, conclusion, own, answer[cookie], 0, 0, 0, 0}
	const version, flags, latency = 0x010501, 0xbf, 120
	hello = append(hello, 1<<16|3, version, flags, latency<<16|latency)
	id := append([]byte(streamID), make([]byte, -len(streamID)&3)...)
	hello = append(hello, 5<<16|uint32(len(id)/4))
	for ; len(id) > 0; id = id[4:] {
		hello = append(hello, binary.LittleEndian.Uint32(id))
	}
	if answer, err = ask(ctx, conn, hello, conclusion); err != nil {
		return 0, err
	}
	const number = 6
	return answer[number], nil
}

// ask sends a handshake until its answer comes.
func ask(ctx context.Context, conn *net.UDPConn, words []uint32, typ uint32) (answer []uint32, err error) {
	buf := make([]byte, 1500)
	for try := 0; try < tries && ctx.Err() == nil; try++ {
		if _, err := conn.Write(control(typeHandshake, 0, 0, 0, words...)); err != nil {
			return nil, fmt.Errorf("send a handshake: %w", err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(retryEvery))
		n, err := conn.Read(buf)
		if err != nil || n < headerSize+handshakeSize || binary.BigEndian.Uint32(buf)>>16 != 1<<15|typeHandshake {
			continue
		}
		answer = answer[:0]
		for i := headerSize; i < headerSize+handshakeSize; i += 4 {
			answer = append(answer, binary.BigEndian.Uint32(buf[i:]))
		}
		switch got := answer[5]; {
		case got == typ:
			_ = conn.SetReadDeadline(time.Time{})
			return answer, nil
		case got >= 1000 && got != conclusion:
			return nil, fmt.Errorf("%w with code %d", errRefused, got-1000)
		}
	}
	return nil, errors.Join(errNoAnswer, ctx.Err())
}
