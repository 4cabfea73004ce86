package transcode_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"weir/pkg/transcode"
)

// A unit that kills every worker costs its segments, not the stream.
func TestPoisonIsGivenUp(t *testing.T) {
	var log logBuffer
	s := transcode.Start(t.Context(), videoJob(t, "good", &log))
	f := newFeeder(s)
	f.poison = perSegment + 10
	f.push(2 * perSegment)
	g := newGot()
	for s.Stats().Restarts < 3 {
		select {
		case o := <-s.Output():
			g.add(t, o)
		case <-time.After(time.Millisecond):
		}
	}
	f.push(2 * perSegment)
	s.End()
	g.all(t, s)
	delete(g.segments[0], firstMSN+1)
	delete(g.segments[1], firstMSN+1)
	g.complete(t, 4, 1)
	if stats := s.Stats(); stats.Restarts != 3 || stats.Dropped == 0 {
		t.Errorf("stats %+v, want three restarts and drops\n%s", stats, log.String())
	}
}

// A worker that is too slow loses whole segments and keeps near the edge.
func TestOverloadDropsWholeSegments(t *testing.T) {
	var log logBuffer
	job := videoJob(t, "slow", &log)
	job.MaxBacklog = 8 * time.Second
	s := transcode.Start(t.Context(), job)
	f := newFeeder(s)
	f.push(10 * perSegment)
	if b := s.Stats().Backlog; b > job.MaxBacklog {
		t.Errorf("%s waits, more than %s", b, job.MaxBacklog)
	}
	s.End()
	g := newGot()
	g.all(t, s)
	for rung, have := range g.segments {
		if len(have[firstMSN+9]) != perSegment {
			t.Errorf("rung %d: the latest segment has %d pictures", rung, len(have[firstMSN+9]))
		}
		for msn, pictures := range have {
			if len(pictures) != perSegment {
				t.Errorf("rung %d: segment %d is torn: %d pictures", rung, msn-firstMSN, len(pictures))
			}
		}
	}
	if s.Stats().Dropped == 0 || !strings.Contains(log.String(), "too slow") {
		t.Errorf("nothing was dropped or said:\n%s", log.String())
	}
}

func TestDoneWorkerThatStaysIsMadeToLeave(t *testing.T) {
	var log logBuffer
	s := transcode.Start(t.Context(), videoJob(t, "stay", &log))
	newFeeder(s).push(perSegment)
	s.End()
	g := newGot()
	g.all(t, s)
	g.complete(t, 1)
	if stats := s.Stats(); stats.Restarts != 0 {
		t.Errorf("stats %+v: all had been delivered", stats)
	}
}

func TestFlushThatKeepsFailingEnds(t *testing.T) {
	var log logBuffer
	s := transcode.Start(t.Context(), videoJob(t, "never done", &log))
	newFeeder(s).push(perSegment)
	s.End()
	g := newGot()
	g.all(t, s)
	g.complete(t, 1)
	if stats := s.Stats(); stats.LastError == "" || !strings.Contains(log.String(), "given up") {
		t.Errorf("stats %+v\n%s", stats, log.String())
	}
}

func TestBadCommandsAreTriedAgain(t *testing.T) {
	for name, change := range map[string]func(*transcode.Job){
		"no command": func(j *transcode.Job) { j.Command = nil },
		"no program": func(j *transcode.Job) { j.Command = []string{"/nonexistent/weir", "worker"} },
		"not a worker": func(j *transcode.Job) {
			j.Env = []string{fakeEnv + "=old"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log logBuffer
			job := videoJob(t, "good", &log)
			change(&job)
			ctx, cancel := context.WithCancel(t.Context())
			s := transcode.Start(ctx, job)
			newFeeder(s).push(perSegment)
			restarts(t, s, 1)
			cancel()
			if _, open := <-s.Output(); open {
				t.Error("output from nowhere")
			}
			if s.Stats().LastError == "" {
				t.Error("nobody says why")
			}
		})
	}
}
