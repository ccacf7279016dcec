//go:build wasm && goexperiment.simd

package kernels

import (
	"simd/archsimd"
	"unsafe"
)

// The kernels for WebAssembly with vectors of 128 bits. Its instructions have no fused multiplication and addition, and
// the sums are made in the order of the plain Go kernels, so that results are equal to theirs to the bit.

func load4(p unsafe.Pointer, at int) f4 {
	return archsimd.LoadFloat32x4Array((*[4]float32)(unsafe.Add(p, 4*at)))
}

func store4(p unsafe.Pointer, at int, x f4) { x.StoreArray((*[4]float32)(unsafe.Add(p, 4*at))) }

func repeat4(p unsafe.Pointer, at int) f4 {
	return archsimd.BroadcastFloat32x4(*(*float32)(unsafe.Add(p, 4*at)))
}

// igemm6x16 is described in asm_amd64.go.
func igemm6x16(a *unsafe.Pointer, boff *int, taps, k int, b *float32, c *unsafe.Pointer, start *float32, relu int) {
	rows, offsets, to := unsafe.Slice(a, 6*taps), unsafe.Slice(boff, taps), unsafe.Slice(c, 6)
	for i := 0; i < 6; i += 2 {
		igemm2x16(rows, i, offsets, k, unsafe.Pointer(b), to[i], to[i+1], unsafe.Pointer(start), relu)
	}
}

// igemm2x16 is igemm6x16 for the pixels i and i+1 of rows: eight sums stay in registers.
func igemm2x16(rows []unsafe.Pointer, i int, offsets []int, k int, b, c0, c1, start unsafe.Pointer, relu int) {
	p0, p1, p2, p3 := load4(start, 0), load4(start, 4), load4(start, 8), load4(start, 12)
	q0, q1, q2, q3 := p0, p1, p2, p3
	var none f4
	var aside [2][16]float32
	u, v := unsafe.Pointer(&aside[0]), unsafe.Pointer(&aside[1])
	left := foldAt
	for t, offset := range offsets {
		x, y := rows[6*t+i], rows[6*t+i+1]
		w := unsafe.Add(b, 4*offset)
		for from := 0; from < k; from += foldAt {
			to := min(from+foldAt, k)
			for j := from; j < to; j++ {
				xj, yj := repeat4(x, j), repeat4(y, j)
				wj := load4(w, 16*j)
				p0, q0 = p0.Add(xj.Mul(wj)), q0.Add(yj.Mul(wj))
				wj = load4(w, 16*j+4)
				p1, q1 = p1.Add(xj.Mul(wj)), q1.Add(yj.Mul(wj))
				wj = load4(w, 16*j+8)
				p2, q2 = p2.Add(xj.Mul(wj)), q2.Add(yj.Mul(wj))
				wj = load4(w, 16*j+12)
				p3, q3 = p3.Add(xj.Mul(wj)), q3.Add(yj.Mul(wj))
			}
			if left -= to - from; left <= 0 {
				add16(u, p0, p1, p2, p3)
				add16(v, q0, q1, q2, q3)
				p0, p1, p2, p3 = none, none, none, none
				q0, q1, q2, q3 = none, none, none, none
				left = foldAt
			}
		}
	}
	add16(u, p0, p1, p2, p3)
	add16(v, q0, q1, q2, q3)
	if relu != 0 {
		for i := range aside {
			for l, s := range aside[i] {
				aside[i][l] = max(s, 0)
			}
		}
	}
	*(*[16]float32)(c0), *(*[16]float32)(c1) = aside[0], aside[1]
}

// add16 adds 16 values to those at p.
func add16(p unsafe.Pointer, x0, x1, x2, x3 f4) {
	store4(p, 0, x0.Add(load4(p, 0)))
	store4(p, 4, x1.Add(load4(p, 4)))
	store4(p, 8, x2.Add(load4(p, 8)))
	store4(p, 12, x3.Add(load4(p, 12)))
}

// dotRows is described in asm_amd64.go.
func dotRows(a, b *unsafe.Pointer, n, c int, dst *float32) {
	dotPixel(unsafe.Slice(a, n), unsafe.Slice(b, n), 0, c&^7, unsafe.Pointer(dst))
	dotRowsGo(a, b, n, c&^7, c, dst)
}

// dotLines is described in asm_amd64.go.
func dotLines(a, b *unsafe.Pointer, n, c int, dst *float32, pixels, step, dstep int) bool {
	if c%8 != 0 {
		return false
	}
	as, bs := unsafe.Slice(a, n), unsafe.Slice(b, n)
	for i := range pixels {
		dotPixel(as, bs, i*step, c, unsafe.Add(unsafe.Pointer(dst), 4*i*dstep))
	}
	return true
}

// dotPixel adds as[t][at+i]*bs[t][i] to the values i < c at to; c is a multiple of 8.
func dotPixel(as, bs []unsafe.Pointer, at, c int, to unsafe.Pointer) {
	for i := 0; i < c; i += 8 {
		x, y := load4(to, i), load4(to, i+4)
		for t, p := range as {
			q := bs[t]
			x, y = x.Add(load4(p, at+i).Mul(load4(q, i))), y.Add(load4(p, at+i+4).Mul(load4(q, i+4)))
		}
		store4(to, i, x)
		store4(to, i+4, y)
	}
}

// outer6x16 is described in asm_amd64.go. Only gradients need it.
func outer6x16(a *unsafe.Pointer, aoff, n int, b *float32, ldb int, c *float32, ldc int) {
	outer6x16Go(a, aoff, n, b, ldb, c, ldc)
}
