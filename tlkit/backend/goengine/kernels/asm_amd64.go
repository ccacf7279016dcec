package kernels

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// hasAVX2 is true if the processor can run the assembly, whatever GOAMD64 is.
var hasAVX2 = cpu.X86.HasAVX2 && cpu.X86.HasFMA

// hasAVX512 is true if it can also run the kernels with vectors of 16. They use the instructions of AVX-512F alone.
var hasAVX512 = hasAVX2 && cpu.X86.HasAVX512F

//go:noescape
func igemm6x32AVX512(a *unsafe.Pointer, boff *int, taps, k int, b *float32, bstep int, c *unsafe.Pointer, start *float32, relu int)

//go:noescape
func igemm12x16AVX512(a, a2 *unsafe.Pointer, boff *int, taps, k int, b *float32, c, c2 *unsafe.Pointer, start *float32, relu int)

//go:noescape
func igemm12x32AVX512(a, a2 *unsafe.Pointer, boff *int, taps, k int, b *float32, bstep int, c, c2 *unsafe.Pointer, start *float32, relu int)

//go:noescape
func outer12x32AVX512(a *unsafe.Pointer, aoff, n int, b *float32, ldb, bstep int, c *float32, ldc, cstep int)

//go:noescape
func outer8x32AVX512(a *unsafe.Pointer, aoff, n int, b *float32, ldb, bstep int, c *float32, ldc, cstep int)

//go:noescape
func outer12x16AVX512(a *unsafe.Pointer, aoff, n int, b *float32, ldb int, c *float32, ldc int)

//go:noescape
func outer6x32AVX512(a *unsafe.Pointer, aoff, n int, b *float32, ldb, bstep int, c *float32, ldc, cstep int)

//go:noescape
func dotRowsAVX512(a, b *unsafe.Pointer, n, c int, dst *float32)

//go:noescape
func igemm6x16AVX2(a *unsafe.Pointer, boff *int, taps, k int, b *float32, c *unsafe.Pointer, start *float32, relu int)

//go:noescape
func outer6x16AVX2(a *unsafe.Pointer, aoff, n int, b *float32, ldb int, c *float32, ldc int)

//go:noescape
func dotRowsAVX2(a, b *unsafe.Pointer, n, c int, dst *float32)

//go:noescape
func dotLinesAVX2(a, b *unsafe.Pointer, n, c int, dst *float32, pixels, step, dstep int)

//go:noescape
func dotLinesAVX512(a, b *unsafe.Pointer, n, c int, dst *float32, pixels, step, dstep int)

//go:noescape
func dotStepsAVX2(a, b *float32, n, c int, dst *float32, astep, bstep int)

//go:noescape
func dotStepsAVX512(a, b *float32, n, c int, dst *float32, astep, bstep int)

//go:noescape
func copyRunsAVX2(to, from *float32, every, step, n int)

//go:noescape
func copyTwelvesAVX2(to *float32, rows *unsafe.Pointer, n, at int)

// copyRunsFast is copyRuns for n > 0, and copyTwelvesFast copyTwelves; they report whether they did it.
func copyRunsFast(to, from *float32, every, step, n int) bool {
	if hasAVX2 {
		copyRunsAVX2(to, from, every, step, n)
	}
	return hasAVX2
}

func copyTwelvesFast(to *float32, rows *unsafe.Pointer, n, at int) bool {
	if hasAVX2 {
		copyTwelvesAVX2(to, rows, n, at)
	}
	return hasAVX2
}

// igemm6x16 computes a tile of 6 pixels by 16 channels: for each pixel i, *c[i] = start + the sum over taps t and
// channels j < k of a[6*t+i][j] * b[boff[t]+16*j : +16]. With relu 1, negative results become 0.
func igemm6x16(a *unsafe.Pointer, boff *int, taps, k int, b *float32, c *unsafe.Pointer, start *float32, relu int) {
	if hasAVX2 {
		igemm6x16AVX2(a, boff, taps, k, b, c, start, relu)
		return
	}
	igemm6x16Go(a, boff, taps, k, b, c, start, relu)
}

// pairs reports whether the kernels of two panels, of two tiles and of both are there.
func pairs() bool { return hasAVX512 }

// igemm6x32 is igemm6x16 for two panels of 16 channels, whose kernels are bstep values apart.
func igemm6x32(a *unsafe.Pointer, boff *int, taps, k int, b *float32, bstep int, c *unsafe.Pointer, start *float32, relu int) {
	igemm6x32AVX512(a, boff, taps, k, b, bstep, c, start, relu)
}

