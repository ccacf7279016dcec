//go:build amd64 && goexperiment.simd

package kernels

import "simd/archsimd"

// The constants of exp, in the order of their use.
const (
	mostExp, leastExp                  = 89, -104 // beyond these, the result is infinite, or 0
	log2e, ln2hi, ln2lo                = 1.44269504088896341, -0.693359375, 2.12194440e-4
	exp0, exp1, exp2, exp3, exp4, exp5 = 1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1
)

// Those of erf: of the polynomial for values up to erfBorder, and of the exponent for others.
const (
	erfBorder                                = 0.921875
	near0, near1, near2, near3, near4, near5 = -5.96761703e-4, 4.99119423e-3, -2.67681349e-2, 1.12819925e-1, -3.76125336e-1, 1.28379166e-1
	far0, far1, far2, far3                   = -1.72853470e-5, 3.83197126e-4, -3.88396438e-3, 2.42546219e-2
	far4, far5, far6                         = -1.06777877e-1, -6.34846687e-1, -1.28717512e-1
)

// exponential has the constants of exp: with x = n ln 2 + r and |r| <= ln(2)/2, exp(x) = 2^n exp(r), where exp(r) is a
// polynomial (Moshier, Cephes, expf.c).
type exponential struct {
	most, least                 f8
	log2e, ln2hi, ln2lo         f8
	p0, p1, p2, p3, p4, p5, one f8
	bias                        archsimd.Int32x8
}

func newExponential() exponential {
	return exponential{most: all(mostExp), least: all(leastExp), log2e: all(log2e), ln2hi: all(ln2hi), ln2lo: all(ln2lo),
		p0: all(exp0), p1: all(exp1), p2: all(exp2), p3: all(exp3), p4: all(exp4), p5: all(exp5), one: all(1), bias: archsimd.BroadcastInt32x8(127)}
}

// of computes exp(x) with an error of at most 1 unit in the last place. Results below the least normal number are
// rounded like others, and NaN stays NaN.
func (e *exponential) of(a f8) f8 {
	x := a.Min(e.most).Max(e.least)
	n := x.Mul(e.log2e).Round()
	r := n.MulAdd(e.ln2lo, n.MulAdd(e.ln2hi, x))
	p := e.p0.MulAdd(r, e.p1).MulAdd(r, e.p2).MulAdd(r, e.p3).MulAdd(r, e.p4).MulAdd(r, e.p5)
	y := p.MulAdd(r.Mul(r), r).Add(e.one)
	// 2^n may be no normal number: it is multiplied in two halves.
	k := n.ConvertToInt32()
	half := k.ShiftAllRight(1)
	y = y.Mul(half.Add(e.bias).ShiftAllLeft(23).AsFloat32x8())
	y = y.Mul(k.Sub(half).Add(e.bias).ShiftAllLeft(23).AsFloat32x8())
	return a.IfElse(a.IsNaN(), y)
}

func vecExp8(d, a []float32) int {
	if !hasAVX2 {
		return 0
	}
	n, first := len(d)&^(lanes-1), vectorsOf16(d, a, expAVX512)
	a, d = a[first:n], d[first:n]
	e := newExponential()
	for len(d) >= lanes {
		store(e.of(load(a)), d)
		a, d = a[lanes:], d[lanes:]
	}
	return n
}

// vecErf8 computes erf with an error of at most 2 units in the last place: a polynomial for small values, and for
// others 1 - exp(p(|x|)) (coefficients by N. Juffa, "Efficient faithfully rounded implementation of error function
// erff()").
func vecErf8(d, a []float32) int {
	if !hasAVX2 {
		return 0
	}
	n, first := len(d)&^(lanes-1), vectorsOf16(d, a, erfAVX512)
	a, d = a[first:n], d[first:n]
	e := newExponential()
	zero, one, border := all(0), all(1), all(erfBorder)
	p0, p1, p2, p3, p4, p5 := all(near0), all(near1), all(near2), all(near3), all(near4), all(near5)
	q0, q1, q2, q3, q4, q5, q6 := all(far0), all(far1), all(far2), all(far3), all(far4), all(far5), all(far6)
	for len(d) >= lanes {
		x := load(a)
		s := x.Mul(x)
		near := p0.MulAdd(s, p1).MulAdd(s, p2).MulAdd(s, p3).MulAdd(s, p4).MulAdd(s, p5).MulAdd(x, x)
		t := x.Abs()
		q := q0.MulAdd(t, q1).MulAdd(s, q2.MulAdd(t, q3)).MulAdd(t, q4).MulAdd(t, q5).MulAdd(t, q6)
		far := one.Sub(e.of(q.MulAdd(t, zero.Sub(t))))
		far = far.IfElse(x.GreaterEqual(zero), zero.Sub(far))
		store(far.IfElse(t.Greater(border), near), d)
		a, d = a[lanes:], d[lanes:]
	}
	return n
}

// vecSigmoid8 computes 1/(1+exp(-x)), with the rounding of its parts.
func vecSigmoid8(d, a []float32) int {
	if !hasAVX2 {
		return 0
	}
	n, first := len(d)&^(lanes-1), vectorsOf16(d, a, sigmoidAVX512)
	a, d = a[first:n], d[first:n]
	e := newExponential()
	zero := all(0)
	for len(d) >= lanes {
		store(e.one.Div(e.of(zero.Sub(load(a))).Add(e.one)), d)
		a, d = a[lanes:], d[lanes:]
	}
	return n
}
