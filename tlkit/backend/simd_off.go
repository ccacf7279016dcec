//go:build !goexperiment.simd

package backend

// SIMD is true if the pure-Go engine was built with vector instructions.
const SIMD = false
