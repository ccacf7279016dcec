package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// slowConv is the definition, position by position, in double precision.
func slowConv(x, w []float32, g Geometry) []float64 {
	y := make([]float64, g.Batch*g.Out[0]*g.Out[1]*g.OutC)
	g.each(func(xi, wi, yi int) { y[yi] += float64(x[xi]) * float64(w[wi]) })
	return y
}

func slowKernelGradient(x, v []float32, g Geometry) []float64 {
	dw := make([]float64, g.Kernel[0]*g.Kernel[1]*g.InC/g.Groups*g.OutC)
	g.each(func(xi, wi, yi int) { dw[wi] += float64(x[xi]) * float64(v[yi]) })
	return dw
}

// each visits every product of the convolution.
func (g Geometry) each(f func(xi, wi, yi int)) {
	gi, gout := g.InC/g.Groups, g.OutC/g.Groups
	for n := range g.Batch {
		for oh := range g.Out[0] {
			for ow := range g.Out[1] {
				for kh := range g.Kernel[0] {
					for kw := range g.Kernel[1] {
						r := oh*g.Stride[0] - g.Pad[0] + kh*g.KernelDilation[0]
						c := ow*g.Stride[1] - g.Pad[1] + kw*g.KernelDilation[1]
						if r < 0 || c < 0 || r%g.InDilation[0] != 0 || c%g.InDilation[1] != 0 {
							continue
						}
						r, c = r/g.InDilation[0], c/g.InDilation[1]
						if r >= g.In[0] || c >= g.In[1] {
							continue
						}
						for o := range g.OutC {
							for i := range gi {
								f(((n*g.In[0]+r)*g.In[1]+c)*g.InC+o/gout*gi+i,
									((kh*g.Kernel[1]+kw)*gi+i)*g.OutC+o,
									((n*g.Out[0]+oh)*g.Out[1]+ow)*g.OutC+o)
							}
						}
					}
				}
			}
		}
	}
}

func randoms(seed uint64, n int) []float32 {
	rng := rand.New(rand.NewPCG(seed, 2))
	v := NewFloats(n)
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
	return v
}

func closeTo(t *testing.T, what string, got []float32, want []float64) {
	t.Helper()
	for i := range want {
		if d := math.Abs(float64(got[i]) - want[i]); !(d <= 1e-4*(1+math.Abs(want[i]))) {
			t.Errorf("%s: value %d of %d is %g, want %g", what, i, len(want), got[i], want[i])
			return
		}
	}
}

