//go:build !goexperiment.simd

package backend

// simd tells whether the pure-Go engine was built with vector instructions.
const simd = false
