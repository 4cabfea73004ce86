// Package slate makes what viewers get while nobody publishes: a still picture
// and silence, in the form of a publisher's access units, so that boundaries,
// rungs and packaging have nothing to know of it.
//
// A picture flows in, the operator's or one that is drawn here. A worker process
// encodes it once, to a [Loop] of H.264 in the source's size and frame rate. A
// [Source] lays that loop and silent AAC end to end from any media time on. The
// caller says up to which time it wants them: nothing in a Source starts a
// goroutine or reads a clock.
package slate
