package srt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // the protocol's choice for deriving keys, see below.
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

var (
	// errKeyMaterial is what no passphrase mends.
	errKeyMaterial = errors.New("unusable SRT key material")
	// errPassphrase is returned where the key does not unwrap.
	errPassphrase = errors.New("the passphrase is wrong")
	// errTooSoon is returned for a new salt where none is wanted yet.
	errTooSoon = errors.New("a new salt so soon after the last")
)

const (
	saltSize = 16
	// evenKey and oddKey are the values of the key flag (section 3.1).
	evenKey = 1
	oddKey  = 2
)

// keyring decrypts what one caller sends (section 6). It is used by one
// goroutine.
type keyring struct {
	passphrase string
	salt       [saltSize]byte
	wrapping   cipher.Block
	size       int
	keys       [3]cipher.Block // by key flag
}

// newKeyring opens the key material of a handshake.
func newKeyring(material []byte, passphrase string) (*keyring, error) {
	k := &keyring{passphrase: passphrase}
	if err := k.open(material, true); err != nil {
		return nil, err
	}
	return k, nil
}

// open takes the keys of a key material message (section 3.2.2): the first, and
// those that replace them as the stream goes on. Where the salt is another one,
// it may derive a key, or refuses.
func (k *keyring) open(b []byte, mayDerive bool) error {
	const fixed, versionAndType, signature, ctr, tag = 16, 0x12, 0x2029, 2, 8
	if len(b) < fixed || b[0] != versionAndType || binary.BigEndian.Uint16(b[1:]) != signature {
		return fmt.Errorf("%w: %d bytes", errKeyMaterial, len(b))
	}
	which, salt, size := b[3]&3, 4*int(b[14]), 4*int(b[15])
	switch {
	case b[8] != ctr:
		return fmt.Errorf("%w: cipher %d, where only AES-CTR is spoken", errKeyMaterial, b[8])
	case which == 0 || salt != saltSize || size != 16 && size != 24 && size != 32:
		return fmt.Errorf("%w: a key of %d bytes with a salt of %d", errKeyMaterial, size, salt)
	}
	count := int(which&evenKey) + int(which>>1)
	wrapped := b[fixed:]
	if len(wrapped) != salt+count*size+tag {
		return fmt.Errorf("%w: %d bytes for %d keys", errKeyMaterial, len(b), count)
	}
	if err := k.derive([saltSize]byte(wrapped), size, mayDerive); err != nil {
		return err
	}
	keys, err := unwrap(k.wrapping, wrapped[salt:])
	if err != nil {
		return err
	}
	for _, flag := range []byte{evenKey, oddKey} {
		if which&flag == 0 {
			continue
		}
		block, err := aes.NewCipher(keys[:size])
		if err != nil {
			return fmt.Errorf("%w: %w", errKeyMaterial, err)
		}
		k.keys[flag], keys = block, keys[size:]
	}
	return nil
}

// derive makes the key that wraps the others (section 6.1.4). It costs a
// millisecond, so the last one is kept.
func (k *keyring) derive(salt [saltSize]byte, size int, may bool) error {
	const rounds = 2048
	if k.wrapping != nil && k.salt == salt && k.size == size {
		return nil
	}
	if !may {
		return errTooSoon
	}
	key, err := pbkdf2.Key(sha1.New, k.passphrase, salt[saltSize-8:], rounds, size)
	if err != nil {
		return fmt.Errorf("%w: %w", errKeyMaterial, err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return fmt.Errorf("%w: %w", errKeyMaterial, err)
	}
	k.wrapping, k.salt, k.size = block, salt, size
	return nil
}

// decrypt decrypts a payload in place (section 6.3); ok is false where the key
// is not there.
func (k *keyring) decrypt(seq sequence, flag byte, payload []byte) (ok bool) {
	if flag == 0 || flag > oddKey || k.keys[flag] == nil {
		return false
	}
	var counter [aes.BlockSize]byte
	copy(counter[:14], k.salt[:14])
	number := binary.BigEndian.AppendUint32(nil, uint32(seq))
	subtle.XORBytes(counter[10:14], counter[10:14], number)
	cipher.NewCTR(k.keys[flag], counter[:]).XORKeyStream(payload, payload)
	return true
}

// unwrap is the AES key unwrap of RFC 3394 (section 2.2.2).
func unwrap(block cipher.Block, wrapped []byte) ([]byte, error) {
	const half, rounds, initial = 8, 6, 0xa6a6a6a6a6a6a6a6
	check, out := binary.BigEndian.Uint64(wrapped), slices.Clone(wrapped[half:])
	n := len(out) / half
	var buf [aes.BlockSize]byte
	for j := rounds - 1; j >= 0; j-- {
		for i := n; i >= 1; i-- {
			part := out[(i-1)*half : i*half]
			binary.BigEndian.PutUint64(buf[:], check^uint64(n*j+i))
			copy(buf[half:], part)
			block.Decrypt(buf[:], buf[:])
			check = binary.BigEndian.Uint64(buf[:])
			copy(part, buf[half:])
		}
	}
	if check != initial {
		return nil, errPassphrase
	}
	return out, nil
}
