//go:build amd64 && goexperiment.simd

package main

import (
	"simd/archsimd"

	"golang.org/x/sys/cpu"
)

// fusedLoops returns a loop for each width of vectors that the processor has.
func fusedLoops() []fusedLoop {
	var loops []fusedLoop
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		loops = append(loops, fusedLoop{256, fused256})
	}
	if cpu.X86.HasAVX512F {
		loops = append(loops, fusedLoop{512, fused512})
	}
	return loops
}

// starts are the accumulators' first values. They differ, and are read from memory: the compiler computes accumulators
// that it knows to be equal once.
var starts = [accumulators]float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}

func fused256(rounds int) (operations int, sum float32) {
	x, y := archsimd.BroadcastFloat32x8(0.5), archsimd.BroadcastFloat32x8(1)
	s := func(i int) archsimd.Float32x8 { return archsimd.BroadcastFloat32x8(starts[i]) }
	a, b, c, d, e, f, g, h, i, j, k, l := s(0), s(1), s(2), s(3), s(4), s(5), s(6), s(7), s(8), s(9), s(10), s(11)
	for range rounds {
		a, b, c, d, e, f = a.MulAdd(x, y), b.MulAdd(x, y), c.MulAdd(x, y), d.MulAdd(x, y), e.MulAdd(x, y), f.MulAdd(x, y)
		g, h, i, j, k, l = g.MulAdd(x, y), h.MulAdd(x, y), i.MulAdd(x, y), j.MulAdd(x, y), k.MulAdd(x, y), l.MulAdd(x, y)
	}
	var out [8]float32
	a.Add(b).Add(c.Add(d)).Add(e.Add(f).Add(g.Add(h))).Add(i.Add(j).Add(k.Add(l))).StoreArray(&out)
	return rounds * accumulators * 8 * 2, out[0]
}

func fused512(rounds int) (operations int, sum float32) {
	x, y := archsimd.BroadcastFloat32x16(0.5), archsimd.BroadcastFloat32x16(1)
	s := func(i int) archsimd.Float32x16 { return archsimd.BroadcastFloat32x16(starts[i]) }
	a, b, c, d, e, f, g, h, i, j, k, l := s(0), s(1), s(2), s(3), s(4), s(5), s(6), s(7), s(8), s(9), s(10), s(11)
	for range rounds {
		a, b, c, d, e, f = a.MulAdd(x, y), b.MulAdd(x, y), c.MulAdd(x, y), d.MulAdd(x, y), e.MulAdd(x, y), f.MulAdd(x, y)
		g, h, i, j, k, l = g.MulAdd(x, y), h.MulAdd(x, y), i.MulAdd(x, y), j.MulAdd(x, y), k.MulAdd(x, y), l.MulAdd(x, y)
	}
	var out [16]float32
	a.Add(b).Add(c.Add(d)).Add(e.Add(f).Add(g.Add(h))).Add(i.Add(j).Add(k.Add(l))).StoreArray(&out)
	return rounds * accumulators * 16 * 2, out[0]
}
