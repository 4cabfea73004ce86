package live

import (
	"strings"
	"testing"

	"weir/pkg/doctor"
	"weir/pkg/media"
)

// publish sends pictures with a keyframe every two seconds, whatever becomes of
// the rungs.
func (st *studio) publish(pictures int) {
	st.Helper()
	for range pictures {
		st.picture(50)
		st.take()
	}
}

// found is the finding with a code; it fails where there is none.
func (st *studio) found(code string) doctor.Finding {
	st.Helper()
	st.s.pipeline, st.s.session = st.p, nil
	defer func() { st.s.pipeline = nil }()
	st.s.publishStatus()
	all := st.s.status.Load().Findings
	for _, f := range all {
		if f.Code == code {
			return f
		}
	}
	st.Fatalf("no finding %s in %+v", code, all)
	return doctor.Finding{}
}

// A source that kills its workers again and again is left at its passthrough
// rendition, which has lost nothing; the others have gaps, at once.
func TestSourceThatKillsWorkersPassesThroughAlone(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]Demand{"always": {}, "on demand": {Only: true, Always: 2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := openStudio(t, d, media.H264, playWorker, diesOften)
			st.publish(60)
			st.until("the rungs have begun", func() bool { return st.kinds("480p") == "m" && st.kinds("360p") == "m" })
			st.publish(441)
			st.until("the worker is given up", func() bool { return st.p.gaveUp != "" })
			if !strings.Contains(st.p.gaveUp, "exit status 2") {
				t.Errorf("given up for %q, not for the crash", st.p.gaveUp)
			}
			if len(st.p.crews) != 0 {
				t.Error("a worker is there nevertheless")
			}
			// What comes from now on is a gap as soon as the source has it.
			for range 5 {
				source, rung := st.window("source").Segments, st.window("360p").Segments
				if last := rung[len(rung)-1]; !last.Gap || last.MSN != source[len(source)-1].MSN {
					t.Errorf("360p ends with %d, a gap: %v; the source with %d", last.MSN, last.Gap, source[len(source)-1].MSN)
				}
				st.publish(50)
			}
			if got := st.kinds("source"); got != strings.Repeat("m", len(got)) || len(got) != 15 {
				t.Errorf("the source has %q", got)
			}
			for _, id := range []string{"480p", "360p"} {
				if got := st.kinds(id); !strings.HasPrefix(got, "m") || !strings.HasSuffix(got, "ggggg") || len(got) != 15 {
					t.Errorf("%s has %q", id, got)
				}
			}
			if f := st.found("transcoding_failed"); f.Severity != doctor.Problem || !strings.Contains(f.Message, "exit status 2") || !strings.Contains(f.Remedy, "Operator") {
				t.Errorf("the finding is %+v", f)
			}
			st.p.finish()
			st.p = newPipeline(st.s, &intake{video: st.video, audio: st.audio})
			if st.p.gaveUp != "" || len(st.p.crews) != 1 {
				t.Error("the next session does not start afresh")
			}
		})
	}
}

// Where nothing passes through, workers are tried again for ever, and said so.
func TestWorkersOfWhatDoesNotPassThroughAreNeverGivenUp(t *testing.T) {
	t.Parallel()
	st := openStudio(t, Demand{}, media.HEVC, playWorker, diesOften)
	st.publish(501)
	st.until("the finding is there", func() bool {
		_, reason := st.p.failing()
		return reason != ""
	})
	if f := st.found("transcoding_failed"); f.Severity != doctor.Problem || !strings.Contains(f.Message, "Weir goes on trying") {
		t.Errorf("the finding is %+v", f)
	}
	if len(st.p.crews) != 1 || st.p.gaveUp != "" {
		t.Errorf("%d crews, given up for %q", len(st.p.crews), st.p.gaveUp)
	}
}
