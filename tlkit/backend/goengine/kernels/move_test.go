package kernels

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestMove compares moves of random axes with a loop over all values.
func TestMove(t *testing.T) {
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 5))
		rank := rng.IntN(5)
		m := Move{Dims: make([]int, rank), To: make([]int, rank), From: make([]int, rank)}
		n, size := 1, 1
		for i := range m.Dims {
			m.Dims[i] = 1 + rng.IntN(20)
			n *= m.Dims[i]
		}
		// The result's axes are in random order with gaps, the source's too; some of the source's are repeated or
		// backwards.
		for _, axis := range rng.Perm(rank) {
			m.To[axis] = size
			size *= m.Dims[axis] + rng.IntN(2)
		}
		source := 1
		for _, axis := range rng.Perm(rank) {
			if rng.IntN(5) == 0 {
				continue
			}
			m.From[axis] = source
			source *= m.Dims[axis] + rng.IntN(2)
		}
		for axis, step := range m.From {
			if rng.IntN(4) == 0 {
				m.FromStart += step * (m.Dims[axis] - 1)
				m.From[axis] = -step
			}
		}
		from := randoms(seed, source)
		got, want := make([]float32, size), make([]float32, size)
		index := make([]int, rank)
		for range n {
			to, at := m.ToStart, m.FromStart
			for i, k := range index {
				to, at = to+k*m.To[i], at+k*m.From[i]
			}
			want[to] = from[at]
			for i := range index {
				if index[i]++; index[i] < m.Dims[i] {
					break
				}
				index[i] = 0
			}
		}
		p := m.Plan()
		p.Run(Goroutines, got, from)
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("%+v: value %d is %g, want %g", m, i, got[i], want[i])
			}
		}
		if p.Size() != n {
			t.Errorf("%+v has %d values, want %d", m, p.Size(), n)
		}
	}
}

func TestMaxRows(t *testing.T) {
	for _, n := range []int{1, 2, 31, 32, 64, 65, 197, 1000} {
		x := randoms(uint64(n), 3*n)
		x[2*n+n/2] = float32(math.NaN())
		y := make([]float32, 3)
		MaxRows(Goroutines, y, x, n)
		for r := range 2 {
			want := x[r*n]
			for _, v := range x[r*n : (r+1)*n] {
				want = max(want, v)
			}
			if y[r] != want {
				t.Errorf("row %d of %d values: %g, want %g", r, n, y[r], want)
			}
		}
		if y[2] == y[2] {
			t.Errorf("a row of %d values with NaN: %g", n, y[2])
		}
	}
}
