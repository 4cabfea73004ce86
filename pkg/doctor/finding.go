package doctor

import "time"

// Severity says how much a finding matters to viewers.
type Severity string

// The severities, mildest first.
const (
	Info    Severity = "info"
	Warning Severity = "warning"
	// Problem: viewers see or hear that something is wrong.
	Problem Severity = "error"
)

// Hop is the part of the way from the camera to the screen that a finding is
// about.
type Hop string

// The hops, in the order of the way.
const (
	Encoder Hop = "encoder"
	Uplink  Hop = "uplink"
	Gateway Hop = "gateway"
	Viewer  Hop = "viewer"
)

// Finding is one thing that the creator should know.
type Finding struct {
	// Code is stable and in snake case, for machines.
	Code     string
	Severity Severity
	Hop      Hop
	// Title is what it is in a few words, Message what it means with the
	// measured values, Remedy which setting mends it.
	Title, Message, Remedy string
	// Evidence is what was measured.
	Evidence []Evidence
	// Since is when it began.
	Since time.Time
}

// Evidence is one measured value.
type Evidence struct {
	// Name is in snake case.
	Name  string
	Value float64
	// Unit is "s", "bit/s", "fps", "%", "px", "Hz", "ppm", "dBFS", or empty for a
	// number of things.
	Unit string
}
