package libav

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/asticode/go-astiav"
	"golang.org/x/sync/errgroup"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// rungQueue is how many pictures may wait for an encoder, so that decoding
// goes on while the slowest one works.
const rungQueue = 2

// picture is a frame on its way to an encoder, which owns it; without one it
// tells the encoder to rest.
type picture struct {
	frame *astiav.Frame
	// opens is the boundary that makes it an IDR picture, if any.
	opens *transcode.BoundaryAt
	// duration is how long it is shown, 0 at an unknown frame rate.
	duration media.Ticks
}

// mark is what a picture has to be told by once it is encoded.
type mark struct {
	// msn is the segment that it opens if starts is true.
	msn      uint64
	starts   bool
	duration media.Ticks
}

// rung scales on the caller's goroutine and encodes on one of its own.
type rung struct {
	transcode.Rung

	index  int
	scaler *scaler
	// encoder is nil while the rung rests; open makes another.
	encoder *encoder
	open    func() (*encoder, error)
	queue   chan picture
	// from is the rung that this one is scaled from, -1 for the source; feeds
	// is true if one is scaled from this.
	from  int
	feeds bool
	// phase counts pictures since the boundary, for the frame divisor.
	phase int
	// pace is what is asked for; running is true from the first boundary at
	// which it was more than nothing. stride is how many of the rung's pictures
	// make one: more from the next boundary on, fewer at once.
	pace    transcode.Pace
	running bool
	stride  int
	// marks are those of the pictures in the encoder, by PTS, and msn is the
	// segment that packets belong to at present. Both are the encoder's
	// goroutine's.
	marks map[int64]mark
	msn   uint64
	busy  atomic.Int64
	out   *transcode.Writer
}

// bank is a set of open rungs with their goroutines.
type bank struct {
	acc   *account
	rungs []*rung
	group *errgroup.Group
	// done is closed when a rung has failed or the worker is to end.
	done   <-chan struct{}
	colour colour
}

// openBank opens every rung and tells the gateway of their tracks.
func openBank(ctx context.Context, acc *account, order transcode.Order, c colour, out *transcode.Writer) (b *bank, err error) {
	group, ctx := errgroup.WithContext(ctx)
	b = &bank{acc: acc, group: group, done: ctx.Done(), colour: c}
	made := b // a return of nil takes the name away
	defer func() {
		if err != nil {
			_ = made.close()
		}
	}()
	threads := threadsFor(cores(), len(order.Rungs))
	open, err := chooseEncoder(acc, order.Encoder, order.Rungs[0], c, func(r transcode.Rung) (*encoder, error) {
		return openEncoder(acc, r, effortOf(order.Latency), c, threads)
	}, out)
	if err != nil {
		return nil, err
	}
	var ready transcode.Ready
	for i, spec := range order.Rungs {
		r := &rung{
			Rung: spec, index: i, out: out, from: cascade(order.Rungs, i),
			queue: make(chan picture, rungQueue), marks: map[int64]mark{},
		}
		if r.scaler, err = newScaler(acc, form{spec.Width, spec.Height, pictureFormat, 1}, sharpness(r.from)); err != nil {
			return nil, err
		}
		r.open = func() (*encoder, error) { return open(spec) }
		if r.encoder, err = r.open(); err != nil {
			r.scaler.close()
			return nil, err
		}
		if r.from >= 0 {
			b.rungs[r.from].feeds = true
		}
		b.rungs = append(b.rungs, r)
		ready.Tracks = append(ready.Tracks, r.encoder.track)
		group.Go(func() error { return r.run(ctx) })
	}
	return b, out.Write(ready)
}

// cascade picks what rung i is scaled from: the smallest larger rung whose sides
// are about half as long again, as scaling costs by the size of the source, and
// scaling in small steps blurs. A rung that leaves out pictures can only
// serve those that leave out the same.
func cascade(rungs []transcode.Rung, i int) int {
	for j := i - 1; j >= 0; j-- {
		// 1.5 squared, less what even sizes cost.
		larger := 10*rungs[j].Width*rungs[j].Height >= 22*rungs[i].Width*rungs[i].Height
		if larger && rungs[i].FrameDivisor%rungs[j].FrameDivisor == 0 {
			return j
		}
	}
	return -1
}

func sharpness(from int) float64 {
	if from >= 0 {
		return sharpnessAgain
	}
	return sharpnessOnce
}

// close flushes every rung, waits for them and frees them.
func (b *bank) close() error {
	for _, r := range b.rungs {
		close(r.queue)
	}
	err := b.group.Wait()
	for _, r := range b.rungs {
		// What a rung that failed has left.
		for p := range r.queue {
			r.give(p)
		}
		if r.encoder != nil {
			r.encoder.close()
		}
		r.scaler.close()
	}
	return err
}

