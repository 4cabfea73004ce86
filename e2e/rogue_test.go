//go:build e2e

package e2e

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"testing"
	"time"
)

// Handshakes of SRT: their size with the header of a packet, and the two types that a
// caller sends (draft-sharabayko-srt, section 3.2.1).
const (
	srtHandshakeSize = 16 + 48
	srtInduction     = 1
	srtConclusion    = 0xffffffff
)

// rogue makes datagrams as a hostile caller of SRT would. It owns no socket.
type rogue struct {
	random *rand.Rand
	// cookie is what the listener gave to one of its addresses.
	cookie uint32
}

// newRogue begins as any caller does, to get a cookie.
func newRogue(t *testing.T, socket net.Conn) *rogue {
	t.Helper()
	r := &rogue{random: rand.New(rand.NewPCG(1, 2))}
	answer := make([]byte, 1500)
	eventually(t, 10*time.Second, "SRT answers a handshake", func() bool {
		_, _ = socket.Write(srtHandshake(srtInduction, 4, 2, 1, 0))
		_ = socket.SetReadDeadline(time.Now().Add(time.Second))
		n, err := socket.Read(answer)
		return err == nil && n == srtHandshakeSize
	})
	r.cookie = binary.BigEndian.Uint32(answer[16+4*7:])
	return r
}

// srtHandshake is one without extensions, of the given number of a socket.
func srtHandshake(typ, version uint32, extension uint16, socket, cookie uint32) []byte {
	b := make([]byte, srtHandshakeSize)
	for at, word := range map[int]uint32{
		0: 1 << 31, // a control packet, type 0
		4: version, 5: uint32(extension), 6: 1000, 7: 1500, 8: 8192, 9: typ, 10: socket, 11: cookie,
	} {
		binary.BigEndian.PutUint32(b[4*at:], word)
	}
	return b
}

// next are some datagrams, the first of them from the address that has the cookie.
func (r *rogue) next() [][]byte {
	garbage := make([]byte, r.random.IntN(1400))
	for i := range garbage {
		garbage[i] = byte(r.random.Uint32())
	}
	stray := append([]byte(nil), garbage...)
	if len(stray) >= 4 {
		stray[0] |= 0x80 // a control packet, of any type
	}
	return [][]byte{
		r.conclusion(r.cookie),
		srtHandshake(srtInduction, 4, 2, r.random.Uint32(), 0), // one more socket
		garbage,
		stray,
		nil,
		r.conclusion(r.random.Uint32()),
	}
}

// conclusion asks to publish with a key that nobody has, from one more socket. An
// eighth of them have extensions that go on beyond their end.
func (r *rogue) conclusion(cookie uint32) []byte {
	b := srtHandshake(srtConclusion, 5, 5, r.random.Uint32(), cookie)
	b = binary.BigEndian.AppendUint32(b, 1<<16|3) // HSREQ of three words
	b = binary.BigEndian.AppendUint32(b, 0x010501)
	b = binary.BigEndian.AppendUint32(b, 0xbf)
	b = binary.BigEndian.AppendUint32(b, 120<<16|120)
	words := uint32(4)
	if r.random.IntN(8) == 0 {
		words = 0xffff
	}
	b = binary.BigEndian.AppendUint32(b, 5<<16|words) // the stream id
	for range 4 {
		b = binary.BigEndian.AppendUint32(b, 'a'<<24|'b'<<16|'c'<<8|r.random.Uint32N(26)+'a')
	}
	return b
}
