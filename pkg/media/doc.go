// Package media holds the value types that flow through Weir: time, tracks,
// access units, boundaries, parts, segments and windows.
//
// Values are made by one stage and handed to the next; nothing here starts a
// goroutine, reads a clock or does I/O. Everything that leaves the stage that
// made it is immutable: bytes are shared between the store and every viewer
// and are never written again.
package media
