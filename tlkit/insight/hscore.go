package insight

import (
	"errors"

	"gonum.org/v1/gonum/mat"
)

// hScore measures how far the class means of features [examples x width] lie apart, relative to the spread of the
// features: Bao et al. 2019, An Information-Theoretic Approach to Transferability in Task Transfer Learning (ICIP),
// with the covariance shrunk as in Ibrahim et al. 2021, Newer is not always better (arXiv 2110.06893, section 3), which
// it needs when there are fewer images than features. Higher is better; at most the number of classes less one.
func hScore(x *mat.Dense, labels []int, classes int) (float64, error) {
	n, width := x.Dims()
	centred := mat.DenseCopyOf(x)
	for j := range width {
		mean := 0.0
		for i := range n {
			mean += centred.At(i, j) / float64(n)
		}
		for i := range n {
			centred.Set(i, j, centred.At(i, j)-mean)
		}
	}
	covariance, shrinkage := shrunk(centred)
	var inverse mat.Cholesky
	if !inverse.Factorize(covariance) {
		return 0, errors.New("the features don't vary")
	}
	means, count := mat.NewDense(width, classes, nil), make([]float64, classes)
	for i, label := range labels {
		count[label]++
		for j, v := range centred.RawRowView(i) {
			means.Set(j, label, means.At(j, label)+v)
		}
	}
	for c := range classes {
		for j := range width {
			if count[c] > 0 {
				means.Set(j, c, means.At(j, c)/count[c])
			}
		}
	}
	var solved mat.Dense
	if err := inverse.SolveTo(&solved, means); err != nil {
		return 0, err
	}
	score := 0.0
	for c := range classes {
		score += count[c] / float64(n) * mat.Dot(means.ColView(c), solved.ColView(c))
	}
	return (1 - shrinkage) * score, nil
}

// shrunk returns the covariance of centred rows, drawn towards a multiple of the identity, and how far, in [0, 1]
// (Ledoit and Wolf 2004, A well-conditioned estimator for large-dimensional covariance matrices, lemma 3.2 to 3.4).
func shrunk(centred *mat.Dense) (*mat.SymDense, float64) {
	n, width := centred.Dims()
	rows := float64(n)
	var s mat.SymDense
	s.SymOuterK(1/rows, centred.T())
	mean := mat.Trace(&s) / float64(width)
	squares, fourth := 0.0, 0.0
	for i := range width {
		for j := range width {
			squares += s.At(i, j) * s.At(i, j)
		}
	}
	for i := range n {
		norm := 0.0
		for _, v := range centred.RawRowView(i) {
			norm += v * v
		}
		fourth += norm * norm
	}
	distance := squares - mean*mean*float64(width)
	shrinkage := 0.0
	if noise := min((fourth/rows-squares)/rows, distance); noise > 0 {
		shrinkage = noise / distance
	}
	s.ScaleSym(1-shrinkage, &s)
	for i := range width {
		s.SetSym(i, i, s.At(i, i)+shrinkage*mean)
	}
	return &s, shrinkage
}
