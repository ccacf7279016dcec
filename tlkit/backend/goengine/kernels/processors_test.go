package kernels

import (
	"hash/crc32"
	"math"
	"math/rand/v2"
	"testing"
)

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
		{Batch: 2, In: [2]int{20, 30}, InC: 140, OutC: 256, Kernel: [2]int{1, 1}, Stride: [2]int{1, 1}, Pad: [2]int{1, 0}, Groups: 2},
		{Batch: 3, In: [2]int{9, 11}, InC: 80, OutC: 112, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, Groups: 1}, // Winograd's
		OfRows(1100, 72, 160),
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

// TestEqualOnAllProcessors: AVX2, AVX-512 and NEON compute the same bits, for convolutions and the gradients of their
// kernels. The sums are those of AVX2. The values are exact in float32, since what makes them must not differ itself,
// and have 24 bits, so that a product that is not fused with its sum is rounded.
func TestEqualOnAllProcessors(t *testing.T) {
	values := func(seed uint64, n int) []float32 {
		rng := rand.New(rand.NewPCG(seed, 2))
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(rng.IntN(1<<24)-1<<23) / (1 << 22)
		}
		return v
	}
	sum := func(v []float32) uint32 {
		bytes := make([]byte, 0, 4*len(v))
		for _, x := range v {
			b := math.Float32bits(x)
			bytes = append(bytes, byte(b), byte(b>>8), byte(b>>16), byte(b>>24))
		}
		return crc32.ChecksumIEEE(bytes)
	}
	for _, c := range []struct {
		g              Geometry
		value, weights uint32
		winograd       bool
	}{
		{Geometry{Batch: 2, In: [2]int{9, 9}, InC: 70, OutC: 96, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, Groups: 1}, 0xca0e0ea1, 0x53716a10, false},
		{Geometry{Batch: 2, In: [2]int{9, 9}, InC: 32, OutC: 32, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, Groups: 32}, 0xf0f7dc20, 0xc0071ba1, false},
		{Geometry{Batch: 1, In: [2]int{20, 20}, InC: 3, OutC: 40, Kernel: [2]int{7, 7}, Stride: [2]int{2, 2}, Pad: [2]int{3, 3}, Groups: 1}, 0x992d3f4f, 0xb91bb3e1, false},
		{Geometry{Batch: 2, In: [2]int{9, 10}, InC: 48, OutC: 80, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, Groups: 1}, 0xec30e6f3, 0x822af3fc, true},
		// Channels remain after the vectors of 8, and all of 3.
		{Geometry{Batch: 2, In: [2]int{9, 9}, InC: 14, OutC: 14, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, Groups: 14}, 0x4b315304, 0x3af9e489, false},
		{Geometry{Batch: 2, In: [2]int{9, 9}, InC: 3, OutC: 3, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, Groups: 3}, 0x62c7a3ac, 0x54a1432a, false},
	} {
		g := c.g.whole()
		if c.winograd && !g.worthWinograd(Epilogue{}) {
			continue
		}
		x := values(1, g.Batch*g.In[0]*g.In[1]*g.InC)
		w := values(2, g.Kernel[0]*g.Kernel[1]*g.InC/g.Groups*g.OutC)
		v := values(3, g.Batch*g.Out[0]*g.Out[1]*g.OutC)
		y, dw := make([]float32, len(v)), make([]float32, len(w))
		for name, set := range processors() {
			if name == "plain" { // amd64 has no fused products in plain Go
				continue
			}
			restore := set()
			Conv(Goroutines, y, x, w, g, KernelLayout{}, Epilogue{})
			KernelGradient(Goroutines, dw, x, v, g)
			restore()
			if sum(y) != c.value || sum(dw) != c.weights {
				t.Errorf("%s, %+v: the sums of the value and of the kernel gradient are %#x, %#x, want %#x, %#x", name, g, sum(y), sum(dw), c.value, c.weights)
			}
		}
	}
}
