// Package httpserve is what viewers talk to: playlists, manifests, init
// segments, segments and parts out of the store, the watch page, probes, and
// the handlers it is given for the API and the metrics.
//
// It reads the store and nothing else. Nothing is done per viewer that can be
// done once: a text is rendered once for each version of what it describes,
// media is written to the sockets from the very bytes that the packager made.
// It starts no goroutine of its own, but for one beside each held request,
// which ends with the request.
package httpserve
