package main

import (
	"cmp"
	"fmt"
	"time"

	"weir/tools/process"
)

// tally counts answers and what went wrong.
type tally struct {
	answers, errors int
	// first is the first thing that went wrong.
	first string
}

// answered counts an answer and reports whether it is a good one.
func (t *tally) answered(answer response) bool {
	t.answers++
	if answer.code == okay {
		return true
	}
	t.failed(fmt.Errorf("%w: %d", errStatus, answer.code))
	return false
}

const okay = 200

func (t *tally) failed(err error) {
	if t.errors++; t.first == "" {
		t.first = err.Error()
	}
}

// cost is what a server worked for what the viewers got, over a stretch of time.
type cost struct {
	cpu, own, over time.Duration
	bytes          int64
	answers        int
}

// meter reads the costs of a server and of this program.
type meter struct {
	pids  []int
	loop  *loop
	tally *tally
	cost
	began time.Time
}

func (m *meter) start() {
	m.began = time.Now()
	m.cost = cost{cpu: m.read(), own: process.Own(), bytes: m.loop.bytes, answers: m.tally.answers}
}

func (m *meter) stop() cost {
	return cost{
		cpu: m.read() - m.cpu, own: process.Own() - m.own, over: time.Since(m.began),
		bytes: m.loop.bytes - m.bytes, answers: m.tally.answers - m.answers,
	}
}

func (m *meter) read() (all time.Duration) {
	for _, pid := range m.pids {
		all += process.CPU(pid)
	}
	return all
}

// perGigabit is in CPU-seconds.
func (c cost) perGigabit() float64 { return c.cpu.Seconds() / c.gigabits() }

func (c cost) gigabits() float64 { return float64(c.bytes) * 8 / 1e9 }

func (c cost) String() string {
	return fmt.Sprintf("%.2f Gb/s, %.0f answers/s; server %.1f %% of a core, %.3f CPU-seconds per gigabit; viewers %.1f %% of a core\n",
		c.gigabits()/c.over.Seconds(), float64(c.answers)/c.over.Seconds(),
		100*c.cpu.Seconds()/c.over.Seconds(), c.perGigabit(), 100*c.own.Seconds()/c.over.Seconds())
}

func (t tally) String() string {
	return fmt.Sprintf("%d answers, %d errors (%s)\n", t.answers, t.errors, cmp.Or(t.first, "none"))
}

// percentile of sorted durations; 0 of none.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(float64(len(sorted)-1)*p/100)]
}

func spread(sorted []time.Duration) string {
	return fmt.Sprintf("p50 %.1f, p90 %.1f, p99 %.1f, p99.9 %.1f, most %.1f ms of %d",
		ms(percentile(sorted, 50)), ms(percentile(sorted, 90)), ms(percentile(sorted, 99)), ms(percentile(sorted, 99.9)), ms(percentile(sorted, 100)), len(sorted))
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }
