//go:build amd64 && goexperiment.simd

package kernels

import "simd/archsimd"

// Each function computes as many columns as fill whole vectors, and returns their number. Columns are taken two or four
// vectors at a time, so that their sums do not wait for each other, and a few rows at a time (rowsOf), so that memory
// is read from start to end.

// rowsOf is the number of rows of c values that are processed before the next columns: half of a first-level cache.
func rowsOf(c int) int { return max(1, 4096/c) }

func vecMoments8(sums, squares, x, shift []float32) int {
	if !hasAVX2 {
		return 0
	}
	c := len(sums)
	n := c &^ (lanes - 1)
	for step := rowsOf(c) * c; len(x) >= c; x = x[min(step, len(x)):] {
		piece := x[:min(step, len(x))]
		i := 0
		for ; i+wide <= n; i += wide {
			moments32((*[wide]float32)(sums[i:]), (*[wide]float32)(squares[i:]), piece[i:], (*[wide]float32)(shift[i:]), c)
		}
		for ; i < n; i += lanes {
			s, q, k := load(sums[i:]), load(squares[i:]), load(shift[i:])
			for at := i; at+lanes <= len(piece); at += c {
				d := load(piece[at:]).Sub(k)
				s = s.Add(d)
				q = d.MulAdd(d, q)
			}
			store(s, sums[i:])
			store(q, squares[i:])
		}
	}
	return n
}

func moments32(sums, squares *[wide]float32, x []float32, shift *[wide]float32, c int) {
	s0, s1, s2, s3 := load(sums[0:]), load(sums[8:]), load(sums[16:]), load(sums[24:])
	q0, q1, q2, q3 := load(squares[0:]), load(squares[8:]), load(squares[16:]), load(squares[24:])
	k0, k1, k2, k3 := load(shift[0:]), load(shift[8:]), load(shift[16:]), load(shift[24:])
	for {
		row := (*[wide]float32)(x)
		d0, d1, d2, d3 := load(row[0:]).Sub(k0), load(row[8:]).Sub(k1), load(row[16:]).Sub(k2), load(row[24:]).Sub(k3)
		s0, s1, s2, s3 = s0.Add(d0), s1.Add(d1), s2.Add(d2), s3.Add(d3)
		q0, q1, q2, q3 = d0.MulAdd(d0, q0), d1.MulAdd(d1, q1), d2.MulAdd(d2, q2), d3.MulAdd(d3, q3)
		if len(x) < c+wide {
			break
		}
		x = x[c:]
	}
	store(s0, sums[0:])
	store(s1, sums[8:])
	store(s2, sums[16:])
	store(s3, sums[24:])
	store(q0, squares[0:])
	store(q1, squares[8:])
	store(q2, squares[16:])
	store(q3, squares[24:])
}

func vecProducts8(sums, products, v, x, mean []float32) int {
	if !hasAVX2 {
		return 0
	}
	c := len(sums)
	n := c &^ (lanes - 1)
	x = x[:len(v)]
	for step := rowsOf(c) * c; len(v) >= c; {
		size := min(step, len(v))
		a, b := v[:size], x[:size]
		i := 0
		for ; i+wide <= n; i += wide {
			products32((*[wide]float32)(sums[i:]), (*[wide]float32)(products[i:]), a[i:], b[i:], (*[wide]float32)(mean[i:]), c)
		}
		for ; i < n; i += lanes {
			s, p, m := load(sums[i:]), load(products[i:]), load(mean[i:])
			for at := i; at+lanes <= size; at += c {
				t := load(a[at:])
				s = s.Add(t)
				p = t.MulAdd(load(b[at:]).Sub(m), p)
			}
			store(s, sums[i:])
			store(p, products[i:])
		}
		v, x = v[size:], x[size:]
	}
	return n
}

func products32(sums, products *[wide]float32, v, x []float32, mean *[wide]float32, c int) {
	s0, s1, s2, s3 := load(sums[0:]), load(sums[8:]), load(sums[16:]), load(sums[24:])
	p0, p1, p2, p3 := load(products[0:]), load(products[8:]), load(products[16:]), load(products[24:])
	m0, m1, m2, m3 := load(mean[0:]), load(mean[8:]), load(mean[16:]), load(mean[24:])
	for {
		a, b := (*[wide]float32)(v), (*[wide]float32)(x)
		a0, a1, a2, a3 := load(a[0:]), load(a[8:]), load(a[16:]), load(a[24:])
		s0, s1, s2, s3 = s0.Add(a0), s1.Add(a1), s2.Add(a2), s3.Add(a3)
		p0, p1 = a0.MulAdd(load(b[0:]).Sub(m0), p0), a1.MulAdd(load(b[8:]).Sub(m1), p1)
		p2, p3 = a2.MulAdd(load(b[16:]).Sub(m2), p2), a3.MulAdd(load(b[24:]).Sub(m3), p3)
		if len(v) < c+wide {
			break
		}
		v, x = v[c:], x[c:]
	}
	store(s0, sums[0:])
	store(s1, sums[8:])
	store(s2, sums[16:])
	store(s3, sums[24:])
	store(p0, products[0:])
	store(p1, products[8:])
	store(p2, products[16:])
	store(p3, products[24:])
}

// vecSum8 adds x to eight sums, value i to sum i%8.
func vecSum8(sums *[8]float32, x []float32) int {
	if !hasAVX2 {
		return 0
	}
	n := len(x) &^ (lanes - 1)
	s := load(sums[:])
	for i := 0; i < n; i += lanes {
		s = s.Add(load(x[i:]))
	}
	store(s, sums[:])
	return n
}

func vecSumRows8(sums, x []float32) int {
	if !hasAVX2 {
		return 0
	}
	c := len(sums)
	n := c &^ (lanes - 1)
	for step := rowsOf(c) * c; len(x) >= c; x = x[min(step, len(x)):] {
		piece := x[:min(step, len(x))]
		for i := 0; i < n; i += lanes {
			s := load(sums[i:])
			for at := i; at+lanes <= len(piece); at += c {
				s = s.Add(load(piece[at:]))
			}
			store(s, sums[i:])
		}
	}
	return n
}

func vecScaleRows8(y, x, gain, shift []float32) int {
	if !hasAVX2 {
		return 0
	}
	c := len(gain)
	n := c &^ (lanes - 1)
	y = y[:len(x)]
	for step := rowsOf(c) * c; len(x) >= c; {
		size := min(step, len(x))
		i := 0
		for ; i+wide <= n; i += wide {
			scale32(y[i:size], x[i:size], (*[wide]float32)(gain[i:]), (*[wide]float32)(shift[i:]), c)
		}
		for ; i < n; i += lanes {
			a, b := load(gain[i:]), load(shift[i:])
			for at := i; at+lanes <= size; at += c {
				store(load(x[at:]).MulAdd(a, b), y[at:])
			}
		}
		y, x = y[size:], x[size:]
	}
	return n
}

func scale32(y, x []float32, gain, shift *[wide]float32, c int) {
	a0, a1, a2, a3 := load(gain[0:]), load(gain[8:]), load(gain[16:]), load(gain[24:])
	b0, b1, b2, b3 := load(shift[0:]), load(shift[8:]), load(shift[16:]), load(shift[24:])
	for {
		to, from := (*[wide]float32)(y), (*[wide]float32)(x)
		store(load(from[0:]).MulAdd(a0, b0), to[0:])
		store(load(from[8:]).MulAdd(a1, b1), to[8:])
		store(load(from[16:]).MulAdd(a2, b2), to[16:])
		store(load(from[24:]).MulAdd(a3, b3), to[24:])
		if len(x) < c+wide {
			return
		}
		y, x = y[c:], x[c:]
	}
}

func vecCombineRows8(y, v, x, a, b, d []float32) int {
	if !hasAVX2 {
		return 0
	}
	c := len(a)
	n := c &^ (lanes - 1)
	y, v = y[:len(x)], v[:len(x)]
	for step := rowsOf(c) * c; len(x) >= c; {
		size := min(step, len(x))
		i := 0
		for ; i+wide/2 <= n; i += wide / 2 {
			combine16(y[i:size], v[i:size], x[i:size], (*[wide / 2]float32)(a[i:]), (*[wide / 2]float32)(b[i:]), (*[wide / 2]float32)(d[i:]), c)
		}
		for ; i < n; i += lanes {
			a0, b0, d0 := load(a[i:]), load(b[i:]), load(d[i:])
			for at := i; at+lanes <= size; at += c {
				store(load(v[at:]).MulAdd(a0, load(x[at:]).MulAdd(b0, d0)), y[at:])
			}
		}
		y, v, x = y[size:], v[size:], x[size:]
	}
	return n
}