var geometries = []Geometry{
	{Batch: 2, In: [2]int{8, 9}, InC: 3, OutC: 5, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, Groups: 1},
	{Batch: 2, In: [2]int{15, 14}, InC: 3, OutC: 16, Kernel: [2]int{7, 7}, Stride: [2]int{2, 2}, Pad: [2]int{3, 3}, Groups: 1},
	{Batch: 1, In: [2]int{7, 7}, InC: 1, OutC: 3, Kernel: [2]int{2, 2}, Stride: [2]int{2, 1}, Pad: [2]int{0, 1}, Groups: 1},
	{Batch: 3, In: [2]int{6, 5}, InC: 1, OutC: 17, Kernel: [2]int{1, 1}, Stride: [2]int{1, 1}, Groups: 1},
	{Batch: 3, In: [2]int{6, 5}, InC: 24, OutC: 33, Kernel: [2]int{1, 1}, Stride: [2]int{2, 2}, Groups: 1},
	{Batch: 2, In: [2]int{9, 8}, InC: 20, OutC: 34, Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: [2]int{1, 1}, Groups: 1},
	{Batch: 2, In: [2]int{9, 8}, InC: 12, OutC: 16, Kernel: [2]int{3, 5}, Stride: [2]int{1, 1}, Pad: [2]int{2, 4}, KernelDilation: [2]int{2, 2}, Groups: 1},
	{Batch: 2, In: [2]int{9, 8}, InC: 12, OutC: 20, Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: [2]int{1, 1}, Groups: 4},
	{Batch: 2, In: [2]int{9, 8}, InC: 64, OutC: 64, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, Groups: 2},
	// By Winograd's algorithm: even and odd sizes, a last panel alone, other paddings, several tasks.
	{Batch: 2, In: [2]int{10, 8}, InC: 64, OutC: 80, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, Groups: 1},
	{Batch: 3, In: [2]int{9, 11}, InC: 80, OutC: 64, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, Groups: 1},
	{Batch: 1, In: [2]int{11, 10}, InC: 64, OutC: 64, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Groups: 1},
	{Batch: 1, In: [2]int{8, 9}, Out: [2]int{10, 11}, InC: 64, OutC: 96, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{2, 2}, Groups: 1},
	{Batch: 1, In: [2]int{12, 12}, Out: [2]int{8, 9}, InC: 64, OutC: 64, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{-1, 0}, Groups: 1},
	{Batch: 2, In: [2]int{9, 8}, InC: 45, OutC: 45, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, Groups: 45},
	{Batch: 2, In: [2]int{9, 8}, InC: 7, OutC: 7, Kernel: [2]int{5, 3}, Stride: [2]int{2, 2}, Pad: [2]int{2, 1}, Groups: 7},
	{Batch: 2, In: [2]int{9, 8}, InC: 6, OutC: 12, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, Groups: 6},
	{Batch: 2, In: [2]int{5, 6}, Out: [2]int{9, 11}, InC: 8, OutC: 18, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, InDilation: [2]int{2, 2}, Groups: 1},
	{Batch: 2, In: [2]int{5, 6}, Out: [2]int{10, 12}, InC: 8, OutC: 8, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, InDilation: [2]int{2, 2}, Groups: 8},
	{Batch: 2, In: [2]int{5, 6}, Out: [2]int{12, 13}, InC: 8, OutC: 8, Kernel: [2]int{1, 1}, Stride: [2]int{1, 1}, InDilation: [2]int{3, 2}, Groups: 1},
	{Batch: 1, In: [2]int{41, 30}, InC: 140, OutC: 256, Kernel: [2]int{1, 1}, Stride: [2]int{2, 1}, Pad: [2]int{1, 0}, Groups: 2},
	{Batch: 2, In: [2]int{9, 9}, Out: [2]int{4, 4}, InC: 8, OutC: 8, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{-2, -2}, Groups: 1},
}

func (g Geometry) whole() Geometry {
	for a := range 2 {
		if g.KernelDilation[a] == 0 {
			g.KernelDilation[a] = 1
		}
		if g.InDilation[a] == 0 {
			g.InDilation[a] = 1
		}
		if g.Out[a] == 0 {
			g.Out[a] = (g.In[a]+2*g.Pad[a]-g.KernelDilation[a]*(g.Kernel[a]-1)-1)/g.Stride[a] + 1
		}
	}
	return g
}

// TestConvolutions holds values and kernel gradients against the definition, with assembly and without.
func TestConvolutions(t *testing.T) {
	for i, g := range geometries {
		g = g.whole()
		x := randoms(uint64(i), g.Batch*g.In[0]*g.In[1]*g.InC)
		w := randoms(uint64(100+i), g.Kernel[0]*g.Kernel[1]*g.InC/g.Groups*g.OutC)
		v := randoms(uint64(200+i), g.Batch*g.Out[0]*g.Out[1]*g.OutC)
		y := make([]float32, len(v))
		dw := make([]float32, len(w))
		want := slowConv(x, w, g)
		wantDW := slowKernelGradient(x, v, g)
		eachProcessor(t, func(t *testing.T) {
			what := fmt.Sprintf("%+v", g)
			Conv(Goroutines, y, x, w, g, KernelLayout{}, Epilogue{})
			closeTo(t, "value of "+what, y, want)
			KernelGradient(Goroutines, dw, x, v, g)
			closeTo(t, "kernel gradient of "+what, dw, wantDW)

			bias := randoms(7, g.OutC)
			Conv(Goroutines, y, x, w, g, KernelLayout{}, Epilogue{Bias: bias, ReLU: true})
			top := make([]float64, len(want))
			for j := range want {
				top[j] = max(0, want[j]+float64(bias[j%g.OutC]))
			}
			closeTo(t, "value with bias and ReLU of "+what, y, top)
			Conv(Goroutines, y, x, flipped(w, g), g, KernelLayout{Flipped: true}, Epilogue{})
			closeTo(t, "value with the kernel flipped of "+what, y, want)
			Conv(Goroutines, y, x, swapped(w, g), g, KernelLayout{OutIn: true}, Epilogue{})
			closeTo(t, "value with the kernel's axes exchanged of "+what, y, want)
		})
	}
}

