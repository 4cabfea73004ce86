// Package arch holds the code to the plan of the house: which package may import
// which, where C may be, and that every package says what it is. Its tests read
// `go list`, and fail with the import that breaks the plan and the row that
// forbids it. Nothing flows through it at run time.
package arch
