package insight

import (
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// logME is the logarithm of the maximum evidence per example of linear regressions from features [examples x width] to
// each class (You et al. 2021, LogME: Practical Assessment of Pre-trained Models for Transfer Learning, arXiv
// 2102.11005, section 4.2 and algorithm 1, with the fixed-point iteration of its longer version, arXiv 2110.10545).
// Higher is better; only differences count. The mean is over the classes that have examples: all labels of another one
// are 0, which a regression explains to any precision.
func logME(x *mat.Dense, labels []int, classes int) (float64, error) {
	n, width := x.Dims()
	var svd mat.SVD
	if !svd.Factorize(x, mat.SVDThin) {
		return 0, errors.New("the singular values of the features did not converge")
	}
	var u mat.Dense
	svd.UTo(&u)
	squares := svd.Values(nil)
	for i, s := range squares {
		squares[i] = s * s
	}
	sum, present := 0.0, 0.0
	for c := range classes {
		if !slices.Contains(labels, c) {
			continue
		}
		present++
		// projected are the squared parts of the class's 0/1 labels along the singular vectors, rest what is left.
		projected, rest := make([]float64, len(squares)), 0.0
		for i, label := range labels {
			if label == c {
				rest++
				for k := range projected {
					projected[k] += u.At(i, k)
				}
			}
		}
		for k, v := range projected {
			projected[k] = v * v
			rest -= projected[k]
		}
		sum += evidence(squares, projected, math.Max(rest, 0), float64(n), float64(width))
	}
	return sum / present, nil
}

// evidence is the maximum evidence per example of one regression.
func evidence(squares, projected []float64, rest, n, width float64) float64 {
	alpha, beta := 1.0, 1.0 // precisions of the weights and of the noise
	best := math.Inf(-1)
	for range 11 {
		t := alpha / beta
		gamma, m2, residual := 0.0, 0.0, rest
		for k, s := range squares {
			gamma += s / (s + t)
			m2 += s * projected[k] / ((s + t) * (s + t))
			residual += projected[k] * t * t / ((s + t) * (s + t))
		}
		alpha, beta = gamma/(m2+1e-5), (n-gamma)/(residual+1e-5)
		determinant := (width - float64(len(squares))) * math.Log(alpha)
		for _, s := range squares {
			determinant += math.Log(alpha + beta*s)
		}
		best = (width*math.Log(alpha) + n*math.Log(beta) - determinant - beta*residual - alpha*m2 - n*math.Log(2*math.Pi)) / 2 / n
		if math.Abs(alpha/beta-t) <= 1e-3*t {
			break
		}
	}
	return best
}
