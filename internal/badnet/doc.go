// Package badnet is a network for tests that loses, delays and reorders
// datagrams. In flow those of clients, out flow to the server, and back. Its
// goroutines end with the test.
package badnet
