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
	garbageShare = 1
	// What it costs is to look at pointers: viewers' stacks, above all. There may be
	// scannedShare times as much garbage as that.
	scannedShare = 2
	// mostGarbageShare bounds all that, and is what holds where little is in use.
	mostGarbageShare, usualGarbageShare = 400, 100
	// paceEvery is how often that is worked out anew.
	paceEvery = time.Second
	// spareMemory is kept from the system beside what the heap grows to before each
	// collection. Windows that come and go leave holes, of which the runtime would keep
	// a tenth of the heap.
	spareMemory = 16 << 20
	// returnedFrom is the share of its limit from which on the runtime gives memory
	// back, a constant of its own (reduceExtraPercent).
	returnedFrom = 0.95
)

// garbagePercent is GOGC for so many bytes in use, and so many that the collector
// looks at.
func garbagePercent(inUse, scanned uint64) int {
	if inUse <= leastGarbage {
		return usualGarbageShare
	}
	return int(min((leastGarbage+scannedShare*scanned)*100/inUse+garbageShare, mostGarbageShare))
}

// softLimit is the memory limit at which the runtime gives back what it holds beyond
// goal, the size of the heap when the next collection is due, other memory and a
// little to spare. As it is above the goal, it brings no collection forward.
func softLimit(goal, other uint64) int64 {
	return int64(float64(goal+other+spareMemory) / returnedFrom)
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

// The measures that follow reads.
const (
	heapLive = iota
	heapScanned
	heapGoal
	heapObjects
	heapFree
	heapReleased
	allMemory
)

// follow sets the collector's pace, and how much memory is kept from the system, until
// over is closed. What is kept is never above the limit that was set before.
func follow(over <-chan struct{}) {
	tick := time.NewTicker(paceEvery)
	defer tick.Stop()
	measures := []metrics.Sample{
		heapLive: {Name: "/gc/heap/live:bytes"}, heapScanned: {Name: "/gc/scan/total:bytes"}, heapGoal: {Name: "/gc/heap/goal:bytes"},
		heapObjects: {Name: "/memory/classes/heap/objects:bytes"}, heapFree: {Name: "/memory/classes/heap/free:bytes"},
		heapReleased: {Name: "/memory/classes/heap/released:bytes"}, allMemory: {Name: "/memory/classes/total:bytes"},
	}
	hard := debug.SetMemoryLimit(-1)
	for set := 0; ; {
		metrics.Read(measures)
		of := func(measure int) uint64 { return measures[measure].Value.Uint64() }
		if percent := garbagePercent(of(heapLive), of(heapScanned)); percent != set {
			debug.SetGCPercent(percent)
			set = percent
		}
		other := of(allMemory) - of(heapObjects) - of(heapFree) - of(heapReleased)
		debug.SetMemoryLimit(min(hard, softLimit(of(heapGoal), other)))
		select {
		case <-tick.C:
		case <-over:
			return
		}
	}
}
