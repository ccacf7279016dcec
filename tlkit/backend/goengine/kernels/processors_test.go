package kernels

import "testing"

// eachProcessor runs the test with each set of instructions that the processor has.
func eachProcessor(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	for name, set := range processors() {
		restore := set()
		t.Run(name, f)
		restore()
	}
}

// TestWiderIsEqual: the kernels for AVX-512 sum in the order of those for AVX2, so that results are equal to the bit.
func TestWiderIsEqual(t *testing.T) {
	sets := processors()
	if sets["AVX-512"] == nil {
		t.Skip("the processor has no AVX-512")
	}
	for _, g := range []Geometry{
		{Batch: 2, In: [2]int{9, 9}, InC: 70, OutC: 96, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, Groups: 1},
		{Batch: 1, In: [2]int{5, 7}, InC: 515, OutC: 48, Kernel: [2]int{1, 1}, Stride: [2]int{1, 1}, Groups: 1},
		{Batch: 2, In: [2]int{9, 8}, InC: 80, OutC: 130, Kernel: [2]int{3, 2}, Stride: [2]int{2, 1}, Pad: [2]int{1, 0}, Groups: 2},
		{Batch: 2, In: [2]int{9, 9}, InC: 80, OutC: 80, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, Groups: 80},
		{Batch: 2, In: [2]int{11, 9}, InC: 17, OutC: 20, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, Groups: 1},
		{Batch: 2, In: [2]int{20, 20}, InC: 3, OutC: 64, Kernel: [2]int{7, 7}, Stride: [2]int{2, 2}, Pad: [2]int{3, 3}, Groups: 1},
	} {
		g := g.whole()
		weights := g.Kernel[0] * g.Kernel[1] * g.InC / g.Groups * g.OutC
		results := g.Batch * g.Out[0] * g.Out[1] * g.OutC
		x, w, v := randoms(1, g.Batch*g.In[0]*g.In[1]*g.InC), randoms(2, weights), randoms(3, results)
		compute := func(set string) (y, dw []float32) {
			defer sets[set]()()
			y, dw = make([]float32, results), make([]float32, weights)
			Conv(Goroutines, y, x, w, g, KernelLayout{}, Epilogue{ReLU: true})
			KernelGradient(Goroutines, dw, x, v, g)
			return y, dw
		}
		y2, dw2 := compute("AVX2")
		y, dw := compute("AVX-512")
		for i := range y {
			if y[i] != y2[i] {
				t.Fatalf("%+v: value %d is %g, with AVX2 %g", g, i, y[i], y2[i])
			}
		}
		for i := range dw {
			if dw[i] != dw2[i] {
				t.Fatalf("%+v: kernel gradient %d is %g, with AVX2 %g", g, i, dw[i], dw2[i])
			}
		}
	}
}
