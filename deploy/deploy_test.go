// Package deploy holds what is shipped for deployment to what others make of
// it: the compose specification, systemd, Prometheus, and Weir's configuration.
package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/schema"
	"go.yaml.in/yaml/v3"

	"weir/pkg/config"
)

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// program is the path of one that not every machine has.
func program(t *testing.T, name string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, candidate := range []string{name, filepath.Join(cache, "weir", "bin", name)} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path
		}
	}
	t.Skipf("NOT TESTED: %s is not installed", name)
	return ""
}

// service is what this test looks at in a compose file.
type service struct {
	Image       string
	Volumes     []string
	Environment map[string]string
}

func TestComposeFile(t *testing.T) {
	text := read(t, "../docker-compose.yml")
	var whole map[string]any
	if err := yaml.Unmarshal([]byte(text), &whole); err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(whole); err != nil {
		t.Errorf("the compose specification's schema: %v", err)
	}
	var file struct{ Services map[string]service }
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		t.Fatal(err)
	}
	for name, s := range file.Services {
		if _, tag, _ := strings.Cut(s.Image, ":"); name != "weir" && (tag == "" || tag == "latest") {
			t.Errorf("%s: the image %s is another one each day", name, s.Image)
		}
		for _, volume := range s.Volumes {
			if source, _, _ := strings.Cut(volume, ":"); strings.HasPrefix(source, "./") {
				if _, err := os.Stat(filepath.Join("..", source)); err != nil {
					t.Errorf("%s mounts what is not there: %v", name, err)
				}
			}
		}
	}
	unknownVariables(t, file.Services["weir"].Environment)
}

// unknownVariables wants Weir to read each variable.
func unknownVariables(t *testing.T, environment map[string]string) {
	t.Helper()
	if len(environment) == 0 {
		t.Error("there is no variable")
	}
	substituted := regexp.MustCompile(`\$\{[A-Z_]+:-(.*?)\}`)
	var environ []string
	for name, value := range environment {
		environ = append(environ, name+"="+substituted.ReplaceAllString(value, "$1"))
	}
	if _, warnings, err := config.Load(config.Sources{Environ: environ}); err != nil || len(warnings) > 0 {
		t.Errorf("%v: %v %v", environ, warnings, err)
	}
}

// TestDockerfile: there is no engine to run it where Weir is developed, but what
// it names must be there.
func TestDockerfile(t *testing.T) {
	text := read(t, "../Dockerfile")
	makefile := read(t, "../Makefile")
	environment := make(map[string]string)
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		switch {
		case len(fields) < 2:
		case fields[0] == "COPY" && !strings.HasPrefix(fields[1], "--from"):
			for _, source := range fields[1 : len(fields)-1] {
				if _, err := os.Stat(filepath.Join("..", source)); err != nil {
					t.Errorf("COPY: %v", err)
				}
			}
		case fields[0] == "RUN" && strings.HasPrefix(fields[1], "scripts/"):
			if _, err := os.Stat(filepath.Join("..", fields[1])); err != nil {
				t.Errorf("RUN: %v", err)
			}
		case fields[0] == "RUN" && fields[1] == "make" && !strings.Contains(makefile, "\n"+fields[2]+":"):
			t.Errorf("the Makefile makes no %s", fields[2])
		case fields[0] == "ENV" && strings.HasPrefix(fields[1], "WEIR_DATA_DIR="):
			name, value, _ := strings.Cut(fields[1], "=")
			environment[name] = value
		}
	}
	unknownVariables(t, environment)
}

// TestSystemdUnit has systemd read the unit, and wants it to be hardened well:
// an exposure below 1.5 of 10.
func TestSystemdUnit(t *testing.T) {
	analyze := program(t, "systemd-analyze")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "weir.service")
	text := strings.ReplaceAll(read(t, "systemd/weir.service"), "/usr/local/bin/weir", self)
	if err := os.WriteFile(unit, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, check := range [][]string{{"verify", unit}, {"security", "--offline=true", "--threshold=15", "--no-pager", unit}} {
		if out, err := exec.CommandContext(t.Context(), analyze, check...).CombinedOutput(); err != nil {
			t.Errorf("systemd-analyze %s: %v\n%s", check[0], err, out)
		}
	}
}

// TestDashboardsAreQueries has Prometheus itself read every query of the
// dashboard, as the expression of a rule.
func TestDashboardsAreQueries(t *testing.T) {
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, "grafana/dashboards/weir.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	variables := strings.NewReplacer("$__rate_interval", "1m", "$__interval", "1m", "$stream", ".*")
	var rules bytes.Buffer
	fmt.Fprintln(&rules, "groups: [{name: dashboard, rules: [")
	queries := 0
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			queries++
			fmt.Fprintf(&rules, "{record: 'panel:query%d', expr: %q},\n", queries, variables.Replace(target.Expr))
		}
	}
	fmt.Fprintln(&rules, "]}]")
	if queries < 5 {
		t.Fatalf("the dashboard has %d queries", queries)
	}
	tool := program(t, "promtool")
	file := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(file, rules.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), tool, "check", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

// TestLogLinesOfOperations: what operators are told to look for is what Weir
// writes.
func TestLogLinesOfOperations(t *testing.T) {
	_, table, found := strings.Cut(read(t, "../docs/operations.md"), "## By log line")
	if !found {
		t.Fatal("there is no list of log lines")
	}
	var code strings.Builder
	for _, folder := range []string{"../pkg", "../cmd"} {
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
				code.WriteString(read(t, path))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	lines := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(table, -1)
	if len(lines) < 15 {
		t.Errorf("only %d lines are listed", len(lines))
	}
	for _, line := range lines {
		if !strings.Contains(code.String(), `"`+line[1]) {
			t.Errorf("Weir never writes %q", line[1])
		}
	}
}
