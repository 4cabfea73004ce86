package verify

import "time"

func rulesLowDASH() []rule {
	return []rule{
		{"LLDASH-AVAILABILITY", "ISO 23009-1 5.3.9.5.3", "segments can be asked for before they are complete, and not before they begin", checkAvailability},
		{"LLDASH-SERVICE", "ISO 23009-1 K.3.2", "players are told a latency that the updates of the MPD allow, and how to keep it", checkService},
		{"LLDASH-CLOCK", "ISO 23009-1 5.12", "ProducerReferenceTime and prft say the same of media time", checkProducerClock},
		{"LLDASH-GROWING", "ISO 23009-1 5.3.9.5.3", "a segment that grows is the one that it becomes, byte for byte", checkGrowing},
	}
}

// eachOffer visits the Representations of the low-latency MPD.
func eachOffer(o *observations, t *tally, visit func(m *lowManifest, one offer)) verdict {
	if o.lowDASH != nil {
		for _, one := range o.lowDASH.manifest.offered {
			visit(o.lowDASH.manifest, one)
		}
	}
	return t.verdict()
}

func checkAvailability(o *observations) verdict {
	t := newTally("Representations")
	return eachOffer(o, t, func(m *lowManifest, one offer) {
		t.check(!one.complete, "%s: availabilityTimeComplete is not false, as it is of others", one.id)
		// A single segment may be shorter, where the source broke off.
		t.check(one.early > 0 && one.early <= m.longest, "%s: availabilityTimeOffset %v where segments last %v at most", one.id, one.early, m.longest)
	})
}

func checkService(o *observations) verdict {
	t := newTally("MPDs")
	if o.lowDASH == nil {
		return t.verdict()
	}
	m := o.lowDASH.manifest
	t.check(m.target > 0, "no target latency")
	t.check(m.least <= m.target && (m.most == 0 || m.target <= m.most), "a latency of %v, between %v and %v", m.target, m.least, m.most)
	t.check(m.slowest <= 1 && (m.fastest == 0 || m.fastest >= 1), "playback at %v to %v of the speed", m.slowest, m.fastest)
	t.check(m.updates <= m.target, "an update every %v, to stay %v behind", m.updates, m.target)
	return t.verdict()
}

func checkProducerClock(o *observations) verdict {
	t := newTally("clocks")
	if o.lowDASH == nil {
		return t.verdict()
	}
	// By how much a producer's clock may drift from what was said of it.
	const drift = 100 * time.Millisecond
	// The seconds of NTP begin anew after an era, in 2036.
	const era = time.Second << 32
	for _, g := range o.lowDASH.grown {
		said, ok := g.of.clock(o.lowDASH.manifest.reference)
		t.check(ok, "%s: Latency refers to ProducerReferenceTime %d, which is not there", g.of.id, o.lowDASH.manifest.reference)
		if !ok || !g.first.ok() {
			continue
		}
		t.check(!g.published.IsZero() && g.stamped == g.entry.time, "%s: segment %d has prft of %d", g.of.id, g.entry.time, g.stamped)
		at := said.wall.Add(clockTime(g.stamped, g.of.timescale) - clockTime(said.at, g.of.timescale))
		if off := g.published.Sub(at) % era; !g.published.IsZero() && min(off.Abs(), era-off.Abs()) > drift {
			t.check(false, "%s: segment %d was published at %v and, after the MPD, at %v", g.of.id, g.entry.time, g.published, at)
		}
	}
	return t.verdict()
}

// clock is the ProducerReferenceTime of that id.
func (o offer) clock(id uint32) (producerClock, bool) {
	for _, c := range o.clocks {
		if c.id == id {
			return c, true
		}
	}
	return producerClock{}, false
}

func checkGrowing(o *observations) verdict {
	t := newTally("segments that grew")
	if o.lowDASH == nil {
		return t.verdict()
	}
	for _, g := range o.lowDASH.grown {
		if !g.first.ok() {
			t.check(false, "%s: %s", g.of.id, g.first)
			continue
		}
		if !g.open {
			continue // it was complete by then
		}
		t.check(g.again.ok() && g.same, "%s: %s has other bytes when it is complete", g.of.id, g.entry.url)
		for _, name := range []string{"ETag", "Cache-Control", "Content-Type"} {
			if was, is := g.first.header.Get(name), g.again.header.Get(name); was != is {
				t.check(false, "%s: %s is %q while it grows and %q afterwards", g.of.id, name, was, is)
			}
		}
	}
	return t.verdict()
}
