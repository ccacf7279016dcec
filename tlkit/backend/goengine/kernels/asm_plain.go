//go:build !amd64 && !arm64 && !(wasm && goexperiment.simd)

package kernels

import "unsafe"

func igemm6x16(a *unsafe.Pointer, boff *int, taps, k int, b *float32, c *unsafe.Pointer, start *float32, relu int) {
	igemm6x16Go(a, boff, taps, k, b, c, start, relu)
}

func outer6x16(a *unsafe.Pointer, aoff, n int, b *float32, ldb int, c *float32, ldc int) {
	outer6x16Go(a, aoff, n, b, ldb, c, ldc)
}

func dotRows(a, b *unsafe.Pointer, n, c int, dst *float32) { dotRowsGo(a, b, n, 0, c, dst) }

func dotLines(_, _ *unsafe.Pointer, _, _ int, _ *float32, _, _, _ int) bool { return false }
