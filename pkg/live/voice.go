package live

import (
	"context"
	"log/slog"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/media"
	"weir/pkg/transcode"
)

// heldAudio bounds the audio of one track that waits for a boundary decision, in
// access units: ten seconds.
const heldAudio = 500

// voice is an audio rendition's way through a session: one of the publisher's audio
// tracks, cut where video is. Where the publisher has none for it, it is silent, in the
// parameters that it had, so that who has chosen it goes on.
type voice struct {
	lane *lane
	// number is that of the source's track; track is what comes of it, nil before
	// the first.
	number int
	track  *media.Track
	// held is audio beyond the horizon of the boundary rule, and end where the newest
	// ends that came, at 90 kHz.
	held []media.AccessUnit
	end  media.Ticks
	// open is what the open segment is made of; it is kept only while passthrough
	// may still have to be left.
	open []media.AccessUnit
	// worker encodes, nil where audio passes through; stop ends it.
	worker *transcode.Supervisor
	stop   context.CancelFunc
	// quiet is the track of silence where the source has none, nil otherwise, and
	// next the end of what was made of it, in samples; 0 before the first boundary.
	quiet *media.Track
	next  media.Ticks
	// frame is one of the silence.
	frame []byte
}

// silence makes the voice a silent one.
func (v *voice) silence() {
	v.quiet = ingest.SilentTrack(v.lane.rendition.SampleRate)
	if init := v.lane.init; init != nil && ingest.PlainAAC(init.Track) {
		v.quiet = init.Track
	}
	v.frame = ingest.SilentFrame(v.quiet.Channels)
}

// boundary opens a segment. Silence goes on from there where media time has a hole.
func (v *voice) boundary(b media.Boundary, known *history) {
	v.open = v.open[:0]
	if v.quiet != nil && (v.next == 0 || b.Period != v.lane.period) {
		v.next = max(v.next, media.Rescale(b.PTS, media.VideoTimescale, v.quiet.Timescale))
	}
	v.lane.takeUp(b.MSN, known)
	v.lane.boundary(b)
}

// fill makes silence up to the media time to, at 90 kHz.
func (v *voice) fill(to media.Ticks) {
	const samples = 1024
	for v.quiet != nil && v.next != 0 && media.Rescale(v.next+samples, v.quiet.Timescale, media.VideoTimescale) <= to {
		v.held = append(v.held, media.AccessUnit{Track: v.quiet, DTS: v.next, PTS: v.next, Duration: samples, Sync: true, Data: v.frame})
		v.next += samples
	}
}

// soundOutput is what a voice's worker brings; done is true when it has ended.
type soundOutput struct {
	voice  *voice
	worker *transcode.Supervisor
	unit   media.AccessUnit
	done   bool
}

// voice is that of the source's track of that number, nil if it has none.
func (p *pipeline) voice(number int) *voice {
	for _, v := range p.voices {
		if v.quiet == nil && v.number == number {
			return v
		}
	}
	return nil
}

// startAudio has audio encoded that not every player decodes.
func (p *pipeline) startAudio(v *voice, track *media.Track) {
	if ingest.PlainAAC(track) {
		return
	}
	ctx, stop := context.WithCancel(p.ctx)
	worker := transcode.StartAudio(ctx, transcode.AudioJob{
		Worker: p.workerProcess(), Stream: p.stream.name, Track: track,
		Bitrate: p.stream.cfg.AudioBitrate,
	})
	v.worker, v.stop = worker, stop
	p.forwards.Go(func() { forwardSound(ctx, v, worker, p.sounds) })
}

// forwardSound hands the worker's output on until it ends. A worker's output has to
// be read in any case.
func forwardSound(ctx context.Context, v *voice, worker *transcode.Supervisor, to chan<- soundOutput) {
	for out := range worker.Output() {
		select {
		case to <- soundOutput{voice: v, worker: worker, unit: out.AU}:
		case <-ctx.Done():
		}
	}
	select {
	case to <- soundOutput{voice: v, worker: worker, done: true}:
	case <-ctx.Done():
	}
}

func (p *pipeline) pushAudio(au media.AccessUnit) {
	v := p.voice(au.Track.Number)
	if v == nil {
		p.unused = true
		return
	}
	// Silence in place of audio that is encoded is plain, and encoded as well.
	if au.Track != v.track && (au.Discontinuity || !ingest.PlainAAC(au.Track)) {
		p.changeAudio(v, au.Track)
	}
	if v.worker != nil {
		v.worker.Push(au)
		return
	}
	if n := len(p.crews); n > 0 && v.number == 0 {
		p.crews[n-1].worker.Listen(au)
	}
	p.holdAudio(v, au)
}

