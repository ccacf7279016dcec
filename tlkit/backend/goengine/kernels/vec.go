package kernels

//go:generate go run ./internal/genvec
//go:generate go run ./internal/genasm

import "math"

// Operations on runs of equal length; d may be one of the operands. The vector units compute whole vectors of each run
// (see vec_amd64.go), a loop computes the rest. Truth values are 1 and 0.

func truth(b bool) float32 {
	if b {
		return 1
	}
	return 0
}

func vecAdd(d, a, b []float32) {
	for i := vecAdd8(d, a, b); i < len(d); i++ {
		d[i] = a[i] + b[i]
	}
}

func vecSub(d, a, b []float32) {
	for i := vecSub8(d, a, b); i < len(d); i++ {
		d[i] = a[i] - b[i]
	}
}

func vecMul(d, a, b []float32) {
	for i := vecMul8(d, a, b); i < len(d); i++ {
		d[i] = a[i] * b[i]
	}
}

func vecDiv(d, a, b []float32) {
	for i := vecDiv8(d, a, b); i < len(d); i++ {
		d[i] = a[i] / b[i]
	}
}

func vecGreater(d, a, b []float32) {
	for i := vecGreater8(d, a, b); i < len(d); i++ {
		d[i] = truth(a[i] > b[i])
	}
}

func vecGreaterEqual(d, a, b []float32) {
	for i := vecGreaterEqual8(d, a, b); i < len(d); i++ {
		d[i] = truth(a[i] >= b[i])
	}
}

func vecLess(d, a, b []float32) {
	for i := vecLess8(d, a, b); i < len(d); i++ {
		d[i] = truth(a[i] < b[i])
	}
}

func vecLessEqual(d, a, b []float32) {
	for i := vecLessEqual8(d, a, b); i < len(d); i++ {
		d[i] = truth(a[i] <= b[i])
	}
}

func vecEqual(d, a, b []float32) {
	for i := vecEqual8(d, a, b); i < len(d); i++ {
		d[i] = truth(a[i] == b[i])
	}
}

func vecNotEqual(d, a, b []float32) {
	for i := vecNotEqual8(d, a, b); i < len(d); i++ {
		d[i] = truth(a[i] != b[i])
	}
}

func vecMax(d, a, b []float32) {
	for i := vecMax8(d, a, b); i < len(d); i++ {
		d[i] = max(a[i], b[i])
	}
}

func vecMin(d, a, b []float32) {
	for i := vecMin8(d, a, b); i < len(d); i++ {
		d[i] = min(a[i], b[i])
	}
}

func vecAnd(d, a, b []float32) {
	for i := vecAnd8(d, a, b); i < len(d); i++ {
		d[i] = a[i] * b[i]
	}
}

func vecOr(d, a, b []float32) {
	for i := vecOr8(d, a, b); i < len(d); i++ {
		d[i] = max(a[i], b[i])
	}
}

func vecNeg(d, a []float32) {
	for i := vecNeg8(d, a); i < len(d); i++ {
		d[i] = -a[i]
	}
}

func vecNot(d, a []float32) {
	for i := vecNot8(d, a); i < len(d); i++ {
		d[i] = 1 - a[i]
	}
}

func vecAbs(d, a []float32) {
	for i := vecAbs8(d, a); i < len(d); i++ {
		d[i] = float32(math.Abs(float64(a[i])))
	}
}

func vecSqrt(d, a []float32) {
	for i := vecSqrt8(d, a); i < len(d); i++ {
		d[i] = float32(math.Sqrt(float64(a[i])))
	}
}

func vecRsqrt(d, a []float32) {
	for i := vecRsqrt8(d, a); i < len(d); i++ {
		d[i] = 1 / float32(math.Sqrt(float64(a[i])))
	}
}

func vecExp(d, a []float32) { byMath(d, a, vecExp8, math.Exp) }

func vecErf(d, a []float32) { byMath(d, a, vecErf8, math.Erf) }

// vecSigmoid computes 1/(1+exp(-x)), with the rounding of its parts.
func vecSigmoid(d, a []float32) {
	byMath(d, a, vecSigmoid8, func(x float64) float64 { return float64(1 / (1 + float32(math.Exp(-x)))) })
}

// byMath computes a function that the vector units round differently from package math: with vectors, they compute the
// last values, too, so that a result does not depend on its place in the run.
func byMath(d, a []float32, vectors func(d, a []float32) int, one func(float64) float64) {
	i := vectors(d, a)
	if i == len(d) {
		return
	}
	var last [8]float32
	copy(last[:], a[i:])
	if vectors(last[:], last[:]) > 0 {
		copy(d[i:], last[:])
		return
	}
	for ; i < len(d); i++ {
		d[i] = float32(one(float64(a[i])))
	}
}

// vecMulAdd computes a*b + c. With vectors, they compute the last values, too, since they round once.
func vecMulAdd(d, a, b, c []float32) {
	i := vecMulAdd8(d, a, b, c)
	if i == len(d) {
		return
	}
	var x, y, z [8]float32
	copy(x[:], a[i:])
	copy(y[:], b[i:])
	copy(z[:], c[i:])
	if vecMulAdd8(x[:], x[:], y[:], z[:]) > 0 {
		copy(d[i:], x[:])
		return
	}
	for ; i < len(d); i++ {
		d[i] = a[i]*b[i] + c[i]
	}
}

func vecWhere(d, a, b, c []float32) {
	for i := vecWhere8(d, a, b, c); i < len(d); i++ {
		if a[i] != 0 {
			d[i] = b[i]
		} else {
			d[i] = c[i]
		}
	}
}
