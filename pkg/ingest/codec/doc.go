// Package codec reads what coded media say of themselves: decoder
// configurations, parameter sets, frame headers. It makes tracks of them, and
// access units in the one form that Weir has, whatever protocol brought them.
//
// All of it is foreign. Nothing is allocated because a field says so, every
// loop ends with the bytes at the latest, and every function may be called from
// any goroutine. Tracks come without a Timescale, which the protocol knows.
package codec