func combine16(y, v, x []float32, a, b, d *[wide / 2]float32, c int) {
	a0, a1, b0, b1, d0, d1 := load(a[0:]), load(a[8:]), load(b[0:]), load(b[8:]), load(d[0:]), load(d[8:])
	for {
		to, p, q := (*[wide / 2]float32)(y), (*[wide / 2]float32)(v), (*[wide / 2]float32)(x)
		store(load(p[0:]).MulAdd(a0, load(q[0:]).MulAdd(b0, d0)), to[0:])
		store(load(p[8:]).MulAdd(a1, load(q[8:]).MulAdd(b1, d1)), to[8:])
		if len(x) < c+wide/2 {
			return
		}
		y, v, x = y[c:], v[c:], x[c:]
	}
}

func vecLarger8(top []float32, best []int32, row []float32, at int32) int {
	if !hasAVX2 {
		return 0
	}
	n := len(row) &^ (lanes - 1)
	here := archsimd.BroadcastInt32x8(at)
	for i := 0; i < n; i += lanes {
		v, t := load(row[i:]), load(top[i:])
		larger := v.Greater(t)
		store(v.IfElse(larger, t), top[i:])
		places := (*[8]int32)(best[i:])
		here.IfElse(larger, archsimd.LoadInt32x8Array(places)).StoreArray(places)
	}
	return n
}

// transpose16 is transpose for a square of 16 values a side. It reports false, and does nothing, where the processor is
// not for it.
func transpose16(to, from []float32, ldt, ldf int) bool {
	if !hasAVX2 {
		return false
	}
	for r := 0; r < 16; r += 8 {
		for c := 0; c < 16; c += 8 {
			transpose8(to[c*ldt+r:], from[r*ldf+c:], ldt, ldf)
		}
	}
	return true
}

// transpose8 is transpose for a square of 8 values a side: first within its quarters, then these.
func transpose8(to, from []float32, ldt, ldf int) {
	a0, a1, a2, a3 := transpose4(load(from), load(from[ldf:]), load(from[2*ldf:]), load(from[3*ldf:]))
	b0, b1, b2, b3 := transpose4(load(from[4*ldf:]), load(from[5*ldf:]), load(from[6*ldf:]), load(from[7*ldf:]))
	store(a0.ConcatPermute128Scalars(0, 2, b0), to)
	store(a1.ConcatPermute128Scalars(0, 2, b1), to[ldt:])
	store(a2.ConcatPermute128Scalars(0, 2, b2), to[2*ldt:])
	store(a3.ConcatPermute128Scalars(0, 2, b3), to[3*ldt:])
	store(a0.ConcatPermute128Scalars(1, 3, b0), to[4*ldt:])
	store(a1.ConcatPermute128Scalars(1, 3, b1), to[5*ldt:])
	store(a2.ConcatPermute128Scalars(1, 3, b2), to[6*ldt:])
	store(a3.ConcatPermute128Scalars(1, 3, b3), to[7*ldt:])
}

// transpose4 exchanges the axes of two matrices beside each other, of 4 values a side.
func transpose4(r0, r1, r2, r3 f8) (c0, c1, c2, c3 f8) {
	a, b := r0.ConcatPermuteScalarsGrouped(0, 1, 4, 5, r1), r2.ConcatPermuteScalarsGrouped(0, 1, 4, 5, r3)
	c, d := r0.ConcatPermuteScalarsGrouped(2, 3, 6, 7, r1), r2.ConcatPermuteScalarsGrouped(2, 3, 6, 7, r3)
	return a.ConcatPermuteScalarsGrouped(0, 2, 4, 6, b), a.ConcatPermuteScalarsGrouped(1, 3, 5, 7, b),
		c.ConcatPermuteScalarsGrouped(0, 2, 4, 6, d), c.ConcatPermuteScalarsGrouped(1, 3, 5, 7, d)
}
