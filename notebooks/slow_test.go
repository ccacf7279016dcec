//go:build slow

package notebooks_test

// slow makes every notebook be executed, on both kernels where that is asked.
const slow = true
