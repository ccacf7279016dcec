package kernels

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// hasAVX2 is true if the processor can run the assembly, whatever GOAMD64 is.
var hasAVX2 = cpu.X86.HasAVX2 && cpu.X86.HasFMA

//go:noescape
func igemm6x16AVX2(a *unsafe.Pointer, boff *int, taps, k int, b *float32, c *unsafe.Pointer, start *float32, relu int)

//go:noescape
func outer6x16AVX2(a *unsafe.Pointer, aoff, n int, b *float32, c *float32, ldc int)

//go:noescape
func dotRowsAVX2(a, b *unsafe.Pointer, n, c int, dst *float32)

// igemm6x16 computes a tile of 6 pixels by 16 channels: for each pixel i, *c[i] = start + the sum over taps t and
// channels j < k of a[6*t+i][j] * b[boff[t]+16*j : +16]. With relu 1, negative results become 0.
func igemm6x16(a *unsafe.Pointer, boff *int, taps, k int, b *float32, c *unsafe.Pointer, start *float32, relu int) {
	if hasAVX2 {
		igemm6x16AVX2(a, boff, taps, k, b, c, start, relu)
		return
	}
	igemm6x16Go(a, boff, taps, k, b, c, start, relu)
}

// outer6x16 adds to a tile c of 6 rows (ldc values apart) by 16 columns the outer products
// a[t][aoff:aoff+6] x b[16*t:16*t+16], t < n; n must not be 0.
func outer6x16(a *unsafe.Pointer, aoff, n int, b *float32, c *float32, ldc int) {
	if hasAVX2 {
		outer6x16AVX2(a, aoff, n, b, c, ldc)
		return
	}
	outer6x16Go(a, aoff, n, b, c, ldc)
}

// dotRows adds a[t][i]*b[t][i], t < n, to dst[i], i < c.
func dotRows(a, b *unsafe.Pointer, n, c int, dst *float32) {
	if n == 0 {
		return
	}
	whole := 0
	if hasAVX2 {
		whole = c &^ 7
		if whole > 0 {
			dotRowsAVX2(a, b, n, whole, dst)
		}
	}
	dotRowsGo(a, b, n, whole, c, dst)
}