// igemm12x16 is igemm6x16 for two tiles: pixels at a and c, and at a2 and c2.
func igemm12x16(a, a2 *unsafe.Pointer, boff *int, taps, k int, b *float32, c, c2 *unsafe.Pointer, start *float32, relu int) {
	igemm12x16AVX512(a, a2, boff, taps, k, b, c, c2, start, relu)
}

// igemm12x32 is igemm12x16 for two panels of 16 channels, whose kernels are bstep values apart.
func igemm12x32(a, a2 *unsafe.Pointer, boff *int, taps, k int, b *float32, bstep int, c, c2 *unsafe.Pointer, start *float32, relu int) {
	igemm12x32AVX512(a, a2, boff, taps, k, b, bstep, c, c2, start, relu)
}

// outer12x32 is outer6x32 for 12 rows.
func outer12x32(a *unsafe.Pointer, aoff, n int, b *float32, ldb, bstep int, c *float32, ldc, cstep int) {
	outer12x32AVX512(a, aoff, n, b, ldb, bstep, c, ldc, cstep)
}

// outer8x32 is outer6x32 for 8 rows.
func outer8x32(a *unsafe.Pointer, aoff, n int, b *float32, ldb, bstep int, c *float32, ldc, cstep int) {
	outer8x32AVX512(a, aoff, n, b, ldb, bstep, c, ldc, cstep)
}

// outer12x16 is outer6x16 for 12 rows.
func outer12x16(a *unsafe.Pointer, aoff, n int, b *float32, ldb int, c *float32, ldc int) {
	outer12x16AVX512(a, aoff, n, b, ldb, c, ldc)
}

// outer6x32 is outer6x16 for two panels of 16 columns: those of b are bstep values apart, those of c cstep.
func outer6x32(a *unsafe.Pointer, aoff, n int, b *float32, ldb, bstep int, c *float32, ldc, cstep int) {
	outer6x32AVX512(a, aoff, n, b, ldb, bstep, c, ldc, cstep)
}

// outer6x16 adds to a tile c of 6 rows (ldc values apart) by 16 columns the outer products a[t][aoff:aoff+6] x
// b[ldb*t:ldb*t+16], t < n; n must not be 0.
func outer6x16(a *unsafe.Pointer, aoff, n int, b *float32, ldb int, c *float32, ldc int) {
	if hasAVX2 {
		outer6x16AVX2(a, aoff, n, b, ldb, c, ldc)
		return
	}
	outer6x16Go(a, aoff, n, b, ldb, c, ldc)
}

// dotRows adds a[t][i]*b[t][i], t < n, to dst[i], i < c.
func dotRows(a, b *unsafe.Pointer, n, c int, dst *float32) {
	if n == 0 {
		return
	}
	whole := 0
	switch {
	case hasAVX512 && c%16 == 0:
		whole = c
		dotRowsAVX512(a, b, n, whole, dst)
	case hasAVX2 && c >= 8:
		whole = c &^ 7
		dotRowsAVX2(a, b, n, whole, dst)
	}
	dotRowsGo(a, b, n, whole, c, dst)
}

// dotLines is dotRows for some pixels: of each next one, the values a[t] are step values further, and dst dstep values.
// It reports false, and does nothing, where the processor or the number of channels is not for it.
func dotLines(a, b *unsafe.Pointer, n, c int, dst *float32, pixels, step, dstep int) bool {
	switch {
	case n == 0 || pixels == 0:
	case hasAVX512 && c%16 == 0:
		dotLinesAVX512(a, b, n, c, dst, pixels, step, dstep)
	case hasAVX2 && c%8 == 0:
		dotLinesAVX2(a, b, n, c, dst, pixels, step, dstep)
	default:
		return false
	}
	return true
}

// dotSteps adds a[t*astep+i]*b[t*bstep+i], t < n, to dst[i], i < c. It reports false, and does nothing, where the
// processor or the number of channels is not for it.
func dotSteps(a, b *float32, n, c int, dst *float32, astep, bstep int) bool {
	switch {
	case n == 0:
	case hasAVX512 && c%16 == 0:
		dotStepsAVX512(a, b, n, c, dst, astep, bstep)
	case hasAVX2 && c%8 == 0:
		dotStepsAVX2(a, b, n, c, dst, astep, bstep)
	default:
		return false
	}
	return true
}

// Wide reports whether there are kernels with vectors of 512 bits for this processor.
func Wide() bool { return hasAVX512 }
