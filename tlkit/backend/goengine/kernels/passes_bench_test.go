package kernels

import "testing"

// BenchmarkPasses times what passes over memory more than it computes, on a batch of 8 of 56x56 with 64 channels.
func BenchmarkPasses(b *testing.B) {
	const n, c = 8 * 56 * 56, 64
	x, v, y := randoms(1, n*c), randoms(2, n*c), make([]float32, n*c)
	scale, offset, mean, variance := randoms(3, c), randoms(4, c), make([]float32, c), make([]float32, c)
	dScale, dOffset := make([]float32, c), make([]float32, c)
	pool := Geometry{Batch: 8, In: [2]int{56, 56}, InC: c, OutC: c, Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: [2]int{1, 1}, Groups: c}.whole()
	small := make([]float32, 8*pool.Out[0]*pool.Out[1]*c)
	for _, pass := range []struct {
		name string
		run  func()
	}{
		{"batchnorm", func() { BatchNorm(Goroutines, y, mean, variance, x, scale, offset, 1e-5, nil) }},
		{"batchnormgrad", func() { BatchNormGradient(Goroutines, y, dScale, dOffset, x, scale, mean, variance, v, 1e-5, nil) }},
		{"maxrows", func() { MaxRows(Goroutines, y[:n*c/197], x[:n*c/197*197], 197) }},
		{"maxpool", func() { MaxPool(Goroutines, small, x, pool) }},
		{"maxpoolgrad", func() { MaxPoolGradient(Goroutines, y, x, small, pool) }},
	} {
		b.Run(pass.name, func(b *testing.B) {
			b.SetBytes(n * c * 4)
			for b.Loop() {
				pass.run()
			}
		})
	}
}
