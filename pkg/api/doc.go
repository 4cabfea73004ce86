// Package api is what programs and pages ask of Weir: REST under /api/v1/,
// described by an OpenAPI 3.1 document that is made from the handlers' own
// types (/api/openapi.json, for people at /api/docs).
//
// It is given narrow functions by pkg/gateway and knows nothing else of Weir.
// What is open to everyone is fit for every viewer's eyes: no stream keys and
// no publishers' addresses.
//
// An operation is a method of handlers whose input and output are structs;
// huma turns them into routes, checks and the document. Errors are problems of
// RFC 9457, also for paths and methods that do not exist.
package api
