// Package doctor says what is wrong with a live stream, in words for its
// creator: observations of a session go in, once a second or so, and findings
// come out. The rules are a table (see Rules): a rule holds while all of its
// limits are passed, has to hold for a while before it is told, and to be over
// for a while before it is taken back.
//
// A rule whose observations nobody made does not hold. The package reads no
// clock, starts no goroutine and knows no stream: pkg/live observes, and keeps
// one Doctor for each of its streams.
package doctor
