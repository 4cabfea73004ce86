package main

import (
	"context"
	"errors"
	"os"
	"strconv"
	"testing"
	"time"

	"weir/tools/process"
)

// BenchmarkFirstByte is how long after its last picture was sent to the gateway a few
// waiting players have all of a part: the way through the gateway alone.
func BenchmarkFirstByte(b *testing.B) { players(b, 10) }

// BenchmarkParts is 1,000 low-latency players of a stream of 2.5 Mb/s.
func BenchmarkParts(b *testing.B) { players(b, viewers(1000)) }

func players(b *testing.B, n int) {
	b.Helper()
	weir := startWeir(b)
	l := weir.load(n)
	for b.Loop() {
		measure(b, l, func(ctx context.Context, s *stage) error {
			result, err := l.parts(ctx, s)
			b.Log(result)
			if err != nil {
				return err
			}
			b.ReportMetric(ms(percentile(result.parts, 50)), "p50-ms")
			b.ReportMetric(ms(percentile(result.parts, 99)), "p99-ms")
			b.ReportMetric(float64(result.errors), "errors")
			b.ReportMetric(result.perGigabit(), "cpu-s/Gbit")
			return nil
		})
	}
}

// BenchmarkWait is 5,000 clients that wait for one playlist, of Weir and of the
// least that net/http can be: a handler that waits for a channel.
func BenchmarkWait(b *testing.B) {
	weir, bare := startWeir(b), startBare(b)
	l := weir.load(viewers(5000))
	for b.Loop() {
		measure(b, l, func(ctx context.Context, s *stage) error {
			turn := *l
			turn.PID = []int{bare.pid}
			theirs, err := turn.wait(ctx, s.servedBy(bare.address))
			b.Logf("bare handler: %v", theirs)
			if err != nil || theirs.rounds == 0 {
				return errors.Join(errIncomplete, err)
			}
			ours, err := l.wait(ctx, s)
			b.Logf("weir: %v", ours)
			if err != nil {
				return err
			}
			b.ReportMetric(ms(percentile(ours.delays, 100)), "most-ms")
			b.ReportMetric(ms(percentile(ours.delays, 50)), "p50-ms")
			b.ReportMetric(ms(percentile(ours.spread, 100))/ms(percentile(theirs.spread, 100)), "x-bare-spread")
			b.ReportMetric((ours.each()-theirs.each())/(1<<10), "KiB-beside-bare")
			b.ReportMetric(float64(ours.errors), "errors")
			return nil
		})
	}
}

// BenchmarkPlain4000 is 4,000 players of whole segments.
func BenchmarkPlain4000(b *testing.B) {
	weir := startWeir(b)
	l := weir.load(viewers(4000))
	for b.Loop() {
		measure(b, l, func(ctx context.Context, s *stage) error {
			result, err := l.plain(ctx, s)
			b.Log(result)
			if err != nil {
				return err
			}
			b.ReportMetric(float64(result.late), "late")
			b.ReportMetric(float64(len(result.ages)), "segments")
			b.ReportMetric(float64(result.errors), "errors")
			b.ReportMetric(result.perGigabit(), "cpu-s/Gbit")
			return nil
		})
	}
}

// BenchmarkPlainNginx is 1,000 players of whole segments, of Weir and, in turns,
// of an nginx that serves copies of the same files from memory. What Weir works without
// viewers, to take the stream in and package it, is not nginx's work: it is measured
// before they come, and the ratio is given with it and without.
func BenchmarkPlainNginx(b *testing.B) {
	weir := startWeir(b)
	folder := memory(b)
	nginx := startNginx(b, folder)
	l := weir.load(viewers(1000))
	for b.Loop() {
		measure(b, l, func(ctx context.Context, s *stage) error {
			mirrored := make(chan error, 1)
			ctx, cancel := context.WithCancel(ctx)
			go func() { mirrored <- mirror(ctx, s, folder) }()
			defer func() { cancel(); <-mirrored }()
			alone := weir.alone(ctx)
			var ours, theirs cost
			for range rounds {
				for _, served := range []struct {
					name string
					by   server
					sum  *cost
				}{{"weir", weir, &ours}, {"nginx", nginx, &theirs}} {
					turn := *l
					turn.PID = []int{served.by.pid}
					result, err := turn.plain(ctx, s.servedBy(served.by.address))
					b.Logf("%s: %v", served.name, result)
					if err != nil || len(result.ages) == 0 || result.errors > 0 {
						return errors.Join(errIncomplete, err)
					}
					served.sum.cpu += result.cpu
					served.sum.bytes += result.bytes
					served.sum.over += result.over
				}
			}
			b.ReportMetric(ours.perGigabit()/theirs.perGigabit(), "x-nginx-with-ingest")
			ours.cpu -= time.Duration(alone * float64(ours.over))
			b.ReportMetric(ours.perGigabit()/theirs.perGigabit(), "x-nginx")
			b.ReportMetric(ours.perGigabit(), "cpu-s/Gbit")
			b.ReportMetric(100*alone, "%-of-a-core-alone")
			b.ReportMetric(theirs.perGigabit(), "nginx-cpu-s/Gbit")
			return nil
		})
	}
}

// alone is how much of a core a server works while nobody is there.
func (w server) alone(ctx context.Context) float64 {
	const over = 10 * time.Second
	before := process.CPU(w.pid)
	select {
	case <-time.After(over):
	case <-ctx.Done():
	}
	return (process.CPU(w.pid) - before).Seconds() / over.Seconds()
}

var errIncomplete = errors.New("viewers did not get what they asked for")

// rounds are of each server, in turns.
const rounds = 2

// viewers is n, or what WEIR_VIEWERS says, for a try.
func viewers(n int) int {
	if set, err := strconv.Atoi(os.Getenv("WEIR_VIEWERS")); err == nil {
		return set
	}
	return n
}

func measure(b *testing.B, l *load, do func(context.Context, *stage) error) {
	b.Helper()
	l.Clip = clip(b)
	ctx, cancel := context.WithTimeout(b.Context(), 5*time.Minute)
	defer cancel()
	if err := l.onStage(ctx, do); err != nil {
		b.Fatal(err)
	}
}
