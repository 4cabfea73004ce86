// Package store keeps the sliding window of every rendition of every stream in
// memory.
//
// Parts and segments flow in from the one goroutine that owns a stream (in
// pkg/live); immutable views flow out to any number of readers, who take no
// lock: each publish swaps one pointer and closes the wake channel of the view
// that it replaces. The package starts no goroutine and reads no clock: windows
// are measured in media time.
package store
