package kernels

import "unsafe"

// hasNEON is true on every processor for which Go compiles; tests set it to false.
var hasNEON = true

//go:noescape
func igemm6x16NEON(a *unsafe.Pointer, boff *int, taps, k int, b *float32, c *unsafe.Pointer, start *float32, relu int)

//go:noescape
func outer6x16NEON(a *unsafe.Pointer, aoff, n int, b *float32, ldb int, c *float32, ldc int)

//go:noescape
func dotRowsNEON(a, b *unsafe.Pointer, n, c int, dst *float32)

// igemm6x16 is described in asm_amd64.go.
func igemm6x16(a *unsafe.Pointer, boff *int, taps, k int, b *float32, c *unsafe.Pointer, start *float32, relu int) {
	if hasNEON {
		igemm6x16NEON(a, boff, taps, k, b, c, start, relu)
		return
	}
	igemm6x16Go(a, boff, taps, k, b, c, start, relu)
}

// outer6x16 is described in asm_amd64.go.
func outer6x16(a *unsafe.Pointer, aoff, n int, b *float32, ldb int, c *float32, ldc int) {
	if hasNEON {
		outer6x16NEON(a, aoff, n, b, ldb, c, ldc)
		return
	}
	outer6x16Go(a, aoff, n, b, ldb, c, ldc)
}

// dotRows is described in asm_amd64.go.
func dotRows(a, b *unsafe.Pointer, n, c int, dst *float32) {
	if n == 0 {
		return
	}
	whole := 0
	if hasNEON && c >= 8 { // the rest as after the vectors of AVX2, for equal bits
		whole = c &^ 7
		dotRowsNEON(a, b, n, whole, dst)
	}
	dotRowsGo(a, b, n, whole, c, dst)
}

// dotLines is not there for NEON: the caller takes dotRows for each pixel.
func dotLines(_, _ *unsafe.Pointer, _, _ int, _ *float32, _, _, _ int) bool { return false }
