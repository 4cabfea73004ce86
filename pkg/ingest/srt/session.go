package srt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/ingest/mpegts"
)

var (
	// errLeft ends a session whose publisher has said goodbye.
	errLeft = errors.New("the publisher ended the stream")
	// errCrashed is how a session ends whose connection panicked.
	errCrashed = errors.New("the connection crashed")
)

const (
	// reportEvery is how often counters and metadata are brought up to date.
	reportEvery = time.Second
	// shutdownGrace is how long a session may take to end after the server was
	// told to stop.
	shutdownGrace = 3 * time.Second
)

// publish runs a session from its first to its last packet and tells the operator
// how it ended; SRT has no words to tell a publisher.
func (v *visit) publish(ctx context.Context, session ingest.Session) {
	err := v.runSession(ctx, session)
	v.caller.bye(time.Now())
	log := v.server.cfg.Log
	if errors.Is(err, errLeft) {
		log.LogAttrs(ctx, slog.LevelInfo, "publisher left", slog.String("protocol", protocol),
			slog.String("remote", v.remote.String()), slog.Any("cause", err))
		return
	}
	reason, level := ingest.ProtocolError, slog.LevelWarn
	why, told := errors.AsType[*ingest.Rejection](err)
	if told {
		reason = why.Reason
	}
	switch {
	case reason == ingest.ShuttingDown || reason == ingest.TakenOver || reason == ingest.Kicked:
		level = slog.LevelInfo
	case told:
		v.server.tell(ingest.Refusal{Remote: v.remote, Protocol: protocol, Why: why})
	}
	v.server.counters.end(reason)
	log.LogAttrs(ctx, level, "publisher disconnected", slog.String("protocol", protocol),
		slog.String("reason", string(reason)), slog.String("remote", v.remote.String()), slog.Any("error", err))
}

// runSession feeds the session and closes it, exactly once. Its error is never
// nil.
func (v *visit) runSession(ctx context.Context, session ingest.Session) (err error) {
	err = errCrashed
	defer func() {
		end := ingest.End{Err: err}
		if errors.Is(err, errLeft) {
			end = ingest.End{OnPurpose: true}
		}
		session.Close(end)
	}()
	// The session may end in its own way after the server was told to stop.
	writing, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-session.Done():
		case <-time.After(shutdownGrace):
			cancel()
		case <-writing.Done():
		}
	})
	defer stop()
	err = v.pump(writing, session)
	if errors.Is(err, context.Canceled) {
		if err = session.Err(); err == nil {
			err = &ingest.Rejection{Reason: ingest.ShuttingDown, Message: "Weir is restarting."}
		}
	}
	return err
}

// pump hands on what comes until one of both ends it.
func (v *visit) pump(ctx context.Context, session ingest.Session) error {
	f := feed{
		visit: v, session: session,
		demuxer: mpegts.NewDemuxer(2 * v.limits.MaxBitrate / 8),
		left:    ingest.NewAllowance(v.limits.MaxBitrate, v.came),
		// About a keyframe.
		payloads: make([][]byte, 0, 64),
	}
	defer f.report()
	timer := time.NewTimer(reportEvery)
	defer timer.Stop()
	for {
		now := time.Now()
		payloads, left := v.caller.take(f.payloads[:0], now)
		var err error
		switch {
		case len(payloads) > 0:
			err = f.push(ctx, now, payloads)
			v.caller.release(payloads)
		case left:
			return errors.Join(f.end(ctx), errLeft)
		default:
			err = f.overdue(now)
		}
		if err != nil {
			return err
		}
		if len(payloads) > 0 {
			continue
		}
		select {
		case <-v.caller.wake:
		case <-timer.C:
			f.report()
			timer.Reset(reportEvery)
		case <-session.Done():
			return session.Err() //nolint:wrapcheck // It is a rejection.
		case <-ctx.Done():
			return ctx.Err() //nolint:wrapcheck // runSession knows it.
		}
	}
}

// feed is what a session is fed with.
type feed struct {
	visit    *visit
	session  ingest.Session
	demuxer  *mpegts.Demuxer
	left     *ingest.Allowance
	payloads [][]byte
	// begun is true once an access unit came, media is when payload came last.
	begun bool
	media time.Time
}

// push takes payloads.
func (f *feed) push(ctx context.Context, now time.Time, payloads [][]byte) error {
	f.media = now
	for _, payload := range payloads {
		if err := f.pushOne(ctx, now, payload); err != nil {
			return err
		}
	}
	return nil
}

