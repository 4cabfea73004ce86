package rtmp

import (
	"crypto/hmac"
	"crypto/sha256"
)

// The digest handshake is not in Adobe's specification; flash players and,
// from them, ffmpeg and others use it. C1 and S1 carry an HMAC-SHA256 of their
// other bytes at a place computed from four bytes of their own, in one of two
// layouts; S2 and C2 are signed with a key made from the digest they answer.

// Places inside C1 and S1.
const (
	digestSize = sha256.Size
	// digestSpan is how many places there are for a digest.
	digestSpan = 728
	// digestFirst and digestSecond are where the four bytes stand that tell
	// the place in either layout.
	digestFirst  = 8
	digestSecond = 8 + 764
)

// clientKey and serverKey are the two ends' names, which key the digests of C1
// and S1; both sign C2 and S2 with keySuffix added.
func clientKey() []byte { return []byte("Genuine Adobe Flash Player 001") }
func serverKey() []byte { return []byte("Genuine Adobe Flash Media Server 001") }

func keySuffix() []byte {
	return []byte{
		0xf0, 0xee, 0xc2, 0x4a, 0x80, 0x68, 0xbe, 0xe8, 0x2e, 0x00, 0xd0, 0xd1, 0x02, 0x9e, 0x7e, 0x57,
		0x6e, 0xec, 0x5d, 0x2d, 0x29, 0x80, 0x6f, 0xab, 0x93, 0xb8, 0xe6, 0x36, 0xcf, 0xeb, 0x31, 0xae,
	}
}

// digestPlace is the offset of the digest in block, by the layout whose four
// bytes stand at base.
func digestPlace(block *handshakeBlock, base int) int {
	sum := int(block[base]) + int(block[base+1]) + int(block[base+2]) + int(block[base+3])
	return base + 4 + sum%digestSpan
}

// digestOf is the digest of block without the bytes at place.
func digestOf(block *handshakeBlock, place int, key []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(block[:place])
	mac.Write(block[place+digestSize:])
	return mac.Sum(nil)
}

// findDigest looks for a valid digest in block, in both layouts; base is the
// layout's.
func findDigest(block *handshakeBlock, key []byte) (digest []byte, base int, ok bool) {
	for _, base := range []int{digestFirst, digestSecond} {
		place := digestPlace(block, base)
		want := digestOf(block, place, key)
		if got := block[place : place+digestSize]; hmac.Equal(got, want) {
			return want, base, true
		}
	}
	return nil, 0, false
}

// putDigest writes the digest of block into it, in the layout of base.
func putDigest(block *handshakeBlock, base int, key []byte) {
	place := digestPlace(block, base)
	copy(block[place:], digestOf(block, place, key))
}

// signAnswer signs S2, whose last bytes are the signature of the others, as
// the answer to the C1 with this digest.
func signAnswer(block *handshakeBlock, digest []byte) {
	key := hmac.New(sha256.New, append(serverKey(), keySuffix()...))
	key.Write(digest)
	mac := hmac.New(sha256.New, key.Sum(nil))
	mac.Write(block[:len(block)-digestSize])
	copy(block[len(block)-digestSize:], mac.Sum(nil))
}
