package main

import (
	"log/slog"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// memoryShare is the gateway's own part of a container's memory: the workers'
// encoders need the rest, about 250 MB for each stream at 1080p.
const memoryShare = 0.5

const (
	// Garbage is collected when there is leastGarbage and garbageShare percent of
	// what is in use. That is media without pointers as a rule, which costs the
	// collector next to nothing, so a small share is enough where there is much.
	leastGarbage = 12 << 20
	garbageShare = 3
	// What it costs is to look at pointers: viewers' stacks, above all. There may be
	// scannedShare times as much garbage as that.
	scannedShare = 2
	// mostGarbageShare bounds all that, and is what holds where little is in use.
	mostGarbageShare, usualGarbageShare = 400, 100
	// paceEvery is how often that is worked out anew.
	paceEvery = 5 * time.Second
)

// garbagePercent is GOGC for so many bytes in use, and so many that the collector
// looks at.
func garbagePercent(inUse, scanned uint64) int {
	if inUse <= leastGarbage {
		return usualGarbageShare
	}
	return int(min((leastGarbage+scannedShare*scanned)*100/inUse+garbageShare, mostGarbageShare))
}

// paceGarbage sets the garbage collector's limits, and lets its pace follow what
// is in use until stop is called. The runtime's own variables, GOGC and
// GOMEMLIMIT, override it.
func paceGarbage(log *slog.Logger) (stop func()) {
	limit, err := memlimit.Set(memlimit.WithRatio(memoryShare), memlimit.WithProvider(memlimit.FromCgroup))
	if err != nil {
		log.Debug("the container's memory limit is not known", slog.Any("error", err))
	} else {
		log.Debug("memory limit", slog.Int64("bytes", limit))
	}
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		follow(over)
	}()
	return func() {
		close(over)
		<-done
	}
}

// follow sets the collector's pace until over is closed.
func follow(over <-chan struct{}) {
	tick := time.NewTicker(paceEvery)
	defer tick.Stop()
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/total:bytes"}}
	for set := 0; ; {
		metrics.Read(sample)
		if percent := garbagePercent(sample[0].Value.Uint64(), sample[1].Value.Uint64()); percent != set {
			debug.SetGCPercent(percent)
			set = percent
		}
		select {
		case <-tick.C:
		case <-over:
			return
		}
	}
}
