// Package webhook posts what happens to other servers: signed, again and again
// until they take it, from a queue in the database that a crash does not empty.
//
// Events flow in by Hooks.Publish, which never waits. Hooks.Run writes each into
// the database, once for every webhook that wants it, and has a goroutine for
// each webhook, so that one that is slow holds up no other. Requests flow out.
// An event arrives at least once; its id tells receivers of a second time.
//
// The events of one webhook are posted one after the other, in order: the first
// that fails holds up the others, for mostly it is the receiver that is down. One
// that the receiver itself refuses again and again steps aside.
package webhook
