package srt

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

// keySizes are of the callers that FuzzCaller tries, in bytes: 0 does not encrypt.
func keySizes() []int { return []int{0, 16, 24, 32} }

// FuzzCaller has a caller that publishes, encrypted or not, send whatever it likes. Each
// datagram stands behind its length.
func FuzzCaller(f *testing.F) {
	keyrings := make([]keyring, len(keySizes()))
	for i, size := range keySizes() {
		if size == 0 {
			continue
		}
		k, err := newKeyring(material(f, 9, evenKey, bytes.Repeat([]byte{1}, size)), passphrase)
		if err != nil {
			f.Fatal(err)
		}
		keyrings[i] = *k
	}
	seedCaller(f)
	f.Fuzz(func(t *testing.T, encryption byte, b []byte) {
		const most = 128 // A tick looks at the whole window: more would take seconds.
		sent := 0
		c := &caller{send: func(b []byte, _ netip.AddrPort) { sent += len(b) }, wake: make(chan struct{}, 1), began: noon, receiver: newReceiver(1000, time.Second, noon)}
		if chosen := int(encryption) % len(keyrings); chosen != 0 {
			own := keyrings[chosen] // deriving it anew would take all the time
			c.keyring = &own
		}
		now, datagrams := noon, 0
		for piece := b; len(piece) > 0 && datagrams < most; datagrams++ {
			n := min(int(piece[0]), len(piece)-1)
			if h, body, ok := parseHeader(piece[1 : 1+n]); ok {
				c.handle(now, h, body)
			}
			now = now.Add(10 * time.Millisecond)
			c.tick(now)
			payloads, _ := c.take(make([][]byte, 0, 2), now)
			c.release(payloads)
			piece = piece[1+n:]
		}
		// Each tick may ask for losses and acknowledge, in a datagram each.
		const mostAnswers = 2*(headerSize+maxPayload) + 255
		if len(c.receiver.ring) > maxWindow || sent > mostAnswers*(datagrams+1) {
			t.Errorf("%d slots, %d bytes sent in answer to %d datagrams", len(c.receiver.ring), sent, datagrams)
		}
	})
}

// seedCaller adds what callers send, and what is nearly that.
func seedCaller(f *testing.F) {
	f.Helper()
	datagrams := func(all ...[]byte) (b []byte) {
		for _, d := range all {
			b = append(append(b, byte(len(d))), d...)
		}
		return b
	}
	f.Add(byte(0), datagrams(append(controlPacket(typeACKACK, 0, 1, 5, 1), 0, 0, 0, 0)))
	f.Add(byte(0), datagrams(append(controlPacket(typeDropRequest, 0, 1, 5, 1), 0, 0, 3, 0, 0, 0, 4, 0)))
	f.Add(byte(0), datagrams(fuzzData(0, 0), fuzzData(3, 0), fuzzData(1, 0)))
	for i, size := range keySizes() {
		if size == 0 {
			continue
		}
		key := func(n byte) []byte { return bytes.Repeat([]byte{n}, size) }
		rekey := func(material []byte) []byte {
			return append(controlPacket(typeUser, extKeyRequest, 0, 5, 1), material...)
		}
		both, salted := material(f, 9, evenKey|oddKey, key(1), key(2)), material(f, 8, oddKey, key(3))
		// A change of keys as libsrt does it, told twice; then one of the salt.
		f.Add(byte(i), datagrams(fuzzData(0, evenKey), rekey(both), rekey(both), fuzzData(1, oddKey), rekey(salted), fuzzData(2, oddKey), rekey(material(f, 7, evenKey, key(4)))))
		for at, value := range map[int]byte{0: 0x11, 3: 0, 8: 4, 14: 2, 15: 5, len(both) - 1: both[len(both)-1] ^ 1, len(both) - 40: 0} {
			bad := bytes.Clone(both)
			bad[at] = value
			f.Add(byte(i), datagrams(rekey(bad), fuzzData(0, oddKey)))
		}
		f.Add(byte(i), datagrams(rekey(both[:len(both)-8]), rekey(both[:15]), fuzzData(0, evenKey|oddKey), fuzzData(1, 0)))
	}
}

// fuzzData is the n-th data packet, encrypted by which key.
func fuzzData(n int, key byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(1000+n))
	b = binary.BigEndian.AppendUint32(b, 3<<30|uint32(key)<<27|uint32(n+1))
	b = binary.BigEndian.AppendUint32(b, uint32(20_000*n))
	return append(binary.BigEndian.AppendUint32(b, 1), bytes.Repeat([]byte{0x47}, 188)...)
}
