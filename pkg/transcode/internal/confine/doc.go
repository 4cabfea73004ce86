// Package confine takes from a process what only an attacker would use. A worker
// decodes foreign bytes with native code; whoever takes it over finds neither
// files nor a network nor other processes, only the pipe to the gateway, which
// trusts nothing that comes over it.
package confine

import "errors"

// ErrUnavailable means that the system cannot confine processes. It is no reason
// not to run.
var ErrUnavailable = errors.New("processes cannot be confined here")
