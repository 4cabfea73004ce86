// Package certificate is where TLS listeners get their certificate from: files
// that are followed as they change, one that is made here and signed by itself,
// or one that an ACME CA issues and renews. In flow paths, host names and time;
// out flow tls.Configs that choose a certificate per handshake, so that a
// renewal needs no restart and no connection ends for it.
//
// A Source starts no goroutine but those of certmagic; its owner runs Source.Run.
package certificate
