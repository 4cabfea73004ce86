// Package e2e plays the whole of Weir with real parts: the built program, real
// encoders, real players in a real browser. Its tests carry the build tag e2e;
// `make e2e` runs them. A part that is missing is skipped aloud, or fails the
// run where WEIR_E2E_REQUIRE is 1, as in CI.
package e2e
