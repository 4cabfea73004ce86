package srt

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

// material is a key material message with one or both keys of the same size, and its
// salt filled with a byte.
func material(tb testing.TB, salt, which byte, keys ...[]byte) []byte {
	tb.Helper()
	size := len(keys[0])
	b := append([]byte{0x12, 0x20, 0x29, which, 0, 0, 0, 0, 2, 0, 2, 0, 0, 0, 4, byte(size / 4)}, bytes.Repeat([]byte{salt}, saltSize)...)
	derived, err := pbkdf2.Key(sha1.New, passphrase, b[len(b)-8:], 2048, size)
	if err != nil {
		tb.Fatal(err)
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		tb.Fatal(err)
	}
	return append(b, wrap(block, bytes.Join(keys, nil))...)
}

// wrap is the AES key wrap of RFC 3394 (section 2.2.1).
func wrap(block cipher.Block, keys []byte) []byte {
	out := append(bytes.Repeat([]byte{0xa6}, 8), keys...)
	var buf [aes.BlockSize]byte
	for j := range 6 {
		for i := 1; i < len(out)/8; i++ {
			copy(buf[:8], out)
			copy(buf[8:], out[8*i:])
			block.Encrypt(buf[:], buf[:])
			step := uint64(j*(len(out)/8-1) + i)
			binary.BigEndian.PutUint64(out, binary.BigEndian.Uint64(buf[:])^step)
			copy(out[8*i:], buf[8:])
		}
	}
	return out
}

// TestRefresh: a caller that has missed the answer to its new keys gets it again,
// and keys may change as often as it likes; but not the salt, which costs us a
// derivation.
func TestRefresh(t *testing.T) {
	t.Parallel()
	key := func(n byte) []byte { return bytes.Repeat([]byte{n}, 16) }
	keys, err := newKeyring(material(t, 9, evenKey, key(1)), passphrase)
	if err != nil {
		t.Fatal(err)
	}
	var sent [][]byte
	c := &caller{
		send: func(b []byte, _ netip.AddrPort) { sent = append(sent, bytes.Clone(b)) },
		wake: make(chan struct{}, 1), began: noon, receiver: newReceiver(1000, time.Second, noon), keyring: keys,
	}
	second, third := material(t, 9, evenKey|oddKey, key(1), key(2)), material(t, 9, evenKey|oddKey, key(3), key(2))
	now := noon
	for i, step := range []struct {
		after    time.Duration
		material []byte
		answered bool
		rekeyed  uint64
	}{
		{0, second, true, 1},
		{15 * time.Millisecond, second, true, 1},
		{15 * time.Millisecond, third, true, 2},
		{15 * time.Millisecond, third[:len(third)-1], false, 2},
		{15 * time.Millisecond, material(t, 8, evenKey, key(4)), true, 3},
		{15 * time.Millisecond, material(t, 7, evenKey, key(5)), false, 3},
		{deriveEvery, material(t, 7, evenKey, key(5)), true, 4},
	} {
		sent = nil
		now = now.Add(step.after)
		c.handle(now, header{control: true, typ: typeUser, subtype: extKeyRequest}, step.material)
		if answered := len(sent) == 1 && bytes.Equal(sent[0][headerSize:], step.material); answered != step.answered || c.receiver.stats.rekeyed != step.rekeyed {
			t.Errorf("step %d: answered %v, %d changes, want %v, %d", i, answered, c.receiver.stats.rekeyed, step.answered, step.rekeyed)
		}
	}
}
