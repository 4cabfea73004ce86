package config

import (
	"fmt"
	"strings"
)

// Problem is one mistake in the configuration.
type Problem struct {
	// Key is the setting, "http.address", or one part of it, "streams[1].key".
	Key string
	// Value is what was given, as text; empty where that says nothing or is
	// a secret.
	Value string
	// Source is where it was given: a file, a variable, a flag. Empty for a
	// default.
	Source string
	// What is wrong, as the rest of a sentence that begins with the value.
	What string
	// Remedy is a sentence that says what to write instead.
	Remedy string
}

// String is the problem in one line.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.Key)
	b.WriteString(":")
	if p.Value != "" {
		fmt.Fprintf(&b, " %q", p.Value)
	}
	if p.Source != "" {
		fmt.Fprintf(&b, " (%s)", p.Source)
	}
	fmt.Fprintf(&b, " %s. %s", p.What, p.Remedy)
	return b.String()
}

// Errors is every mistake that was found, in the order of the keys.
type Errors []Problem

// Error lists the problems, one a line.
func (p Errors) Error() string {
	lines := make([]string, 0, len(p)+1)
	if len(p) == 1 {
		lines = append(lines, "the configuration has a mistake:")
	} else {
		lines = append(lines, fmt.Sprintf("the configuration has %d mistakes:", len(p)))
	}
	for _, problem := range p {
		lines = append(lines, "  "+problem.String())
	}
	return strings.Join(lines, "\n")
}

// err is p as an error, nil if there is no problem.
func (p Errors) err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}
