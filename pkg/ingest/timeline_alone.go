package ingest

import "slices"

// How much audio without any picture means that none will come: less if the
// encoder says that it sends no video, more if it says that it does. The last
// is less than the ten seconds after which a session without media is refused.
const (
	aloneAfter    = 3 * second
	aloneAsSaid   = second / 2
	aloneButNamed = 8 * second
)

// waitedEnough reports whether u, audio that waits for a keyframe, waits in
// vain, so that audio goes on alone. Where a picture has come, a keyframe is
// waited for: audio without it would only be heard until then.
func (t *Timeline) waitedEnough(u *unit) bool {
	r := &t.run
	if r.alone {
		return true
	}
	if !r.waits {
		r.waits, r.first = true, u.dts
	}
	patience := aloneAfter
	if declared := t.meta.HasVideo; declared != nil {
		patience = aloneAsSaid
		if *declared {
			patience = aloneButNamed
		}
	}
	return !t.video.seen && u.dts-r.first >= patience
}

// beginAlone starts a run of audio alone with the audio that has waited. What
// has waited too long to be kept is time that has passed.
func (t *Timeline) beginAlone() {
	r := &t.run
	first := r.early[0].dts
	if r.started {
		t.goOn(t.video.end)
	} else {
		r.start = r.floor + first - r.first
	}
	r.started, r.alone, r.waiting, r.restart = true, true, false, false
	r.offset = r.start - first
	t.audio.begin()
	t.further.begin(t, first)
	t.slew.begin(r.early[0])
	early := slices.Clone(r.early)
	r.early = r.early[:0]
	for _, u := range early {
		t.pushAlone(u)
	}
}

// pushAlone takes audio that no video goes with; nothing has to be waited for
// where its parameters change.
func (t *Timeline) pushAlone(u unit) {
	a := &t.audio
	if u.raw.Track != a.source && a.track != nil && !a.alike(u.raw.Track) {
		t.repairs.ParameterChanges++
		a.source, a.foreign = u.raw.Track, true
		t.run.early = append(t.run.early[:0], u)
		t.beginAlone()
		return
	}
	t.follow(&u)
	a.push(t, u)
	t.further.release(t)
	t.further.follow(t, a.end())
}
