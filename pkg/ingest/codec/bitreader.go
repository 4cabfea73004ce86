package codec

import "weir/pkg/ingest/bitstream"

// bitReader reads what parameter sets have in common.
type bitReader struct{ bitstream.Reader }

// readNAL reads the payload of a NAL unit.
func readNAL(payload []byte) *bitReader {
	return &bitReader{bitstream.NewReader(unescape(payload))}
}

// unescape removes the emulation prevention bytes of a NAL unit (ITU-T H.264,
// 7.4.1): each 03 after two zeros.
func unescape(nal []byte) []byte {
	out := make([]byte, 0, len(nal))
	zeros := 0
	for _, b := range nal {
		if zeros >= 2 && b == 3 {
			zeros = 0
			continue
		}
		out = append(out, b)
		zeros++
		if b != 0 {
			zeros = 0
		}
	}
	return out
}
