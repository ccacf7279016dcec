//go:build !slow

package notebooks_test

// slow: without the tag, only the shorter notebooks are executed, so that go test ./... stays below ten minutes.
const slow = false
