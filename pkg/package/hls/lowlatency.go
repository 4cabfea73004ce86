package hls

import (
	"fmt"
	"strings"
	"time"

	"weir/pkg/media"
)

const (
	// partHoldBack is how far from the edge players stay, in part targets, and
	// holdBack the same for players without parts, in target durations: the
	// least that 4.4.3.8 allows.
	partHoldBack, holdBack = 3, 3
	// skipTargets is what a delta update never skips, in target durations
	// (4.4.3.8: six at least).
	skipTargets = 6
	// partTargets is how far from the edge parts are listed, in target
	// durations (6.2.2).
	partTargets = 3
	// leastPart is the share of PART-TARGET that each part fills at least, but
	// a segment's last (4.4.4.9).
	leastPart = 0.85
)

// LowLatency reports whether the playlists of p list parts: where every
// rendition has a constant rate of which whole frames fill a part. All of them
// do, or none (B.1: EXT-X-SERVER-CONTROL is the same in all).
func LowLatency(p *media.Presentation) bool {
	for _, w := range p.Windows {
		if !fills(w.Rendition, p.PartTarget) {
			return false
		}
	}
	return p.PartTarget > 0 && len(p.Windows) > 0
}

func fills(r *media.Rendition, target float64) bool {
	rate := r.FrameRate.Float()
	if r.Kind == media.Audio {
		const samples = 1024
		rate = float64(r.SampleRate) / samples
	}
	if rate <= 0 {
		return false
	}
	const rounding = 1e-9 // 21 frames of 60 fps fill 0.35 s
	frames := float64(int(target*rate + rounding))
	return frames/rate >= leastPart*target
}

// control writes EXT-X-SERVER-CONTROL (4.4.3.8) and EXT-X-PART-INF (4.4.3.7).
func control(b *strings.Builder, p *media.Presentation) {
	target := float64(p.TargetDuration)
	fmt.Fprintf(b, "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=%.3f,HOLD-BACK=%.3f,PART-HOLD-BACK=%.3f\n",
		skipTargets*target, holdBack*target, partHoldBack*p.PartTarget)
	fmt.Fprintf(b, "#EXT-X-PART-INF:PART-TARGET=%.3f\n", p.PartTarget)
}

// older counts the segments of w that end at least far before the edge.
func older(w *media.Window, far time.Duration) int {
	n := len(w.Segments)
	behind := time.Duration(0)
	for _, part := range w.Open {
		behind += openTimescale(w).Duration(part.Duration)
	}
	for n > 0 && behind < far {
		n--
		behind += length(w, w.Segments[n])
	}
	return n
}

// partsFrom is the index of the first segment whose parts are listed.
func partsFrom(p *media.Presentation, w *media.Window) int {
	return older(w, time.Duration(partTargets*p.TargetDuration)*time.Second)
}

// skippable counts the segments that a delta update leaves out, never all.
func skippable(p *media.Presentation, w *media.Window) int {
	if w.Ended || len(w.Segments) == 0 {
		return 0
	}
	return min(len(w.Segments)-1, older(w, time.Duration(skipTargets*p.TargetDuration)*time.Second))
}

// parts writes EXT-X-PART (4.4.4.9) for each.
func parts(b *strings.Builder, all []*media.Part, scale media.Timescale) {
	for _, part := range all {
		fmt.Fprintf(b, "#EXT-X-PART:DURATION=%.6f,URI=\"part-%d.m4s\"", scale.Duration(part.Duration).Seconds(), part.Serial)
		if part.Independent {
			b.WriteString(",INDEPENDENT=YES")
		}
		b.WriteByte('\n')
	}
}

// edge writes what follows the last complete segment: the parts of the open
// one, the hint at the next part and how far the other renditions are.
func edge(b *strings.Builder, p *media.Presentation, w *media.Window, last *media.Segment) {
	if len(w.Open) > 0 {
		open := &media.Segment{Start: w.Open[0].Start, Period: w.OpenPeriod, Init: w.OpenInit}
		changes(b, open, last)
		if last == nil || last.Period != open.Period { // else it follows from the one before
			date(b, w, open)
		}
		parts(b, w.Open, openTimescale(w))
	}
	// While a rendition rests or has gaps, nobody makes its next part.
	rests := len(w.Open) == 0 && last != nil && (last.Pending || last.Promised || last.Lost || last.Gap)
	if w.NextSerial > 0 && !rests {
		fmt.Fprintf(b, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"part-%d.m4s\"\n", w.NextSerial)
	}
	for _, other := range p.Windows {
		if other != w {
			report(b, other)
		}
	}
}

// report writes EXT-X-RENDITION-REPORT (4.4.5.4).
func report(b *strings.Builder, w *media.Window) {
	next, ok := w.NextMSN()
	if !ok {
		return
	}
	msn, count := next, len(w.Open)
	if count == 0 {
		last := w.Segments[len(w.Segments)-1]
		msn, count = last.MSN, len(last.Parts)
		if last.Promised {
			count = 0
		}
	}
	fmt.Fprintf(b, "#EXT-X-RENDITION-REPORT:URI=\"../%s\",LAST-MSN=%d", playlistURI(w.Rendition), msn)
	if count > 0 {
		fmt.Fprintf(b, ",LAST-PART=%d", count-1)
	}
	b.WriteByte('\n')
}

func openTimescale(w *media.Window) media.Timescale {
	return timescale(&media.Segment{Init: w.OpenInit}, w)
}
