package libav

// H.264 NAL unit types and the SEI payload type of a recovery point (ITU-T
// H.264, 7.4.1 and D.2.8).
const (
	nalIDR           = 5
	nalSEI           = 6
	seiRecoveryPoint = 6
)

// recovers reports whether decoding H.264 can start at the access unit, which
// has NAL units with 4-byte lengths, though it is not an IDR picture: open GOPs
// and sources that refresh bit by bit say so by a recovery point.
func recovers(data []byte) bool {
	for len(data) > 4 {
		size := int(data[0])<<24 | int(data[1])<<16 | int(data[2])<<8 | int(data[3])
		data = data[4:]
		if size == 0 || size > len(data) {
			return false
		}
		switch data[0] & 0x1f {
		case nalSEI:
			if saysRecovery(data[1:size]) {
				return true
			}
		case 1, nalIDR:
			return false // SEI messages stand before the picture.
		}
		data = data[size:]
	}
	return false
}

// saysRecovery looks for a recovery point among the messages of an SEI NAL
// unit (7.3.2.3.1). Escaped zeros within a payload make it look a little short,
// which can hide what follows and nothing else.
func saysRecovery(sei []byte) bool {
	for len(sei) > 2 {
		kind, rest := seiNumber(sei)
		size, rest := seiNumber(rest)
		if kind == seiRecoveryPoint && len(rest) > 0 {
			return true
		}
		if size >= len(rest) {
			return false
		}
		sei = rest[size:]
	}
	return false
}

// seiNumber reads a payload type or size: 255 for each byte that has it, and
// the next byte.
func seiNumber(b []byte) (n int, rest []byte) {
	for len(b) > 0 {
		n += int(b[0])
		if b[0] != 0xff {
			return n, b[1:]
		}
		b = b[1:]
	}
	return n, nil
}
