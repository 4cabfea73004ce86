package live

import (
	"testing"

	"pgregory.net/rapid"

	"weir/pkg/media"
)

// TestReplayBeginsAtAKeyframe cuts any source, as passthrough and as encoded,
// and asks for any of its segments.
func TestReplayBeginsAtAKeyframe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := make([]byte, 1_000_000)
		r := replay{keep: media.Ticks(rapid.IntRange(0, 60).Draw(t, "keep"))}
		anywhere := rapid.Bool().Draw(t, "cuts anywhere")
		size := rapid.SampledFrom([]int{1, 1_000_000}).Draw(t, "size")
		var all []step
		msn, open, at := uint64(100), media.Ticks(0), map[uint64]media.Ticks{}
		for i := range rapid.IntRange(1, 150).Draw(t, "pictures") {
			sync := i == 0 || rapid.IntRange(0, 9).Draw(t, "sync") == 0
			if i == 0 || ((sync || anywhere) && rapid.IntRange(0, 3).Draw(t, "cut") == 0) {
				b := media.Boundary{MSN: msn, PTS: media.Ticks(i)}
				all = append(all, step{boundary: b, cuts: true})
				r.cut(b)
				open, at[msn] = b.PTS, b.PTS
				msn++
			}
			au := media.AccessUnit{PTS: media.Ticks(i), Sync: sync, Data: data[:size]}
			all = append(all, step{unit: au})
			r.push(au)
		}
		if r.bytes > maxReplayBytes {
			t.Fatalf("%d bytes are kept", r.bytes)
		}
		asked := rapid.Uint64Range(100, msn-1).Draw(t, "asked")
		steps, first, ok := r.from(asked)
		small := size == 1
		recent := open-at[asked] <= r.keep
		if recent && small && (!ok || first != asked) {
			t.Fatalf("segment %d of %d to %d cannot be made: %d, %v", asked, 100, msn-1, first, ok)
		}
		if ok {
			checkReplay(t, all, steps, first)
		}
	})
}

func checkReplay(t *rapid.T, all, steps []step, first uint64) {
	start := steps[0]
	if start.cuts {
		start = steps[1]
	}
	if !start.unit.Sync {
		t.Fatal("it does not begin at a keyframe")
	}
	var want []step
	for _, s := range all {
		if (s.cuts && s.boundary.MSN >= first) || (!s.cuts && s.unit.PTS >= start.unit.PTS) {
			want = append(want, s)
		}
	}
	if len(want) != len(steps) {
		t.Fatalf("%d steps, want %d", len(steps), len(want))
	}
	for i := range want {
		if want[i].cuts != steps[i].cuts || want[i].boundary != steps[i].boundary || want[i].unit.PTS != steps[i].unit.PTS {
			t.Fatalf("step %d is %+v, want %+v", i, steps[i], want[i])
		}
	}
}

func TestReplayHandsOutTheOpenSegment(t *testing.T) {
	r := replay{keep: 4}
	for i := range 7 {
		if i%2 == 0 {
			r.cut(media.Boundary{MSN: uint64(i / 2), PTS: media.Ticks(i)})
		}
		r.push(media.AccessUnit{PTS: media.Ticks(i), Sync: i%2 == 0, Data: []byte{1}})
	}
	if open := r.takeOpen(); len(open) != 1 || open[0].PTS != 6 {
		t.Fatalf("the open segment is %+v, want picture 6 alone", open)
	}
	if open := r.takeOpen(); len(open) != 2 || open[0].PTS != 4 || r.bytes != 2 {
		t.Fatalf("the segment before is %+v, %d bytes are left", open, r.bytes)
	}
}
