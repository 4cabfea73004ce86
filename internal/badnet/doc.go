// Package badnet is a network for tests that loses, delays and reorders
// datagrams, and whose cable can be pulled. In flow those of clients, out flow to the
// server, and back; connections of TCP flow through it, too. Its goroutines end with
// the test.
package badnet
