package kernels

import (
	"math"
	"testing"
)

// ulps is the distance of two values in units in the last place.
func ulps(a, b float32) int {
	place := func(v float32) int { // monotone over all values
		if i := int32(math.Float32bits(v)); i < 0 {
			return -int(i & math.MaxInt32)
		} else {
			return int(i)
		}
	}
	return max(place(a)-place(b), place(b)-place(a))
}

// functionValues are those at which functions are tested: a grid, and values of their own.
func functionValues() []float32 {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	values := []float32{0, float32(math.Copysign(0, -1)), inf, -inf, nan, 1e-40, -1e-40, math.MaxFloat32, -math.MaxFloat32,
		88.722, 88.723, 88.73, -87.33, -87.34, -103.9, -103.98, 0.921875, -0.921875, math.Nextafter32(0.921875, 1)}
	for i := range 1 << 16 {
		values = append(values, -110+float32(i)*(200.0/(1<<16)), -5+float32(i)*(10.0/(1<<16)))
	}
	return values
}

// TestExpAndErf compares them with package math.
func TestExpAndErf(t *testing.T) {
	eachProcessor(t, testExpAndErf)
}

func testExpAndErf(t *testing.T) {
	values := functionValues()
	for name, f := range map[string]struct {
		ours func(d, a []float32)
		want func(float64) float64
		most int
	}{"exp": {vecExp, math.Exp, 1}, "erf": {vecErf, math.Erf, 2}} {
		got := make([]float32, len(values))
		f.ours(got, values)
		for i, v := range values {
			want := float32(f.want(float64(v)))
			if got[i] != got[i] && want != want {
				continue
			}
			if d := ulps(got[i], want); d > f.most {
				t.Fatalf("%s(%g) is %g, want %g: %d units in the last place, at most %d", name, v, got[i], want, d, f.most)
			}
		}
		// A result does not depend on its place in a run.
		for n := range 20 {
			part := make([]float32, n)
			f.ours(part, values[100:100+n])
			for i, v := range part {
				if v != got[100+i] {
					t.Errorf("%s: value %d of a run of %d is %g, and %g in a long one", name, i, n, v, got[100+i])
				}
			}
		}
	}
}

// TestFunctionsEverywhere: the functions of vectors have the same bits with each set of instructions that has vectors,
// and the sigmoid those of the operations that it consists of.
func TestFunctionsEverywhere(t *testing.T) {
	values := functionValues()
	n := len(values)
	ones := make([]float32, n)
	fill(ones, 1)
	results := map[string][]float32{}
	eachProcessor(t, func(t *testing.T) {
		sigmoid, parts := make([]float32, n), make([]float32, n)
		vecSigmoid(sigmoid, values)
		vecNeg(parts, values)
		vecExp(parts, parts)
		vecAdd(parts, parts, ones)
		vecDiv(parts, ones, parts)
		for i, v := range sigmoid {
			if math.Float32bits(v) != math.Float32bits(parts[i]) && v == v {
				t.Fatalf("sigmoid(%g) is %g, and %g by its parts", values[i], v, parts[i])
			}
		}
		if vecExp8(make([]float32, 8), values) == 0 {
			return // package math rounds differently
		}
		for name, f := range map[string]func(d, a []float32){"exp": vecExp, "erf": vecErf, "sigmoid": vecSigmoid} {
			got := make([]float32, n)
			f(got, values)
			for i, want := range results[name] {
				if math.Float32bits(got[i]) != math.Float32bits(want) && want == want {
					t.Fatalf("%s(%g) is %g, and %g with other instructions", name, values[i], got[i], want)
				}
			}
			results[name] = got
		}
	})
}