func (f *feed) pushOne(ctx context.Context, now time.Time, payload []byte) error {
	if !f.left.Spend(uint64(len(payload)), now) {
		return &ingest.Rejection{Reason: ingest.LimitExceeded, Message: fmt.Sprintf(
			"The encoder sends more than %.1f Mbit/s, the limit here. Lower its bit rate.", float64(f.visit.limits.MaxBitrate)/1e6)}
	}
	units, err := f.demuxer.Push(payload)
	if spoiled := f.demuxer.Spoiled(); spoiled != nil {
		f.visit.complain(ctx, now, spoiled)
	}
	if err != nil {
		return err //nolint:wrapcheck // It is a rejection.
	}
	f.describe()
	for _, unit := range units {
		f.begun = true
		if err := f.session.Write(ctx, unit); err != nil {
			return fmt.Errorf("hand on an access unit: %w", err)
		}
	}
	f.visit.server.counters.units.Add(uint64(len(units)))
	return nil
}

// end hands on the last access units.
func (f *feed) end(ctx context.Context) error {
	for _, unit := range f.demuxer.End() {
		if err := f.session.Write(ctx, unit); err != nil {
			return fmt.Errorf("hand on the last access units: %w", err)
		}
		f.visit.server.counters.units.Add(1)
	}
	return nil
}

// describe tells the session what the program map says, when that changes.
func (f *feed) describe() {
	m, ok := f.demuxer.Metadata()
	told := &f.visit.told
	same := func(a, b *bool) bool { return a != nil && b != nil && *a == *b }
	if !ok || same(m.HasVideo, told.HasVideo) && same(m.HasAudio, told.HasAudio) && m.OtherTracks == told.OtherTracks &&
		slices.Equal(m.AudioTracks, told.AudioTracks) {
		return
	}
	if m.OtherTracks && !told.OtherTracks {
		f.visit.server.cfg.Log.Warn("the publisher sends tracks that are not used: further ones of video, or audio that cannot be taken",
			slog.String("protocol", protocol), slog.String("remote", f.visit.remote.String()))
	}
	*told = m
	f.session.Metadata(m)
}

// overdue is why a publisher that sends nothing of use has to go; nil if there is
// still time.
func (f *feed) overdue(now time.Time) error {
	limits := f.visit.limits
	_, program := f.demuxer.Metadata()
	last := f.visit.came
	if !f.media.IsZero() {
		last = f.media
	}
	switch {
	case now.Sub(last) >= limits.IdleTimeout:
		return &ingest.Rejection{
			Reason: ingest.TimedOut, Message: fmt.Sprintf("Nothing came from the encoder for %v.", limits.IdleTimeout),
		}
	case f.begun || now.Sub(f.visit.came) < limits.PublishTimeout:
		return nil
	case program:
		return &ingest.Rejection{
			Reason: ingest.NoVideo, Message: fmt.Sprintf("No picture or sound that can be used came within %v.", limits.PublishTimeout),
		}
	}
	return &ingest.Rejection{
		Reason: ingest.NotMPEGTS, Message: fmt.Sprintf("No MPEG transport stream came within %v. In ffmpeg write -f mpegts before the srt:// URL.", limits.PublishTimeout),
	}
}

// report brings the server's counters up to date.
func (f *feed) report() {
	c := &f.visit.server.counters
	now := f.visit.caller.counts()
	c.add(now, f.visit.counted)
	f.visit.counted = now
	demuxed := f.demuxer.Stats()
	c.bad.Add(demuxed.BadUnits - f.visit.demuxed.BadUnits)
	c.others.Add(demuxed.OtherUnits - f.visit.demuxed.OtherUnits)
	c.gaps.Add(demuxed.Gaps - f.visit.demuxed.Gaps)
	c.damaged.Add(demuxed.Damaged - f.visit.demuxed.Damaged)
	f.visit.demuxed = demuxed
}

// complain logs what was wrong with the publisher's bytes; the stream goes on.
func (v *visit) complain(ctx context.Context, now time.Time, err error) {
	if attrs, ok := v.spoiled.Allow(now, slog.String("protocol", protocol),
		slog.String("remote", v.remote.String()), slog.Any("error", err)); ok {
		v.server.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "the publisher's data is damaged", attrs...)
	}
}
