package publish

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"time"
)

// maxTracks is how many further files there may be: Enhanced RTMP has a byte for
// a track's number.
const maxTracks = 255

// tracks is a clip with the video of further clips beside its own, as tracks 1, 2
// and so on (Enhanced RTMP v2, "Multitrack"), one in a message, as OBS sends them.
type tracks struct {
	clips []clip
	// heads are the next packets, nil where a clip has to be read, and ended says
	// which have no more.
	heads []*packet
	ended []bool
	// last is the time of the first clip's newest packet.
	last time.Duration
}

func newTracks(clips []clip) *tracks {
	return &tracks{clips: clips, heads: make([]*packet, len(clips)), ended: make([]bool, len(clips))}
}

func (t *tracks) timing() timing { return t.clips[0].timing() }

func (t *tracks) rewind() error {
	for i, c := range t.clips {
		if err := c.rewind(); err != nil {
			return err //nolint:wrapcheck // the caller says what it wanted.
		}
		t.heads[i], t.ended[i] = nil, false
	}
	return nil
}

// next is the earliest packet of all. The round lasts as long as the first clip.
func (t *tracks) next() (packet, error) {
	first := -1
	for i := range t.clips {
		if err := t.read(i); err != nil {
			return packet{}, err
		}
		if p := t.heads[i]; p != nil && (first < 0 || p.before(t.heads[first])) {
			first = i
		}
	}
	if first < 0 || t.ended[0] && t.heads[first].time > t.last {
		return packet{}, io.EOF
	}
	p := *t.heads[first]
	t.heads[first] = nil
	if first == 0 && !p.header {
		t.last = max(t.last, p.time)
	}
	return p, nil
}

// before reports whether p goes out before q: headers have no place in time.
func (p *packet) before(q *packet) bool {
	if p.header || q.header {
		return p.header && !q.header
	}
	return p.time < q.time
}

// read sees that a clip's next packet is known: of a further one, that of its
// video.
func (t *tracks) read(i int) error {
	for t.heads[i] == nil && !t.ended[i] {
		p, err := t.clips[i].next()
		switch {
		case errors.Is(err, io.EOF):
			t.ended[i] = true
		case err != nil:
			return fmt.Errorf("read track %d: %w", i, err)
		case i == 0:
			t.heads[i] = &p
		default:
			t.heads[i] = asTrack(&p, i)
		}
	}
	return nil
}

// The layout of a message with one track of many: its packet type stands in the
// second byte, the codec's name behind it, then the track's number.
const (
	enhancedMultitrack = 6
	enhancedModEx      = 7
	trackHead          = 7
	namedHead          = 5 // of an enhanced tag without tracks
	legacyHead         = 5 // of an AVC tag, composition offset included
)

// asSound makes an audio packet in the form f that of a further track.
func asSound(p packet, f form, number int) packet {
	const aac, multitrack = "mp4a", 5
	head, sort := namedHead, p.body[0]&0x0f
	if f.fourCC == "" {
		head, sort = f.codedHead, p.body[1]
	}
	body := make([]byte, 0, trackHead+len(p.body))
	body = append(body, enhancedAudio<<4|multitrack, sort)
	body = append(append(body, cmp.Or(f.fourCC, aac)...), byte(number))
	p.body, p.track = append(body, p.body[head:]...), number
	return p
}

// asTrack makes a video packet that of a further track; nil where it is none.
func asTrack(p *packet, number int) *packet {
	if p.kind != kindVideo || len(p.body) < namedHead {
		return nil
	}
	frame, sort, fourCC, rest := p.body[0]>>4&7, p.body[0]&0x0f, "avc1", p.body[legacyHead:]
	shift := trackHead - legacyHead + compositionSize
	switch {
	case p.body[0]&enhancedVideo != 0:
		fourCC, shift = string(p.body[1:namedHead]), trackHead-namedHead
		if sort == packetInfo || sort == enhancedMultitrack || sort == enhancedModEx {
			return nil
		}
	case sort != codecAVC:
		return nil
	default:
		if sort = p.body[1]; sort == avcNALU {
			rest = p.body[legacyHead-compositionSize:]
		}
	}
	body := make([]byte, 0, trackHead+len(rest))
	body = append(body, enhancedVideo|frame<<4|enhancedMultitrack, sort)
	body = append(append(body, fourCC...), byte(number))
	out := *p
	out.body, out.track, out.key = append(body, rest...), number, false
	if out.place > 0 {
		out.place += shift
	}
	return &out
}
