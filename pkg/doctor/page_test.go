package doctor_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"weir/pkg/doctor"
)

var update = flag.Bool("update", false, "write the findings of docs/doctor.md anew")

const (
	page   = "../../docs/doctor.md"
	begins = "## Findings\n\n"
)

// TestPageTellsOfEveryFinding holds docs/doctor.md to the table.
func TestPageTellsOfEveryFinding(t *testing.T) {
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, found, ok := strings.Cut(string(raw), begins)
	if !ok {
		t.Fatalf("%s has no findings", page)
	}
	want := section()
	if found == want {
		return
	}
	if *update {
		if err := os.WriteFile(page, []byte(before+begins+want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s says\n%s\nbut there is (make golden)\n%s", page, found, want)
}

// section is what the page says of the rules: once of each code, with what its
// rows have in common said once.
func section() string {
	var b strings.Builder
	rules := doctor.Rules()
	var told []string
	for _, r := range rules {
		if slices.Contains(told, r.Code) {
			continue
		}
		told = append(told, r.Code)
		var severities, messages, remedies []string
		for _, other := range rules {
			if other.Code == r.Code {
				severities = once(severities, string(other.Severity))
				messages = once(messages, plain(other.Message))
				remedies = once(remedies, other.Remedy)
			}
		}
		fmt.Fprintf(&b, "### `%s`\n\n%s: %s, %s.\n\n", r.Code, r.Title, r.Hop, strings.Join(severities, " or "))
		for _, message := range messages {
			fmt.Fprintf(&b, "> %s\n\n", message)
		}
		fmt.Fprintf(&b, "%s\n\n", strings.Join(remedies, "\n\n"))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func once(all []string, next string) []string {
	if slices.Contains(all, next) {
		return all
	}
	return append(all, next)
}

// plain shows what a message quotes as "…".
func plain(message string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(message, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		_, message, _ = strings.Cut(rest, "}")
		b.WriteString("…")
	}
}
