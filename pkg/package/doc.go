// Package packager cuts one rendition's access units into CMAF segments and
// parts. (The folder is called package, which Go does not allow as a name.)
//
// Boundaries and access units flow in; events flow out: a new init segment, a
// part, a segment, parts that became void. The package is sans-I/O: it starts
// no goroutine, reads no clock and opens no file, so the same input gives the
// same bytes.
//
// Below it, cmaf writes the boxes, and hls and dash write playlists and
// manifests from a media.Presentation.
package packager
