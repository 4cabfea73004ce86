package transcode

import "time"

const (
	// A restart after the first is put off for a second, and twice as long
	// each time, until a worker has lived for healthyAfter.
	firstBackoff = time.Second
	maxBackoff   = 30 * time.Second
	healthyAfter = time.Minute
	// poisonAfter is how many workers in a row may die without completing
	// anything before the input they died of is given up.
	poisonAfter = 2
	// Workers that die again and again are given up: when maxDeaths of them
	// died within deathWindow, whatever they completed, or in a row without
	// completing anything. It is more than poisonAfter by two, so that other
	// input is tried twice.
	maxDeaths   = 5
	deathWindow = 2 * time.Minute
	// maxFlushFailures is how many workers may fail to flush after End.
	maxFlushFailures = 2
)

// failures is the recent history of a supervisor's workers.
type failures struct {
	// deaths are when the last maxDeaths workers ended, oldest first.
	deaths []time.Time
	// count is how many died, and fruitless how many of the last ones
	// without completing anything beyond progress.
	count, fruitless int
	progress         uint64
}

// died enters a worker's end at now, after it had lived for that long and the
// ledger had reached progress.
func (f *failures) died(now time.Time, lived time.Duration, progress uint64) {
	if lived >= healthyAfter {
		*f = failures{progress: f.progress}
	}
	if progress != f.progress {
		f.progress, f.fruitless = progress, 0
	}
	f.count++
	f.fruitless++
	f.deaths = append(f.deaths, now)
	f.deaths = f.deaths[max(0, len(f.deaths)-maxDeaths):]
}

// poisoned reports whether the input is to blame, as far as it is kept.
func (f *failures) poisoned() bool { return f.fruitless > poisonAfter }

// hopeless reports whether there is no point in another worker.
func (f *failures) hopeless() bool {
	if f.fruitless >= maxDeaths {
		return true
	}
	last := len(f.deaths) - 1
	return len(f.deaths) == maxDeaths && f.deaths[last].Sub(f.deaths[0]) <= deathWindow
}

// backoff is the pause before the next worker: none after the first failure,
// then 1 s, 2 s, 4 s … 30 s.
func (f *failures) backoff() time.Duration {
	if f.count <= 1 {
		return 0
	}
	return min(firstBackoff<<min(f.count-2, 10), maxBackoff)
}
