package verify

import (
	"fmt"
	"slices"
	"strings"
)

// rule is one demand of a specification.
type rule struct {
	id, section, about string
	check              func(o *observations) verdict
}

// verdict is what a rule finds.
type verdict struct {
	outcome Outcome
	seen    string
}

// rules are all rules, in the order of the report.
func rules() []rule {
	return slices.Concat(rulesHLS(), rulesTimes(), rulesLow(), rulesDASH(), rulesLowDASH(), rulesAudio(), rulesCMAF(), rulesHTTP())
}

// shown is how many faults a verdict spells out.
const shown = 3

// tally counts what a rule looked at and what was wrong with it.
type tally struct {
	unit    string
	checked int
	faults  []string
}

// newTally counts things of which unit is the plural.
func newTally(unit string) *tally { return &tally{unit: unit} }

// check counts one thing and notes the fault unless it is ok.
func (t *tally) check(ok bool, fault string, args ...any) {
	t.checked++
	if !ok {
		t.faults = append(t.faults, fmt.Sprintf(fault, args...))
	}
}

// verdict sums up. Where nothing was there to look at, the rule does not apply.
func (t *tally) verdict() verdict {
	switch {
	case len(t.faults) > 0:
		text := strings.Join(t.faults[:min(shown, len(t.faults))], "; ")
		if more := len(t.faults) - shown; more > 0 {
			text += fmt.Sprintf("; and %d more", more)
		}
		return verdict{Fail, text}
	case t.checked == 0:
		return verdict{NotApplicable, "no " + t.unit + " to look at"}
	}
	return verdict{Pass, fmt.Sprintf("%d %s", t.checked, t.unit)}
}
