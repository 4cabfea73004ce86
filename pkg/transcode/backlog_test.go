package transcode

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/pkg/media"
)

func pushed(t *testing.T, b *backlog, spec string) {
	t.Helper()
	track := &media.Track{Timescale: 1}
	for i, c := range spec {
		at := media.Ticks(i)
		switch c {
		case '|':
			b.mark(BoundaryAt{MSN: uint64(i), PTS: at})
		case 'I', 'R', 'p':
			b.push(media.AccessUnit{Track: track, DTS: at, PTS: at, Sync: c == 'I', Recovery: c == 'R', Data: []byte{byte(i)}})
		}
	}
}

func spelled(b *backlog) string {
	var s []byte
	for i, it := range b.items {
		if i == b.next {
			s = append(s, '^')
		}
		switch m := it.msg.(type) {
		case BoundaryAt:
			s = append(s, '|')
		case Resync:
			s = append(s, '~')
		case Unit:
			switch {
			case m.AU.Sync:
				s = append(s, 'I')
			case m.AU.Recovery:
				s = append(s, 'R')
			default:
				s = append(s, 'p')
			}
		}
	}
	return string(s)
}

// Each letter is one second: I a keyframe, R a recovery point, p another picture, | a boundary,
// ~ a resync; ^ is where the worker is fed from next.
func TestBacklogSheds(t *testing.T) {
	for _, c := range []struct {
		name  string
		spec  string
		taken int
		more  string
		want  string
	}{
		{"worker keeps up: what is kept for a replay goes", "|Ipp|Ippp", 8, "p|", "^pp|"},
		{"worker is slow: the open segment is finished, the latest kept", "|Ippp|Ipp", 2, "|Ip", "|I^ppp~|Ip"},
		{"no keyframe at the latest boundary", "|Ippp|Ip", 2, "Ip|p", "|I^ppp~Ip|p"},
		{"no keyframe waits: dropped up to one", "|Ippppp", 2, "pppppp|Ip", "|I^~|Ip"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &backlog{limit: 8 * time.Second}
			pushed(t, b, c.spec)
			for range c.taken {
				b.take()
			}
			track := &media.Track{Timescale: 1}
			for i, r := range c.more {
				at := media.Ticks(len(c.spec) + i)
				if r == '|' {
					b.mark(BoundaryAt{MSN: uint64(at), PTS: at})
					continue
				}
				b.push(media.AccessUnit{Track: track, DTS: at, PTS: at, Sync: r == 'I', Data: []byte{1}})
			}
			if got := spelled(b); got != c.want {
				t.Errorf("%s, want %s (dropped %d)", got, c.want, b.dropped)
			}
		})
	}
}

func TestBacklogAnchors(t *testing.T) {
	for _, c := range []struct {
		spec string
		msn  uint64
		want int
		ok   bool
	}{
		{"|Ipp|Ipp", 0, 0, true},
		{"|Ipp|Ipp", 4, 4, true},
		{"|Ipp|Ipp", 3, 4, true},
		{"|Ipp|ppp", 4, 1, true},
		{"pp|pp|Ip", 2, 5, true},
		{"pp|ppIp|", 2, 5, true},
		{"|Ipp", 1, 0, false},
		// A recovery point's first pictures may be broken: those of the segment
		// are decoded from the one before.
		{"|Rpp|Rpp", 4, 1, true},
		{"|ppp|Rpp", 4, 5, true},
		{"|ppp", 0, 0, false},
		{"", 0, 0, false},
	} {
		b := &backlog{limit: time.Hour}
		pushed(t, b, c.spec)
		if got, ok := b.anchor(c.msn); got != c.want || ok != c.ok {
			t.Errorf("%q from %d: %d, %v; want %d, %v", c.spec, c.msn, got, ok, c.want, c.ok)
		}
	}
}

// Whatever is pushed, taken and rewound, the bounds hold, the sums are right,
// and the worker never gets a unit that refers to one it was not given.
func TestBacklogHoldsItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := &backlog{limit: 5 * time.Second}
		track := &media.Track{Timescale: 1000}
		var dts, lastTaken media.Ticks
		pushes, took := uint64(0), uint64(0)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0:
				b.mark(BoundaryAt{MSN: uint64(dts), PTS: dts})
			case 1, 2, 3:
				dts += media.Ticks(rapid.IntRange(-100, 3000).Draw(t, "delta"))
				b.push(media.AccessUnit{Track: track, DTS: dts, PTS: dts, Sync: rapid.IntRange(0, 9).Draw(t, "sync") == 0, Data: []byte{1}})
				pushes++
			case 4:
				if it, ok := b.take(); ok {
					if au, isUnit := it.unit(); isUnit {
						took++
						lastTaken = au.DTS
					}
				}
			case 5:
				if from, ok := b.anchor(uint64(max(0, lastTaken))); ok {
					took = 0
					b.rewind(from)
					b.forget(from)
					pushes, b.dropped = units(b.items), 0
				}
			}
			if b.total > b.limit || b.next > len(b.items) {
				t.Fatalf("%s kept of %s, next %d of %d", b.total, b.limit, b.next, len(b.items))
			}
			total, waiting := b.total, b.waiting
			if b.measure(); total != b.total || waiting != b.waiting {
				t.Fatalf("sums %s, %s; in truth %s, %s", total, waiting, b.total, b.waiting)
			}
			if waits := units(b.items[b.next:]); took+waits+b.dropped != pushes {
				t.Fatalf("%d pushed, but %d taken, %d wait and %d dropped", pushes, took, waits, b.dropped)
			}
		}
	})
}
