// Package live is the life of a stream: what a stream key names.
//
// A stream outlives its publishers. Sessions flow in (one publish connection
// each, through ingest.Gate), repaired access units flow through, and windows
// flow out into the store. One goroutine owns each stream and everything that
// changes in it: the session, the boundary rule, the segmenters and the worker
// of the session that is live. It takes values from channels and calls
// downwards only; nothing calls back into it.
//
// The Manager starts those goroutines and waits for them.
package live
