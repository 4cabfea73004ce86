package main

import (
	"fmt"
	"io"
	"time"
)

// sample is how the gateway stood at a moment.
type sample struct {
	at time.Duration
	// resident is in MiB, as is beyond: what of it is no media that can be fetched.
	resident, beyond, goroutines, descriptors float64
	lost, broadcasts                          int64
}

// series are the samples of a run, oldest first.
type series []sample

// figure is one that must not grow by more over a run, in parts of its mean: noise
// of publishers that come and go is not growth.
type figure struct {
	name string
	of   func(sample) float64
	most float64
	// against is the figure whose mean that is, nil for its own.
	against func(sample) float64
}

func figures() []figure {
	resident := func(s sample) float64 { return s.resident }
	return []figure{
		// Windows are as large as what the clip has at the moment.
		{"beyond windows, MiB", func(s sample) float64 { return s.beyond }, 0.05, resident},
		{"goroutines", func(s sample) float64 { return s.goroutines }, 0.08, nil},
		{"descriptors", func(s sample) float64 { return s.descriptors }, 0.08, nil},
	}
}

// report writes the slopes; the error says what grows.
func (all series) report(w io.Writer) error {
	if len(all) < 10 {
		return fmt.Errorf("only %d samples were taken", len(all))
	}
	first, last := all[0], all[len(all)-1]
	span := last.at - first.at
	fmt.Fprintf(w, "%v, %d samples; %d connections were cut off and %d broadcasts ended meanwhile\n",
		span.Round(time.Second), len(all), last.lost-first.lost, last.broadcasts-first.broadcasts)
	var grows error
	for _, limit := range figures() {
		mean, slope := all.fit(limit.of)
		growth := slope * span.Hours() / mean
		if limit.against != nil {
			whole, _ := all.fit(limit.against)
			growth *= mean / whole
		}
		fmt.Fprintf(w, "%-19s mean %8.1f, %+8.2f an hour: %+.1f %% over the run\n", limit.name, mean, slope, 100*growth)
		if growth > limit.most {
			grows = fmt.Errorf("%w: %s by %.1f %% in %v", errGrows, limit.name, 100*growth, span.Round(time.Second))
		}
	}
	return grows
}

// fit is the mean of a figure and its slope in units an hour, by least squares.
func (all series) fit(of func(sample) float64) (mean, slope float64) {
	var at float64
	for _, s := range all {
		at += s.at.Hours()
		mean += of(s)
	}
	n := float64(len(all))
	at, mean = at/n, mean/n
	var square float64
	for _, s := range all {
		d := s.at.Hours() - at
		slope += d * (of(s) - mean)
		square += d * d
	}
	return mean, slope / square
}
