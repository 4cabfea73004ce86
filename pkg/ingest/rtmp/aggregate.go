package rtmp

import (
	"errors"
	"fmt"
)

// errAggregate is wrapped by errors of splitAggregate.
var errAggregate = errors.New("invalid aggregate message")

// splitAggregate calls each for the messages in an aggregate message (section
// 7.1.6), which are FLV tags. Their times are moved so that the first has the
// aggregate's own. The payloads are parts of m's and are the callee's to keep.
func splitAggregate(m message, each func(message) error) error {
	const header, trailer = 11, 4
	rest := m.payload
	var shift uint32
	for first := true; len(rest) > 0; first = false {
		if len(rest) < header {
			return fmt.Errorf("%w: it ends inside a header", errAggregate)
		}
		size := int(uint24(rest[1:]))
		timestamp := uint24(rest[4:]) | uint32(rest[7])<<24
		sub := message{typ: rest[0] & 0x1f, stream: m.stream}
		rest = rest[header:]
		if size > len(rest) {
			return fmt.Errorf("%w: a message of %d bytes where %d are left", errAggregate, size, len(rest))
		}
		if first {
			shift = m.timestamp - timestamp
		}
		sub.timestamp, sub.payload = timestamp+shift, rest[:size:size]
		rest = rest[min(size+trailer, len(rest)):]
		if sub.typ == typeAggregate {
			continue
		}
		if err := each(sub); err != nil {
			return err
		}
	}
	return nil
}
