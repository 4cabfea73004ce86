package verify

func rulesCMAF() []rule {
	return []rule{
		{"CMAF-INIT", "ISO 23000-19 7.3.1", "one track, with trex, without an edit list", checkInit},
		{"CMAF-SEGMENT", "ISO 23000-19 7.3.2", "segments are readable boxes", checkReadable},
		{"CMAF-TRACK", "ISO 14496-12 8.8.7", "chunks belong to the init segment's track", checkTrack},
		{"CMAF-TFDT", "ISO 23000-19 7.3.2.3", "decode times follow each other to the tick", checkContinuity},
		{"CMAF-FIRST-OFFSET", "ISO 23000-19 7.5.17", "a segment begins with composition offset 0", checkFirstOffset},
		{"CMAF-TRUN", "ISO 23000-19 7.5.16-17", "trun version 1, offsets from moof", checkTrun},
		{"CMAF-SEQUENCE", "ISO 14496-12 8.8.5", "moof sequence numbers grow", checkSequence},
	}
}

func checkInit(o *observations) verdict {
	t := newTally("init segments")
	for address, i := range o.inits {
		if i.fault != "" {
			t.check(false, "%s: %s", address, i.fault)
			continue
		}
		t.check(i.tracks == 1, "%s: %d tracks", address, i.tracks)
		t.check(!i.editList, "%s: it has an edit list, which moves presentation away from tfdt", address)
		t.check(i.trex != nil, "%s: it has no trex", address)
	}
	t.checked = len(o.inits)
	return t.verdict()
}

// eachSegment visits every segment that was fetched with its track's name.
func (o *observations) eachSegment(visit func(name string, l listed)) {
	for _, t := range o.tracks() {
		for _, l := range t.pieces {
			if l.segment != nil {
				visit(t.name, l)
			}
		}
	}
}

func checkReadable(o *observations) verdict {
	t := newTally("segments")
	o.eachSegment(func(_ string, l listed) {
		t.check(l.segment.fault == "", "%s: %s", l.url, l.segment.fault)
	})
	return t.verdict()
}

// eachChunk visits the chunks of all segments that could be read.
func (o *observations) eachChunk(visit func(l listed, index int, c chunk)) {
	o.eachSegment(func(_ string, l listed) {
		for i, c := range l.segment.chunks {
			visit(l, i, c)
		}
	})
}

func checkTrack(o *observations) verdict {
	t := newTally("chunks")
	o.eachChunk(func(l listed, i int, c chunk) {
		if l.init != nil && l.init.fault == "" {
			t.check(c.trackID == l.init.trackID, "%s: chunk %d is of track %d, the init segment of %d", l.url, i, c.trackID, l.init.trackID)
		}
	})
	return t.verdict()
}

func checkContinuity(o *observations) verdict {
	t := newTally("chunks")
	for _, track := range o.tracks() {
		var last uint64
		for _, l := range track.pieces {
			if !l.segment.readable() {
				continue
			}
			for i, c := range l.segment.chunks {
				if i > 0 || l.follows {
					t.check(c.start == last, "%s: chunk %d starts at %d, the one before ends at %d", l.url, i, c.start, last)
				}
				last = c.start + c.duration
			}
		}
	}
	return t.verdict()
}

func checkFirstOffset(o *observations) verdict {
	t := newTally("segments")
	o.eachChunk(func(l listed, i int, c chunk) {
		if i == 0 {
			t.check(c.offset == 0, "%s: the first sample is shown %d ticks after tfdt", l.url, c.offset)
		}
	})
	return t.verdict()
}

func checkTrun(o *observations) verdict {
	t := newTally("chunks")
	o.eachChunk(func(l listed, i int, c chunk) {
		t.check(c.trunVersion == 1 && c.baseIsMoof, "%s: chunk %d has trun version %d, default-base-is-moof %v", l.url, i, c.trunVersion, c.baseIsMoof)
	})
	return t.verdict()
}

// checkSequence looks within what is continuous: an encoder that starts again
// counts from anew.
func checkSequence(o *observations) verdict {
	t := newTally("chunks")
	for _, track := range o.tracks() {
		var last uint32
		for _, l := range track.pieces {
			if !l.segment.readable() {
				continue
			}
			for i, c := range l.segment.chunks {
				if i > 0 || l.follows {
					t.check(c.sequence > last, "%s: chunk %d has number %d after %d", l.url, i, c.sequence, last)
				}
				last = c.sequence
			}
		}
	}
	return t.verdict()
}
