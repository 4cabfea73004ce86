// Package transcode turns one source into a ladder of renditions. This half is
// pure Go: it derives the rungs (Ladder), supervises one worker process per
// transcoded stream (Supervisor) and speaks a framed protocol with it over the
// worker's stdin and stdout (wire.go). The other half, package libav, runs
// inside the worker and is the only code that touches native libraries: a
// crash or a hang there costs one stream a replay, never the gateway.
//
// Access units and boundaries flow in through Push and Boundary, from one
// goroutine; encoded access units flow out of Output. A Supervisor owns every
// goroutine and process it starts and ends them before Output is closed.
package transcode
