package slate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

const (
	// encodeTime is what encoding a loop may take, and encodeTimes how many times as
	// long as the clip is beside that.
	encodeTime  = 15 * time.Second
	encodeTimes = 4
	// mostWaiting is how much of a clip may wait for the worker, so that little is in
	// memory at once.
	mostWaiting = 200 * time.Millisecond
	// hurry is how much of a clip is encoded as fast as the machine can, and steady
	// how many halves of its time pass while the rest is: the rungs of the stream that
	// waits for its publisher need the processors, too.
	hurry  = 3 * time.Second
	steady = 3
	// soundBitrate is of a clip's audio, in bits per second.
	soundBitrate = 128_000
)

// base is where clips begin on their way through workers: times have to be above 0,
// and AAC frames of all sampling rates begin there, as it is 1024 s.
const base = 1024 * media.Ticks(media.VideoTimescale)

// Job says what a loop is made for.
type Job struct {
	Worker transcode.Worker
	// Stream is the public name, for logs.
	Stream string
	// Rung is the size, frame rate, profile and level of the pictures: those of the
	// source. Bars are added where the shape differs.
	Rung transcode.Rung
	// Audio is plain AAC, in the parameters of which a clip's audio is encoded.
	Audio *media.Track
}

// Encode makes a loop of the clip. It calls grown with each GOP that the loop has
// grown by, from a goroutine of its own, up to the one that is whole: the first comes
// as soon as it can be shown. It takes a worker process, and one for a clip's audio,
// and as much of their time as encoding the clip does.
func (c Clip) Encode(ctx context.Context, job Job, grown func(*Loop)) error {
	if c.video == nil {
		var err error
		if c, err = neutral(job.Rung.Width, job.Rung.Height); err != nil {
			return err
		}
	}
	c = c.suited(job.Rung.FrameRate)
	ctx, cancel := context.WithTimeout(ctx, encodeTime+encodeTimes*c.length)
	defer cancel()
	sound := make(chan [][]byte, 1)
	go func() { sound <- c.encodeSound(ctx, job) }()
	err := c.encodePictures(ctx, job, sound, grown)
	cancel()
	if err != nil {
		return fmt.Errorf("encode the slate of stream %s at %dx%d: %w", job.Stream, job.Rung.Width, job.Rung.Height, err)
	}
	return nil
}

// suited is the clip at its length in whole pictures. Of a still one, a GOP is enough:
// it is one that fits the length several times.
func (c Clip) suited(rate media.Rational) Clip {
	if c.still {
		c.length /= time.Duration(Rounds(c.length))
	}
	n := c.hold(rate).Pictures(base)
	c.length = media.VideoTimescale.Duration(frame(rate, max(n, 1)))
	return c
}

func (c Clip) hold(rate media.Rational) *transcode.Hold {
	return &transcode.Hold{Rate: known(rate), Until: base + media.VideoTimescale.Ticks(c.length)}
}

// encodePictures waits for the sound before the first GOP is handed out.
func (c Clip) encodePictures(ctx context.Context, job Job, sound <-chan [][]byte, grown func(*Loop)) error {
	hold := c.hold(job.Rung.FrameRate)
	pictures := hold.Pictures(base)
	w := transcode.Start(ctx, transcode.Job{
		Worker: job.Worker, Stream: job.Stream, Track: c.video[0].Track, Rungs: []transcode.Rung{job.Rung},
		Latency: transcode.LatencyLow, Hold: hold,
	})
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		defer w.End()
		feeder{worker: w, begins: c.begins, boundaries: boundaries(job.Rung.FrameRate, pictures), paced: true}.feed(ctx, c.video)
	}()
	err := collect(w, int(pictures), sound, grown)
	if err != nil {
		w.End()
	}
	<-fed
	return err
}

// boundaries are where GOPs begin.
func boundaries(rate media.Rational, pictures int64) []media.Boundary {
	var all []media.Boundary
	for i, n := range keys(rate, pictures) {
		all = append(all, media.Boundary{MSN: uint64(i) + 1, PTS: base + frame(rate, n)})
	}
	return all
}

// feeder hands access units to a worker, with times that are moved from begins to base,
// each behind the boundaries that it lies behind.
type feeder struct {
	worker     *transcode.Supervisor
	begins     media.Ticks
	boundaries []media.Boundary
	// paced leaves others some of the processors' time.
	paced bool
}

