package main

import (
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// run is 15 minutes of a gateway that grows by so many MiB an hour, with noise.
func run(growth float64) series {
	noise := rand.New(rand.NewPCG(1, 2))
	var all series
	for at := time.Duration(0); at < 15*time.Minute; at += 5 * time.Second {
		all = append(all, sample{
			at: at, resident: 400, beyond: 140 + growth*at.Hours() + 10*noise.NormFloat64(),
			goroutines: 100 + 3*noise.NormFloat64(), descriptors: 40 + noise.NormFloat64(),
		})
	}
	return all
}

func TestReport(t *testing.T) {
	t.Parallel()
	if err := run(0).report(io.Discard); err != nil {
		t.Errorf("a gateway that stays as it is: %v", err)
	}
	if err := run(200).report(io.Discard); !errors.Is(err, errGrows) {
		t.Errorf("a gateway that grows by 200 MiB an hour: %v", err)
	}
	if err := run(0)[:3].report(io.Discard); err == nil || errors.Is(err, errGrows) {
		t.Errorf("three samples: %v", err)
	}
	if mean, slope := run(200).fit(func(s sample) float64 { return s.beyond }); math.Abs(slope-200) > 30 || math.Abs(mean-165) > 3 {
		t.Errorf("mean %.1f and slope %.1f", mean, slope)
	}
}
