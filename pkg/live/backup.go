package live

import (
	"log/slog"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// Backup publishers
//
// A stream has room for two sessions: a primary, and a backup, whose key says that it
// is one. One of them is on air; the other stands by. Both repair time and date their
// media by the clock, and of the one that stands by, the stream keeps what came since
// the newest keyframe. So it can go on air at once, where that keyframe stands behind
// the end of the timeline, and otherwise at its next one: as a publisher that returns,
// with a discontinuity, and a short gap where the two do not meet.
//
// The standby goes on air when the other one's media is missing. A primary that stands
// by also does when its media has come without a pause for a while.
//
// A backup is dated somewhat behind the clock. Otherwise the two would date the same
// moment alike, and whichever comes back would always find its keyframes just before
// the end of the other one's media.

const (
	// switchAfter is how long media may be missing until the standby goes on air.
	switchAfter = time.Second
	// steadyFor is how long a primary's media must have come without a pause of
	// switchAfter until it goes on air again.
	steadyFor = 10 * time.Second
	// backupLag is how far behind the clock a backup is dated. It is more than the
	// network and frames of video and audio differ by, and what a viewer loses when
	// the primary goes on air again.
	backupLag = 200 * time.Millisecond
	// smallHole is the longest one between two publishers that is left as it is.
	smallHole = media.Ticks(media.VideoTimescale) * 3 / 10
	// mostSpare bounds what is kept of a standby, in media time and in bytes: more
	// between two keyframes is of no use.
	mostSpare      = 10 * time.Second
	mostSpareBytes = 32 << 20
)

// standby is the session that is not on air.
type standby struct {
	seat
	// spare is what came since the newest keyframe, bytes how much that is.
	spare intake
	bytes int
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
		sb.keep(it.unit)
		s.judgeStandby(now)
		s.relieve(now)
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

// keep takes an access unit. What came before is dropped where decoding can start.
func (sb *standby) keep(au media.AccessUnit) {
	in := &sb.spare
	isVideo := au.Track.Kind == media.Video
	switch {
	case isVideo && au.Track.Number == 0 && au.Enters(), !isVideo && au.Track.Number == 0 && !in.sawVideo:
		sb.startAt(au)
		return
	case len(in.units) == 0:
		return
	}
	first := &in.units[0]
	if sb.bytes += len(au.Data); sb.bytes > mostSpareBytes || first.Track.Timescale.Duration(first.PTS)+mostSpare < au.Track.Timescale.Duration(au.PTS) {
		*sb = standby{seat: sb.seat, steady: sb.steady, spare: intake{audio: in.audio, sounds: in.sounds, sawVideo: in.sawVideo}}
		return
	}
	in.push(au)
}

// startAt begins the spare at au. Audio that came before au and belongs behind it
// stays.
func (sb *standby) startAt(au media.AccessUnit) {
	old := sb.spare
	sb.spare, sb.bytes = intake{audio: old.audio, sounds: old.sounds, sawVideo: old.sawVideo}, len(au.Data)
	sb.spare.push(au)
	if au.Track.Kind == media.Audio {
		return
	}
	for _, held := range old.units {
		if held.Track.Kind == media.Audio && media.Rescale(held.PTS, held.Track.Timescale, media.VideoTimescale) >= au.PTS {
			sb.spare.push(held)
			sb.bytes += len(held.Data)
		}
	}
}

// judgeStandby gives a standby new times whose media goes on coming with old ones.
func (s *stream) judgeStandby(now time.Time) {
	sb := s.standby
	if len(sb.spare.units) == 1 && now.Sub(sb.steady) >= lateFor && s.reach()-sb.spare.begins() > media.Ticks(media.VideoTimescale) {
		sb.session.restart.Store(true)
	}
}

// relief reports whether there is a standby whose next keyframe is worth waiting for.
func (s *stream) relief(now time.Time) bool {
	return s.standby != nil && !s.done && now.Sub(s.standby.heard) < switchAfter
}

// relieve has the standby go on air if it is time to, and reports whether it has.
func (s *stream) relieve(now time.Time) bool {
	if !s.relief(now) {
		return false
	}
	missing := now.Sub(s.fed)
	if s.session != nil {
		missing = min(missing, now.Sub(s.heard))
	}
	if s.session == nil || missing >= switchAfter/2 || s.leaving != "" { // a worker takes a while to start
		s.prepareBridge()
	}
	why := s.whySwitch(now, missing)
	switch {
	case why == "":
		return false
	case s.fits():
	case why.fault() && s.standby.session.backup() && s.absence == nil && s.pipeline != nil:
		// What it sends is dated behind what comes of the one on air: it never fits
		// while that is taken.
		s.leaving = why
		return false
	default:
		return false
	}
	if s.lastLoop.coming() && now.Sub(s.fed) < 2*switchAfter {
		return false
	}
	s.switchOver(now, missing, why)
	return true
}

// leaves reports whether what comes of the publisher on air is dropped, as the standby
// goes on air soon. Where that is gone meanwhile, the one on air comes back as from an
// absence.
func (s *stream) leaves(now time.Time) bool {
	if s.leaving == "" || s.relief(now) {
		return s.leaving != ""
	}
	s.leaving = ""
	if s.absence == nil {
		s.leaveSource(now)
	}
	return false
}

// fits reports whether what is kept of the standby can follow what was published.
func (s *stream) fits() bool {
	in := &s.standby.spare
	if len(in.units) == 0 || !in.ready(false) || in.video == nil && s.aired.source != nil {
		return false
	}
	return in.begins() >= s.reach()
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

// switchOver has the standby go on air, as a publisher that returns from an absence
// that has just begun.
func (s *stream) switchOver(now time.Time, missing time.Duration, why SwitchReason) {
	sb := s.standby
	units, begins := sb.spare.units, sb.spare.begins()
	if s.absence == nil && s.pipeline != nil {
		s.closePipeline()
	}
	switch {
	case len(s.lanes) == 0 || s.over:
	case s.absence == nil:
		end := max(s.history.last, media.VideoTimescale.At(now.Add(-mostMissed)))
		if hole := begins - end; hole > 0 && hole < smallHole {
			end = begins
		}
		s.absence = &absence{end: end, began: now}
	default:
		s.absence.until, s.absence.late = 0, time.Time{}
	}
	s.bridge(begins)
	s.seat, sb.seat = sb.seat, s.seat
	sb.spare, sb.bytes, sb.steady = intake{}, 0, now
	if sb.session == nil {
		s.standby = nil
	}
	s.leaving = ""
	s.intake, s.cfg, s.deadline, s.fed = &intake{}, s.configFor(s.session), time.Time{}, now
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
