package mpegts

import (
	"encoding/binary"
	"errors"
	"fmt"

	"weir/pkg/media"
)

// errBad is wrapped by what costs an access unit and no more.
var errBad = errors.New("damaged MPEG-TS")

// unit is the payload of a PES packet (2.4.3.6).
type unit struct {
	pts, dts media.Ticks
	random   bool
	data     []byte
}

// assembly puts the PES packets of one PID together.
type assembly struct {
	line line
	// buf is what came of the PES packet, spare the one before.
	buf, spare []byte
	// open is true while a PES packet has begun, and random if its first packet
	// says that decoding can start there.
	open, random bool
}

// push takes a packet. units are those that are complete now, at most two; their
// data is valid until the next but one. gap is true where packets are missing, and
// err what was wrong with the PES packet that was thrown away.
func (a *assembly) push(p packet, most int) (done []unit, gap bool, err error) {
	if len(p.payload) == 0 {
		return nil, false, nil
	}
	repeats, gap := a.line.follow(p)
	if repeats {
		return nil, false, nil
	}
	if gap {
		a.open = false
		err = fmt.Errorf("%w: packets are missing", errBad)
	}
	if p.starts {
		if a.open {
			u, bad := a.finish()
			if bad != nil {
				err = bad
			} else {
				done = append(done, u)
			}
		}
		a.open, a.random = true, p.random
		a.buf, a.spare = a.spare[:0], a.buf
	}
	if !a.open {
		return done, gap, err
	}
	if len(a.buf)+len(p.payload) > most {
		a.open = false
		return done, gap, fmt.Errorf("%w: an access unit of more than %d bytes", errBad, most)
	}
	a.buf = append(a.buf, p.payload...)
	if size := a.size(); size > 0 && len(a.buf) >= size {
		a.buf = a.buf[:size]
		u, bad := a.finish()
		if bad != nil {
			return done, gap, bad
		}
		done = append(done, u)
	}
	return done, gap, err
}

// size is that of the whole PES packet; 0 where it does not say.
func (a *assembly) size() int {
	const prefix = 6
	if len(a.buf) < prefix {
		return 0
	}
	length := int(binary.BigEndian.Uint16(a.buf[4:]))
	if length == 0 {
		return 0
	}
	return prefix + length
}

// finish ends the PES packet that is open.
func (a *assembly) finish() (unit, error) {
	a.open = false
	const fixed, hasPTS, hasDTS = 9, 0x80, 0x40
	b := a.buf
	if len(b) < fixed || b[0] != 0 || b[1] != 0 || b[2] != 1 || b[6]>>6 != 2 {
		return unit{}, fmt.Errorf("%w: a PES packet of %d bytes without its header", errBad, len(b))
	}
	if size := a.size(); size > len(b) {
		return unit{}, fmt.Errorf("%w: a PES packet of %d bytes of which %d came", errBad, size, len(b))
	}
	header := fixed + int(b[8])
	if header > len(b) || b[7]&hasPTS == 0 || b[8] < 5 {
		return unit{}, fmt.Errorf("%w: a PES packet without a time", errBad)
	}
	u := unit{pts: timestamp(b[fixed:]), random: a.random, data: b[header:]}
	u.dts = u.pts
	if b[7]&hasDTS != 0 && b[8] >= 10 {
		u.dts = timestamp(b[fixed+5:])
	}
	return u, nil
}

// timestamp reads a PTS or DTS (table 2-21).
func timestamp(b []byte) media.Ticks {
	return media.Ticks(b[0]>>1&7)<<30 | media.Ticks(b[1])<<22 | media.Ticks(b[2]>>1)<<15 |
		media.Ticks(b[3])<<7 | media.Ticks(b[4]>>1)
}
