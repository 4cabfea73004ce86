package libav

import (
	"maps"
	"slices"
	"testing"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/media"
	"weir/pkg/transcode"
)

// shown is a picture of a file, counted in order of presentation.
type shown struct {
	file  string
	index int
}

// recording is what a publisher sends, in FLV's milliseconds.
type recording struct {
	units []media.AccessUnit
	// pictures has the place of each unit, by its first byte, which nothing
	// on the way copies.
	pictures map[*byte]shown
}

// record reads a file as RTMP would bring it: times from 0 on, in whole
// milliseconds, Sync on IDR pictures alone where the codec is H.264.
func record(tb testing.TB, file string) recording {
	tb.Helper()
	c := readClip(tb, file, "v:0")
	r := recording{pictures: map[*byte]shown{}}
	var times []media.Ticks
	for _, au := range c.units {
		times = append(times, au.PTS)
	}
	slices.Sort(times)
	begin := c.units[0].DTS
	track := *c.track
	track.Timescale = 1000
	for _, au := range c.units {
		place, _ := slices.BinarySearch(times, au.PTS)
		r.pictures[&au.Data[0]] = shown{file, place}
		au.Track = &track
		au.DTS, au.PTS = (au.DTS-begin)/90, (au.PTS-begin)/90
		if track.Codec == media.H264 {
			au.Sync = idr(au.Data)
		}
		r.units = append(r.units, au)
	}
	return r
}

func idr(data []byte) bool {
	return slices.ContainsFunc(nalUnits(data), func(nal []byte) bool { return nal[0]&0x1f == 5 })
}

// keyframe is the index of the n-th IDR unit, from 0.
func (r *recording) keyframe(n int) int {
	for i, au := range r.units {
		if !au.Sync {
			continue
		}
		if n == 0 {
			return i
		}
		n--
	}
	return len(r.units)
}

// shift moves the units from the i-th on by a time.
func (r *recording) shift(i int, by time.Duration) {
	for k := range r.units[i:] {
		r.units[i+k].DTS += media.Ticks(by.Milliseconds())
		r.units[i+k].PTS += media.Ticks(by.Milliseconds())
	}
}

// follow appends another recording a frame later.
func (r *recording) follow(next recording) {
	n := len(r.units)
	at := 2*r.units[n-1].DTS - r.units[n-2].DTS
	r.units = append(r.units, next.units...)
	r.shift(n, time.Duration(at)*time.Millisecond)
	maps.Copy(r.pictures, next.pictures)
}

// repaired is what ingest hands to the worker of it.
func (r *recording) repaired() (units []media.AccessUnit) {
	line := ingest.NewTimeline(ingest.TimelineConfig{Anchor: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)})
	keep := func(out []media.AccessUnit) {
		for _, au := range out {
			if au.Track.Kind == media.Video {
				units = append(units, au)
			}
		}
	}
	for _, au := range r.units {
		keep(line.Push(au))
	}
	keep(line.End())
	return units
}

// cut places boundaries as live does: at the source's keyframes every two
// seconds, or, for encoders alone, at the first picture of each two seconds
// that follow a boundary. They are keyed by the unit that they go before.
func cut(units []media.AccessUnit, atKeys bool) map[int]transcode.BoundaryAt {
	const length, msn = 2 * 90_000, 100
	at := map[int]transcode.BoundaryAt{}
	var start media.Ticks
	fresh := true
	for i, au := range units {
		mark := start + length - au.Duration/4
		fresh = fresh || au.Discontinuity
		switch {
		case fresh && !au.Sync, !fresh && (au.PTS < mark || atKeys && !au.Sync):
			continue
		case fresh || atKeys:
			start = au.PTS
		case au.Duration > 0:
			start = firstFrom(units, mark)
		default:
			start = mark
		}
		fresh = false
		at[i] = transcode.BoundaryAt{MSN: msn + uint64(len(at)), PTS: start}
	}
	return at
}

// firstFrom is the PTS of the first picture presented at a time or after it.
func firstFrom(units []media.AccessUnit, at media.Ticks) media.Ticks {
	first := media.Ticks(1 << 62)
	for _, au := range units {
		if au.PTS >= at {
			first = min(first, au.PTS)
		}
	}
	return first
}

// converse is what the gateway says for repaired units.
func converse(units []media.AccessUnit, at map[int]transcode.BoundaryAt) (messages []transcode.Message) {
	var track *media.Track
	for i, au := range units {
		if b, ok := at[i]; ok {
			messages = append(messages, b)
		}
		if au.Track != track {
			track = au.Track
			messages = append(messages, transcode.TrackChange{Track: *track})
		}
		messages = append(messages, transcode.Unit{AU: au})
	}
	return append(messages, transcode.End{})
}
