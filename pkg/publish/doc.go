// Package publish sends a file to an RTMP server as an encoder would: in real
// time, once or in a loop. It is what `weir publish` runs, and what tests and
// the load generator publish with.
//
// A file flows in, packets with FLV bodies flow through (clip reads them, loop
// lays rounds end to end, pace waits until each is due), RTMP messages flow
// out. Run owns the connection and its goroutines and ends them before it
// returns. Reading and timing need no network, and the connection is made by a
// function that the caller may replace.
//
// The wire is go-rtmp's: its handshake, chunks and AMF. The conversation is
// not, as its client neither waits for the answer to publish nor survives one.
package publish
