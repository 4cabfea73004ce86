// Package cmcd reads Common Media Client Data (CTA-5004, and of its version 2,
// CTA-5004-B, what players send in requests): what a player says with each of
// its requests about its session, its buffer and what it fetches.
//
// It is told in four header fields or in one parameter of the query; both are
// dictionaries of structured fields (RFC 8941, 3.2). What comes in was written
// by whoever asks: fields are bounded before they are read, numbers are held to
// ranges in which they can be true, and keys that are not known are passed over.
//
// The package is pure: no clock, no goroutine, and no allocation for header
// fields but for a session id with escapes in it.
package cmcd
