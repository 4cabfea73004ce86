package libav

// frameSamples is how many samples of each channel an AAC-LC frame has.
const frameSamples = 1024

// Places that differ by less than slack are the same; up to tolerance they are
// brought together by a sample at a time; beyond it there is a gap, filled
// with silence, or an overlap, which is dropped; a gap beyond longestGap is no
// gap but another time. In fractions or multiples of a second.
const (
	slackDivisor     = 500
	toleranceDivisor = 100
	longestGap       = 10
)

// stereo is a stretch of two channels of equal length.
type stereo struct{ left, right []float32 }

func (s stereo) samples() int { return len(s.left) }

func (s stereo) from(n int) stereo { return stereo{s.left[n:], s.right[n:]} }

func (s stereo) to(n int) stereo { return stereo{s.left[:n], s.right[:n]} }

// channels are both of them, or one that is made of both.
func (s stereo) channels(n int) [][]float32 {
	if n != 1 {
		return [][]float32{s.left, s.right}
	}
	mono := make([]float32, s.samples())
	for i := range mono {
		mono[i] = (s.left[i] + s.right[i]) / 2
	}
	return [][]float32{mono}
}

// grid cuts sound into frames that start at multiples of frameSamples, counted
// from the Unix epoch: whatever worker makes a frame gives it the same place.
type grid struct {
	rate int
	// at is the place of the first sample that waits for its frame to be
	// whole.
	at      int64
	waiting stereo
	open    bool
	ready   []soundFrame
}

// soundFrame is frameSamples that belong at place.
type soundFrame struct {
	place int64
	sound stereo
}

// push adds sound whose first sample belongs at place.
func (g *grid) push(place int64, s stereo) {
	if g.open && place-g.end() > int64(g.rate)*longestGap {
		g.finish()
	}
	if !g.open {
		g.start(place)
	}
	ahead := place - g.end()
	switch tolerance, slack := int64(g.rate/toleranceDivisor), int64(g.rate/slackDivisor); {
	case ahead > tolerance:
		g.silence(int(ahead))
	case ahead < -tolerance:
		s = s.from(min(int(-ahead), s.samples()))
	case ahead > slack:
		s = stretch(s, 1)
	case ahead < -slack:
		s = stretch(s, -1)
	}
	g.waiting.left = append(g.waiting.left, s.left...)
	g.waiting.right = append(g.waiting.right, s.right...)
	g.cut()
}

// cut makes frames of what waits, as far as they are whole.
func (g *grid) cut() {
	for g.waiting.samples() >= frameSamples {
		g.ready = append(g.ready, soundFrame{g.at, g.waiting.to(frameSamples)})
		g.waiting = g.waiting.from(frameSamples)
		g.at += frameSamples
	}
}

// start opens the grid at the frame that has place, or after the last one that
// was made.
func (g *grid) start(place int64) {
	g.open = true
	g.at = max(g.at, place-modulo(place, frameSamples))
	g.silence(int(max(0, place-g.at)))
}

// end is the place of the next sample.
func (g *grid) end() int64 { return g.at + int64(g.waiting.samples()) }

func (g *grid) silence(n int) {
	g.waiting.left = append(g.waiting.left, make([]float32, n)...)
	g.waiting.right = append(g.waiting.right, make([]float32, n)...)
}

// finish fills up the last frame; the next push starts the grid anew.
func (g *grid) finish() {
	if g.open {
		g.silence(int(modulo(-g.end(), frameSamples)))
		g.cut()
		g.open = false
	}
}

// next takes the next whole frame.
func (g *grid) next() (f soundFrame, ok bool) {
	if len(g.ready) == 0 {
		return soundFrame{}, false
	}
	f = g.ready[0]
	g.ready = g.ready[1:]
	return f, true
}

func modulo(a, b int64) int64 { return ((a % b) + b) % b }

// stretch makes s longer (1) or shorter (-1) by a sample in each thousand, at
// least one: less than a fiftieth of a semitone, where a jump would click.
func stretch(s stereo, direction int) stereo {
	n := s.samples()
	if n < 3 {
		return s
	}
	m := n + direction*max(1, n/1000)
	out := stereo{make([]float32, m), make([]float32, m)}
	for i := range m {
		x := float64(i) * float64(n-1) / float64(m-1)
		k := min(int(x), n-2)
		f := float32(x - float64(k))
		out.left[i] = s.left[k] + f*(s.left[k+1]-s.left[k])
		out.right[i] = s.right[k] + f*(s.right[k+1]-s.right[k])
	}
	return out
}
