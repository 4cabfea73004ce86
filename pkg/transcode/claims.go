package transcode

import (
	"fmt"
	"time"

	"weir/pkg/media"
)

// A worker decodes foreign bytes in native code, and so may be in foreign hands.
// What it says is believed only as far as it can be true of what it was sent:
// else a lie about one segment or time would last longer than the worker.

const (
	// segmentBytes and segmentUnits bound one segment of a rung: 2.5 s at
	// 100 Mb/s or 1600 pictures a second.
	segmentBytes = 32 << 20
	segmentUnits = 4000
	// soundBytes bounds an access unit of audio: eight channels of AAC take 6 KiB.
	soundBytes = 16 << 10
	// timeSlack is how far the times of what was encoded may lie outside of
	// those of the source, and decodeSlack how far decoding may go ahead.
	timeSlack   = time.Second
	decodeSlack = 10 * time.Second
	// longestSide is more than any level of H.264 allows, in samples.
	longestSide = 16_384
)

// extent is what a supervisor was given: up to which segment, and which times.
type extent struct {
	msn         uint64
	first, last time.Duration
	any         bool
}

func (e *extent) add(pts time.Duration) {
	if !e.any {
		e.first, e.last, e.any = pts, pts, true
	}
	e.first, e.last = min(e.first, pts), max(e.last, pts)
}

// claims is what one worker has said of its rungs.
type claims []claim

type claim struct {
	// msn is the last segment that was started, 0 for none, and units and
	// bytes are what came of it.
	msn          uint64
	units, bytes int
}

// coded checks an access unit of a worker that was given e. Its track is set.
func (cs claims) coded(c Coded, mode Mode, e extent) error {
	scale := c.AU.Track.Timescale
	pts, dts := scale.Duration(c.AU.PTS), scale.Duration(c.AU.DTS)
	switch {
	case pts < e.first-timeSlack || pts > e.last+timeSlack:
		return fmt.Errorf("%w: a picture or sound of %s, when the source was at %s to %s", ErrWire, pts, e.first, e.last)
	case dts > pts || dts < pts-decodeSlack || c.AU.Duration < 0:
		return fmt.Errorf("%w: DTS %s and duration %d with PTS %s", ErrWire, dts, c.AU.Duration, pts)
	case mode == ModeAudio && len(c.AU.Data) > soundBytes:
		return fmt.Errorf("%w: %d bytes of sound", ErrWire, len(c.AU.Data))
	case mode == ModeAudio:
		return nil
	}
	r := &cs[c.Rung]
	if c.Starts {
		if c.MSN <= r.msn || c.MSN > e.msn {
			return fmt.Errorf("%w: segment %d starts on rung %d after %d, when %d is the newest", ErrWire, c.MSN, c.Rung, r.msn, e.msn)
		}
		*r = claim{msn: c.MSN}
	}
	r.units++
	r.bytes += len(c.AU.Data)
	if r.units > segmentUnits || r.bytes > segmentBytes {
		return fmt.Errorf("%w: segment %d on rung %d has more than %d access units and %d bytes", ErrWire, c.MSN, c.Rung, segmentUnits, segmentBytes)
	}
	return nil
}

// checkTrack looks at the parameters that a worker promises.
func checkTrack(t *media.Track, mode Mode) error {
	video := t.Kind == media.Video && t.Codec == media.H264 && t.Timescale == media.VideoTimescale &&
		min(t.Width, t.Height) > 0 && max(t.Width, t.Height) <= longestSide
	audio := t.Kind == media.Audio && t.Codec == media.AAC && t.SampleRate > 0 && t.Timescale == media.Timescale(t.SampleRate) &&
		t.Channels > 0 && t.Channels <= 8
	if (mode == ModeVideo && !video) || (mode == ModeAudio && !audio) {
		return fmt.Errorf("%w: %s of a worker for %s, codec %q, %dx%d, timescale %d", ErrWire, t.Kind, mode, t.Codec, t.Width, t.Height, t.Timescale)
	}
	return nil
}

// done is the error of a worker that says Done, if it was not told End.
func (p *process) done() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ending {
		return fmt.Errorf("%w: worker was done before it was asked to be", ErrWire)
	}
	return nil
}

// checkProgress compares what a worker says it has done with what it had said
// before and has been sent.
func checkProgress(m, before Progress, sent uint64) error {
	if m.Units < before.Units || m.Units > sent || m.Damaged > m.Units || m.Damaged < before.Damaged ||
		m.Media < before.Media || m.Busy < before.Busy {
		return fmt.Errorf("%w: progress %+v after %+v, with %d units sent", ErrWire, m, before, sent)
	}
	return nil
}
