//go:build e2e

package e2e

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestAlerts has a real Prometheus scrape the gateway with the rules that are
// shipped, but for their patience, and sees alerts fire.
func TestAlerts(t *testing.T) {
	t.Parallel()
	clip := cameraClip(t)
	tool := program(t, "promtool")
	for _, check := range [][]string{{"check", "config", "prometheus.yml"}, {"test", "rules", "alerts_test.yml"}} {
		cmd := exec.Command(tool, check...)
		cmd.Dir = "../deploy/prometheus"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("promtool %v: %v\n%s", check, err, out)
		}
	}
	w := start(t, t.TempDir())
	p := watchAlerts(t, strings.TrimPrefix(w.base, "http://"))
	publisher := w.publish(clip)
	p.firing("", 20*time.Second, func() bool { return len(p.series("weir_worker_restarts")) > 0 })
	if alerts := p.alerts(); len(alerts) > 0 {
		t.Errorf("a healthy gateway sets off %v", alerts)
	}
	for range 2 {
		running := w.worker()
		if err := syscall.Kill(running, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, 10*time.Second, "another worker runs", func() bool {
			now, ok := w.findWorker()
			return ok && now != running
		})
		pass(2 * time.Second)
	}
	p.firing("WeirWorkerRestarts", 20*time.Second, nil)
	publisher.kill()
	p.firing("WeirPublisherLost", 20*time.Second, nil)
	for range 25 {
		<-w.publishTo(clip, "rtmp://"+w.rtmp+"/live/a-wrong-key-that-is-long-enough").exited
	}
	p.firing("WeirRejectsPublishers", 30*time.Second, nil)
	w.stop()
	p.firing("WeirDown", 20*time.Second, nil)
}

// prometheus is a running one.
type prometheus struct {
	t    *testing.T
	base string
}

// watchAlerts starts a Prometheus that scrapes target each second.
func watchAlerts(t *testing.T, target string) prometheus {
	t.Helper()
	folder := t.TempDir()
	for name, edit := range map[string]func(string) string{
		"prometheus.yml": func(s string) string {
			return strings.ReplaceAll(strings.ReplaceAll(s, "weir:8080", target), "interval: 5s", "interval: 1s")
		},
		"alerts.yml": func(s string) string { return regexp.MustCompile(`(?m)^ *for: .*\n`).ReplaceAllString(s, "") },
	} {
		raw, err := os.ReadFile(filepath.Join("../deploy/prometheus", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(edit(string(raw))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	cmd := exec.Command(program(t, "prometheus"), "--config.file", filepath.Join(folder, "prometheus.yml"),
		"--storage.tsdb.path", filepath.Join(folder, "data"), "--web.listen-address", address, "--log.level", "error")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	p := prometheus{t: t, base: "http://" + address}
	eventually(t, 20*time.Second, "Prometheus is ready", func() bool {
		_, code := fetch(t, p.base+"/-/ready")
		return code == 200
	})
	return p
}

// firing waits until the alert fires, or until done.
func (p prometheus) firing(alert string, limit time.Duration, done func() bool) {
	p.t.Helper()
	if done == nil {
		done = func() bool { return slices.Contains(p.alerts(), alert) }
	}
	took := eventually(p.t, limit, alert+" fires", done)
	p.t.Logf("%s after %v", alert, took.Round(time.Second))
}

// alerts are the names of those that fire.
func (p prometheus) alerts() []string {
	var names []string
	for _, labels := range p.series(`ALERTS{alertstate="firing"}`) {
		names = append(names, labels["alertname"])
	}
	return names
}

// series are the labels of what a query finds.
func (p prometheus) series(query string) []map[string]string {
	p.t.Helper()
	body, _ := fetch(p.t, p.base+"/api/v1/query?query="+strings.NewReplacer("{", "%7B", "}", "%7D", `"`, "%22").Replace(query))
	var answer struct {
		Data struct {
			Result []struct{ Metric map[string]string }
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		p.t.Fatalf("Prometheus answers %s: %v", body, err)
	}
	var all []map[string]string
	for _, r := range answer.Data.Result {
		all = append(all, r.Metric)
	}
	return all
}