// TestLongSums holds the rounding error of sums over many channels against double precision: it must stay well below
// that of one running sum, which a deep network multiplies (efficientnet_v2_s by ten thousand).
func TestLongSums(t *testing.T) {
	const apart, other = 0.35, 0.7 // of a running sum's error; sums of a few hundred products are hardly taken apart
	for _, g := range []Geometry{
		{Batch: 1, In: [2]int{4, 4}, InC: 4608, OutC: 32, Kernel: [2]int{1, 1}, Stride: [2]int{1, 1}, Groups: 1},
		{Batch: 1, In: [2]int{4, 4}, InC: 512, OutC: 32, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Groups: 1},
		{Batch: 1, In: [2]int{8, 8}, InC: 64, OutC: 64, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, Groups: 1},
		{Batch: 1, In: [2]int{8, 8}, InC: 512, OutC: 64, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, Groups: 1},
		{Batch: 1, In: [2]int{30, 30}, InC: 24, OutC: 16, Kernel: [2]int{13, 13}, Stride: [2]int{1, 1}, Groups: 1},
		{Batch: 1, In: [2]int{4, 4}, InC: 1100, OutC: 20, Kernel: [2]int{2, 2}, Stride: [2]int{1, 1}, Groups: 1},
	} {
		g = g.whole()
		x := randoms(1, g.Batch*g.In[0]*g.In[1]*g.InC)
		w := randoms(2, g.Kernel[0]*g.Kernel[1]*g.InC*g.OutC)
		want := slowConv(x, w, g)
		running := make([]float32, len(want)) // one sum in single precision, in the same order
		g.each(func(xi, wi, yi int) {
			running[yi] = float32(math.FMA(float64(x[xi]), float64(w[wi]), float64(running[yi])))
		})
		rms := func(y []float32) float64 {
			sum := 0.0
			for i := range want {
				sum += (float64(y[i]) - want[i]) * (float64(y[i]) - want[i])
			}
			return math.Sqrt(sum / float64(len(want)))
		}
		most := apart
		if g.worthWinograd(Epilogue{}) || g.Kernel[0]*g.Kernel[1]*g.InC < 1000 {
			most = other
		}
		eachProcessor(t, func(t *testing.T) {
			y := make([]float32, len(want))
			Conv(Goroutines, y, x, w, g, KernelLayout{}, Epilogue{})
			if got, one := rms(y), rms(running); !(got < most*one) {
				t.Errorf("%d taps of %d channels: error %.3g, of one running sum %.3g", g.Kernel[0]*g.Kernel[1], g.InC, got, one)
			} else {
				t.Logf("%d taps of %d channels: %.2f of a running sum's error", g.Kernel[0]*g.Kernel[1], g.InC, got/one)
			}
		})
	}
}

func swapped(w []float32, g Geometry) []float32 {
	s := make([]float32, len(w))
	gi := g.InC / g.Groups
	for t := range g.Kernel[0] * g.Kernel[1] {
		for i := range gi {
			for o := range g.OutC {
				s[(t*g.OutC+o)*gi+i] = w[(t*gi+i)*g.OutC+o]
			}
		}
	}
	return s
}

func flipped(w []float32, g Geometry) []float32 {
	taps := g.Kernel[0] * g.Kernel[1]
	n := len(w) / taps
	s := make([]float32, 0, len(w))
	for t := range taps {
		s = append(s, w[(taps-1-t)*n:(taps-t)*n]...)
	}
	return s
}

