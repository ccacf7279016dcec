package insight

import (
	"cmp"
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// outlierNeighbours is the number of nearest neighbours that an outlier is far from.
const outlierNeighbours = 5

// isolation returns for each row its mean distance, 1 less the cosine, to its nearest neighbours (Kuan and Mueller
// 2022, Back to the Basics: Revisiting Out-of-Distribution Detection Baselines, arXiv 2207.03061).
func isolation(ctx context.Context, f *zoo.Features) ([]float64, error) {
	x := mat.NewDense(f.Len(), f.Width(), nil)
	for i := range f.Len() {
		norm := 0.0
		for _, v := range f.Row(i) {
			norm += float64(v) * float64(v)
		}
		norm = max(math.Sqrt(norm), 1e-12)
		for j, v := range f.Row(i) {
			x.Set(i, j, float64(v)/norm)
		}
	}
	out := make([]float64, f.Len())
	err := products(ctx, []*mat.Dense{x}, x, func(i int, rows [][]float64) {
		near := slices.Concat(rows[0][:i], rows[0][i+1:])
		slices.SortFunc(near, func(a, b float64) int { return cmp.Compare(b, a) })
		near = near[:min(outlierNeighbours, len(near))]
		for _, c := range near {
			out[i] += (1 - c) / float64(len(near))
		}
	})
	return out, err
}

// farOut returns the values above the upper quartile by more than three times the distance of the quartiles (Tukey
// 1977, Exploratory Data Analysis), the highest first.
func farOut(values []float64) []int {
	if len(values) < 4 {
		return nil
	}
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	low, high := stat.Quantile(0.25, stat.LinInterp, sorted, nil), stat.Quantile(0.75, stat.LinInterp, sorted, nil)
	var out []int
	for i, v := range values {
		if v > high+3*(high-low) && v > high {
			out = append(out, i)
		}
	}
	slices.SortFunc(out, func(a, b int) int { return cmp.Or(cmp.Compare(values[b], values[a]), cmp.Compare(a, b)) })
	return out
}
