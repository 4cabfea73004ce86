//go:build e2e

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/pkg/webhook/sign"
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
	dir := t.TempDir()
	cert := endingCertificate(t)
	w := start(t, dir, "--https.address", "127.0.0.1:0", "--tls.cert", cert, "--tls.key", cert,
		"--webhooks.endpoints", "http://127.0.0.1:1/ "+sign.NewSecret(), "--webhooks.allow-private", "127.0.0.1",
		"--recording.mode", "all", "--recording.min-free", "1000T")
	p := watchAlerts(t, strings.TrimPrefix(w.base, "http://"))
	publisher := w.publish(clip)
	p.firing("WeirCertificateEnds", 20*time.Second, nil)
	p.firing("WeirWebhooksFail", 20*time.Second, nil)
	p.firing("", 20*time.Second, func() bool { return len(p.series("weir_worker_restarts")) > 0 })
	p.firing("WeirRecordingMisses", 20*time.Second, nil)
	if alerts := p.alerts(); len(alerts) != 3 {
		t.Errorf("a gateway that fares well otherwise sets off %v", alerts)
	}
	p.starve(w)
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
	backup := w.publishTo(clip, "rtmp://"+w.rtmp+"/live/"+w.makeKey(dir, "--backup", "main"))
	p.firing("WeirOnBackup", 20*time.Second, nil)
	backup.kill()
	for range 25 {
		<-w.publishTo(clip, "rtmp://"+w.rtmp+"/live/a-wrong-key-that-is-long-enough").exited
	}
	p.firing("WeirRejectsPublishers", 30*time.Second, nil)
	w.stop()
	p.firing("WeirDown", 20*time.Second, nil)
	again := start(t, dir, "--http.address", strings.TrimPrefix(w.base, "http://"))
	// Viewers of a stream that was live are held, in vain.
	p.firing("WeirServerErrors", 40*time.Second, func() bool {
		if _, code := again.get("/live/main/index.m3u8"); code != http.StatusServiceUnavailable {
			t.Errorf("the playlist answers %d", code)
		}
		return slices.Contains(p.alerts(), "WeirServerErrors")
	})
}

// starve leaves a worker a fifth of its time until it is too slow for its rungs.
func (p prometheus) starve(w *weir) {
	p.t.Helper()
	worker, seen := w.worker(), make(map[string]bool)
	p.firing("WeirOverloaded and WeirEncodingBehind", time.Minute, func() bool {
		_ = syscall.Kill(worker, syscall.SIGSTOP)
		pass(800 * time.Millisecond)
		_ = syscall.Kill(worker, syscall.SIGCONT)
		pass(100 * time.Millisecond)
		for _, alert := range p.alerts() {
			seen[alert] = true
		}
		return seen["WeirOverloaded"] && seen["WeirEncodingBehind"]
	})
}

// endingCertificate makes a pair in one file that is good for a day more.
func endingCertificate(t *testing.T) string {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"live.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...)
	file := filepath.Join(t.TempDir(), "pair.pem")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
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
