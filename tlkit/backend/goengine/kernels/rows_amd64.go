//go:build amd64 && goexperiment.simd

package kernels

import "simd/archsimd"

// Each function computes as many columns as fill whole vectors, and returns their number.

func vecMoments8(sums, squares, x, shift []float32) int {
	if !hasAVX2 {
		return 0
	}
	c := len(sums)
	n := c &^ (lanes - 1)
	for i := 0; i < n; i += lanes {
		s, q, k := load(sums[i:]), load(squares[i:]), load(shift[i:])
		for at := i; at+lanes <= len(x); at += c {
			d := load(x[at:]).Sub(k)
			s = s.Add(d)
			q = d.MulAdd(d, q)
		}
		store(s, sums[i:])
		store(q, squares[i:])
	}
	return n
}

func vecProducts8(sums, products, v, x, mean []float32) int {
	if !hasAVX2 {
		return 0
	}
	c := len(sums)
	n := c &^ (lanes - 1)
	x = x[:len(v)]
	for i := 0; i < n; i += lanes {
		s, p, m := load(sums[i:]), load(products[i:]), load(mean[i:])
		for at := i; at+lanes <= len(v); at += c {
			a := load(v[at:])
			s = s.Add(a)
			p = a.MulAdd(load(x[at:]).Sub(m), p)
		}
		store(s, sums[i:])
		store(p, products[i:])
	}
	return n
}

func vecSumRows8(sums, x []float32) int {
	if !hasAVX2 {
		return 0
	}
	c := len(sums)
	n := c &^ (lanes - 1)
	for i := 0; i < n; i += lanes {
		s := load(sums[i:])
		for at := i; at+lanes <= len(x); at += c {
			s = s.Add(load(x[at:]))
		}
		store(s, sums[i:])
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
	for row := 0; row < len(x); row += c {
		for i := 0; i < n; i += lanes {
			v := load(x[row+i:]).MulAdd(load(gain[i:]), load(shift[i:]))
			store(v, y[row+i:])
		}
	}
	return n
}

func vecCombineRows8(y, v, x, a, b, d []float32) int {
	if !hasAVX2 {
		return 0
	}
	c := len(a)
	n := c &^ (lanes - 1)
	y, v = y[:len(x)], v[:len(x)]
	for row := 0; row < len(x); row += c {
		for i := 0; i < n; i += lanes {
			t := load(x[row+i:]).MulAdd(load(b[i:]), load(d[i:]))
			store(load(v[row+i:]).MulAdd(load(a[i:]), t), y[row+i:])
		}
	}
	return n
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
