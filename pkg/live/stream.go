package live

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"weir/pkg/doctor"
	"weir/pkg/ingest"
	"weir/pkg/store"
	"weir/pkg/transcode"
)

const (
	// partTarget is PART-TARGET of every playlist (decision 8).
	partTarget = 350 * time.Millisecond
	// inboxSize bounds what waits between a connection and its stream: about
	// two seconds of 60 fps video with audio. A full inbox blocks the
	// connection, and TCP slows the encoder down.
	inboxSize = 256
	// mediaTimeout is how long a session may last without a first keyframe.
	mediaTimeout = 10 * time.Second
	// keepEnded is how long an ended stream can still be watched back.
	keepEnded = 5 * time.Minute
)

// stream is what a key names. All fields below the channels belong to the
// goroutine in run.
type stream struct {
	name string
	// latest is the Manager's configuration, cfg what it was when the session
	// began or, without one, when the last ended.
	latest *atomic.Pointer[Config]
	cfg    *Config
	log    *slog.Logger
	save   func(state)

	register *register

	begins chan *session
	kicks  chan kick
	drains chan drainOrder
	inbox  chan item
	stop   <-chan struct{}
	gone   chan struct{}
	status atomic.Pointer[Status]

	store   *store.Stream
	history history
	saved   state // what the disk was last given
	lanes   []*lane
	rungs   []transcode.Rung // of the lanes behind the first
	target  int              // seconds
	// seat is the session that is on air, standby the one beside it; nil for none.
	seat
	standby  *standby
	intake   *intake
	pipeline *pipeline
	// fed is when media last came, aired what it was made into.
	fed   time.Time
	aired plan
	// absence is set while the timeline goes on without a publisher: pipeline is
	// the slate's then. absences counts them, absent is how long those that are
	// over have lasted.
	absence  *absence
	absences uint64
	absent   time.Duration
	// returned is when the last absence was over.
	returned time.Time
	// shown is what the pipeline was given last of the publisher's video. The loops
	// are of its last picture, and of the slate.
	shown               gop
	slateLoop, lastLoop loopMaker
	// helpers are goroutines that work beside the stream's.
	helpers sync.WaitGroup

	state State
	// over is true from the end of the stream to the next publish: the set
	// of renditions may change then.
	over bool
	// drained: the gateway goes down, and no publisher may come (back).
	drained  bool
	since    time.Time
	deadline time.Time // of the resume window or of an ended stream; zero for none
	units    uint64
	// broadcast is when the first session since the stream's end began.
	broadcast time.Time
	// recorded is when the first of its sessions whose keys have the rule record went
	// on air; zero for none.
	recorded time.Time
	doctor   *doctor.Doctor
	comings  comings
	// done: the primary has said that it is, and the standby waits for it to come
	// again. switches counts how often the standby has gone on air.
	done     bool
	switches map[SwitchReason]uint64
	// switched is the last of them, nil before the first.
	switched *Switch
	// opening is how the publisher on air has come there from standing by; nil once its
	// media is published as it comes.
	opening *opening
	// lookouts look at the two sessions, where that decides who is on air.
	lookouts map[*session]*lookout
}

func newStream(name string, saved state, m *Manager) *stream {
	cfg := m.cfg.Load()
	s := &stream{
		name: name, latest: &m.cfg, cfg: cfg,
		log:      cfg.Log.With(slog.String("stream", name)),
		save:     func(st state) { m.saver.save(name, st) },
		register: &m.register,
		begins:   make(chan *session), kicks: make(chan kick), drains: make(chan drainOrder), inbox: make(chan item, inboxSize),
		stop: m.stop, gone: make(chan struct{}),
		store:   cfg.Store.Open(name),
		history: newHistory(saved, time.Now()),
		doctor:  doctor.New(), lookouts: make(map[*session]*lookout), switches: make(map[SwitchReason]uint64),
	}
	s.enter(Waiting)
	if saved.Live {
		// Viewers of a stream that was live before a restart are held.
		s.store.Expect()
		s.enter(Reconnecting)
		s.deadline = time.Now().Add(cfg.ResumeWindow)
	}
	s.publishStatus()
	return s
}

// run is the stream's goroutine. It returns when the stream is over.
func (s *stream) run() {
	defer s.helpers.Wait()
	defer s.endLookouts()
	defer s.slateLoop.abandon()
	defer s.lastLoop.abandon()
	tick, beat := time.NewTicker(time.Second), time.NewTicker(absenceBeat)
	defer tick.Stop()
	defer beat.Stop()
	for {
		select {
		case next := <-s.begins:
			s.begin(next)
		case order := <-s.kicks:
			s.obey(order)
		case order := <-s.drains:
			s.drain(order)
		case it := <-s.inbox:
			s.receive(it)
			s.receiveMore()
		case out := <-s.pipeline.videoOutput():
			s.pipeline.encodedVideo(out)
		case out := <-s.pipeline.audioOutput():
			s.pipeline.encodedAudio(out)
		case <-s.store.Awake():
			s.pipeline.reconcile(time.Now())
		case now := <-s.pipeline.asked():
			s.pipeline.recheck = nil
			s.pipeline.reconcile(now)
		case now := <-beat.C:
			s.beat(now)
		case loop, more := <-s.slateLoop.made:
			s.slateLoop.take(loop, more)
			s.followLoops()
		case loop, more := <-s.lastLoop.made:
			s.lastLoop.take(loop, more)
			s.followLoops()
		case now := <-tick.C:
			if s.expired(now) {
				s.cfg.Store.Remove(s.name)
				return
			}
			s.pipeline.reconcile(now)
			s.publishStatus()
		case <-s.stop:
			s.shutDown()
			return
		}
	}
}

