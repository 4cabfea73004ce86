// Package record writes streams to disk as they are: the top video rendition and
// all audio, as CMAF segments with HLS playlists, a folder for each broadcast. No
// picture is encoded for it.
//
// In goes what pkg/store has, and what is to be recorded; out come files, counters,
// and a list of recordings. A recording is a viewer of the store's windows: its
// goroutine reads at its own pace and owns its files. What waits to be written is
// the window, which is bounded in media time and there anyway: a disk that is slow,
// full or hangs costs the recording segments, and the stream nothing. Recorder.Run
// owns all goroutines.
package record
