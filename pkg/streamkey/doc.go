// Package streamkey keeps stream keys: who holds one of a key's secrets may
// publish the key's stream, within the key's rules.
//
// A [Store] is the keys in the embedded database (pkg/database); the gateway and
// the command line have one each. Of the secrets it keeps digests alone. A
// [Ring] is the gateway's copy in memory, which publishers are held against: it
// follows the database by its own goroutine (Run), so that no publisher waits
// for a disk.
package streamkey
