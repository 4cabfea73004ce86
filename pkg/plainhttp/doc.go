// Package plainhttp serves plain GET requests of HTTP/1.1 with few system calls and
// little memory, and leaves everything else to net/http.
//
// Connections flow in from a TCP listener. As long as each request on one is a GET
// without a body, whole in one read and without anything that changes the protocol,
// it is answered here, by the same http.Handler; with the first that is not, the
// connection and what was read of it go to an http.Server for good. So nothing here
// has to be clever about HTTP: what is in doubt is net/http's.
//
// It differs from net/http in what thousands of viewers cost: no buffers while a
// connection is idle or its handler waits, no second goroutine, no timers, one
// system call for a whole response, whose bodies may be shared slices
// (BufferWriter). A goroutine looks at all connections once a second and ends those
// that are too slow, idle for too long or gone.
//
// Each connection has one goroutine; Shutdown and Close wait for all.
package plainhttp
