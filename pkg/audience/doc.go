// Package audience tells how many watch a stream, and how they fare, without
// cookies and without keeping who they are.
//
// It is shown every request for playlists and media. A viewer is a session id
// that a player gives (CMCD), else an address together with a user agent. Both
// are kept as a hash with a salt that is drawn at the start and never leaves the
// process, and forgotten when nothing was asked for during the window: ten
// seconds as a rule. Nothing else of a viewer is kept but which renditions it
// asks for and the figures that its player tells.
//
// What anybody may send is bounded: viewers altogether, and those of one
// address. Beyond that a count says that it is a least one.
//
// Observe is called on the path of every request: a viewer that is known costs
// one lock of its shard and no allocation. The package owns no goroutine; time
// is a parameter.
package audience
