//go:build goexperiment.simd

package backend

// SIMD tells whether the pure-Go engine was built with vector instructions.
const SIMD = true
