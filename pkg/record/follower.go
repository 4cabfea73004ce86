package record

import (
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"weir/pkg/media"
	"weir/pkg/store"
)

// quiet is how long a recording that fails says nothing more of it.
const quiet = 10 * time.Second

// Missed is why a segment was not recorded.
type Missed string

// The reasons.
const (
	// MissedSlow: it left the window before it could be written.
	MissedSlow Missed = "slow"
	// MissedFull: there was no room for it.
	MissedFull Missed = "full"
	// MissedFailed: it could not be written for another reason.
	MissedFailed Missed = "failed"
)

// errFull is that less is free than Config.MinFree.
var errFull = errors.New("less is free than recording.min_free")

// follower records one stream, from when it is told to until the stream ends or it
// is told to stop.
type follower struct {
	recorder *Recorder
	windows  *store.Stream
	wish     Wish
	log      *slog.Logger
	// stop is closed when the rest has to be written and no more; until, set before,
	// is the cursor's.
	stop  chan struct{}
	until time.Time
	done  chan struct{}

	progress atomic.Pointer[Progress]

	// What follows is the goroutine's.
	cursor    cursor
	recording *recording // nil before the first piece, and between two
	trouble   trouble
}

// trouble is what was wrong with the disk when a segment was missed.
type trouble struct {
	why Missed
	// missed counts segments since it was told.
	missed uint64
	told   time.Time
	// lasts is true until a segment is recorded.
	lasts bool
}

func (f *follower) run() {
	defer close(f.done)
	defer f.finish()
	f.cursor.since = f.wish.Since
	waitFor, stopping, begun := "", false, false
	for {
		now := f.windows.Now(waitFor)
		if now.Presentation != nil && len(now.Presentation.Windows) > 0 {
			lacking, more := f.look(now.Presentation)
			if more || lacking != waitFor {
				waitFor = lacking
				continue
			}
			if now.Presentation.Ended && begun {
				return
			}
			// The windows may still be those of the broadcast before.
			begun = begun || !now.Presentation.Ended
		}
		if now.Removed || stopping {
			return
		}
		select {
		case <-now.Changed:
		case <-f.stop:
			f.cursor.until, stopping = f.until, true
		}
	}
}

// look writes the next piece if it is there; if not, it names the rendition to wait
// for.
func (f *follower) look(p *media.Presentation) (lacking string, more bool) {
	f.demand(p)
	next, slid, lacking, ok := f.cursor.read(p)
	if slid > 0 {
		f.miss(MissedSlow, slid, nil)
	}
	if !ok {
		return lacking, false
	}
	if !next.missing() {
		f.write(next)
	}
	return lacking, true
}

// demand asks for what is encoded on demand, as any viewer does.
func (f *follower) demand(p *media.Presentation) {
	now := time.Now()
	for _, w := range recorded(p) {
		f.windows.Asked(w.Rendition.ID, now)
		if seg, there := numbered(w, max(f.cursor.next, 1)); there && seg.Pending {
			f.windows.AskedFor(w.Rendition.ID, seg.Start, now)
		}
	}
}

func (f *follower) write(p piece) {
	err := f.prepare(p)
	var before uint64
	if err == nil {
		before = f.recording.info.Bytes
		err = f.recording.add(p)
	}
	switch {
	case err == nil:
		f.recorder.bytes.Add(f.recording.info.Bytes - before)
		f.well()
	case errors.Is(err, errFull), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		f.miss(MissedFull, 1, err)
	default:
		f.miss(MissedFailed, 1, err)
	}
}

// prepare sees that there is room, and a recording that the piece goes into.
func (f *follower) prepare(p piece) error {
	cfg := f.recorder.cfg.Load()
	if r := f.recording; r != nil && (f.changed(p) || cfg.MaxLength > 0 && r.info.Duration >= cfg.MaxLength.Seconds()) {
		f.finish()
	}
	if err := f.room(cfg.MinFree); err != nil || f.recording != nil {
		return err
	}
	r, err := newRecording(f.recorder.disk, f.wish.Stream, p)
	if err != nil {
		return err
	}
	// From here on it is known to be growing: nobody ends it for us.
	f.recording = r
	f.show("")
	if err := r.begin(p); err != nil {
		f.recording = nil
		f.show("")
		return err
	}
	f.log.Info("recording", slog.String("folder", r.info.Path))
	return nil
}

// changed reports whether other renditions are to be recorded than before.
func (f *follower) changed(p piece) bool {
	return !slices.EqualFunc(f.recording.tracks, p.renditions, func(t track, r *media.Rendition) bool { return t.ID == r.ID })
}

// room wants as much to stay free as the operator says.
func (f *follower) room(least uint64) error {
	free, err := f.recorder.disk.free()
	if err != nil {
		return err
	}
	f.recorder.free.Store(free)
	if free < least {
		return errFull
	}
	return nil
}

// miss counts segments that are not recorded, and says so once in a while.
func (f *follower) miss(why Missed, count uint64, err error) {
	f.recorder.missed[why].Add(count)
	if f.recording != nil {
		f.recording.info.Missing += count
	}
	f.show(why)
	t, now := &f.trouble, time.Now()
	t.missed, t.lasts = t.missed+count, true
	if t.why == why && now.Sub(t.told) < quiet {
		return
	}
	f.log.Error("segments are not recorded, the stream goes on", slog.String("reason", string(why)),
		slog.Uint64("segments", t.missed), slog.Any("error", err), slog.String("remedy", remedy(why)))
	t.why, t.told, t.missed = why, now, 0
}

func remedy(why Missed) string {
	switch why {
	case MissedSlow:
		return "the disk is slower than the streams: use a faster one, or record fewer"
	case MissedFull:
		return "free some space, or set recording.max_size or recording.max_age, by which the oldest recordings are deleted"
	case MissedFailed:
	}
	return "look at the disk of recording.directory, and at who may write there"
}

// well says that what was wrong is over.
func (f *follower) well() {
	if f.trouble.lasts {
		f.log.Info("segments are recorded again", slog.Uint64("missing_segments", f.recording.info.Missing))
	}
	f.trouble.lasts = false
	f.show("")
}

// show is for the API.
func (f *follower) show(why Missed) {
	p := Progress{Trouble: why}
	if f.recording != nil {
		p.Info = f.recording.info
	}
	f.progress.Store(&p)
}

// finish ends the recording, if there is one.
func (f *follower) finish() {
	if f.recording == nil {
		return
	}
	r := f.recording
	f.recording = nil
	if err := r.finish(); err != nil {
		f.log.Error("the recording could not be ended, Weir tries again in a minute", slog.String("folder", r.info.Path), slog.Any("error", err))
	} else {
		f.log.Info("recording ended", slog.String("folder", r.info.Path),
			slog.Float64("seconds", r.info.Duration), slog.Uint64("bytes", r.info.Bytes), slog.Uint64("missing_segments", r.info.Missing))
	}
	f.recorder.ended()
}
