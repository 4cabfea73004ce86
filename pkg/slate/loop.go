package slate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

const (
	// loopSeconds is how long a loop lasts at least: a segment.
	loopSeconds = 2
	// assumedRate is that of a loop for a source without a constant frame rate.
	assumedRate = 30
	// encodeTime is what encoding a loop may take; mostWaiting is how much of its
	// pictures may wait for the worker, so that few are in memory at once.
	encodeTime  = 15 * time.Second
	mostWaiting = 200 * time.Millisecond
)

// Loop is a still picture as closed GOPs of H.264: units follow each other in
// order of decoding, which is that of presentation as well, and the first is an
// IDR picture. It is immutable.
type Loop struct {
	// Track has the frame rate of the rung that it was made for, also where that
	// is not known.
	Track *media.Track
	units [][]byte
}

// Encode makes a loop of the picture in the size, at the frame rate and with the
// profile and level of the rung, which is that of the source. Bars are added where
// the shape differs. It takes a worker process, and as much of its time as two
// seconds of a still picture take.
func (p Picture) Encode(ctx context.Context, worker transcode.Worker, stream string, rung transcode.Rung) (*Loop, error) {
	ctx, cancel := context.WithTimeout(ctx, encodeTime)
	defer cancel()
	if p.data == nil {
		var err error
		if p, err = neutral(rung.Width, rung.Height); err != nil {
			return nil, err
		}
	}
	still := &media.Track{
		Kind: media.Video, Codec: p.codec, Timescale: media.VideoTimescale,
		Width: p.width, Height: p.height, FrameRate: rung.FrameRate,
	}
	w := transcode.Start(ctx, transcode.Job{
		Worker: worker, Stream: stream, Track: still, Rungs: []transcode.Rung{rung},
		Latency: transcode.LatencyLow,
	})
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		defer w.End()
		p.feed(ctx, w, still)
	}()
	loop, err := collect(w, rung)
	cancel()
	<-fed
	if err != nil {
		return nil, fmt.Errorf("encode the slate of stream %s at %dx%d: %w", stream, rung.Width, rung.Height, err)
	}
	return loop, nil
}

// feed hands the picture over once for each picture of the loop.
func (p Picture) feed(ctx context.Context, w *transcode.Supervisor, still *media.Track) {
	step := time.NewTicker(5 * time.Millisecond)
	defer step.Stop()
	// Times have to be above 0: the first boundary stands at the first of them.
	base := media.Ticks(media.VideoTimescale)
	w.Boundary(media.Boundary{MSN: 1, PTS: base})
	for n := range pictures(still.FrameRate) {
		for w.Stats().Backlog > mostWaiting {
			select {
			case <-step.C:
			case <-ctx.Done():
				return
			}
		}
		at := base + frame(still.FrameRate, n)
		w.Push(media.AccessUnit{
			Track: still, DTS: at, PTS: at, Duration: frame(still.FrameRate, n+1) - frame(still.FrameRate, n), Sync: true,
			// A decoder of its own for each: libav's for PNG takes the last row of the
			// picture before for the one above the first.
			Discontinuity: true, Data: p.data,
		})
	}
}

// pictures is how many a loop has, for a segment's duration.
func pictures(rate media.Rational) int64 {
	if !rate.Known() {
		return loopSeconds * assumedRate
	}
	num, den := int64(rate.Num), int64(rate.Den)
	return max((loopSeconds*num+den/2)/den, 1)
}

// frame is when picture n of a source begins, at 90 kHz.
func frame(rate media.Rational, n int64) media.Ticks {
	if !rate.Known() {
		rate = media.Rational{Num: assumedRate, Den: 1}
	}
	return rate.Ticks(n, media.VideoTimescale)
}

// collect takes what the worker makes, to its end.
func collect(w *transcode.Supervisor, rung transcode.Rung) (*Loop, error) {
	loop := &Loop{}
	ordered := true
	var last media.Ticks
	for out := range w.Output() {
		if loop.Track != nil && (out.Starts || out.AU.Track != loop.Track) {
			*loop = Loop{} // a worker was restarted
		}
		ordered = ordered && out.AU.PTS > last
		last = out.AU.PTS
		loop.Track = out.AU.Track
		loop.units = append(loop.units, out.AU.Data)
	}
	switch want := pictures(rung.FrameRate); {
	case int64(len(loop.units)) != want:
		return nil, fmt.Errorf("%d of %d pictures came: %w", len(loop.units), want, lastError(w))
	case !ordered:
		return nil, errors.New("pictures came out of order")
	}
	return loop, nil
}

func lastError(w *transcode.Supervisor) error {
	if reason := w.Stats().LastError; reason != "" {
		return errors.New(reason)
	}
	return errors.New("the worker did not finish in time")
}
