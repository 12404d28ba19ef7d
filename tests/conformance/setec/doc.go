// Package conformance holds the tests that say what a server of setec's API does, byte for byte.
//
// They drive a running server over HTTP, by raw requests and by setec's own Go client, and know
// nothing of its inside, so that the same tests run against setec's own server and against leger.
// Where the two differ on purpose, a test says so by the function deviation; the list is in
// docs/reference/setec-compatibility.md.
//
// The launcher beside this module, tests/conformance/run, starts a server and runs the tests.
package conformance
