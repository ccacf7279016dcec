package gradcam

import (
	"math"
	"slices"
	"testing"
)

// TestWeighted has equations 1 and 2 by hand.
func TestWeighted(t *testing.T) {
	cases := []struct {
		name             string
		shape            []int
		output, gradient []float32
		want             [][]float64
	}{
		// Means of the gradients: channel 0 has 1, channel 1 has -0.5.
		{"image", []int{1, 1, 2, 2}, []float32{3, 2, 1, 4}, []float32{0.5, 0, 1.5, -1}, [][]float64{{2, 0}}},
		// The same after a class token, on a 2 x 2 grid of one channel with the mean gradient 2.
		{"tokens", []int{1, 5, 1}, []float32{100, 1, 2, -3, 4}, []float32{100, 1, 2, 3, 2}, [][]float64{{2, 4}, {0, 8}}},
	}
	for _, c := range cases {
		got, err := weighted(c.shape, c.output, c.gradient)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(got, c.want, slices.Equal[[]float64]) {
			t.Errorf("%s: %v, expected %v", c.name, got, c.want)
		}
	}
	if _, err := weighted([]int{1, 1, 1, 1}, []float32{1}, []float32{float32(math.NaN())}); err == nil {
		t.Error("a gradient that is NaN gave no error")
	}
}
