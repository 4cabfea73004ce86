// Package ingest is the way in: what a publisher's connection hands to the
// gateway, whatever protocol it speaks, and what is repaired on the way.
//
// In flow the protocols' connections (pkg/ingest/rtmp): each asks a [Gate]
// whether it may publish and writes raw access units into the [Session] that
// it gets. Out flow access units whose time a [Timeline] has repaired. Nothing
// in this package starts a goroutine; a connection's own goroutine calls.
package ingest
