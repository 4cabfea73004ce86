package ingest

import (
	"math"

	"weir/pkg/media"
)

const (
	// placedPictures is how many pictures of the default track are remembered, and
	// patientPictures how many may come of it before a picture of another track
	// that none of them is the counterpart of is given up: more than any encoder
	// reorders.
	placedPictures  = 64
	patientPictures = 32
	// heldPictures is how much of one other track may wait for the default one.
	heldPictures = 256
)

// placedPicture is where a picture of the default track stood and stands.
type placedPicture struct {
	raw, pts media.Ticks
	run      uint64
}

// otherTracks gives the pictures of further video tracks their times. They show
// what the default track shows at another quality, with the same timestamps: each
// gets the presentation time of the picture beside it in the default track, and
// keeps its own reordering. Repairs of the default track's time are theirs as
// well, and they can be cut at the same boundaries.
type otherTracks struct {
	placed [placedPictures]placedPicture
	// count counts the pictures of the default track, run its runs.
	count, run uint64
	tracks     []*otherTrack
}

// otherTrack is one of them.
type otherTrack struct {
	number int
	// source is the track as it came, track as it leaves, made for a default track
	// of the frame rate rate.
	source, track *media.Track
	rate          media.Rational
	held          []heldPicture
	lastDTS       media.Ticks
	run           uint64
	emitted       bool
}

// heldPicture waits for its counterpart; since is the number of the default
// track's pictures when it came.
type heldPicture struct {
	raw   media.AccessUnit
	since uint64
}

// push takes a picture of a further track.
func (o *otherTracks) push(t *Timeline, raw media.AccessUnit) {
	track := o.track(raw.Track.Number)
	if len(track.held) == heldPictures { // the default track's are late
		t.repairs.Unusable++
		track.drop(1)
	}
	track.held = append(track.held, heldPicture{raw: raw, since: o.count})
	o.release(t, track)
}

func (o *otherTracks) track(number int) *otherTrack {
	for _, one := range o.tracks {
		if one.number == number {
			return one
		}
	}
	one := &otherTrack{number: number}
	o.tracks = append(o.tracks, one)
	return one
}

// follow notes that the default track's picture raw has become out.
func (o *otherTracks) follow(t *Timeline, raw media.AccessUnit, out *media.AccessUnit) {
	if out.Discontinuity {
		o.run++
	}
	o.placed[o.count%placedPictures] = placedPicture{raw: raw.PTS, pts: out.PTS, run: o.run}
	o.count++
	for _, track := range o.tracks {
		o.release(t, track)
	}
}

// release returns what has found its counterpart, in decode order.
func (o *otherTracks) release(t *Timeline, track *otherTrack) {
	for len(track.held) > 0 {
		head := &track.held[0]
		if at, ok := o.counterpart(&t.clock, head.raw.PTS); ok {
			track.emit(t, head.raw, at)
		} else if o.count-head.since < patientPictures {
			return
		} else {
			t.repairs.Unusable++
		}
		track.drop(1)
	}
}

// counterpart finds the picture of the default track that was presented at the
// source's time raw.
func (o *otherTracks) counterpart(clock *sourceClock, raw media.Ticks) (placedPicture, bool) {
	tolerance := max(int64(clock.timescale)/1000, 1)
	for i := range min(o.count, placedPictures) {
		p := o.placed[(o.count-1-i)%placedPictures]
		if d := clock.distance(int64(raw - p.raw)); -tolerance <= d && d <= tolerance {
			return p, true
		}
	}
	return placedPicture{}, false
}

// emit returns the picture raw at the time of its counterpart, through t.out.
func (o *otherTrack) emit(t *Timeline, raw media.AccessUnit, at placedPicture) {
	rate := t.video.grid.rate
	if raw.Track != o.source || rate != o.rate {
		o.adopt(raw.Track, rate)
	}
	out := raw
	out.Track, out.PTS, out.Duration = o.track, at.pts, o.track.FrameDuration()
	offset := media.Rescale(media.Ticks(t.clock.distance(int64(raw.PTS-raw.DTS))), t.clock.timescale, media.VideoTimescale)
	if offset = min(max(offset, 0), maxComposition); rate.Known() {
		offset = rate.Ticks(int64(math.Round(float64(offset)*rate.Float()/float64(second))), media.VideoTimescale)
	}
	out.DTS = out.PTS - offset
	out.Discontinuity = !o.emitted || at.run != o.run
	if o.emitted && out.DTS <= o.lastDTS {
		t.repairs.Unusable++
		return
	}
	o.emitted, o.lastDTS, o.run = true, out.DTS, at.run
	t.out = append(t.out, out)
}

// adopt takes a track's parameters. Its frame rate is the default one's, or a
// whole fraction of it where its own parameters say so.
func (o *otherTrack) adopt(source *media.Track, rate media.Rational) {
	o.source, o.rate = source, rate
	track := *source
	track.Timescale, track.FrameRate = media.VideoTimescale, rate
	if own := believable(source.FrameRate); rate.Known() && own.Known() {
		fraction := int(math.Round(rate.Float() / own.Float()))
		if fraction > 1 && math.Abs(rate.Float()/float64(fraction)-own.Float()) < own.Float()/100 {
			track.FrameRate = reduced(rate.Num, rate.Den*fraction)
		}
	}
	o.track = &track
}

// drop forgets the oldest held pictures.
func (o *otherTrack) drop(n int) {
	left := copy(o.held, o.held[n:])
	clear(o.held[left:])
	o.held = o.held[:left]
}