func (f feeder) feed(ctx context.Context, units []media.AccessUnit) {
	step := time.NewTicker(5 * time.Millisecond)
	defer step.Stop()
	began := time.Now()
	last := media.Ticks(0)
	for i, au := range units {
		scale := au.Track.Timescale
		shift := media.Rescale(base-f.begins, media.VideoTimescale, scale)
		au.DTS, au.PTS, au.Discontinuity = au.DTS+shift, au.PTS+shift, i == 0
		if i == 0 {
			f.tell(base) // what comes before it is decoded only
		}
		last = max(last, media.Rescale(au.PTS, scale, media.VideoTimescale))
		ahead := media.VideoTimescale.Duration(last-base) - hurry
		for f.worker.Stats().Backlog > mostWaiting || f.paced && ahead > steady*time.Since(began)/2 {
			select {
			case <-step.C:
			case <-ctx.Done():
				return
			}
		}
		f.tell(last)
		f.worker.Push(au)
	}
	f.tell(1 << 62)
}

// tell announces the boundaries up to a time.
func (f *feeder) tell(upTo media.Ticks) {
	for len(f.boundaries) > 0 && f.boundaries[0].PTS <= upTo {
		f.worker.Boundary(f.boundaries[0])
		f.boundaries = f.boundaries[1:]
	}
}

// collect takes the pictures that the worker makes, to their end.
func collect(w *transcode.Supervisor, want int, sound <-chan [][]byte, grown func(*Loop)) error {
	loop, ordered := Loop{}, true
	var last media.Ticks
	hand := func(whole bool) {
		if sound != nil {
			loop.sound, sound = <-sound, nil
		}
		loop.Whole = whole
		sofar := loop
		sofar.units = slices.Clip(loop.units)
		grown(&sofar)
	}
	for out := range w.Output() {
		switch n := int(out.MSN) - 1; {
		case out.Starts && n == 0 || loop.Track != nil && out.AU.Track != loop.Track:
			loop.units = nil // or a worker was restarted
		case out.Starts:
			// What was in it before, if a worker was restarted there, is void.
			loop.units = loop.units[:upTo(loop.units, n)]
			hand(false)
		}
		ordered = ordered && (len(loop.units) == 0 || out.AU.PTS > last)
		last, loop.Track = out.AU.PTS, out.AU.Track
		loop.units = append(loop.units, unit{data: out.AU.Data, key: out.Starts})
	}
	switch {
	case len(loop.units) != want:
		return fmt.Errorf("%d of %d pictures came: %w", len(loop.units), want, lastError(w))
	case !ordered:
		return errors.New("pictures came out of order")
	}
	hand(true)
	return nil
}

// upTo is how many pictures the first so many GOPs have.
func upTo(units []unit, gops int) int {
	for i := range units {
		if units[i].key {
			if gops == 0 {
				return i
			}
			gops--
		}
	}
	return len(units)
}

func lastError(w *transcode.Supervisor) error {
	if reason := w.Stats().LastError; reason != "" {
		return errors.New(reason)
	}
	return errors.New("the worker did not finish in time")
}

// encodeSound is the clip's audio in the parameters of job.Audio, a frame of AAC for
// each 1024 samples from the first picture on; nil where it has none, or it cannot be
// encoded so, which the log tells.
func (c Clip) encodeSound(ctx context.Context, job Job) [][]byte {
	if len(c.audio) == 0 || job.Audio == nil {
		return nil
	}
	rate := media.Timescale(job.Audio.SampleRate)
	w := transcode.StartAudio(ctx, transcode.AudioJob{
		Worker: job.Worker, Stream: job.Stream, Track: c.audio[0].Track,
		Bitrate: soundBitrate, SampleRate: job.Audio.SampleRate, Channels: job.Audio.Channels,
	})
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		defer w.End()
		feeder{worker: w, begins: c.begins}.feed(ctx, c.audio)
	}()
	first := media.Rescale(base, media.VideoTimescale, rate)
	sound := make([][]byte, (rate.Ticks(c.length)+aacFrame-1)/aacFrame)
	heard := false
	for out := range w.Output() {
		at := int(out.AU.PTS-first) / aacFrame
		if out.AU.Track.Channels == job.Audio.Channels && out.AU.PTS >= first && at < len(sound) {
			sound[at], heard = out.AU.Data, true
		}
	}
	<-fed
	if !heard && ctx.Err() == nil {
		job.Worker.Log.Warn("the slate's sound cannot be encoded, it is silent", slog.String("stream", job.Stream), slog.Any("error", lastError(w)))
		return nil
	}
	return sound
}