// lose ends the session; the other publisher goes on air, or the stream waits for
// another one, unless the publisher said that it is done.
func (s *stream) lose(end ingest.End) {
	backup, now := s.session.backup(), time.Now()
	done := end.OnPurpose && !backup
	s.ended(end)
	if !done && s.state == Live && s.relief(now) {
		s.log.Warn("publisher lost, the other one goes on air", slog.Bool("backup", backup), slog.Any("error", end.Err))
		s.session, s.opening = nil, nil
		if s.relieve(now) {
			return
		}
		s.endSession()
		s.deadline = now.Add(s.cfg.ResumeWindow)
		s.publishStatus()
		return
	}
	s.endSession()
	if done {
		s.conclude()
		return
	}
	s.log.Warn("publisher lost, waiting for it to come back",
		slog.Any("error", end.Err), slog.Duration("resume_window", s.cfg.ResumeWindow))
	s.await()
}

// conclude ends the stream, as its publisher has said that it is done, unless
// somebody goes on.
func (s *stream) conclude() {
	s.done = true
	s.log.Info("publisher ended the stream", slog.Bool("goes_on", s.cfg.Unending[s.name]))
	if s.cfg.Unending[s.name] {
		s.await()
		return
	}
	s.finish()
}

// await begins the resume window.
func (s *stream) await() {
	s.enter(Reconnecting)
	s.deadline = time.Now().Add(s.cfg.ResumeWindow)
	s.publishStatus()
}

// dismiss ends the session for a reason that its publisher is told.
func (s *stream) dismiss(why *ingest.Rejection) {
	s.session.finish(why)
	s.recordEnd(why.Reason, why.Message)
	s.endSession()
}

// endSession flushes what the session's pipeline still holds.
func (s *stream) endSession() {
	s.session = nil
	s.intake, s.opening = nil, nil
	s.doctor.Forget()
	if s.absence == nil && s.pipeline != nil {
		s.closePipeline()
	}
	s.cfg = s.latest.Load()
}

// closePipeline flushes what the session's pipeline still holds.
func (s *stream) closePipeline() {
	s.pipeline.finish()
	s.aired = s.pipeline.plan
	s.pipeline = nil
	s.persist(true)
}

// finish ends the stream for its viewers: ENDLIST and a static MPD.
func (s *stream) finish() {
	s.endAbsence()
	s.store.End()
	s.over, s.broadcast = true, time.Time{}
	s.enter(Ended)
	s.deadline = time.Now().Add(keepEnded)
	s.persist(false)
	s.publishStatus()
}

// expired acts on what only time brings. It reports whether the stream is
// over and can be forgotten.
func (s *stream) expired(now time.Time) bool {
	if s.session != nil {
		s.checkIntake(now)
		return false
	}
	if s.deadline.IsZero() || now.Before(s.deadline) {
		return false
	}
	if s.state == Ended {
		return s.standby == nil
	}
	s.log.Info("resume window over, stream ended")
	s.finish()
	return len(s.lanes) == 0
}

// checkIntake ends a session that sends no picture, with words for its
// creator.
func (s *stream) checkIntake(now time.Time) {
	if s.intake == nil || now.Sub(s.session.began) < mediaTimeout {
		return
	}
	if s.intake.sawVideo || s.came > 0 {
		return // source mode waits for its second keyframe, or media has stopped
	}
	s.dismiss(&ingest.Rejection{
		Reason:  ingest.NoVideo,
		Message: "Neither a keyframe nor audio alone arrived within 10 s. Check that your encoder sends video, with a keyframe interval of 2 s.",
	})
	s.log.Warn("publisher refused: no keyframe arrived", slog.Duration("after", mediaTimeout))
	s.enter(Reconnecting)
	s.deadline = now.Add(s.cfg.ResumeWindow)
}

// shutDown flushes the session and leaves the playlists open: the gateway
// comes back, and so does the encoder.
func (s *stream) shutDown() {
	s.dismissAll(errStopping())
	s.endAbsence()
	select {
	case waiting := <-s.begins:
		waiting.finish(errStopping())
	default:
	}
}

func (s *stream) enter(state State) {
	if s.state != state {
		s.state, s.since = state, time.Now()
	}
}

// persist saves what the stream has come to.
func (s *stream) persist(live bool) {
	s.saved = state{NextMSN: s.history.nextMSN, NextDiscontinuity: s.history.nextSequence, Live: live}
	s.save(s.saved)
}

// reservedNumbers is how many media sequence numbers are saved ahead. A crash
// skips those that were not used: fewer than the clock skips in two minutes.
const reservedNumbers = 64

// persistAhead sees at each boundary that the saved numbers are above those in
// use, and goes to the disk once in two minutes for it.
func (s *stream) persistAhead() {
	if s.saved.Live && s.saved.NextMSN >= s.history.nextMSN && s.saved.NextDiscontinuity == s.history.nextSequence {
		return
	}
	s.saved = state{NextMSN: s.history.nextMSN + reservedNumbers, NextDiscontinuity: s.history.nextSequence, Live: true}
	s.save(s.saved)
}
