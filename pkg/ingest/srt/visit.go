package srt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/ingest/mpegts"
)

// protocol is what this one is called.
const protocol = "srt"

// visit is a caller from its handshake to its end. All of it is one goroutine's.
type visit struct {
	listener *listener
	server   *Server
	limits   Limits
	remote   netip.AddrPort
	from     origin
	// came is when its conclusion did, and timestamp the caller's time then.
	came      time.Time
	timestamp uint32
	hello     handshake

	caller *caller
	// settled is true once it has been decided about.
	settled bool
	// counted is what the server's counters know of the caller.
	counted receiverStats
	demuxed mpegts.Stats
	told    ingest.Metadata
	// spoiled holds back the log of what had to be thrown away.
	spoiled ingest.Seldom
}

// run serves the caller until it ends. A panic costs this caller only.
func (v *visit) run(ctx context.Context) {
	defer func() {
		v.settle(nil) // also where it crashed; last, for what it does until then counts, too
		if r := recover(); r != nil {
			v.server.cfg.Log.LogAttrs(ctx, slog.LevelError, "an SRT connection crashed; please report this",
				slog.Any("panic", r), slog.String("stack", string(debug.Stack())))
		}
	}()
	v.server.counters.accepted.Add(1)
	session, err := v.open(ctx)
	if err != nil {
		v.refused(ctx, err)
		return
	}
	defer v.server.cfg.Admission.Leave(v.remote.Addr())
	v.server.counters.active.Add(1)
	defer v.server.counters.active.Add(-1)
	defer v.listener.forget(v.from, v.caller)
	v.publish(ctx, session)
}

// settle ends the caller's wait for a decision, once.
func (v *visit) settle(c *caller) {
	if !v.settled {
		v.settled = true
		v.listener.decided(v.from, c)
	}
}

// refusal is a rejection with a code of its own.
type refusal struct {
	code uint32
	*ingest.Rejection
}

func (r *refusal) Unwrap() error { return r.Rejection }

// refused tells a caller why it may not publish.
func (v *visit) refused(ctx context.Context, err error) {
	code, why := v.verdict(ctx, err)
	v.server.refuse(ctx, v.remote, why)
	v.listener.send(v.hello.reply(rejectionBase+code, 0, v.listener.timestamp(time.Now()), v.remote.Addr()), v.remote)
}

// verdict is the code and the words for why a caller is not let in.
func (v *visit) verdict(ctx context.Context, err error) (code uint32, why *ingest.Rejection) {
	if own, ok := errors.AsType[*refusal](err); ok {
		return own.code, own.Rejection
	}
	why, told := errors.AsType[*ingest.Rejection](err)
	switch {
	case told:
	case errors.Is(err, context.DeadlineExceeded):
		why = &ingest.Rejection{Reason: ingest.TimedOut, Message: fmt.Sprintf(
			"Weir could not say within %v whether you may publish. Try again in a few seconds.", v.limits.PublishTimeout)}
	default:
		v.server.cfg.Log.LogAttrs(ctx, slog.LevelError, "an SRT caller could not be let in",
			slog.String("remote", v.remote.String()), slog.Any("error", err))
		return rejectInternal, &ingest.Rejection{Reason: ingest.ProtocolError, Message: "Weir could not go on because of an error of its own. Its log says more."}
	}
	return rejectionCode(why.Reason), why
}

// open decides about the caller and answers its handshake if it is let in.
func (v *visit) open(ctx context.Context) (session ingest.Session, err error) {
	if err = v.server.cfg.Admission.Enter(v.remote.Addr()); err != nil {
		return nil, err //nolint:wrapcheck // It is told to the publisher as it is.
	}
	defer func() {
		if err != nil {
			v.server.cfg.Admission.Leave(v.remote.Addr())
		}
	}()
	if code, message := v.hello.unsuitable(); code != 0 {
		return nil, &refusal{code, &ingest.Rejection{Reason: ingest.ProtocolError, Message: message}}
	}
	req, err := parseStreamID(v.hello.streamID)
	if err != nil {
		return nil, err
	}
	v.makeCaller()
	if session, err = v.knock(ctx, req); err != nil {
		return nil, err
	}
	v.settle(v.caller)
	v.listener.send(v.caller.answer, v.remote)
	return session, nil
}

// knock asks the gate.
func (v *visit) knock(ctx context.Context, req request) (ingest.Session, error) {
	ctx, cancel := context.WithTimeout(ctx, v.limits.PublishTimeout)
	defer cancel()
	session, err := v.server.cfg.Gate.Publish(ctx, ingest.Request{
		Protocol: protocol, Clock: mpegts.Clock(), Remote: v.remote, Application: "live", Key: req.key,
		Link: v.caller.link, Encrypted: v.hello.key != nil, Unlock: v.unlock,
	})
	switch {
	case errors.Is(err, context.Canceled):
		err = &ingest.Rejection{Reason: ingest.ShuttingDown, Message: "Weir is restarting. Try again in a few seconds."}
	case err != nil:
		err = fmt.Errorf("ask to publish: %w", err)
	}
	return session, err
}

// unlock checks the caller's passphrase, which it has shown by what it wrapped its
// key with. The gate asks for it: only who has a good stream key is told of passphrases.
func (v *visit) unlock(passphrase string) error {
	wrong := func(code uint32, message string) error {
		return &refusal{code, &ingest.Rejection{Reason: ingest.WrongPassphrase, Message: message}}
	}
	switch {
	case passphrase == "" && v.hello.key == nil:
		return nil
	case passphrase == "":
		return wrong(rejectUnsecure, "The encoder encrypts, but this stream key has no passphrase. Check the key; remove the passphrase in the encoder, or give the stream one in Weir.")
	case v.hello.key == nil:
		return wrong(rejectUnsecure, "This stream has to be encrypted. Write its passphrase into the encoder: passphrase=…&pbkeylen=16 in the srt:// URL.")
	}
	v.server.deriving.Lock()
	keys, err := newKeyring(v.hello.key, passphrase)
	v.server.deriving.Unlock()
	if errors.Is(err, errPassphrase) {
		return wrong(rejectSecret, "The passphrase is not the one of this stream key. Copy both again.")
	}
	if err != nil {
		return wrong(rejectSecret, fmt.Sprintf("The encryption cannot be used (%v). AES-CTR with keys of 16, 24 or 32 bytes can.", err))
	}
	v.caller.keyring = keys
	return nil
}

// mostLatency bounds what a caller may ask for.
const mostLatency = 8 * time.Second

func (v *visit) makeCaller() {
	latency := max(v.limits.Latency, min(time.Duration(v.hello.latency)*time.Millisecond, mostLatency))
	// When the conclusion came, the caller's time was what it says (section
	// 4.5.1.1).
	base := v.came.Add(-time.Duration(v.timestamp) * time.Microsecond)
	r := newReceiver(v.hello.first, latency, base)
	r.clock, r.measured = time.Duration(v.timestamp)*time.Microsecond, v.came
	c := &caller{
		send: v.listener.send, remote: v.remote, id: v.listener.number(), peer: v.hello.socket,
		began: v.came, wake: make(chan struct{}, 1),
		receiver: r, acked: v.hello.first, spoke: v.came,
	}
	c.answer = v.hello.accept(c.id, 0, uint16(latency/time.Millisecond), v.remote.Addr())
	v.caller = c
}
