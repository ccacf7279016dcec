//go:build slow

package kernel

// slow runs rare cases too.
const slow = true
