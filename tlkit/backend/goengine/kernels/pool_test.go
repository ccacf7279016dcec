package kernels

import (
	"math"
	"testing"
)

// TestMaxPoolGradient holds gradients against the definition, also with equal maxima and NaN, at channel counts that
// vectors divide and that they don't, with assembly and without.
func TestMaxPoolGradient(t *testing.T) {
	for _, c := range []int{1, 7, 8, 24, 37} {
		g := Geometry{Batch: 2, In: [2]int{9, 8}, InC: c, OutC: c, Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: [2]int{1, 1}, Groups: 1}.whole()
		x := randoms(uint64(c), g.Batch*g.In[0]*g.In[1]*c)
		for i := range x {
			x[i] = float32(math.Round(float64(2 * x[i]))) // many are equal
		}
		x[0], x[len(x)/2] = float32(math.NaN()), float32(math.NaN())
		v := randoms(9, g.Batch*g.Out[0]*g.Out[1]*c)
		want := make([]float64, len(x))
		for place := range g.Batch * g.Out[0] * g.Out[1] {
			image, oh, ow := place/(g.Out[0]*g.Out[1]), place/g.Out[1]%g.Out[0], place%g.Out[1]
			for i := range c {
				best := -1
				g.window(image, oh, ow, func(at int) {
					if best < 0 || x[at*c+i] > x[best*c+i] {
						best = at
					}
				})
				want[best*c+i] += float64(v[place*c+i])
			}
		}
		eachProcessor(t, func(t *testing.T) {
			dx := make([]float32, len(x))
			MaxPoolGradient(Goroutines, dx, x, v, g)
			closeTo(t, "gradient of a max pool", dx, want)
		})
	}
}