// changeAudio follows the source from audio that passes through to audio that
// does not, and back.
func (p *pipeline) changeAudio(v *voice, track *media.Track) {
	v.track = track
	if v.number == 0 {
		p.plan.audio = track
	}
	if ingest.PlainAAC(track) {
		p.drainAudio(v)
	} else if v.worker == nil {
		p.startAudio(v, track)
	}
}

// holdAudio keeps audio until the boundary rule has decided all that could
// still cut it.
func (p *pipeline) holdAudio(v *voice, au media.AccessUnit) {
	if p.plan.source == nil && v.number == 0 {
		p.cutAlone(au)
		return
	}
	if len(v.held) >= heldAudio {
		v.lane.rejected++ // video has stopped; audio alone makes no segments
		return
	}
	v.held = append(v.held, au)
	v.end = media.Rescale(au.PTS+au.Duration, au.Track.Timescale, media.VideoTimescale)
	p.releaseVoice(v, p.cut.Horizon())
}

// releaseAudio lets go of what no boundary can cut any more.
func (p *pipeline) releaseAudio(horizon media.Ticks) {
	for _, v := range p.voices {
		v.fill(min(horizon, p.stream.history.last))
		p.releaseVoice(v, horizon)
	}
}

func (p *pipeline) releaseVoice(v *voice, horizon media.Ticks) {
	n := 0
	for _, au := range v.held {
		end := media.Rescale(au.DTS+au.Duration, au.Track.Timescale, media.VideoTimescale)
		if end > horizon {
			break
		}
		p.feedAudio(v, au)
		n++
	}
	v.held = append(v.held[:0], v.held[n:]...)
}

func (p *pipeline) feedAudio(v *voice, au media.AccessUnit) {
	end := media.Rescale(au.DTS+au.Duration, au.Track.Timescale, media.VideoTimescale)
	if open, ok := p.stream.history.holding(end); ok && end-open.PTS >= p.cut.limit() {
		v.lane.rejected++ // video had stopped: audio alone would make the segment too long
		return
	}
	if p.mayLeave() {
		v.open = append(v.open, au)
	}
	v.lane.push(au)
	p.stream.history.note(end)
}

// heldTo is the end of what is held, at 90 kHz; 0 where nothing is.
func (p *pipeline) heldTo() (end media.Ticks) {
	for _, v := range p.voices {
		if n := len(v.held); n > 0 {
			last := &v.held[n-1]
			end = max(end, media.Rescale(last.PTS+last.Duration, last.Track.Timescale, media.VideoTimescale))
		}
	}
	return end
}

// giveUpSilent announces what the worker of a further track has not brought in time:
// who listens to another one is not to wait for it.
func (p *pipeline) giveUpSilent(current uint64) {
	for _, v := range p.voices[1:] {
		if v.worker != nil && current >= p.plan.firstMSN+lateSegments {
			v.lane.giveUpTo(current-lateSegments+1, &p.stream.history)
		}
	}
}

// audioOutput is what the voices' workers bring; nil, which blocks for ever, without a
// pipeline.
func (p *pipeline) audioOutput() <-chan soundOutput {
	if p == nil {
		return nil
	}
	return p.sounds
}

func (p *pipeline) encodedAudio(out soundOutput) {
	switch {
	case out.worker != out.voice.worker: // it was given up
	case out.done:
		out.voice.stop()
		out.voice.worker = nil
	default:
		p.holdAudio(out.voice, out.unit)
	}
}

// drainAudio has the voices' workers finish, for at most drainTimeout.
func (p *pipeline) drainAudio(voices ...*voice) {
	timeout := time.NewTimer(drainTimeout)
	defer timeout.Stop()
	for _, v := range voices {
		if v.worker != nil {
			v.worker.End()
		}
	}
	for _, v := range voices {
		for v.worker != nil {
			select {
			case out := <-p.sounds:
				p.encodedAudio(out)
			case <-timeout.C:
				p.log.Warn("worker did not flush in time, the last of its audio is lost", slog.Duration("after", drainTimeout))
				abandonAudio(voices)
			}
		}
	}
}

// abandonAudio ends the voices' workers at once.
func abandonAudio(voices []*voice) {
	for _, v := range voices {
		if v.worker != nil {
			v.stop()
			v.worker = nil
		}
	}
}
