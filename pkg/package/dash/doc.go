// Package dash writes the MPD (ISO/IEC 23009-1) as a pure function from an
// immutable presentation to bytes. It reads no clock: an MPD changes when
// something was published, not when it is asked for.
//
// Media time is Unix time (see pkg/media), so availabilityStartTime is the
// epoch for every stream and for ever, Period@start is a date, and a segment's
// tfdt is both its place in the timeline and its name.
package dash
