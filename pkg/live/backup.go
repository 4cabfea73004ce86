package live

import (
	"bytes"
	"log/slog"
	"slices"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// Backup publishers
//
// A stream has room for two sessions: a primary, and a backup, whose key says that it
// is one. One of them is on air; the other stands by. Both repair time and date their
// media by the clock, and of the one that stands by, the stream keeps what came since
// the newest keyframe. So it can go on air at once, with a discontinuity, exactly where
// the other one's media has ended (opening).
//
// The standby goes on air when the other one is lost or its media is missing. A primary
// that stands by also does when its media has come without a pause for a while, at a
// keyframe that stands behind all that was published: then nothing stands still for
// longer than a backup is dated behind the clock.
//
// A backup is dated somewhat behind the clock. Otherwise the two would date the same
// moment alike, and whichever comes back would always find its keyframes just before
// the end of the other one's media.

const (
	// switchAfter is how long the media of a publisher that is connected may be
	// missing until the standby goes on air.
	switchAfter = time.Second
	// steadyFor is how long a primary's media must have come without a pause of
	// switchAfter until it goes on air again.
	steadyFor = 10 * time.Second
	// backupLag is how far behind the clock a backup is dated. It is more than the
	// network and frames of video and audio differ by.
	backupLag = 200 * time.Millisecond
	// mostBridged is the longest hole between two publishers that an opening fills. No
	// slate begins before.
	mostBridged = media.Ticks(media.VideoTimescale) * 5
)

// standby is the session that is not on air.
type standby struct {
	seat

	spare spare
	// steady is since when its media has come without a pause.
	steady time.Time
}

// backup reports whether the session came with a backup's key.
func (s *session) backup() bool { return s.grant.Rules.Backup }

// lag is how far behind the clock the session's media is dated.
func (s *session) lag() time.Duration {
	if s.backup() {
		return backupLag
	}
	return 0
}

// rival is the session that next would take the place of, nil for none.
func (s *stream) rival(next *session) *seat {
	switch {
	case s.session != nil && (s.session.backup() == next.backup() || s.session.grant.Yields):
		return &s.seat
	case s.standby != nil && s.standby.session.backup() == next.backup():
		return &s.standby.seat
	}
	return nil
}

// sends reports whether there is media of the session, or was a moment ago.
func (f *seat) sends(now time.Time) bool {
	return f != nil && f.session != nil && now.Sub(f.heard) < quietAfter
}

// makeRoom ends the session that next takes the place of.
func (s *stream) makeRoom(next *session) {
	switch s.rival(next) {
	case nil:
		return
	case &s.seat:
		s.dismiss(errTakenOver())
	default:
		s.dismissStandby(errTakenOver())
	}
	s.log.Info("publisher taken over by a new one", slog.Bool("backup", next.backup()))
}

// standBy has a session wait beside the one that is on air.
func (s *stream) standBy(f seat) {
	s.standby = &standby{seat: f, steady: f.heard}
	close(f.session.accepted)
	s.log.Info("publisher connected and stands by", slog.Bool("backup", f.session.backup()),
		slog.String("protocol", f.session.request.Protocol), slog.String("encoder", f.session.request.Encoder),
		slog.String("remote", f.session.request.Remote.String()))
	s.publishStatus()
}

func (s *stream) receiveStandby(it item) {
	sb, now := s.standby, time.Now()
	switch {
	case it.metadata != nil:
		sb.metadata = *it.metadata
	case it.repairs != nil:
		sb.noteRepairs(*it.repairs)
	case it.end != nil:
		s.loseStandby(*it.end)
	default:
		if it.arrived.Sub(sb.heard) >= switchAfter {
			sb.steady = it.arrived
		}
		s.units++
		sb.count(it, now)
		s.lookouts[it.session].see(it)
		if sb.spare.keep(it.unit) {
			s.judgeStandby(now)
		}
		s.relieve(it.arrived) // not now: of the other one, more may wait behind it
	}
}

// loseStandby is lose for the session that stands by: viewers see nothing of it,
// unless it is the primary that says that the stream is over.
func (s *stream) loseStandby(end ingest.End) {
	sb := s.standby
	s.standby = nil
	sb.ended(end)
	s.log.Warn("publisher that stood by is gone", slog.Bool("backup", sb.session.backup()), slog.Any("error", end.Err))
	if !end.OnPurpose || sb.session.backup() {
		s.publishStatus()
		return
	}
	if s.session != nil {
		s.standby = &standby{seat: s.seat, steady: s.heard}
		s.endSession()
	}
	s.conclude()
}

func (s *stream) dismissStandby(why *ingest.Rejection) {
	s.standby.session.finish(why)
	s.standby.recordEnd(why.Reason, why.Message)
	s.standby = nil
}

// dismissAll ends both sessions. It reports whether one of them was on air.
func (s *stream) dismissAll(why *ingest.Rejection) (onAir bool) {
	if s.standby != nil {
		s.dismissStandby(why)
	}
	if s.session == nil {
		return false
	}
	s.dismiss(why)
	return true
}

// judgeStandby gives a standby new times that can be entered now, but whose media goes
// on coming with old ones.
func (s *stream) judgeStandby(now time.Time) {
	sb := s.standby
	if at, ok := sb.spare.entry(false); ok && now.Sub(sb.steady) >= lateFor && s.reach()-at > media.Ticks(media.VideoTimescale) {
		sb.session.restart.Store(true)
	}
}

// relief reports whether there is a standby that is worth waiting for.
func (s *stream) relief(now time.Time) bool {
	return s.standby != nil && !s.done && now.Sub(s.standby.heard) < switchAfter
}

// relieve has the standby go on air if it is time to, and reports whether it has.
func (s *stream) relieve(now time.Time) bool {
	if !s.relief(now) || now.Sub(s.standby.heard) >= switchAfter/2 { // who has stopped as well is not put on air
		return false
	}
	missing := now.Sub(s.fed)
	if s.session != nil {
		missing = now.Sub(s.heard)
	}
	why := s.whySwitch(now, missing)
	if why == "" {
		return false
	}
	from, ok := s.opens(why)
	if ok {
		s.switchOver(now, from, missing, why)
	}
	return ok
}

// opens is the media time from which on the standby's media is published if it goes on
// air now; ok is false where it has to wait for a keyframe. To go back there is no
// hurry.
func (s *stream) opens(why SwitchReason) (from media.Ticks, ok bool) {
	sp := &s.standby.spare
	at, ok := sp.entry(s.aired.source != nil)
	reach := s.reach()
	if !ok || at < reach && (why == SwitchBack || sp.others) {
		return 0, false
	}
	second := media.Ticks(media.VideoTimescale)
	switch hole := sp.newest - reach; {
	case s.absence != nil, len(s.lanes) == 0, s.over, sp.others, hole > mostBridged:
		return at, at >= reach
	case hole < -second:
		return 0, false // its times are old
	}
	// So much later, the first of its sound does not overlap the last of the other one's.
	half := media.Rescale(sp.audio.FrameDuration(), sp.audio.Timescale, media.VideoTimescale) / 2
	if from = reach + half; at >= reach {
		from = min(from, at)
	}
	return from, true
}

// reach is how far media was published or will be by what came until now, at 90 kHz.
func (s *stream) reach() media.Ticks {
	switch {
	case s.absence != nil:
		return s.absence.end
	case s.pipeline == nil:
		return s.history.last
	}
	return max(s.history.last, s.pipeline.heldTo())
}

// switchOver has the standby go on air from the media time from on. Where it sends the
// same form, whatever encodes goes on.
func (s *stream) switchOver(now time.Time, from media.Ticks, missing time.Duration, why SwitchReason) {
	sb, cfg := s.standby, s.configFor(s.standby.session)
	var ends map[int]media.Ticks
	switch {
	case s.absence != nil:
		s.absence.until, s.absence.late = 0, time.Time{}
		s.intake = &intake{}
	case s.pipeline != nil && cfg == s.cfg && s.pipeline.suits(sb, s.metadata.AudioTracks):
		// Held audio goes on behind the boundary.
		from, ends = s.history.last, s.pipeline.splice()
	default:
		if s.pipeline != nil {
			s.closePipeline()
		}
		s.intake = &intake{audio: sb.spare.audio}
	}
	opening, units := newOpening(from, ends, &sb.spare)
	s.seat, sb.seat = sb.seat, s.seat
	sb.spare, sb.steady = spare{}, now
	if sb.session == nil {
		s.standby = nil
	}
	s.opening, s.cfg, s.deadline, s.fed = opening, cfg, time.Time{}, now
	if s.broadcast.IsZero() { // the other one was lost for too long
		s.broadcast = now
	}
	s.noteSwitch(now, why)
	s.doctor.Forget()
	s.log.Warn("another publisher of the stream goes on air", slog.Bool("backup", s.session.backup()), slog.String("reason", string(why)),
		slog.Duration("media_missing", missing.Round(time.Millisecond)), slog.Bool("other_connected", s.standby != nil))
	for _, au := range units {
		s.media(au, now)
	}
	s.publishStatus()
}

// open publishes an access unit of the publisher on air, which has just come there.
func (s *stream) open(au media.AccessUnit, now time.Time) {
	for _, unit := range s.opening.take(au) {
		s.media(unit, now)
	}
	if s.opening.over() {
		s.opening = nil
	}
}

// suits reports whether the pipeline can go on with what sb sends: all that was decided
// about the publisher before holds for it.
func (p *pipeline) suits(sb *standby, sounds []ingest.AudioTrack) bool {
	sp := &sb.spare
	switch {
	case p.plan.source == nil, sp.video == nil, p.plan.slate, p.plan.replaced, p.plan.withdrawn, p.gaveUp != "":
		return false
	case sp.others, len(p.branches) > 0, !slices.Equal(sounds, sb.metadata.AudioTracks):
		return false
	}
	a, b := p.plan.source, sp.video
	sameForm := a.Codec == b.Codec && a.Width == b.Width && a.Height == b.Height && a.FrameRate == b.FrameRate
	sameWay := unplayable(a) == unplayable(b) && offerable(a) == offerable(b) && (sp.closed || !p.plan.servesSource())
	return sameForm && sameWay && !slices.ContainsFunc(p.voices, func(v *voice) bool { return !v.suits(sp) })
}

// suits reports whether the voice can go on with its track of what is kept.
func (v *voice) suits(sp *spare) bool {
	if v.quiet != nil || v.end == 0 {
		return v.quiet != nil
	}
	old, next := v.track, sp.sound(v.number)
	return old != nil && next != nil && ingest.PlainAAC(old) && ingest.PlainAAC(next) &&
		old.Timescale == next.Timescale && bytes.Equal(old.Config, next.Config)
}

// splice has another publisher's media follow. It returns where the sound of each track
// has ended, at 90 kHz.
func (p *pipeline) splice() (ends map[int]media.Ticks) {
	if p.own != nil {
		p.own.segmenter.Splice()
	}
	ends = make(map[int]media.Ticks)
	for _, v := range p.voices {
		if v.quiet == nil {
			ends[v.number] = v.end
		}
	}
	return ends
}

// describeBackup is nil while no backup is connected.
func (s *stream) describeBackup() *BackupStatus {
	f, onAir := &s.seat, true
	if s.session == nil || !s.session.backup() {
		if s.standby == nil || !s.standby.session.backup() {
			return nil
		}
		f, onAir = &s.standby.seat, false
	}
	return &BackupStatus{Protocol: f.session.request.Protocol, Encoder: f.encoder(), Since: f.session.began, OnAir: onAir}
}
