package packager_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"weir/pkg/media"
	packager "weir/pkg/package"
)

// FuzzSegmenter drives a segmenter with operations read from bytes: whatever
// comes, in whatever order, it does not panic, refuses only with ErrUnusable,
// never gives two parts one serial or two segments one number, and no segment
// has parts that do not add up.
func FuzzSegmenter(f *testing.F) {
	f.Add(false, []byte{0, 0, 0, 3, 0, 0, 3, 11, 184, 3, 11, 184, 1, 2, 0, 3, 11, 184, 5, 0, 0})
	f.Add(true, []byte{0, 0, 0, 2, 4, 0, 2, 4, 0, 2, 4, 0, 4, 9, 9, 2, 4, 0, 6, 0, 0, 2, 4, 0})
	f.Fuzz(func(t *testing.T, isAudio bool, ops []byte) {
		track := videoTrack(media.Rational{Num: 30, Den: 1})
		if isAudio {
			track = audioTrack(48_000)
		}
		d := &driver{
			t: t, track: track, period: &media.Period{}, msn: 100, lastMSN: 100, nextSerial: 7,
			s: packager.NewSegmenter(packager.Config{Kind: track.Kind, PartTarget: partTarget, FirstSerial: 7}),
		}
		const size = 3
		for ; len(ops) >= size; ops = ops[size:] {
			d.do(ops[0], media.Ticks(int16(binary.BigEndian.Uint16(ops[1:]))))
		}
		d.check(d.s.End())
	})
}

// driver keeps what a live stream would know, and what it was told.
type driver struct {
	t      *testing.T
	s      *packager.Segmenter
	track  *media.Track
	period *media.Period
	// at is the DTS of the newest access unit, in the track's timescale.
	at  media.Ticks
	msn uint64

	nextSerial, lastMSN uint64
}

// do is one operation; arg moves time, or names a segment to start again.
func (d *driver) do(op byte, arg media.Ticks) {
	switch op % 8 {
	case 0: // a boundary here
		d.msn++
		d.check(d.s.Boundary(d.boundary(d.at, d.msn)))
	case 1: // the next boundary some time ahead
		d.msn++
		d.check(d.s.Boundary(d.boundary(d.at+max(arg, 0), d.msn)))
	case 2, 3: // an access unit
		d.at += arg
		d.push(media.AccessUnit{Track: d.track, DTS: d.at, PTS: d.at, Duration: 3000, Sync: op%8 == 2, Data: []byte{1}})
	case 4: // a B-frame, or one without data
		d.at += 3000
		d.push(media.AccessUnit{Track: d.track, DTS: d.at, PTS: d.at + arg, Data: make([]byte, arg&1)})
	case 5: // a gap takes the place of the oldest segment that is not out
		if d.msn > d.lastMSN {
			d.check(d.s.Gap(d.boundary(d.at, d.lastMSN+1), d.at+180_000))
		}
	case 6: // other parameters in another period
		track := *d.track
		track.Width += int(arg) & 0xff
		d.track, d.period = &track, &media.Period{Sequence: d.period.Sequence + 1}
	case 7: // the newest segment starts again, or the session ends
		if arg&1 == 0 && d.msn > d.lastMSN {
			d.check(d.s.Boundary(d.boundary(d.at, d.msn)))
			return
		}
		d.check(d.s.End())
	}
}

func (d *driver) boundary(at media.Ticks, msn uint64) media.Boundary {
	return media.Boundary{MSN: msn, PTS: media.Rescale(at, d.track.Timescale, media.VideoTimescale), Period: d.period}
}

func (d *driver) push(au media.AccessUnit) {
	events, err := d.s.Push(au)
	if err != nil && !errors.Is(err, packager.ErrUnusable) {
		d.t.Fatalf("an error that says nothing of the access unit: %v", err)
	}
	d.check(events)
}

func (d *driver) check(events []packager.Event) {
	d.t.Helper()
	for _, event := range events {
		switch e := event.(type) {
		case packager.PartReady:
			if e.Part.Serial != d.nextSerial {
				d.t.Fatalf("part %d follows %d", e.Part.Serial, d.nextSerial-1)
			}
			d.nextSerial++
		case packager.SegmentReady:
			d.segment(e.Segment)
		case packager.PartsDropped:
			if e.MSN <= d.lastMSN {
				d.t.Fatalf("segment %d is void after %d was complete", e.MSN, d.lastMSN)
			}
		}
	}
}

func (d *driver) segment(seg *media.Segment) {
	d.t.Helper()
	if seg.MSN <= d.lastMSN {
		d.t.Fatalf("segment %d after %d", seg.MSN, d.lastMSN)
	}
	d.lastMSN = seg.MSN
	at, size := seg.Start, 0
	for _, part := range seg.Parts {
		if part.Start != at || part.Duration <= 0 || part.MSN != seg.MSN {
			d.t.Fatalf("segment %d: part %d at %d lasts %d, expected at %d", seg.MSN, part.Index, part.Start, part.Duration, at)
		}
		at += part.Duration
		size += len(part.Bytes)
	}
	if !seg.Gap && (len(seg.Parts) == 0 || at != seg.Start+seg.Duration || size != seg.Size) {
		d.t.Fatalf("segment %d: %d parts of %d bytes end at %d; want %d bytes, end at %d",
			seg.MSN, len(seg.Parts), size, at, seg.Size, seg.Start+seg.Duration)
	}
}
