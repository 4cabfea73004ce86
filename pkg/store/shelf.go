package store

import (
	"slices"
	"time"

	"weir/pkg/media"
)

const (
	// leastSegments are listed whatever their durations: RFC 8216bis, 6.2.2,
	// asks for three target durations.
	leastSegments = 3
	// slack lets audio, cut at the frame nearest to the video's boundary,
	// list the same segments as video.
	slack = 50 * time.Millisecond
	// leastDuration is what a segment counts at least, so that a publisher of
	// many short sessions cannot fill the memory.
	leastDuration = 100 * time.Millisecond
)

// shelf is what can be fetched of one rendition besides the open parts: the
// listed segments and those that have left the playlist. A shelf in a view is
// never written; the writer changes a copy and gives it new slices.
type shelf struct {
	// segments are oldest first; the last ones are those that are listed.
	segments []kept
	// strays are parts of segments that were started again or given up.
	strays []strayPart
	// added is the media time of all segments that ever came.
	added time.Duration

	// inits are oldest first; the last one is that of what follows.
	inits []keptInit
}

// kept is a segment with its start beside it, so that a look-up touches one
// stretch of memory.
type kept struct {
	start media.Ticks
	*media.Segment
	// left is the value of shelf.added when the segment left the playlist,
	// negative while it is listed.
	left time.Duration
}

// strayPart is a part without a segment, taken back at left.
type strayPart struct {
	*media.Part
	left time.Duration
}

// keptInit is an init segment that was replaced when shelf.added was at left.
type keptInit struct {
	*media.Init
	left time.Duration
}

func (s *shelf) setInit(init *media.Init) {
	s.inits = append(slices.Clone(s.inits), keptInit{Init: init})
	if n := len(s.inits); n > 1 {
		s.inits[n-2].left = s.added
	}
}

// newestInit is that of what follows, nil before the first.
func (s *shelf) newestInit() *media.Init {
	if len(s.inits) == 0 {
		return nil
	}
	return s.inits[len(s.inits)-1].Init
}

// stray keeps those of parts that are not among adopted.
func (s *shelf) stray(parts, adopted []*media.Part) {
	for _, p := range parts {
		if _, there := among(adopted, p.Serial); !there {
			s.strays = append(slices.Clip(s.strays), strayPart{Part: p, left: s.added})
		}
	}
}

// add puts seg on the shelf, forgets what nobody may ask for any more, and
// returns the new listing.
func (s *shelf) add(listed []*media.Segment, seg *media.Segment, window time.Duration, scale media.Timescale) []*media.Segment {
	s.added += length(seg, scale)
	listing := slide(listed, seg, window, scale)
	s.segments = append(slices.Clone(s.segments), kept{start: seg.Start, Segment: seg, left: -1})
	first := len(s.segments) - len(listing)
	longest := time.Duration(0)
	for i := range s.segments {
		k := &s.segments[i]
		longest = max(longest, length(k.Segment, scale))
		if i < first && k.left < 0 {
			k.left = s.added
		}
	}
	s.forget(window+longest, first)
	return listing
}

// retire makes everything here as if it had just left the playlist.
func (s *shelf) retire() {
	s.segments = slices.Clone(s.segments)
	for i := range s.segments {
		if s.segments[i].left < 0 {
			s.segments[i].left = s.added
		}
	}
}

// newest is the highest sequence number that was added; ok is false before
// the first.
func (s *shelf) newest() (msn uint64, ok bool) {
	if len(s.segments) == 0 {
		return 0, false
	}
	return s.segments[len(s.segments)-1].MSN, true
}

// forget drops what left the playlist more than keep of media time ago. The
// segments from the index first on are listed.
func (s *shelf) forget(keep time.Duration, first int) {
	old := 0
	for old < first && s.added-s.segments[old].left >= keep {
		old++
	}
	s.segments = slices.Clone(s.segments[old:])
	s.strays = slices.DeleteFunc(slices.Clone(s.strays), func(p strayPart) bool {
		return s.added-p.left >= keep
	})
	newest := s.newestInit()
	s.inits = slices.DeleteFunc(slices.Clone(s.inits), func(k keptInit) bool {
		return k.Init != newest && s.added-k.left >= keep && !s.needs(k.Init)
	})
}

func (s *shelf) needs(init *media.Init) bool {
	return slices.ContainsFunc(s.segments, func(k kept) bool { return k.Init == init })
}

// slide appends seg to the listing and takes away from its head what is not
// needed for a full window.
func slide(listed []*media.Segment, seg *media.Segment, window time.Duration, scale media.Timescale) []*media.Segment {
	if n := len(listed); n > 0 && seg.MSN != listed[n-1].MSN+1 {
		listed = nil
	}
	listing := append(slices.Clone(listed), seg)
	total := time.Duration(0)
	for _, one := range listing {
		total += length(one, scale)
	}
	first := 0
	for len(listing)-first > leastSegments {
		rest := total - length(listing[first], scale)
		if rest < window-slack {
			break
		}
		total = rest
		first++
	}
	return slices.Clone(listing[first:])
}

// length is a segment's duration. Its own init knows the timescale best: a
// publisher may come back with another sampling rate.
func length(seg *media.Segment, scale media.Timescale) time.Duration {
	if seg.Init != nil && seg.Init.Track != nil {
		scale = seg.Init.Track.Timescale
	}
	if scale == 0 {
		return leastDuration
	}
	return max(scale.Duration(seg.Duration), leastDuration)
}
