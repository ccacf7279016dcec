package insight

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// thumbSide is the side, in pixels, of the small copies that are compared first.
const thumbSide = 16

// duplicateCorrelation is the correlation of the small copies from which on two images are looked at more closely.
// Measured on 1,000 photographs of CIFAR-10 with 50 planted copies (smaller, recompressed, brighter, half of them
// mirrored): the copies correlate at 0.979 and more, different photographs at 0.942 and less. Different pictures of one
// scene correlate as much as copies; samePicture tells them apart.
const duplicateCorrelation = 0.965

// leastContrast is the standard deviation of the small copy's bytes below which an image is too plain for correlations.
const leastContrast = 4.0

// fingerprint is what is kept of an image to find its copies.
type fingerprint struct {
	// thumb is the small copy, less its mean and divided by its norm; nil for an image that is too plain.
	thumb []float64
	// detail is the copy that is looked at more closely.
	detail detail
	// exact is the hash of size and pixels.
	exact [sha256.Size]byte
}

// fingerprintOf returns that of an image.
func fingerprintOf(img *vision.Image) fingerprint {
	f := fingerprint{thumb: thumb(img), detail: detailOf(img, detailSide(min(img.Width, img.Height)))}
	hash := sha256.New()
	binary.Write(hash, binary.LittleEndian, [2]int64{int64(img.Width), int64(img.Height)}) // writes to a hash don't fail
	hash.Write(img.Pix)
	hash.Sum(f.exact[:0])
	return f
}

// thumb returns the small copy of an image, less its mean and divided by its norm; nil for an image that is too plain.
func thumb(img *vision.Image) []float64 {
	small := vision.Resize(img, thumbSide, thumbSide, vision.Bilinear)
	mean, norm := 0.0, 0.0
	for _, v := range small.Pix {
		mean += float64(v) / float64(len(small.Pix))
	}
	plain := make([]float64, len(small.Pix))
	for i, v := range small.Pix {
		plain[i] = float64(v) - mean
		norm += plain[i] * plain[i]
	}
	norm = math.Sqrt(norm)
	if norm/math.Sqrt(float64(len(plain))) < leastContrast {
		return nil
	}
	for i := range plain {
		plain[i] /= norm
	}
	return plain
}

// mirror returns a small copy with left and right exchanged.
func mirror(thumb []float64) []float64 {
	out := make([]float64, len(thumb))
	for y := range thumbSide {
		for x := range thumbSide {
			copy(out[3*(y*thumbSide+x):][:3], thumb[3*(y*thumbSide+thumbSide-1-x):])
		}
	}
	return out
}

// pair is two images that look the same.
type pair struct {
	a, b        int
	correlation float64
	mirrored    bool
}

// nearDuplicates returns pairs of images that look the same, a < b, in order. order lists the images. Of images that
// all look the same there are not all pairs: each is a copy of the first of its class that it looks the same as and
// that is no copy itself, and before that may be one of an image of another class. So there are at most two pairs for
// each image, and a copy of a copy is no copy.
func nearDuplicates(ctx context.Context, prints []fingerprint, classes []string, order []int) ([]pair, error) {
	found := &matches{classes: classes, copy: make([]bool, len(prints)), other: make([]bool, len(prints))}
	var list []int
	first := map[[sha256.Size]byte][]int{} // of the images that are too plain for correlations
	for _, j := range order {
		if prints[j].thumb != nil {
			list = append(list, j)
			continue
		}
		for _, i := range first[prints[j].exact] {
			found.add(pair{i, j, 1, false})
		}
		if !found.copy[j] {
			first[prints[j].exact] = append(first[prints[j].exact], j)
		}
	}
	if len(list) > 1 {
		if err := correlated(ctx, prints, list, found); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(found.pairs, func(p, q pair) int { return cmp.Or(cmp.Compare(p.a, q.a), cmp.Compare(p.b, q.b)) })
	return found.pairs, nil
}

// matches are the pairs that were found.
type matches struct {
	classes []string
	// copy has the images that are a copy of another of their class, other those that are one of another class's.
	copy, other []bool
	pairs       []pair
}

// wanted reports whether a pair would tell something new about its second image.
func (m *matches) wanted(first, second int) bool {
	if m.copy[first] || m.copy[second] {
		return false
	}
	return m.classes[first] == m.classes[second] || !m.other[second]
}

// add adds a pair if it is wanted.
func (m *matches) add(p pair) {
	if !m.wanted(p.a, p.b) {
		return
	}
	if m.classes[p.a] == m.classes[p.b] {
		m.copy[p.b] = true
	} else {
		m.other[p.b] = true
	}
	p.a, p.b = min(p.a, p.b), max(p.a, p.b)
	m.pairs = append(m.pairs, p)
}

// correlated adds the pairs of the list whose small copies correlate and that show the same picture, or one the mirror
// image of the other.
func correlated(ctx context.Context, prints []fingerprint, list []int, found *matches) error {
	plain := mat.NewDense(len(list), len(prints[list[0]].thumb), nil)
	mirrored := mat.NewDense(len(list), len(prints[list[0]].thumb), nil)
	for k, i := range list {
		plain.SetRow(k, prints[i].thumb)
		mirrored.SetRow(k, mirror(prints[i].thumb))
	}
	return products(ctx, []*mat.Dense{plain, mirrored}, plain, func(k int, rows [][]float64) {
		i := list[k]
		details := []detail{prints[i].detail, prints[i].detail.mirrored()}
		for l := k + 1; l < len(list); l++ {
			j := list[l]
			for way, row := range rows {
				if row[l] >= duplicateCorrelation && found.wanted(i, j) && samePicture(details[way], prints[j].detail) {
					found.add(pair{i, j, row[l], way == 1})
				}
			}
		}
	})
}

// products calls each with the products of row i of each of the matrices and all rows of b. They are computed in
// blocks, so that the memory stays small. The error is that of ctx.
func products(ctx context.Context, all []*mat.Dense, b *mat.Dense, each func(i int, rows [][]float64)) error {
	n, width := b.Dims()
	const block = 256
	for from := 0; from < n; from += block {
		to := min(from+block, n)
		p, rows := make([]mat.Dense, len(all)), make([][]float64, len(all))
		for k, a := range all {
			p[k].Mul(a.Slice(from, to, 0, width), b.T())
		}
		for i := from; i < to; i++ {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("insight: comparing images: %w", err)
			}
			for k := range all {
				rows[k] = p[k].RawRowView(i - from)
			}
			each(i, rows)
		}
	}
	return nil
}