// encode has every rung that wants it encode a decoded frame. A rung that others
// are scaled from is handed over before they are, and so is shared.
func (b *bank) encode(source *astiav.Frame, opens *transcode.BoundaryAt) error {
	shared := make([]*astiav.Frame, len(b.rungs))
	defer func() {
		for _, f := range shared {
			b.acc.freeFrame(f)
		}
	}()
	for i, r := range b.rungs {
		if !r.wants(opens != nil) {
			continue
		}
		from := source
		if r.from >= 0 && shared[r.from] != nil {
			from = shared[r.from]
		}
		f, err := r.scaler.scale(from, source)
		if err == nil && r.feeds {
			shared[i], err = b.acc.share(f)
		}
		if err != nil {
			b.acc.freeFrame(f)
			return fmt.Errorf("rung %s: %w", r.ID, err)
		}
		select {
		case r.queue <- picture{f, opens, r.duration()}:
		case <-b.done:
			r.scaler.give(f)
		}
	}
	return nil
}

// failed reports whether a rung has failed; close tells why.
func (b *bank) failed() bool {
	select {
	case <-b.done:
		return true
	default:
		return false
	}
}

// pace slows rungs down and up. It waits for those that are put to rest to take
// note.
func (b *bank) pace(paces []transcode.Pace) {
	for i, p := range paces {
		r := b.rungs[i]
		if p == transcode.PaceOff && r.pace != transcode.PaceOff {
			r.running = false
			select {
			case r.queue <- picture{}:
			case <-b.done:
			}
		}
		r.pace, r.stride = p, max(r.stride, strideOf(p))
	}
}

// wants reports whether the rung keeps the next picture; one at a boundary is
// always kept and restarts the phase. A rung that comes back waits for one.
func (r *rung) wants(boundary bool) bool {
	if r.pace == transcode.PaceOff || (!boundary && !r.running) {
		return false
	}
	if boundary {
		r.phase, r.running, r.stride = 0, true, strideOf(r.pace)
	}
	r.phase++
	return (r.phase-1)%(max(1, r.FrameDivisor)*r.stride) == 0
}

func strideOf(p transcode.Pace) int {
	if p == transcode.PaceHalf {
		return 2
	}
	return 1
}

// duration is how long a picture that is taken now is shown.
func (r *rung) duration() media.Ticks {
	return r.FrameRate.Ticks(int64(r.stride), media.VideoTimescale)
}

// give returns the frame of a picture that was dealt with.
func (r *rung) give(p picture) {
	if p.frame != nil {
		r.scaler.give(p.frame)
	}
}

// run encodes what comes down the queue until it is closed, then flushes. Once
// ctx has ended it takes nothing more.
func (r *rung) run(ctx context.Context) error {
	for p := range r.queue {
		if ended(ctx) {
			r.give(p)
			return nil
		}
		err := r.take(p)
		r.give(p)
		if err != nil {
			return fmt.Errorf("rung %s: %w", r.ID, err)
		}
	}
	if ended(ctx) || r.encoder == nil {
		return nil
	}
	if err := r.encoder.encode(nil, r.send); err != nil {
		return fmt.Errorf("rung %s: %w", r.ID, err)
	}
	return nil
}

// take encodes a picture, or rests.
func (r *rung) take(p picture) (err error) {
	if p.frame == nil {
		return r.rest()
	}
	if r.encoder == nil {
		if r.encoder, err = r.open(); err != nil {
			return err
		}
	}
	return r.encode(p)
}

// rest gives up the encoder with all that it holds.
func (r *rung) rest() error {
	if r.encoder != nil {
		r.encoder.close()
		r.encoder = nil
	}
	clear(r.marks)
	return r.out.Write(transcode.Rested{Rung: r.index})
}

func ended(ctx context.Context) bool { return ctx.Err() != nil }

func (r *rung) encode(p picture) error {
	began := time.Now()
	defer func() { r.busy.Add(int64(time.Since(began))) }()
	at := mark{duration: p.duration}
	if p.opens != nil {
		p.frame.SetPictureType(astiav.PictureTypeI)
		at.msn, at.starts = p.opens.MSN, true
	}
	r.marks[p.frame.Pts()] = at
	return r.encoder.encode(p.frame, r.send)
}

// send hands a packet to the gateway.
func (r *rung) send(p *astiav.Packet) error {
	at := r.marks[p.Pts()]
	delete(r.marks, p.Pts())
	if at.starts {
		r.msn = at.msn
	}
	key := p.Flags().Has(astiav.PacketFlagKey)
	if at.starts && !key {
		return fmt.Errorf("segment %d opens with a picture that is not an IDR", r.msn)
	}
	return r.out.Write(transcode.Coded{
		Rung: r.index, MSN: r.msn, Starts: at.starts,
		AU: media.AccessUnit{
			DTS: media.Ticks(p.Dts()), PTS: media.Ticks(p.Pts()),
			Duration: at.duration, Sync: key, Data: r.encoder.data(p),
		},
	})
}
