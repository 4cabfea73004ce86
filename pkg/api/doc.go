// Package api serves the state of streams as JSON under /api/v1/.
//
// It is given narrow functions by pkg/gateway and knows nothing else of Weir.
// What it shows is fit for every viewer's eyes: no stream keys and no
// publishers' addresses, until there are tokens to tell readers apart.
package api
