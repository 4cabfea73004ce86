package verify

import (
	"net/http"
	"time"
)

func rulesLow() []rule {
	return []rule{
		{"LL-CONTROL", "RFC 8216bis 4.4.3.8", "hold-backs and skip boundary are far enough, and the same in all renditions", checkControl},
		{"LL-PART-DURATION", "RFC 8216bis 4.4.4.9", "no part exceeds PART-TARGET; all but a segment's last fill 85 % of it", checkPartDurations},
		{"LL-PART-SUM", "RFC 8216bis 4.4.4.9", "a segment's parts last as long as the segment", checkPartSums},
		{"LL-PART-KEPT", "RFC 8216bis 6.2.2", "a part keeps its place and its URI", checkPartsKept},
		{"LL-RELOAD", "RFC 8216bis 6.2.5.2", "a blocking reload is answered in time, with what it asked for", checkReload},
		{"LL-HINT", "RFC 8216bis 4.4.5.3", "a hint can be asked for before it is there, and comes true", checkHint},
		{"LL-DELTA", "RFC 8216bis 6.2.5.1", "a delta update says what the full playlist says", checkDelta},
		{"LL-TOO-FAR", "RFC 8216bis 6.2.5.2", "who asks for what is too far ahead is answered with 400", checkTooFar},
		{"LL-REPORT", "RFC 8216bis 4.4.5.4", "rendition reports are there, and true", checkReports},
	}
}

// eachLow visits every reading of every playlist that has parts.
func eachLow(o *observations, visit func(r *rendition, p playlist)) {
	for _, r := range o.renditions {
		for _, p := range r.playlists {
			if p.partTarget > 0 {
				visit(r, p)
			}
		}
	}
}

// control is what EXT-X-SERVER-CONTROL and EXT-X-PART-INF say.
type control struct{ skipUntil, holdBack, partHoldBack, partTarget time.Duration }

func checkControl(o *observations) verdict {
	t := newTally("playlists")
	var first control
	eachLow(o, func(r *rendition, p playlist) {
		now := control{p.skipUntil, p.holdBack, p.partHoldBack, p.partTarget}
		if t.checked == 0 {
			first = now
		}
		target := time.Duration(p.target) * time.Second
		t.check(p.partHoldBack >= 3*p.partTarget, "%s: PART-HOLD-BACK %v, less than three parts of %v", r.name, p.partHoldBack, p.partTarget)
		t.check(p.holdBack == 0 || p.holdBack >= 3*target, "%s: HOLD-BACK %v, less than three target durations", r.name, p.holdBack)
		t.check(p.skipUntil == 0 || p.skipUntil >= 6*target, "%s: CAN-SKIP-UNTIL %v, less than six target durations", r.name, p.skipUntil)
		t.check(now == first, "%s: says %v where %v was said before", r.name, now, first)
	})
	return t.verdict()
}

func checkPartDurations(o *observations) verdict {
	t := newTally("parts")
	const rounding = time.Millisecond
	eachLow(o, func(r *rendition, p playlist) {
		check := func(all []part) {
			for i, one := range all {
				isLast := i == len(all)-1
				t.check(one.duration <= p.partTarget+rounding, "%s: %s lasts %v, PART-TARGET is %v", r.name, one.url, one.duration, p.partTarget)
				t.check(isLast || one.gap || one.duration+rounding >= p.partTarget*85/100, "%s: %s lasts %v, less than 85 %% of %v", r.name, one.url, one.duration, p.partTarget)
			}
		}
		for _, e := range p.entries {
			check(e.parts)
		}
		// Its newest part may be the segment's last, which is listed just before the
		// segment is. If it is not, the next reading shows it.
		check(p.open)
	})
	return t.verdict()
}

func checkPartSums(o *observations) verdict {
	t := newTally("segments")
	eachLow(o, func(r *rendition, p playlist) {
		for _, e := range p.entries {
			var sum time.Duration
			for _, one := range e.parts {
				sum += one.duration
			}
			t.check(len(e.parts) == 0 || (sum-e.duration).Abs() <= slack, "%s: the parts of segment %d last %v, the segment %v", r.name, e.msn, sum, e.duration)
		}
	})
	return t.verdict()
}

func checkPartsKept(o *observations) verdict {
	t := newTally("parts")
	for _, r := range o.renditions {
		places := map[string]edge{}
		note := func(all []part, msn uint64) {
			for i, one := range all {
				at, known := places[one.url]
				t.check(!known || at == edge{msn, i}, "%s: %s was part %d of segment %d and became part %d of %d", r.name, one.url, at.part, at.msn, i, msn)
				places[one.url] = edge{msn, i}
			}
		}
		for _, p := range r.playlists {
			for _, e := range p.entries {
				note(e.parts, e.msn)
			}
			note(p.open, p.sequence+uint64(p.skipped+len(p.entries)))
		}
	}
	return t.verdict()
}

