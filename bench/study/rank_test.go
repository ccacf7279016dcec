package main

import (
	"math"
	"testing"
)

func TestTau(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		estimate, tuned []float64
		want            string
	}{
		{[]float64{1, 2, 3, 4}, []float64{0.1, 0.2, 0.3, 0.4}, "1.00"},
		{[]float64{4, 3, 2, 1}, []float64{0.1, 0.2, 0.3, 0.4}, "-1.00"},
		{[]float64{1, 2, 4, 3}, []float64{0.1, 0.2, 0.3, 0.4}, "0.67"}, // five of six pairs in order
		{[]float64{1, nan, 3, 4}, []float64{0.1, 0.9, 0.3, 0.4}, "1.00 (of 3)"},
		{[]float64{1, nan, 3, nan}, []float64{0.1, 0.9, 0.3, 0.4}, "-"},
	} {
		if got := tau(c.estimate, c.tuned); got != c.want {
			t.Errorf("tau of %v and %v is %s, want %s", c.estimate, c.tuned, got, c.want)
		}
	}
}
