//go:build slow

package zoo_test

const slow = true
