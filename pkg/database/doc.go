// Package database opens the gateway's embedded database, weir.db in the data
// folder: SQLite in pure Go, one file, no server.
//
// What belongs there is small and must survive a crash: stream keys, webhooks
// that wait. Nothing on the media path reads or writes it; whoever needs its
// contents there keeps a copy in memory (see pkg/streamkey). The gateway and
// the command line may have it open at the same time.
//
// The schema is the sum of migrations/NNNN_what.sql, in order. A migration that
// has landed is never edited: add one with the next number.
package database
