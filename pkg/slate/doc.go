// Package slate makes what viewers get while nobody publishes: a still picture, a
// clip or the publisher's last picture, with the clip's sound or silence, in the
// form of a publisher's access units, so that boundaries, rungs and packaging have
// nothing to know of it.
//
// A [Clip] flows in. Worker processes encode it once, to a [Loop] of H.264 in the
// source's size and frame rate and of AAC in the audio rendition's parameters; a
// loop is handed out while it still grows. A [Source] lays loops end to end from any
// media time on. The caller says up to which time it wants them: nothing in a Source
// starts a goroutine or reads a clock.
package slate
