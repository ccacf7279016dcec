package kernels

import (
	"slices"
	"unsafe"
)

// The kernels in plain Go, for processors without AVX2. The tests compare the assembly with them.

// foldAt is the number of channels (of whole taps, or pieces of one) after which a tile's sum is added to a second one
// and starts again from zero. The rounding error of one long sum of float32 grows with its length, that of partial sums
// with the length of the parts: with 4608 channels it falls to a quarter. Parts of 128 gain little more and cost 5 % of
// the time. The assembly has the same number.
const foldAt = 256

func igemm6x16Go(a *unsafe.Pointer, boff *int, taps, k int, b *float32, c *unsafe.Pointer, start *float32, relu int) {
	rows := unsafe.Slice(a, 6*taps)
	offsets := unsafe.Slice(boff, taps)
	for i := range 6 {
		sum := *(*[16]float32)(unsafe.Pointer(start))
		var aside [16]float32
		left := foldAt
		for t := range taps {
			row := unsafe.Slice((*float32)(rows[6*t+i]), k)
			w := unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(b), 4*offsets[t])), 16*k)
			for piece := range slices.Chunk(row, foldAt) {
				for j, x := range piece {
					wj := (*[16]float32)(w[16*j:])
					for l := range sum {
						sum[l] += x * wj[l]
					}
				}
				w = w[16*len(piece):]
				if left -= len(piece); left <= 0 {
					for l := range aside {
						aside[l] += sum[l]
					}
					sum, left = [16]float32{}, foldAt
				}
			}
		}
		for l := range sum {
			sum[l] += aside[l]
		}
		if relu != 0 {
			for l := range sum {
				sum[l] = max(sum[l], 0)
			}
		}
		*(*[16]float32)(*(*unsafe.Pointer)(unsafe.Add(unsafe.Pointer(c), 8*i))) = sum
	}
}

func outer6x16Go(a *unsafe.Pointer, aoff, n int, b *float32, ldb int, c *float32, ldc int) {
	var tile [6][16]float32
	for t, p := range unsafe.Slice(a, n) {
		row := (*[6]float32)(unsafe.Add(p, 4*aoff))
		w := (*[16]float32)(unsafe.Add(unsafe.Pointer(b), 4*ldb*t))
		for i, x := range row {
			for l := range tile[i] {
				tile[i][l] += x * w[l]
			}
		}
	}
	for i := range tile {
		to := (*[16]float32)(unsafe.Add(unsafe.Pointer(c), 4*i*ldc))
		for l := range to {
			to[l] += tile[i][l]
		}
	}
}

// dotRowsGo computes the columns from..c-1 of dotRows. The conversion rounds each product: on arm64, the compiler would
// fuse it with the sum, and the bits would differ from those on amd64.
func dotRowsGo(a, b *unsafe.Pointer, n, from, c int, dst *float32) {
	if from >= c {
		return
	}
	to := unsafe.Slice(dst, c)[from:]
	as, bs := unsafe.Slice(a, n), unsafe.Slice(b, n)
	for t := range as {
		x := unsafe.Slice((*float32)(as[t]), c)[from:]
		y := unsafe.Slice((*float32)(bs[t]), c)[from:]
		for i := range to {
			to[i] += float32(x[i] * y[i])
		}
	}
}
