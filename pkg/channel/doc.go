// Package channel is an encoder of the gateway's own: it publishes files in turn,
// without a seam, day and night.
//
// A list of files flows in, RTMP flows out, over a connection that never leaves
// the process. So whatever holds for publishers holds for a channel too, and no
// part of the gateway knows that there are channels. Run's goroutine is the
// caller's; what it starts has ended when it returns.
package channel