func BenchmarkConv(b *testing.B) {
	for _, g := range []Geometry{
		{Batch: 8, In: [2]int{56, 56}, InC: 64, OutC: 64, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, Groups: 1},
		{Batch: 8, In: [2]int{7, 7}, InC: 512, OutC: 512, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, Groups: 1},
		{Batch: 8, In: [2]int{28, 28}, InC: 128, OutC: 128, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, Groups: 1},
		{Batch: 8, In: [2]int{14, 14}, InC: 256, OutC: 256, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, Groups: 1},
		{Batch: 8, In: [2]int{224, 224}, InC: 3, OutC: 64, Kernel: [2]int{7, 7}, Stride: [2]int{2, 2}, Pad: [2]int{3, 3}, Groups: 1},
		{Batch: 8, In: [2]int{56, 56}, InC: 24, OutC: 144, Kernel: [2]int{1, 1}, Stride: [2]int{1, 1}, Groups: 1},
		{Batch: 8, In: [2]int{56, 56}, InC: 144, OutC: 24, Kernel: [2]int{1, 1}, Stride: [2]int{1, 1}, Groups: 1},
		{Batch: 32, In: [2]int{32, 32}, InC: 16, OutC: 16, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, Groups: 1},
		{Batch: 8, In: [2]int{56, 56}, InC: 144, OutC: 144, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, Groups: 144},
	} {
		g = g.whole()
		x := randoms(1, g.Batch*g.In[0]*g.In[1]*g.InC)
		w := randoms(2, g.Kernel[0]*g.Kernel[1]*g.InC/g.Groups*g.OutC)
		v := randoms(3, g.Batch*g.Out[0]*g.Out[1]*g.OutC)
		y, dw := NewFloats(len(v)), NewFloats(len(w))
		flop := 2 * float64(len(v)) * float64(g.Kernel[0]*g.Kernel[1]*g.InC/g.Groups)
		name := fmt.Sprintf("%dx%d_%d_%d_k%d_s%d", g.In[0], g.In[1], g.InC, g.OutC, g.Kernel[0], g.Stride[0])
		b.Run("value/"+name, func(b *testing.B) {
			Conv(Goroutines, y, x, w, g, KernelLayout{}, Epilogue{})
			b.ResetTimer()
			for b.Loop() {
				Conv(Goroutines, y, x, w, g, KernelLayout{}, Epilogue{})
			}
			b.ReportMetric(flop*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
		b.Run("kernelgrad/"+name, func(b *testing.B) {
			KernelGradient(Goroutines, dw, x, v, g)
			b.ResetTimer()
			for b.Loop() {
				KernelGradient(Goroutines, dw, x, v, g)
			}
			b.ReportMetric(flop*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}

// BenchmarkProduct times the products of a vision transformer's layers: of its tokens with a matrix, with the
// transposed one of a linear layer, and the gradient.
func BenchmarkProduct(b *testing.B) {
	for _, g := range []Geometry{OfRows(8*197, 768, 3072), OfRows(8*197, 3072, 768), OfRows(8*197, 768, 768)} {
		x, w, v := randoms(1, g.In[1]*g.InC), randoms(2, g.InC*g.OutC), randoms(3, g.In[1]*g.OutC)
		y, dw := NewFloats(len(v)), NewFloats(len(w))
		for _, product := range []struct {
			name string
			run  func()
		}{
			{"value", func() { Conv(Goroutines, y, x, w, g, KernelLayout{}, Epilogue{}) }},
			{"outin", func() { Conv(Goroutines, y, x, w, g, KernelLayout{OutIn: true}, Epilogue{}) }},
			{"kernelgrad", func() { KernelGradient(Goroutines, dw, x, v, g) }},
		} {
			b.Run(fmt.Sprintf("%s/%d_%d_%d", product.name, g.In[1], g.InC, g.OutC), func(b *testing.B) {
				product.run()
				b.ResetTimer()
				for b.Loop() {
					product.run()
				}
				b.ReportMetric(2*float64(len(v))*float64(g.InC)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