// partAt is part n of segment msn in p. A part behind the last is the next
// segment's first.
func (p playlist) partAt(msn uint64, n int) (part, bool) {
	for _, e := range p.entries {
		if e.msn != msn {
			continue
		}
		if n < len(e.parts) {
			return e.parts[n], true
		}
		return p.partAt(msn+1, 0)
	}
	if msn == p.sequence+uint64(p.skipped+len(p.entries)) && n < len(p.open) {
		return p.open[n], true
	}
	return part{}, false
}

// isGap reports whether p says that segment msn does not exist: it has no parts
// then, and an answer that lists it is one.
func (p playlist) isGap(msn uint64) bool {
	for _, e := range p.entries {
		if e.msn == msn {
			return e.gap
		}
	}
	return false
}

// heldTargets is the longest that a request is held, in target durations, and
// tripTime what its way may add.
const (
	heldTargets = 3
	tripTime    = time.Second
)

func checkReload(o *observations) verdict {
	t := newTally("reloads")
	for _, l := range o.low {
		limit := time.Duration(heldTargets*l.before.target)*time.Second + tripTime
		t.check(l.reload.ok(), "%s: part %d of segment %d: %s", l.name, l.part, l.msn, l.reload.problem())
		if l.reload.ok() && l.reload.endlists == 0 {
			_, ok := l.reload.partAt(l.msn, l.part)
			t.check(ok || l.reload.isGap(l.msn), "%s: the answer has no part %d of segment %d", l.name, l.part, l.msn)
			t.check(l.reload.took <= limit, "%s: answered after %v", l.name, l.reload.took)
		}
	}
	return t.verdict()
}

func checkHint(o *observations) verdict {
	t := newTally("hints")
	for _, l := range o.low {
		if l.before.hint == "" || l.reload.endlists > 0 {
			continue
		}
		t.check(l.hint.ok() && l.hinted.readable(), "%s: %s", l.name, l.hint)
		if came, ok := l.reload.partAt(l.msn, l.part); ok {
			t.check(came.url == l.before.hint, "%s: %s was hinted at, and %s came", l.name, l.before.hint, came.url)
		}
	}
	return t.verdict()
}

func checkDelta(o *observations) verdict {
	t := newTally("delta updates")
	for _, l := range o.low {
		if l.before.skipUntil == 0 {
			continue
		}
		t.check(l.delta.ok(), "%s: %s", l.name, l.delta.problem())
		if !l.delta.ok() || !l.full.ok() {
			continue
		}
		full := map[uint64]entry{}
		for _, e := range l.full.entries {
			full[e.msn] = e
		}
		behind := l.delta.length()
		for _, one := range l.delta.open {
			behind += one.duration
		}
		t.check(l.delta.skipped == 0 || behind >= l.before.skipUntil, "%s: skips up to %v before the edge, CAN-SKIP-UNTIL is %v", l.name, behind, l.before.skipUntil)
		for _, e := range l.delta.entries {
			want, ok := full[e.msn]
			if fault := differ(e, want); ok && fault != "" {
				t.check(false, "%s: segment %d has another %s than in the full playlist", l.name, e.msn, fault)
			}
		}
	}
	return t.verdict()
}

// differ names what differs between two readings of a segment, "" for nothing.
// Parts may have been removed, and a discontinuity number needs those before it.
func differ(a, b entry) string {
	switch {
	case a.url != b.url:
		return "URI"
	case a.duration != b.duration:
		return "duration"
	case !a.date.Equal(b.date):
		return "date"
	case a.gap != b.gap:
		return "EXT-X-GAP"
	case a.init != b.init:
		return "EXT-X-MAP"
	}
	for i := range min(len(a.parts), len(b.parts)) {
		if a.parts[i] != b.parts[i] {
			return "part"
		}
	}
	return ""
}

func checkTooFar(o *observations) verdict {
	t := newTally("renditions")
	for _, l := range o.low {
		t.check(l.tooFar.status == http.StatusBadRequest, "%s: ten segments ahead brought %d, want 400", l.name, l.tooFar.status)
	}
	return t.verdict()
}

func checkReports(o *observations) verdict {
	t := newTally("reports")
	for _, l := range o.low {
		if want := len(o.renditions) - 1; l.before.endlists == 0 && len(l.siblings) != want {
			t.check(false, "%s: reports on %d renditions, there are %d others", l.name, len(l.siblings), want)
		}
		for _, s := range l.siblings {
			at := edge{s.msn, s.part}
			t.check(s.known, "%s: reports on %s, which is no playlist of the stream", l.name, s.url)
			if !s.known {
				continue
			}
			t.check(s.after.atLeast(at), "%s: says that %s has part %d of segment %d before it has", l.name, s.url, s.part, s.msn)
			// It may be as old as the playlist that it stands in.
			t.check(at.msn+1 >= s.before.msn, "%s: says that %s ends with segment %d, it ends with %d", l.name, s.url, s.msn, s.before.msn)
		}
	}
	return t.verdict()
}
