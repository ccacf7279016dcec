package insight

import (
	"iter"
	"math"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// detailSides are the sides, in pixels, at which two images are looked at more closely. An image has the largest that
// its shorter side exceeds by a third: at its own resolution a copy of another size or compression differs by too much.
var detailSides = []int{16, 24, 32, 48, 64}

// detailSide returns the side for an image whose shorter side is given.
func detailSide(shorter int) int {
	side := detailSides[0]
	for _, s := range detailSides {
		if 4*s <= 3*shorter {
			side = s
		}
	}
	return side
}

// detail is a reduced image: the luminance of a square of pixels. Colours are left out, since JPEG keeps them at half
// the resolution.
type detail struct {
	side int
	// grey has the luminance of each pixel in 256ths; clipped is 1 where a colour was probably cut off at white, so
	// that the pixel may stand for a brighter one, -1 where at black. anyClipped is true if there are such pixels.
	grey       []uint16
	clipped    []int8
	anyClipped bool
	// parts has the sum of the squared distances from the mean for each part, fine the sum of those within squares of
	// 2 x 2 pixels.
	parts []float64
	fine  float64
}

// detailOf reduces an image to a square.
func detailOf(img *vision.Image, side int) detail {
	small := vision.Resize(img, side, side, vision.Bilinear)
	d := detail{side: side, grey: make([]uint16, side*side), clipped: make([]int8, side*side)}
	for i := range d.grey {
		p := small.Pix[3*i:]
		d.grey[i] = uint16(256 * luminance(p))
		if max(p[0], p[1], p[2]) >= 250 {
			d.clipped[i] = 1
		} else if min(p[0], p[1], p[2]) <= 5 {
			d.clipped[i] = -1
		}
	}
	return d.measured()
}

// measured returns the detail with the values that follow from its pixels.
func (d detail) measured() detail {
	d.anyClipped = slices.ContainsFunc(d.clipped, func(c int8) bool { return c != 0 })
	d.parts, d.fine = nil, 0
	for part := range d.squares(d.part()) {
		d.parts = append(d.parts, d.variation(part))
	}
	for four := range d.squares(2) {
		d.fine += d.variation(four)
	}
	return d
}

// part is the side of the parts that two images are compared by.
func (d detail) part() int { return d.side / max(4, d.side/8) }

// squares yields squares of the given side that cover the pixels, as the place of the first pixel.
func (d detail) squares(side int) iter.Seq[square] {
	return func(yield func(square) bool) {
		for top := 0; top < d.side; top += side {
			for left := 0; left < d.side; left += side {
				if !yield(square{top*d.side + left, side}) {
					return
				}
			}
		}
	}
}

// square is a part of a detail: the place of its first pixel, and its side.
type square struct{ first, side int }

// variation returns the sum of the squared distances from the mean of a square.
func (d detail) variation(s square) float64 {
	sum, squares := 0.0, 0.0
	for y := range s.side {
		for _, v := range d.grey[s.first+y*d.side:][:s.side] {
			sum += float64(v) / 256
			squares += float64(v) * float64(v) / (256 * 256)
		}
	}
	return squares - sum*sum/float64(s.side*s.side)
}

// reduced returns the detail at a smaller side.
func (d detail) reduced(side int) detail {
	if d.side == side {
		return d
	}
	img := vision.New(d.side, d.side)
	for i, v := range d.grey {
		for c := range 3 {
			img.Pix[3*i+c] = uint8((v + 128) / 256)
		}
	}
	return detailOf(img, side)
}

// mirrored returns the detail with left and right exchanged.
func (d detail) mirrored() detail {
	out := detail{side: d.side, grey: slices.Clone(d.grey), clipped: slices.Clone(d.clipped)}
	for y := 0; y < len(d.grey); y += d.side {
		slices.Reverse(out.grey[y:][:d.side])
		slices.Reverse(out.clipped[y:][:d.side])
	}
	return out.measured()
}

// partNoise and partShare bound the squared difference of two copies in each part; detailNoise and detailShare bound
// the one within the squares of 2 x 2 pixels, over the whole image. The copies have equal brightness by then. The noise
// is what compression and rounding add everywhere, in squared grey levels per pixel. The share is of the variance of
// the pixels, since scaling and compression err most at edges.
//
// Measured: copies of photographs, drawings and made-up scenes (JPEG of quality 50, three quarters of the size,
// brightness by 0.7 and by +20) are within the limits, with one exception in a thousand; of copies at half of 32 pixels
// two thirds, of copies with white cut off nine tenths. None of 13 million pairs of different drawings is, and no two
// pictures of 224 pixels of one smooth scene with a mark of 20 pixels that is 60 levels brighter, or with noise of 8
// levels.
const (
	partNoise, partShare     = 16, 0.25
	detailNoise, detailShare = 0.25, 0.5
)

// samePicture reports whether b is a copy of a, in any brightness: no part of it shows something else, and the finest
// detail is the same, not noise of its own.
func samePicture(a, b detail) bool {
	side := min(a.side, b.side)
	a, b = a.reduced(side), b.reduced(side)
	c := comparison{a: a, b: b}
	c.gain, c.offset = brightness(a, b)
	part := a.part()
	fine, most := 0.0, detailNoise*float64(side*side)+detailShare*c.mean(a.fine, b.fine)
	k := 0
	for s := range a.squares(part) {
		whole, within := c.errors(s)
		fine += within
		if fine > most || whole > partNoise*float64(part*part)+partShare*c.mean(a.parts[k], b.parts[k]) {
			return false
		}
		k++
	}
	return true
}

// comparison is two details of one side, and the gain and the offset that give a the brightness of b.
type comparison struct {
	a, b         detail
	gain, offset float64
}

// mean returns the mean of two sums of squares, of a's and of b's pixels, in the brightness of b.
func (c *comparison) mean(a, b float64) float64 { return (c.gain*c.gain*a + b) / 2 }

// errors returns the sum of the squared differences in a square, and of that what lies within its squares of 2 x 2
// pixels.
func (c *comparison) errors(s square) (whole, within float64) {
	side := c.a.side
	for y := 0; y < s.side; y += 2 {
		for i := s.first + y*side; i < s.first+y*side+s.side; i += 2 {
			e1, e2, e3, e4 := c.difference(i), c.difference(i+1), c.difference(i+side), c.difference(i+side+1)
			squares, sum := e1*e1+e2*e2+e3*e3+e4*e4, e1+e2+e3+e4
			whole += squares
			within += squares - sum*sum/4
		}
	}
	return whole, within
}

// difference returns by how much pixel i of b is brighter than expected. A clipped value may stand for any value
// further out, which is no difference.
func (c *comparison) difference(i int) float64 {
	e := float64(c.b.grey[i])/256 - c.gain*float64(c.a.grey[i])/256 - c.offset
	if u, v := c.a.clipped[i], c.b.clipped[i]; u|v != 0 && (e > 0 && (u > 0 || v < 0) || e < 0 && (u < 0 || v > 0)) {
		return 0
	}
	return e
}

// brightness returns gain and offset that give the pixels of a the mean and the deviation of those of b. Clipped ones
// are left out.
func brightness(a, b detail) (gain, offset float64) {
	var n, sumA, sumB, squaresA, squaresB float64
	step := 1
	if !a.anyClipped && !b.anyClipped {
		step = 7 // a part of the pixels is enough
	}
	for i := 0; i < len(a.grey); i += step {
		if a.clipped[i]|b.clipped[i] == 0 {
			x, y := float64(a.grey[i])/256, float64(b.grey[i])/256
			n, sumA, sumB, squaresA, squaresB = n+1, sumA+x, sumB+y, squaresA+x*x, squaresB+y*y
		}
	}
	if n == 0 {
		return 1, 0
	}
	meanA, meanB := sumA/n, sumB/n
	gain = 1
	if varianceA, varianceB := squaresA/n-meanA*meanA, squaresB/n-meanB*meanB; varianceA > 1 && varianceB > 1 {
		gain = math.Sqrt(varianceB / varianceA)
	}
	return gain, meanB - gain*meanA
}
