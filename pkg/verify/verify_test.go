package verify

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// brief is long enough for a window of 30 s to slide in a stream that gains 2 s
// at every reload.
// brief is long enough for the window to slide, and too short for the stream, which
// has 2 s more at each reload, to come to where it may forget its first segments.
func brief() Options {
	return Options{Duration: 1700 * time.Millisecond, Interval: 100 * time.Millisecond}
}

// The gateway's own output, made by the real packager, store and HTTP server,
// breaks no rule, and every rule finds something to look at.
func TestRunFindsNoFault(t *testing.T) {
	t.Parallel()
	s := newStream(t)
	report, err := Run(t.Context(), s.address, brief())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		if f.Outcome != Pass {
			t.Errorf("%s %s: %s", f.Outcome, f.Rule, f.Seen)
		}
	}
	if report.Renditions != 3 || report.Segments < 3*7 {
		t.Errorf("%d renditions, %d segments", report.Renditions, report.Segments)
	}
	var table strings.Builder
	if err := report.Print(&table); err != nil {
		t.Fatal(err)
	}
	if text := table.String(); !strings.Contains(text, "pass  HLS-TARGETDURATION") || !strings.Contains(text, "0 of") {
		t.Error(text)
	}
}

// An MPD alone is judged by the same rules about segments.
func TestRunOnManifestAlone(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"manifest.mpd", "manifest-ll.mpd"} {
		s := newStream(t)
		report, err := Run(t.Context(), s.address+name, Options{Duration: 50 * time.Millisecond, Interval: 20 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range report.Findings {
			if isHLS := strings.HasPrefix(f.Rule, "HLS-") || strings.HasPrefix(f.Rule, "LL-") || f.Rule == "HTTP-KEPT"; isHLS != (f.Outcome == NotApplicable) || f.Outcome == Fail {
				t.Errorf("%s: %s %s: %s", name, f.Outcome, f.Rule, f.Seen)
			}
		}
	}
}

// A fault that a server puts into what it serves is found.
func TestRunFindsFault(t *testing.T) {
	t.Parallel()
	s := newStream(t)
	target := strings.TrimSuffix(s.address, "/live/main/")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".m4s") {
			http.NotFound(w, r)
			return
		}
		http.Redirect(w, r, target+r.URL.Path, http.StatusFound)
	}))
	t.Cleanup(server.Close)
	report, err := Run(t.Context(), server.URL+"/live/main/", Options{Duration: time.Millisecond, Interval: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	failed := map[string]bool{}
	for _, f := range report.Failed() {
		failed[f.Rule] = true
	}
	for _, want := range []string{"HTTP-FETCH", "DASH-FETCHABLE", "CMAF-SEGMENT"} {
		if !failed[want] {
			t.Errorf("%s did not fail; failed were %v", want, failed)
		}
	}
}

func TestRunHasNothingToJudge(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	if _, err := Run(t.Context(), server.URL+"/live/main/", brief()); !errors.Is(err, errNothing) || !strings.Contains(err.Error(), "404") {
		t.Errorf("no stream: %v", err)
	}
	for _, address := range []string{"rtmp://host/live/main", "main", "http:///live", "http://%zz"} {
		if _, err := Run(t.Context(), address, brief()); !errors.Is(err, errAddress) {
			t.Errorf("%s: %v", address, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, server.URL, brief()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
