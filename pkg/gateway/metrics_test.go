package gateway

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"weir/pkg/httpserve"
	"weir/pkg/store"
)

var update = flag.Bool("update", false, "write the table of docs/metrics.md anew")

const (
	metricsPage  = "../../docs/metrics.md"
	tableBegins  = "| metric | labels | |\n| --- | --- | --- |\n"
	tableEndLine = "\n\n"
)

// TestMetricsAreListed holds docs/metrics.md to what the gateway registers.
func TestMetricsAreListed(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(newCollector(nil, nil, nil), newWindowCollector(nil), newAudienceCollector(nil), newCertificateCollector(nil), newWebhookCollector(nil), newEventCounter(), newRecordingCollector(nil))
	httpserve.New(httpserve.Config{Store: store.New(store.Options{}), Log: slog.New(slog.DiscardHandler), Registerer: registry})
	table := tableBegins + strings.Join(rows(t, registry), "\n") + tableEndLine
	raw, err := os.ReadFile(metricsPage)
	if err != nil {
		t.Fatal(err)
	}
	before, after, found := strings.Cut(string(raw), tableBegins)
	if !found {
		t.Fatalf("%s has no table", metricsPage)
	}
	listed, after, _ := strings.Cut(after, tableEndLine)
	if listed = tableBegins + listed + tableEndLine; listed == table {
		return
	}
	if *update {
		if err := os.WriteFile(metricsPage, []byte(before+table+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s lists\n%s\nbut there is (make golden)\n%s", metricsPage, listed, table)
}

// TestDashboardsAskForWhatThereIs: a metric that is renamed would leave an alert
// silent for ever, and one that is new should be seen.
func TestDashboardsAskForWhatThereIs(t *testing.T) {
	raw, err := os.ReadFile(metricsPage)
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]bool)
	for _, row := range regexp.MustCompile("(?m)^\\| `(weir_[a-z_]+)`").FindAllStringSubmatch(string(raw), -1) {
		listed[row[1]] = true
	}
	shown := asked(t, listed, "grafana/dashboards/weir.json")
	for name := range listed {
		if !shown[name] {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
	asked(t, listed, "prometheus/alerts.yml")
}

// asked are the metrics that a file of deploy asks for, which have to be listed.
func asked(t *testing.T, listed map[string]bool, file string) map[string]bool {
	t.Helper()
	raw, err := os.ReadFile("../../deploy/" + file)
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]bool)
	for _, name := range regexp.MustCompile(`weir_[a-z_]+`).FindAllString(string(raw), -1) {
		for _, suffix := range []string{"_bucket", "_count", "_sum"} {
			if histogram, ok := strings.CutSuffix(name, suffix); ok && listed[histogram] {
				name = histogram
			}
		}
		names[name] = true
		if !listed[name] {
			t.Errorf("%s asks for %s, which there is not", file, name)
		}
	}
	if len(names) == 0 {
		t.Errorf("%s asks for nothing", file)
	}
	return names
}

// rows are those of the table, by name.
func rows(t *testing.T, of prometheus.Collector) []string {
	t.Helper()
	described := make(chan *prometheus.Desc, 1000)
	of.Describe(described)
	close(described)
	pattern := regexp.MustCompile(`fqName: "([^"]*)", help: "(.*?)", .*variableLabels: \{([^}]*)\}`)
	var all []string
	for d := range described {
		part := pattern.FindStringSubmatch(d.String())
		if part == nil {
			t.Fatalf("%s is written in a new way", d)
		}
		var labels []string
		for label := range strings.SplitSeq(part[3], ",") {
			if label != "" {
				labels = append(labels, "`"+label+"`")
			}
		}
		all = append(all, fmt.Sprintf("| `%s` | %s | %s |", part[1], strings.Join(labels, ", "), part[2]))
	}
	slices.Sort(all)
	return all
}
