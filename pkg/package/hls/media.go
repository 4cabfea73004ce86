package hls

import (
	"fmt"
	"strings"
	"time"

	"weir/pkg/media"
)

// MediaPlaylist writes the playlist of one rendition of p (4.4.3, 4.4.4). The
// full form of a low-latency stream has parts.
func MediaPlaylist(p *media.Presentation, w *media.Window, form Form) []byte {
	l := listing{version: version, withParts: len(w.Segments)}
	l.isLow = form != Plain && LowLatency(p)
	if l.isLow {
		l.withParts = partsFrom(p, w)
	}
	if l.isLow && form == Delta {
		l.skipped = skippable(p, w)
	}
	if l.skipped > 0 {
		l.version = deltaVersion
	}
	var b strings.Builder
	header(&b, l.version)
	fmt.Fprintf(&b, "#EXT-X-TARGETDURATION:%d\n", p.TargetDuration)
	if l.isLow {
		control(&b, p)
	}
	b.WriteString("#EXT-X-INDEPENDENT-SEGMENTS\n")
	sequences(&b, w)
	last := l.segments(&b, w)
	if l.isLow && !w.Ended {
		edge(&b, p, w, last)
	}
	end(&b, w)
	return []byte(b.String())
}

// listing is what a media playlist lists, and how.
type listing struct {
	version int
	isLow   bool
	// skipped is how many segments a delta update leaves out; withParts is the
	// index of the first whose parts are listed.
	skipped, withParts int
}

// segments writes the complete segments and returns the last of them.
func (l listing) segments(b *strings.Builder, w *media.Window) (last *media.Segment) {
	if l.skipped > 0 {
		fmt.Fprintf(b, "#EXT-X-SKIP:SKIPPED-SEGMENTS=%d\n", l.skipped)
		last = w.Segments[l.skipped-1]
		if first := w.Segments[l.skipped]; first.Init != nil && first.Init == last.Init {
			initTag(b, first) // for readers that do not keep the one they know
		}
	}
	for i, seg := range w.Segments[l.skipped:] {
		segmentTags(b, w, seg, last)
		if l.skipped+i >= l.withParts && !seg.Promised {
			parts(b, seg.Parts, timescale(seg, w))
		}
		extinf(b, w, seg)
		segmentURI(b, seg)
		last = seg
	}
	return last
}

// sequences writes where the playlist begins (4.4.3.2, 4.4.3.3).
func sequences(b *strings.Builder, w *media.Window) {
	if len(w.Segments) > 0 {
		first := w.Segments[0]
		fmt.Fprintf(b, "#EXT-X-MEDIA-SEQUENCE:%d\n", first.MSN)
		fmt.Fprintf(b, "#EXT-X-DISCONTINUITY-SEQUENCE:%d\n", first.Period.Sequence)
	}
}

// segmentTags writes what stands before the duration of a media segment; last is
// the one before, nil for the first.
func segmentTags(b *strings.Builder, w *media.Window, seg, last *media.Segment) {
	changes(b, seg, last)
	date(b, w, seg)
	if seg.Gap {
		b.WriteString("#EXT-X-GAP\n")
	}
}

// changes writes how seg differs from the segment before it.
func changes(b *strings.Builder, seg, last *media.Segment) {
	if last != nil {
		// A period without segments in this window still counts (4.4.3.3).
		for n := last.Period.Sequence; n < seg.Period.Sequence; n++ {
			b.WriteString("#EXT-X-DISCONTINUITY\n")
		}
	}
	if seg.Init != nil && (last == nil || last.Init == nil || last.Init.Hash != seg.Init.Hash) {
		initTag(b, seg)
	}
}

func date(b *strings.Builder, w *media.Window, seg *media.Segment) {
	fmt.Fprintf(b, "#EXT-X-PROGRAM-DATE-TIME:%s\n", timescale(seg, w).Time(seg.Start).Format("2006-01-02T15:04:05.000Z07:00"))
}

func initTag(b *strings.Builder, seg *media.Segment) {
	fmt.Fprintf(b, "#EXT-X-MAP:URI=\"init-%s.mp4\"\n", seg.Init.Hash)
}

func extinf(b *strings.Builder, w *media.Window, seg *media.Segment) {
	fmt.Fprintf(b, "#EXTINF:%.6f,\n", length(w, seg).Seconds())
}

func segmentURI(b *strings.Builder, seg *media.Segment) { fmt.Fprintf(b, "%d.m4s\n", seg.Start) }

func end(b *strings.Builder, w *media.Window) {
	if w.Ended {
		b.WriteString("#EXT-X-ENDLIST\n")
	}
}

func length(w *media.Window, seg *media.Segment) time.Duration {
	return timescale(seg, w).Duration(seg.Duration)
}

// timescale is that of a segment of w. Its own init segment knows it best: a
// publisher may come back with another sampling rate.
func timescale(seg *media.Segment, w *media.Window) media.Timescale {
	if seg.Init != nil {
		return seg.Init.Track.Timescale
	}
	return w.Rendition.Timescale
}
