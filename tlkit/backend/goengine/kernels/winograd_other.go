//go:build !((amd64 || wasm) && goexperiment.simd)

package kernels

import "unsafe"

// winogradInVectors: without them the transformations take longer than the products with AVX2 that they save.
const winogradInVectors = false

func winogradImageVectors(_ []float32, _ *[positions]unsafe.Pointer, _, _ int) int { return 0 }
func winogradKernelVectors(_, _ []float32, _, _ int) int                           { return 0 }
func winogradResultVectors(_ *[4]unsafe.Pointer, _ []float32, _, _ int) int        { return 0 }
