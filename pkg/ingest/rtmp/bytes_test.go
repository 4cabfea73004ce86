package rtmp

import (
	"encoding/hex"
	"testing"
)

// fromHex decodes hexadecimal digits that a test spells out.
func fromHex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// record720 is the decoder configuration record of x264 for 1280x720 at
// 29.97 fps.
const record720 = "0164001fffe1001b6764001facd9405005bb016a020202800001f480007530078c18cb01000468efbcb0fdf8f800"

// nals joins NAL units with lengths of size bytes.
func nals(size int, units ...string) []byte { //nolint:unparam // all encoders say 4.
	var b []byte
	for _, u := range units {
		length := be32(uint32(len(u)))
		b = join(b, length[4-size:], u)
	}
	return b
}
