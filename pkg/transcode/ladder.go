package transcode

import (
	"math"
	"slices"
	"strconv"

	"weir/pkg/media"
)

// H.264 profiles by x264's names.
const (
	profileHigh = "high"
	profileMain = "main"
)

// LadderConfig is the operator's wish. The zero value is the default ladder.
type LadderConfig struct {
	// Rungs replaces the default heights; those that the source does not
	// reach are left out. Order does not matter.
	Rungs []RungConfig
	// Preset is x264's; empty means "veryfast".
	Preset string
}

// RungConfig is one rung of a custom ladder.
type RungConfig struct {
	// Height is that of a landscape picture; in portrait it is the width.
	Height int
	// Bitrate is in bits per second; 0 takes it from the table. It is held
	// below the source's alone.
	Bitrate int
	// FrameRate is the most frames per second wanted; 0 takes the default.
	FrameRate int
}

const (
	defaultPreset = "veryfast"
	// Pictures up to smallRung high look no worse at half of 60 fps; above
	// it the full rate is kept up to fastest.
	smallRung = 480
	smallRate = 30
	fastest   = 60
	// A rung less than a tenth smaller than the source is not worth its CPU.
	closestToSource = 0.9
	// leastBitrate is the lowest declared source bit rate that is believed.
	leastBitrate = 64_000
	// leastEncoded is what any rung has, however little was asked for.
	leastEncoded = 8_000
	// Each rung has at most this share of the bits of the next better one,
	// unless the operator chose its bit rate.
	shareOfNext = 0.7
	// shareAtTop is the most of the source's bits that any rung may have.
	shareAtTop = 0.95
	// peak is MaxRate over Bitrate; bufferSeconds is BufferSize over MaxRate.
	peak          = 1.2
	bufferSeconds = 0.5
)

// Ladder derives the encoded rungs from the source, best first, all of them
// smaller than the source. It is empty for a source of 360 lines or less: the
// source itself is the lowest rung then. The sizes have the source's display
// aspect in square pixels; in portrait the short side counts as the height.
func Ladder(src *media.Track, cfg LadderConfig) []Rung {
	wanted := cfg.Rungs
	if len(wanted) == 0 {
		wanted = []RungConfig{{Height: 1080}, {Height: 720}, {Height: 480}, {Height: 360}}
	}
	wanted = slices.Clone(wanted)
	slices.SortFunc(wanted, func(a, b RungConfig) int { return b.Height - a.Height })
	wanted = slices.CompactFunc(wanted, func(a, b RungConfig) bool { return a.Height == b.Height })
	size := displaySize(src)
	// A custom list is taken at its word as long as nothing is enlarged.
	closest := closestToSource
	if len(cfg.Rungs) > 0 {
		closest = 1
	}
	ceiling := sourceBudget(src)
	budget := ceiling
	var rungs []Rung
	for _, w := range wanted {
		if w.Height < 2 || float64(w.Height) > closest*size.short() || float64(w.Height) >= size.short() {
			continue
		}
		budget *= shareOfNext
		if w.Bitrate > 0 {
			budget = ceiling * shareAtTop
		}
		r := newRung(src, size.fit(w.Height), w, cfg.Preset, budget)
		budget = float64(r.Bitrate)
		rungs = append(rungs, r)
	}
	if n := len(rungs); n > 0 {
		lowest := &rungs[n-1]
		lowest.Profile = profileMain
		lowest.Level = level(*lowest)
	}
	return rungs
}

// TopRung is the rung that stands in for the source where the source itself
// cannot be served: of the source's own size, but with a short side of at most
// maxHeight lines where maxHeight is not 0. Its ID is that of the passthrough
// rendition which it replaces: "source".
func TopRung(src *media.Track, cfg LadderConfig, maxHeight int) Rung {
	size := displaySize(src)
	height := int(size.short())
	if maxHeight > 0 {
		height = min(height, maxHeight)
	}
	r := newRung(src, size.fit(height), RungConfig{Height: height}, cfg.Preset, sourceBudget(src)*shareAtTop)
	r.ID = "source"
	return r
}

// AtFullRate is the rung with all of the source's pictures.
func (r Rung) AtFullRate(src *media.Track) Rung {
	r.FrameRate, r.FrameDivisor = src.FrameRate, 1
	r.Level = level(r)
	return r
}

// newRung fills in everything that follows from the size: rates, buffer,
// profile and level. Its bit rate is not above budget bits per second.
func newRung(src *media.Track, size picture, w RungConfig, preset string, budget float64) Rung {
	if preset == "" {
		preset = defaultPreset
	}
	r := Rung{
		ID:      strconv.Itoa(w.Height) + "p",
		Width:   int(size.width),
		Height:  int(size.height),
		Profile: profileHigh,
		Preset:  preset,
	}
	r.FrameDivisor = divisor(src.FrameRate, w)
	if src.FrameRate.Known() {
		r.FrameRate = reduce(media.Rational{Num: src.FrameRate.Num, Den: src.FrameRate.Den * r.FrameDivisor})
	}
	r.Name = r.ID
	if fps := r.FrameRate.Float(); fps > smallRate+1 {
		r.Name += strconv.Itoa(int(math.Round(fps)))
	}
	wish := float64(w.Bitrate)
	if wish <= 0 {
		wish = tableBitrate(size, r.FrameRate)
	}
	r.Bitrate = int(math.Max(leastEncoded, math.Min(wish, budget)))
	r.MaxRate = int(float64(r.Bitrate) * peak)
	r.BufferSize = int(float64(r.MaxRate) * bufferSeconds)
	r.Level = level(r)
	return r
}

// sourceBudget is the source's bit rate, without limit if it is not known.
func sourceBudget(src *media.Track) float64 {
	if src.Bitrate < leastBitrate {
		return math.Inf(1)
	}
	return float64(src.Bitrate)
}

// divisor is the least number of source pictures per picture that brings the
// rate down to what the rung wants, with 1 % of tolerance for 30.01 fps.
func divisor(rate media.Rational, w RungConfig) int {
	if !rate.Known() {
		return 1
	}
	limit := fastest
	if w.Height <= smallRung {
		limit = smallRate
	}
	if w.FrameRate > 0 {
		limit = w.FrameRate
	}
	return max(1, int(math.Ceil(rate.Float()/(float64(limit)*1.01))))
}

// reduce is r in lowest terms.
func reduce(r media.Rational) media.Rational {
	a, b := r.Num, r.Den
	for b != 0 {
		a, b = b, a%b
	}
	return media.Rational{Num: r.Num / a, Den: r.Den / a}
}
