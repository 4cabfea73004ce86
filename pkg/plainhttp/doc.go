// Package plainhttp serves plain GET requests of HTTP/1.1 to thousands of viewers with
// few system calls and little memory, and leaves everything else to net/http.
//
// A few loops share the connections, each on one goroutine: a loop waits for all of
// its connections at once, reads a request and sends its answer as the connection
// takes it. Who makes the answers:
//
//   - Direct, where the answer is at hand or others wait for the same. It is called
//     on the loop and must not wait. An Answer is composed once and sent to many; a
//     request that waits for one is Held and is nothing but an entry in a list.
//   - the http.Handler, for every other plain request, on a goroutine of its own.
//   - net/http, for good, from the first request on a connection that is not a plain
//     one: not a GET, with a body, not whole in one read, or with anything that changes
//     the protocol. So nothing here has to be clever about HTTP: what is in doubt is
//     net/http's.
//
// Once a second each loop ends the connections that are too slow or idle for too long.
// Shutdown and Close wait for all goroutines.
package plainhttp
