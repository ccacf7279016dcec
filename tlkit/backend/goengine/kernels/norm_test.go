package kernels

import (
	"fmt"
	"math"
	"testing"
)

// TestBatchNorm compares the norm and its gradient with their definitions in double precision, for numbers of channels
// around those that fill vectors.
func TestBatchNorm(t *testing.T) {
	const epsilon = 1e-5
	for _, c := range []int{1, 3, 4, 8, 12, 16, 24, 31, 32, 33, 40, 64, 100, 144, 1000} {
		for _, rows := range []int{1, 2, 3, 8, 65, 1500} {
			t.Run(fmt.Sprintf("%d rows of %d", rows, c), func(t *testing.T) {
				x, v, scale, offset := randoms(1, rows*c), randoms(2, rows*c), randoms(3, c), randoms(4, c)
				for i := range x {
					x[i] += 3
				}
				y, dx, twice := make([]float32, rows*c), make([]float32, rows*c), make([]float32, rows*c)
				mean, variance, dScale, dOffset := make([]float32, c), make([]float32, c), make([]float32, c), make([]float32, c)
				BatchNorm(Goroutines, y, mean, variance, x, scale, offset, epsilon, func(_, from, to int) {
					if from%c != 0 || to%c != 0 {
						t.Errorf("a piece from %d to %d is no number of rows", from, to)
					}
					for i := from; i < to; i++ {
						twice[i] += 2 * y[i]
					}
				})
				BatchNormGradient(Goroutines, dx, dScale, dOffset, x, scale, mean, variance, v, epsilon, nil)
				for i := range c {
					var m, q, dOff, dSc float64
					for r := range rows {
						m += float64(x[r*c+i]) / float64(rows)
					}
					for r := range rows {
						d := float64(x[r*c+i]) - m
						q += d * d / float64(rows)
					}
					inv := 1 / math.Sqrt(q+epsilon)
					for r := range rows {
						dOff += float64(v[r*c+i])
						dSc += float64(v[r*c+i]) * (float64(x[r*c+i]) - m) * inv
					}
					near := func(what string, got float32, want, size float64) {
						if d := math.Abs(float64(got) - want); !(d <= 2e-5*(size+math.Abs(want))) {
							t.Fatalf("%s of channel %d is %g, want %g", what, i, got, want)
						}
					}
					near("mean", mean[i], m, 1)
					near("variance", variance[i], q, 1)
					near("d offset", dOffset[i], dOff, math.Sqrt(float64(rows)))
					if rows < 2 { // x equals its mean up to rounding, which 1/sqrt(epsilon) makes large
						continue
					}
					near("d scale", dScale[i], dSc, math.Sqrt(float64(rows))*inv)
					for r := range rows {
						hat := (float64(x[r*c+i]) - m) * inv
						near("y", y[r*c+i], hat*float64(scale[i])+float64(offset[i]), inv)
						near("y in pieces", twice[r*c+i], 2*float64(y[r*c+i]), 0)
						near("dx", dx[r*c+i], float64(scale[i])*inv*(float64(v[r*c+i])-(dOff+hat*dSc)/float64(rows)), 4*inv*inv)
					}
				}
			})
		}
	}
}
