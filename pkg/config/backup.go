package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Backup says when a backup publisher goes on air beside when media is missing.
type Backup struct {
	SwitchOn []Fault `key:"switch_on" help:"What of the publisher on air has the other one go on air, if that is well: black, frozen or silent, each with how long, black:5s. Empty: only that nothing comes."`
}

// Fault is what may be wrong with what a publisher sends.
type Fault struct {
	// Kind is black, frozen or silent.
	Kind string
	// After is how long it has to last.
	After time.Duration
}

func (f Fault) String() string { return f.Kind + ":" + duration(f.After) }

// faultKinds are the words for faults, with how long they last where nothing is said.
func faultKinds() map[string]time.Duration {
	return map[string]time.Duration{"black": 5 * time.Second, "frozen": 10 * time.Second, "silent": 15 * time.Second}
}

func decodeFaults(field *[]Fault, path string, raw any) Errors {
	var problems Errors
	var faults []Fault
	for i, element := range list(raw) {
		at := fmt.Sprintf("%s[%d]", path, i)
		kind, after := "", ""
		if table, ok := element.(map[string]any); ok && len(table) == 1 {
			for name, value := range table { // black: 5s
				kind = name
				after, _ = scalar(value)
			}
		} else {
			text, _ := scalar(element)
			kind, after, _ = strings.Cut(text, ":")
		}
		f := Fault{Kind: strings.TrimSpace(kind)}
		f.After = faultKinds()[f.Kind]
		if after = strings.TrimSpace(after); after != "" {
			var err error
			if f.After, err = time.ParseDuration(after); err != nil {
				problems = append(problems, Problem{Key: at, Value: after, What: "is not a duration", Remedy: "Write a number with a unit, such as black:5s."})
			}
		}
		faults = append(faults, f)
	}
	*field = faults
	return problems
}

func (v *validator) backup() {
	seen := make(map[string]bool)
	for i, f := range v.cfg.Backup.SwitchOn {
		at := fmt.Sprintf("backup.switch_on[%d]", i)
		_, known := faultKinds()[f.Kind]
		switch {
		case !known:
			v.add(at, f.Kind, "is nothing to switch on", "Write some of: "+strings.Join(slices.Sorted(maps.Keys(faultKinds())), ", ")+", each as black or black:5s.")
			continue
		case seen[f.Kind]:
			v.add(at, f.Kind, "is there twice", "Write it once.")
		}
		seen[f.Kind] = true
		v.lasts(at, f.After, 2*time.Second, 10*time.Minute)
	}
}
