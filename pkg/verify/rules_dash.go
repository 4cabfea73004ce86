package verify

import (
	"strings"
	"time"
)

func rulesDASH() []rule {
	return []rule{
		{"DASH-SYNTAX", "ISO 23009-1 5.2", "every MPD can be read", checkManifests},
		{"DASH-DYNAMIC", "ISO 23009-1 5.3.1.2", "dynamic, with a constant availabilityStartTime", checkDynamic},
		{"DASH-PUBLISH-TIME", "ISO 23009-1 5.3.1.2", "publishTime never goes back", checkPublishTime},
		{"DASH-TIMELINE", "ISO 23009-1 5.3.9.6", "segments follow each other; a hole is as long as a segment", checkTimeline},
		{"DASH-FETCHABLE", "ISO 23009-1 5.3.9.5", "every segment listed can be fetched", checkFetchable},
		{"DASH-TFDT", "ISO 23009-1 5.3.9.6", "tfdt is $Time$, and @d is the media's duration", checkTime},
		{"DASH-PERIOD", "ISO 23009-1 5.3.2, 5.3.9.2", "Period@start and presentationTimeOffset place media inside its period, as HLS dates it", checkPlaces},
		{"DASH-REPRESENTATION", "ISO 23009-1 5.3.5", "codecs and size are those of the init segment", checkRepresentation},
		{"DASH-UTCTIMING", "ISO 23009-1 5.8.4.11", "the clock answers and is within 1 s", checkClock},
	}
}

func checkManifests(o *observations) verdict {
	t := newTally("MPDs")
	t.checked = len(o.manifests)
	for _, u := range o.unread {
		if u.kind == kindManifest {
			t.check(false, "%s: %s", u.url, u.fault)
		}
	}
	return t.verdict()
}

// checkDynamic lets an MPD turn static, once: that is how a live stream ends.
func checkDynamic(o *observations) verdict {
	t := newTally("MPDs")
	var first, last manifest
	for i, m := range o.manifests {
		if i == 0 {
			first, last = m, m
		}
		switch m.kind {
		case "dynamic":
			t.check(last.kind == m.kind, "it became dynamic again")
			if m.availability == "" || first.kind == m.kind && m.availability != first.availability {
				t.check(false, "availabilityStartTime %q, at first %q", m.availability, first.availability)
			}
		default:
			t.check(first.kind == "dynamic", "type %q from the beginning; the stream has ended", m.kind)
		}
		last = m
	}
	return t.verdict()
}

func checkPublishTime(o *observations) verdict {
	t := newTally("MPDs")
	var last time.Time
	for _, m := range o.manifests {
		if m.kind != "dynamic" {
			continue
		}
		t.check(!m.publish.IsZero() && !m.publish.Before(last), "%v after %v", m.publish, last)
		last = m.publish
	}
	return t.verdict()
}

func checkTimeline(o *observations) verdict {
	t := newTally("segments")
	for r := range o.representations() {
		var longest, end uint64
		for _, e := range r.entries {
			longest = max(longest, e.duration)
		}
		for i, e := range r.entries {
			if i == 0 || e.time == end {
				t.check(true, "")
			} else {
				// A missing segment leaves a hole of about its own length;
				// anything shorter is an error of arithmetic.
				t.check(e.time > end && e.time-end >= longest/4, "%s: a segment at %d after one that ends at %d", r.id, e.time, end)
			}
			end = e.time + e.duration
		}
	}
	return t.verdict()
}

// eachTimed visits every segment of every MPD once, with the first
// Representation that lists it.
func (o *observations) eachTimed(visit func(r representation, start time.Duration, e timed)) {
	known := map[string]bool{}
	for r, start := range o.representations() {
		for _, e := range r.entries {
			if !known[e.url] {
				known[e.url] = true
				visit(r, start, e)
			}
		}
	}
}

func checkFetchable(o *observations) verdict {
	t := newTally("segments")
	o.eachTimed(func(_ representation, _ time.Duration, e timed) {
		s := o.segments[e.url]
		t.check(s != nil && s.size > 0, "%s", e.url)
	})
	return t.verdict()
}

func checkTime(o *observations) verdict {
	t := newTally("segments")
	o.eachTimed(func(r representation, _ time.Duration, e timed) {
		s := o.segments[e.url]
		if !s.readable() {
			return
		}
		t.check(s.start() == e.time, "%s: $Time$ %d, tfdt %d", r.id, e.time, s.start())
		if s.end()-s.start() != e.duration {
			t.check(false, "%s: segment %d has d=%d and lasts %d", r.id, e.time, e.duration, s.end()-s.start())
		}
	})
	return t.verdict()
}

// early is by how much audio may begin before its period, which video opens:
// half an AAC frame at 8 kHz.
const early = 64 * time.Millisecond

func checkPlaces(o *observations) verdict {
	t := newTally("segments")
	dates := map[string]time.Time{}
	for _, track := range o.tracksHLS() {
		for _, l := range track.pieces {
			dates[l.url] = l.date
		}
	}
	var epoch time.Time
	for _, m := range o.manifests {
		if m.kind == "dynamic" && instant(m.availability, &epoch) != nil {
			return t.verdict() // DASH-DYNAMIC says so
		}
	}
	o.eachTimed(func(r representation, start time.Duration, e timed) {
		into := clockTime(e.time, r.timescale) - clockTime(r.offset, r.timescale)
		t.check(into >= -early, "%s: segment %d is %v before its period", r.id, e.time, -into)
		date := dates[e.url]
		if date.IsZero() || !r.live {
			return
		}
		if off := epoch.Add(start + into).Sub(date); off.Abs() > slack {
			t.check(false, "%s: segment %d is %v off its EXT-X-PROGRAM-DATE-TIME", r.id, e.time, off)
		}
	})
	return t.verdict()
}

func checkRepresentation(o *observations) verdict {
	t := newTally("Representations")
	for r := range o.representations() {
		init := o.inits[r.init]
		if init == nil || init.fault != "" {
			continue
		}
		isRight := strings.EqualFold(r.codecs, init.codecs) &&
			(!init.isVideo() || r.width == init.width && r.height == init.height)
		t.check(isRight, "%s: %s %dx%d, the init segment has %s %dx%d", r.id, r.codecs, r.width, r.height, init.codecs, init.width, init.height)
	}
	return t.verdict()
}

func checkClock(o *observations) verdict {
	t := newTally("clocks")
	if o.clock == nil {
		if len(o.manifests) > 0 && o.manifests[0].kind == "dynamic" {
			t.check(false, "the MPD names no clock")
		}
		return t.verdict()
	}
	t.check(o.clock.fault == "", "%s: %s", o.clock.url, o.clock.fault)
	if off := o.clock.ahead.Abs() - o.clock.trip/2; o.clock.fault == "" && off > time.Second {
		t.check(false, "%s is %v ahead of the clock here", o.clock.url, o.clock.ahead)
	}
	return t.verdict()
}
