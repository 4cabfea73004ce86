package mpegts

import (
	"bytes"
	"fmt"

	"weir/pkg/media"
)

const (
	// maxCarry limits the beginning of a frame that waits for the rest: no frame
	// of audio is longer.
	maxCarry = 16 << 10
	// period is that of PTS.
	period = 1 << 33
)

// splitter is one codec's way to find its frames.
type splitter interface {
	// next reads the header at the beginning of data: the size of the frame, 0
	// where more bytes have to come to tell, negative where none begins there.
	next(data []byte) int
	// unit makes an access unit's data and track of a whole frame, and says how
	// many samples at the track's rate it lasts. No data is no unit.
	unit(frame []byte) (data [][]byte, track *media.Track, samples int, err error)
}

// frames cuts the PES packets of one audio track into access units. A frame may
// begin in one PES packet and end in the next.
type frames struct {
	splitter splitter
	// number is media.Track's, and track the newest that has it.
	number int
	track  *media.Track
	carry  []byte
	// since is the time of a frame, and samples how many came from it up to the
	// one that carry begins or that comes next.
	since   media.Ticks
	samples int
}

func newFrames(e elementary, number int) *frames {
	f := &frames{number: number}
	switch {
	case e.format.latm:
		f.splitter = new(latm)
	case e.format.codec == media.AAC:
		f.splitter = new(adts)
	case e.format.codec == media.MP3:
		f.splitter = new(mp3)
	case e.format.codec == media.AC3:
		f.splitter = new(ac3)
	default:
		f.splitter = newOpus(e.opus)
	}
	return f
}

// drop forgets the frame that has begun: the rest of it is missing.
func (f *frames) drop() { f.carry = f.carry[:0] }

// split appends the access units of a PES packet. Its PTS is that of the first
// frame that begins in it (2.4.3.7).
func (f *frames) split(out []media.AccessUnit, u unit) ([]media.AccessUnit, error) {
	data, old := u.data, len(f.carry)
	if old > 0 {
		f.carry = append(f.carry, u.data...)
		data = f.carry
	} else {
		f.since, f.samples = u.pts, 0
	}
	var bad error
	for at := 0; len(data) > 0; {
		size := f.splitter.next(data)
		switch {
		case size < 0:
			bad = fmt.Errorf("%w: no frame of audio begins where one should", errBad)
			data, at = data[1:], at+1
			continue
		case size == 0 || size > len(data):
			f.keep(data)
			return out, bad
		}
		if at >= old && old > 0 {
			f.since, f.samples, old = u.pts, 0, 0
		}
		var err error
		if out, err = f.emit(out, data[:size]); err != nil {
			bad = fmt.Errorf("%w: %w", errBad, err)
		}
		data, at = data[size:], at+size
	}
	f.carry = f.carry[:0]
	return out, bad
}

// keep holds the beginning of a frame.
func (f *frames) keep(data []byte) {
	if len(data) > maxCarry {
		data = nil
	}
	f.carry = append(f.carry[:0], data...)
}

// emit appends what a whole frame holds.
func (f *frames) emit(out []media.AccessUnit, frame []byte) ([]media.AccessUnit, error) {
	all, track, samples, err := f.splitter.unit(frame)
	if err != nil {
		return out, err
	}
	if track != nil && track != f.track { // a new one, which nothing points to yet
		track.Number = f.number
		f.track = track
	}
	for _, data := range all {
		at := f.since + media.Rescale(media.Ticks(f.samples), media.Timescale(track.SampleRate), media.VideoTimescale)
		at %= period
		f.samples += samples
		out = append(out, media.AccessUnit{Track: track, DTS: at, PTS: at, Sync: true, Data: bytes.Clone(data)})
	}
	return out, nil
}
