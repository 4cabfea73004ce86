package verify

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Outcome is how a rule came out.
type Outcome string

// The outcomes. NotApplicable means that nothing was seen that the rule speaks
// about.
const (
	Pass          Outcome = "pass"
	Fail          Outcome = "FAIL"
	NotApplicable Outcome = "n/a"
)

// Finding is what one rule found.
type Finding struct {
	// Rule is the rule's name, Section where it stands, and About the rule in
	// one line.
	Rule, Section, About string
	Outcome              Outcome
	// Seen is what was looked at or, for a failure, what is wrong.
	Seen string
}

// Report is the judgement on a stream.
type Report struct {
	Address string
	// Requests counts those that were answered with 200, Segments and
	// Renditions what was fetched.
	Requests, Segments, Renditions int
	Findings                       []Finding
}

// judge holds o to every rule.
func judge(address string, o *observations) *Report {
	r := &Report{Address: address, Requests: o.fetched, Segments: len(o.segments), Renditions: len(o.tracks())}
	for _, rule := range rules() {
		v := rule.check(o)
		r.Findings = append(r.Findings, Finding{
			Rule: rule.id, Section: rule.section, About: rule.about, Outcome: v.outcome, Seen: v.seen,
		})
	}
	return r
}

// Failed are the findings of broken rules.
func (r *Report) Failed() []Finding {
	var failed []Finding
	for _, f := range r.Findings {
		if f.Outcome == Fail {
			failed = append(failed, f)
		}
	}
	return failed
}

// Print writes the report as a table.
func (r *Report) Print(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, f := range r.Findings {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", f.Outcome, f.Rule, f.Section, f.Seen)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	_, err := fmt.Fprintf(out, "\n%s: %d renditions, %d segments, %d requests; %d of %d rules broken\n",
		r.Address, r.Renditions, r.Segments, r.Requests, len(r.Failed()), len(r.Findings))
	if err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	return nil
}
