// Package verify watches a live stream as a viewer would and holds what it saw
// to the rules of HLS, DASH, CMAF and HTTP.
//
// In flows what a server answers; out flows a report. Everything that was
// fetched is parsed into observations first, by readers that share no code with
// the gateway that wrote it, and every rule is a pure function over them. The
// goroutines that fetch belong to Run and have ended when it returns.
package verify
