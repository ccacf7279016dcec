package insight

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// thumbSide is the side, in pixels, of the small copies that are compared.
const thumbSide = 16

// duplicateCorrelation is the correlation of the small copies from which on two images are near-duplicates. Measured on
// 1,000 photographs of CIFAR-10 with 50 planted copies (smaller, recompressed, brighter, half of them mirrored): the
// copies correlate at 0.979 and more, different photographs at 0.942 and less.
const duplicateCorrelation = 0.965

// leastContrast is the standard deviation of the small copy's bytes below which an image is too plain to be compared.
const leastContrast = 4.0

// thumb returns the small copy of an image, less its mean and divided by its norm, and the same mirrored; nil for an
// image that is too plain.
func thumb(img *vision.Image) (plain, mirrored []float64) {
	small := vision.Resize(img, thumbSide, thumbSide, vision.Bilinear)
	mean, norm := 0.0, 0.0
	for _, v := range small.Pix {
		mean += float64(v) / float64(len(small.Pix))
	}
	plain = make([]float64, len(small.Pix))
	for i, v := range small.Pix {
		plain[i] = float64(v) - mean
		norm += plain[i] * plain[i]
	}
	if math.Sqrt(norm/float64(len(plain))) < leastContrast {
		return nil, nil
	}
	norm = math.Sqrt(norm)
	mirrored = make([]float64, len(plain))
	for i := range plain {
		plain[i] /= norm
	}
	for y := range thumbSide {
		for x := range thumbSide {
			copy(mirrored[3*(y*thumbSide+x):][:3], plain[3*(y*thumbSide+thumbSide-1-x):][:3])
		}
	}
	return plain, mirrored
}

// pair is two images that look the same.
type pair struct {
	a, b        int
	correlation float64
	mirrored    bool
}

// nearDuplicates returns the pairs of thumbs whose correlation is at least the given one, a < b, in order.
func nearDuplicates(plain, mirrored [][]float64, least float64) []pair {
	var usable []int
	for i, t := range plain {
		if t != nil {
			usable = append(usable, i)
		}
	}
	if len(usable) < 2 {
		return nil
	}
	x := matrixOf(plain, usable)
	var pairs []pair
	for k, other := range []*mat.Dense{x, matrixOf(mirrored, usable)} {
		products(other, x, func(i int, row []float64) {
			for j := i + 1; j < len(row); j++ {
				if row[j] >= least {
					pairs = append(pairs, pair{usable[i], usable[j], row[j], k == 1})
				}
			}
		})
	}
	slices.SortFunc(pairs, func(p, q pair) int {
		return cmp.Or(cmp.Compare(p.a, q.a), cmp.Compare(p.b, q.b), cmp.Compare(q.correlation, p.correlation))
	})
	return slices.CompactFunc(pairs, func(p, q pair) bool { return p.a == q.a && p.b == q.b })
}

// matrixOf returns the chosen rows as a matrix.
func matrixOf(rows [][]float64, which []int) *mat.Dense {
	x := mat.NewDense(len(which), len(rows[which[0]]), nil)
	for k, i := range which {
		x.SetRow(k, rows[i])
	}
	return x
}

// products calls each with the products of row i of a and all rows of b. They are computed in blocks, so that the
// memory stays small.
func products(a, b *mat.Dense, each func(i int, row []float64)) {
	n, width := a.Dims()
	const block = 256
	for from := 0; from < n; from += block {
		to := min(from+block, n)
		var p mat.Dense
		p.Mul(a.Slice(from, to, 0, width), b.T())
		for i := from; i < to; i++ {
			each(i, p.RawRowView(i-from))
		}
	}
}
