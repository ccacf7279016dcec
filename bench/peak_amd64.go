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

// sink keeps the compiler from leaving the loops out.
var sink [16]float32

func fused256(rounds int) int {
	x, y := archsimd.BroadcastFloat32x8(0.5), archsimd.BroadcastFloat32x8(1)
	a, b, c, d, e, f, g, h, i, j, k, l := y, y, y, y, y, y, y, y, y, y, y, y
	for range rounds {
		a, b, c, d, e, f = a.MulAdd(x, y), b.MulAdd(x, y), c.MulAdd(x, y), d.MulAdd(x, y), e.MulAdd(x, y), f.MulAdd(x, y)
		g, h, i, j, k, l = g.MulAdd(x, y), h.MulAdd(x, y), i.MulAdd(x, y), j.MulAdd(x, y), k.MulAdd(x, y), l.MulAdd(x, y)
	}
	var out [8]float32
	a.Add(b).Add(c.Add(d)).Add(e.Add(f).Add(g.Add(h))).Add(i.Add(j).Add(k.Add(l))).StoreArray(&out)
	if out[0] < 0 {
		copy(sink[:], out[:])
	}
	return rounds * 12 * 8 * 2
}

func fused512(rounds int) int {
	x, y := archsimd.BroadcastFloat32x16(0.5), archsimd.BroadcastFloat32x16(1)
	a, b, c, d, e, f, g, h, i, j, k, l := y, y, y, y, y, y, y, y, y, y, y, y
	for range rounds {
		a, b, c, d, e, f = a.MulAdd(x, y), b.MulAdd(x, y), c.MulAdd(x, y), d.MulAdd(x, y), e.MulAdd(x, y), f.MulAdd(x, y)
		g, h, i, j, k, l = g.MulAdd(x, y), h.MulAdd(x, y), i.MulAdd(x, y), j.MulAdd(x, y), k.MulAdd(x, y), l.MulAdd(x, y)
	}
	var out [16]float32
	a.Add(b).Add(c.Add(d)).Add(e.Add(f).Add(g.Add(h))).Add(i.Add(j).Add(k.Add(l))).StoreArray(&out)
	if out[0] < 0 {
		copy(sink[:], out[:])
	}
	return rounds * 12 * 16 * 2
}
