//go:build amd64 && goexperiment.simd

package kernels

import "simd/archsimd"

// Operations on runs of values, eight at a time; d may be one of the operands. See vec.go for the rest of each run.

const lanes = 8

type f8 = archsimd.Float32x8

func load(s []float32) f8     { return archsimd.LoadFloat32x8Array((*[8]float32)(s)) }
func store(x f8, s []float32) { x.StoreArray((*[8]float32)(s)) }
func all(v float32) f8        { return archsimd.BroadcastFloat32x8(v) }

func vecAdd8(d, a, b []float32) int {
	if !hasAVX2 {
		return 0
	}
	n := len(d) &^ (lanes - 1)
	a, b = a[:n], b[:n]
	d = d[:n]
	for len(d) >= lanes {
		x, y := load(a), load(b)
		store(x.Add(y), d)
		d = d[lanes:]
		a, b = a[lanes:], b[lanes:]
	}
	return n
}

func vecSub8(d, a, b []float32) int {
	if !hasAVX2 {
		return 0
	}
	n := len(d) &^ (lanes - 1)
	a, b = a[:n], b[:n]
	d = d[:n]
	for len(d) >= lanes {
		x, y := load(a), load(b)
		store(x.Sub(y), d)
		d = d[lanes:]
		a, b = a[lanes:], b[lanes:]
	}
	return n
}

func vecMul8(d, a, b []float32) int {
	if !hasAVX2 {
		return 0
	}
	n := len(d) &^ (lanes - 1)
	a, b = a[:n], b[:n]
	d = d[:n]
	for len(d) >= lanes {
		x, y := load(a), load(b)
		store(x.Mul(y), d)
		d = d[lanes:]
		a, b = a[lanes:], b[lanes:]
	}
	return n
}

func vecDiv8(d, a, b []float32) int {
	if !hasAVX2 {
		return 0
	}
	n := len(d) &^ (lanes - 1)
	a, b = a[:n], b[:n]
	d = d[:n]
	for len(d) >= lanes {
		x, y := load(a), load(b)
		store(x.Div(y), d)
		d = d[lanes:]
		a, b = a[lanes:], b[lanes:]
	}
	return n
}

func vecGreater8(d, a, b []float32) int {
	if !hasAVX2 {
		return 0
	}
	n := len(d) &^ (lanes - 1)
	a, b = a[:n], b[:n]
	d = d[:n]
	one := all(1)
	for len(d) >= lanes {
		x, y := load(a), load(b)
		store(one.Masked(x.Greater(y)), d)
		d = d[lanes:]
		a, b = a[lanes:], b[lanes:]
	}
	return n
}

func vecGreaterEqual8(d, a, b []float32) int {
	if !hasAVX2 {
		return 0
	}
	n := len(d) &^ (lanes - 1)
	a, b = a[:n], b[:n]
	d = d[:n]
	one := all(1)
	for len(d) >= lanes {
		x, y := load(a), load(b)
		store(one.Masked(x.GreaterEqual(y)), d)
		d = d[lanes:]
		a, b = a[lanes:], b[lanes:]
	}
	return n
}

func vecLess8(d, a, b []float32) int {
	if !hasAVX2 {
		return 0
	}
	n := len(d) &^ (lanes - 1)
	a, b = a[:n], b[:n]
	d = d[:n]
	one := all(1)
	for len(d) >= lanes {
		x, y := load(a), load(b)
		store(one.Masked(x.Less(y)), d)
		d = d[lanes:]
		a, b = a[lanes:], b[lanes:]
	}
	return n
}

func vecLessEqual8(d, a, b []float32) int {
	if !hasAVX2 {
		return 0
	}
	n := len(d) &^ (lanes - 1)
	a, b = a[:n], b[:n]
	d = d[:n]
	one := all(1)
	for len(d) >= lanes {
		x, y := load(a), load(b)
		store(one.Masked(x.LessEqual(y)), d)
		d = d[lanes:]
		a, b = a[lanes:], b[lanes:]
	}
	return n
}

func vecEqual8(d, a, b []float32) int {
	if !hasAVX2 {
		return 0
	}
	n := len(d) &^ (lanes - 1)
	a, b = a[:n], b[:n]
	d = d[:n]
	one := all(1)
	for len(d) >= lanes {
		x, y := load(a), load(b)
		store(one.Masked(x.Equal(y)), d)
		d = d[lanes:]
		a, b = a[lanes:], b[lanes:]
	}
	return n
}

