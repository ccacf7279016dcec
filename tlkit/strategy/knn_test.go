package strategy

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestNearest: the nearest are those of a whole sort, among equals the first, whatever their number. Features that are
// no numbers come last.
func TestNearest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 7, 200} {
		m := &neighbours{}
		for i := range n {
			f := []float32{float32(rng.IntN(4)), float32(rng.IntN(4)), 1} // many are equal
			if i%5 == 0 {
				f[0] = float32(math.NaN())
			}
			m.features = append(m.features, unit(f))
		}
		for _, m.k = range []int{1, 5, 200, 1 << 40} {
			for _, self := range []int{-1, 0} {
				v := unit([]float32{float32(rng.IntN(4)), float32(rng.IntN(4)), 1})
				var want []int
				for i := range n {
					if i != self {
						want = append(want, i)
					}
				}
				similarity := func(i int) (dot float32) {
					for j, x := range v {
						dot += x * m.features[i][j]
					}
					return dot
				}
				slices.SortStableFunc(want, func(a, b int) int { return cmp.Compare(similarity(b), similarity(a)) })
				want = want[:min(m.k, len(want))]
				if got := m.nearest(v, self); !slices.Equal(got, want) {
					t.Errorf("%d images, k %d, self %d: %v, want %v", n, m.k, self, got, want)
				}
			}
		}
	}
}