func vecNotEqual8(d, a, b []float32) int {
	if !hasAVX2 {
		return 0
	}
	n := len(d) &^ (lanes - 1)
	a, b = a[:n], b[:n]
	d = d[:n]
	one := all(1)
	for len(d) >= lanes {
		x, y := load(a), load(b)
		store(one.Masked(x.NotEqual(y)), d)
		d = d[lanes:]
		a, b = a[lanes:], b[lanes:]
	}
	return n
}

func vecMax8(d, a, b []float32) int {
	if !hasAVX2 {
		return 0
	}
	n := len(d) &^ (lanes - 1)
	a, b = a[:n], b[:n]
	d = d[:n]
	for len(d) >= lanes {
		x, y := load(a), load(b)
		store(y.IfElse(y.IsNaN(), y.Max(x)), d)
		d = d[lanes:]
		a, b = a[lanes:], b[lanes:]
	}
	return n
}

func vecMin8(d, a, b []float32) int {
	if !hasAVX2 {
		return 0
	}
	n := len(d) &^ (lanes - 1)
	a, b = a[:n], b[:n]
	d = d[:n]
	for len(d) >= lanes {
		x, y := load(a), load(b)
		store(y.IfElse(y.IsNaN(), y.Min(x)), d)
		d = d[lanes:]
		a, b = a[lanes:], b[lanes:]
	}
	return n
}

func vecAnd8(d, a, b []float32) int {
	if !hasAVX2 {
		return 0
	}
	n := len(d) &^ (lanes - 1)
	a, b = a[:n], b[:n]
	d = d[:n]
	for len(d) >= lanes {
		x, y := load(a), load(b)
		store(x.Mul(y), d)
		d = d[lanes:]
		a, b = a[lanes:], b[lanes:]
	}
	return n
}

func vecOr8(d, a, b []float32) int {
	if !hasAVX2 {
		return 0
	}
	n := len(d) &^ (lanes - 1)
	a, b = a[:n], b[:n]
	d = d[:n]
	for len(d) >= lanes {
		x, y := load(a), load(b)
		store(x.Max(y), d)
		d = d[lanes:]
		a, b = a[lanes:], b[lanes:]
	}
	return n
}

func vecNeg8(d, a []float32) int {
	if !hasAVX2 {
		return 0
	}
	n := len(d) &^ (lanes - 1)
	a = a[:n]
	d = d[:n]
	sign := all(-1)
	for len(d) >= lanes {
		x := load(a)
		store(sign.Mul(x), d)
		d = d[lanes:]
		a = a[lanes:]
	}
	return n
}

func vecNot8(d, a []float32) int {
	if !hasAVX2 {
		return 0
	}
	n := len(d) &^ (lanes - 1)
	a = a[:n]
	d = d[:n]
	one := all(1)
	for len(d) >= lanes {
		x := load(a)
		store(one.Sub(x), d)
		d = d[lanes:]
		a = a[lanes:]
	}
	return n
}

func vecAbs8(d, a []float32) int {
	if !hasAVX2 {
		return 0
	}
	n := len(d) &^ (lanes - 1)
	a = a[:n]
	d = d[:n]
	zero := all(0)
	for len(d) >= lanes {
		x := load(a)
		store(x.Max(zero.Sub(x)), d)
		d = d[lanes:]
		a = a[lanes:]
	}
	return n
}

func vecSqrt8(d, a []float32) int {
	if !hasAVX2 {
		return 0
	}
	n := len(d) &^ (lanes - 1)
	a = a[:n]
	d = d[:n]
	for len(d) >= lanes {
		x := load(a)
		store(x.Sqrt(), d)
		d = d[lanes:]
		a = a[lanes:]
	}
	return n
}

func vecRsqrt8(d, a []float32) int {
	if !hasAVX2 {
		return 0
	}
	n := len(d) &^ (lanes - 1)
	a = a[:n]
	d = d[:n]
	one := all(1)
	for len(d) >= lanes {
		x := load(a)
		store(one.Div(x.Sqrt()), d)
		d = d[lanes:]
		a = a[lanes:]
	}
	return n
}

func vecWhere8(d, a, b, c []float32) int {
	if !hasAVX2 {
		return 0
	}
	n := len(d) &^ (lanes - 1)
	a, b, c = a[:n], b[:n], c[:n]
	d = d[:n]
	zero := all(0)
	for len(d) >= lanes {
		x, y, z := load(a), load(b), load(c)
		store(y.IfElse(x.NotEqual(zero), z), d)
		d = d[lanes:]
		a, b, c = a[lanes:], b[lanes:], c[lanes:]
	}
	return n
}
