package vision

import (
	"cmp"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
)

// Scratch is memory that is reused from image to image: preparing an image allocates nothing after the largest image
// was prepared. The zero value is ready. It serves one goroutine at a time, and an image that a method returns is valid
// until the next call, unless it is the argument itself.
type Scratch struct {
	images [4]Image // used in turn; no operation needs more than three at once
	turn   int
	rows   []uint8 // resize's result between its two passes
	sums   []int32
	x, y   filter
	pcg    rand.PCG
	rng    *rand.Rand
}

// Apply is [Preprocess.Apply].
func (s *Scratch) Apply(p Preprocess, m *Image) *Image {
	width, height := p.resized(m.Width, m.Height)
	part := image.Rect(0, 0, width, height)
	cut := part
	if p.Crop > 0 {
		cut = center(width, height, p.Crop, p.Crop)
	}
	kept := cut.Intersect(part) // only the pixels that stay are computed
	if width != m.Width || height != m.Height {
		m = s.resize(m, whole(m), width, height, kept, p.Interpolation)
		cut = cut.Sub(kept.Min)
	}
	if cut != whole(m) {
		m = s.crop(m, cut)
	}
	return m
}

// ApplyAugmented is [Preprocess.ApplyAugmented].
func (s *Scratch) ApplyAugmented(p Preprocess, a Augment, rng *rand.Rand, m *Image) *Image {
	if !a.ResizedCrop {
		m = s.Apply(p, m)
	}
	return s.Augment(a, rng, m, cmp.Or(p.Crop, p.Resize), p.Interpolation)
}

// Rand is [NewRand]; the generator is valid until the next call.
func (s *Scratch) Rand(seed uint64, parts ...uint64) *rand.Rand {
	if s.rng == nil {
		s.rng = rand.New(&s.pcg)
	}
	s.pcg.Seed(randState(seed, parts))
	return s.rng
}

// Augment is [Augment.Apply].
func (s *Scratch) Augment(a Augment, rng *rand.Rand, m *Image, size int, interp Interpolation) *Image {
	if a.ResizedCrop {
		w, h := size, size
		if size == 0 {
			w, h = m.Width, m.Height
		}
		m = s.resizedCrop(m, a.randomRect(rng, m.Width, m.Height), w, h, interp)
	}
	if a.Pad > 0 {
		x, y := rng.IntN(2*a.Pad+1)-a.Pad, rng.IntN(2*a.Pad+1)-a.Pad
		m = s.crop(m, image.Rect(x, y, x+m.Width, y+m.Height))
	}
	if a.HorizontalFlip > 0 && rng.Float64() < a.HorizontalFlip {
		m = s.flip(m)
	}
	if a.TrivialAugment {
		m = s.trivialAugment(rng, m)
	}
	return s.randAugment(a.RandAugment, rng, m)
}

// image returns an image of the given size, with arbitrary pixels.
func (s *Scratch) image(width, height int) *Image {
	if width < 0 || height < 0 {
		panic(fmt.Sprintf("vision: image of %d x %d pixels", width, height))
	}
	m := &s.images[s.turn]
	s.turn = (s.turn + 1) % len(s.images)
	m.Width, m.Height = width, height
	m.Pix = grown(m.Pix, 3*width*height)
	return m
}

// detached returns m with a header of its own, so that it does not keep the Scratch in memory.
func (m *Image) detached() *Image {
	out := *m
	return &out
}

// detachedFrom is detached, but returns m itself if it is origin, the image that the operations began with.
func (m *Image) detachedFrom(origin *Image) *Image {
	if m == origin {
		return m
	}
	return m.detached()
}

func grown[T any](buf []T, n int) []T {
	if cap(buf) < n {
		return make([]T, n)
	}
	return buf[:n]
}

// weightBits is the number of fractional bits of the filter weights, as in Pillow, whose rounding is reproduced.
const weightBits = 32 - 8 - 2

// half is added to a sum of weighted bytes, to round it.
const half = 1 << (weightBits - 1)

// filter holds the weights of len(taps) successive output pixels of one axis.
type filter struct {
	taps   []taps
	buf    []int32
	weight []float64
}

// taps are the weights of one output pixel and the first input pixel they belong to.
type taps struct {
	first   int
	weights []int32
}

// set computes the weights of an axis.
func (f *filter) set(a axis, interp Interpolation) {
	kernel, _ := interp.kernel()
	support, stretch := a.support(interp)
	width := int(math.Ceil(support))*2 + 1
	n := a.to - a.from
	f.taps, f.buf, f.weight = grown(f.taps, n), grown(f.buf, n*width), grown(f.weight, width)
	if interp == Nearest {
		at := a.nearest(a.from)
		for i := range f.taps {
			f.buf[i] = 1 << weightBits
			f.taps[i] = taps{first: a.pixel(at), weights: f.buf[i : i+1]}
			at += a.step()
		}
		return
	}
	w := f.weight
	for i := range f.taps {
		center := a.center(a.from + i)
		lo, hi := a.span(a.from+i, support)
		sum := 0.0
		for x := lo; x < hi; x++ {
			w[x-lo] = kernel((float64(x) - center + 0.5) * (1 / stretch))
			sum += w[x-lo]
		}
		t := taps{first: lo, weights: f.buf[i*width : i*width+hi-lo]}
		for k := range t.weights {
			v := w[k]
			if sum != 0 {
				v *= 1 / sum
			}
			t.weights[k] = int32(math.Copysign(0.5, v) + float64(v*(1<<weightBits)))
		}
		f.taps[i] = t
	}
}

// axis is one direction of a resizing: in pixels become out, of which those with the indices from to to-1 are computed.
type axis struct{ in, out, from, to int }

// support returns the half width of the filter in input pixels, and the factor by which it is stretched.
func (a axis) support(interp Interpolation) (width, stretch float64) {
	_, width = interp.kernel()
	stretch = max(a.step(), 1)
	return width * stretch, stretch
}

// span returns the first input pixel that output pixel i is made of, and the one after the last.
func (a axis) span(i int, support float64) (from, to int) {
	if support == 0 {
		at := a.pixel(a.nearest(i))
		return at, at + 1
	}
	center := a.center(i)
	return max(0, int(center-support+0.5)), min(a.in, int(center+support+0.5))
}

// step is the distance of two output pixels in input pixels.
func (a axis) step() float64 { return float64(a.in) / float64(a.out) }

// center returns where the middle of output pixel i is.
func (a axis) center(i int) float64 { return float64((float64(i) + 0.5) * a.step()) }

// nearest is center by additions, as Pillow computes it for [Nearest]: a product can be rounded to the other side of an
// edge between pixels.
func (a axis) nearest(i int) float64 {
	at := float64(a.step() * 0.5)
	for range i {
		at += a.step()
	}
	return at
}

// pixel is the input pixel at a place.
func (a axis) pixel(at float64) int { return min(a.in-1, int(at)) }

// needs returns the input pixels that the output pixels are made of.
func (a axis) needs(interp Interpolation) (from, to int) {
	support, _ := a.support(interp)
	from, _ = a.span(a.from, support)
	_, to = a.span(a.to-1, support)
	return from, to
}

// MaxScratch is the most memory in bytes that preparing an image takes in addition to three times its pixels and to the
// result, whatever its shape.
const MaxScratch = spareRows + 2*4*maxWeights

// maxWeights is the number of filter weights of an axis that are held at once. Usual images have a few thousand in all;
// a side of millions of pixels has several for each of them.
const maxWeights = 1 << 18

// part returns the output pixels from index at on, so many that their weights are at most maxWeights.
func (a axis) part(at int, interp Interpolation) axis {
	support, _ := a.support(interp)
	step := max(1, maxWeights/(2*int(math.Ceil(support))+1))
	return axis{a.in, a.out, at, min(at+step, a.to)}
}

// plane is a part of an image: rows of pixels, 3 bytes each, which begin stride bytes apart.
type plane struct {
	pix    []uint8
	stride int
}

// spareRows is the memory in bytes that an image between two passes may take beyond the memory of the image itself.
const spareRows = 4 << 20

// resize scales the part from of m to width x height pixels, but computes only the part want of the result.
func (s *Scratch) resize(m *Image, from image.Rectangle, width, height int, want image.Rectangle, interp Interpolation) *Image {
	if width <= 0 || height <= 0 || from.Empty() {
		panic(fmt.Sprintf("vision: cannot resize %d x %d to %d x %d pixels", from.Dx(), from.Dy(), width, height))
	}
	if from.Dx() == width && from.Dy() == height {
		return s.crop(m, want.Add(from.Min))
	}
	x, y := axis{from.Dx(), width, want.Min.X, want.Max.X}, axis{from.Dy(), height, want.Min.Y, want.Max.Y}
	src, out := plane{m.Pix[3*(from.Min.Y*m.Width+from.Min.X):], 3 * m.Width}, s.image(want.Dx(), want.Dy())
	to := plane{out.Pix, 3 * out.Width}
	top, bottom := y.from, y.to // the rows of the part that are needed
	if y.in != y.out {
		top, bottom = y.needs(interp)
	}
	switch {
	case y.in == y.out:
		s.resizeRows(to, src.below(top), bottom-top, x, interp)
	case x.in == x.out:
		s.resizeColumns(to, plane{src.pix[3*x.from:], src.stride}, 3*out.Width, 0, y, interp)
	case (bottom-top)*(to.stride-3*x.in) > spareRows:
		// Pillow widens the rows first. Of an image that is thin and very high, that would be hundreds of times its
		// size.
		s.rows = grown(s.rows, out.Height*3*x.in)
		between := plane{s.rows, 3 * x.in}
		s.resizeColumns(between, src, 3*x.in, 0, y, interp)
		s.resizeRows(to, between, out.Height, x, interp)
	default:
		s.rows = grown(s.rows, (bottom-top)*to.stride)
		between := plane{s.rows, to.stride}
		s.resizeRows(between, src.below(top), bottom-top, x, interp)
		s.resizeColumns(to, between, to.stride, top, y, interp)
	}
	return out
}

// below returns the rows from number y on.
func (p plane) below(y int) plane { return plane{p.pix[y*p.stride:], p.stride} }

// resizeRows scales the first rows of src along x into those of dst.
func (s *Scratch) resizeRows(dst, src plane, rows int, x axis, interp Interpolation) {
	for part := x.part(x.from, interp); part.from < x.to; part = x.part(part.to, interp) {
		s.x.set(part, interp)
		at, n := 3*(part.from-x.from), 3*(part.to-part.from)
		for y := range rows {
			resizeRow(dst.pix[y*dst.stride+at:][:n], src.pix[y*src.stride:][:3*x.in], s.x.taps)
		}
	}
}

func resizeRow(dst, src []uint8, all []taps) {
	for x := range all {
		t := &all[x]
		r, g, b := int32(half), int32(half), int32(half)
		p := src[3*t.first:]
		// Two or three taps are the usual case: enlarged and slightly reduced images.
		switch w := t.weights; len(w) {
		case 2:
			q := (*[6]uint8)(p)
			r += int32(q[0])*w[0] + int32(q[3])*w[1]
			g += int32(q[1])*w[0] + int32(q[4])*w[1]
			b += int32(q[2])*w[0] + int32(q[5])*w[1]
		case 3:
			q := (*[9]uint8)(p)
			r += int32(q[0])*w[0] + int32(q[3])*w[1] + int32(q[6])*w[2]
			g += int32(q[1])*w[0] + int32(q[4])*w[1] + int32(q[7])*w[2]
			b += int32(q[2])*w[0] + int32(q[5])*w[1] + int32(q[8])*w[2]
		default:
			for _, w := range w {
				q := (*[3]uint8)(p)
				r += int32(q[0]) * w
				g += int32(q[1]) * w
				b += int32(q[2]) * w
				p = p[3:]
			}
		}
		d := (*[3]uint8)(dst[3*x:])
		d[0], d[1], d[2] = clip8(r>>weightBits), clip8(g>>weightBits), clip8(b>>weightBits)
	}
}

// resizeColumns scales src along y into dst, n bytes of each row. The first row of src is row top of the axis.
func (s *Scratch) resizeColumns(dst, src plane, n, top int, y axis, interp Interpolation) {
	s.sums = grown(s.sums, n)
	for part := y.part(y.from, interp); part.from < y.to; part = y.part(part.to, interp) {
		s.y.set(part, interp)
		for i := range s.y.taps {
			t := &s.y.taps[i]
			s.sumRows(dst.below(part.from - y.from + i).pix[:n], src.below(t.first-top), t.weights)
		}
	}
}

// sumRows writes the weighted sum of as many rows of src as there are weights.
func (s *Scratch) sumRows(dst []uint8, src plane, w []int32) {
	row := func(k int) []uint8 { return src.pix[k*src.stride:][:len(dst)] }
	switch len(w) {
	case 2:
		a, b := row(0)[:len(dst)], row(1)[:len(dst)]
		w0, w1 := w[0], w[1]
		for i := range dst {
			dst[i] = clip8((half + int32(a[i])*w0 + int32(b[i])*w1) >> weightBits)
		}
	case 3:
		a, b, c := row(0)[:len(dst)], row(1)[:len(dst)], row(2)[:len(dst)]
		w0, w1, w2 := w[0], w[1], w[2]
		for i := range dst {
			dst[i] = clip8((half + int32(a[i])*w0 + int32(b[i])*w1 + int32(c[i])*w2) >> weightBits)
		}
	default:
		sums := s.sums[:len(dst)]
		for i := range sums {
			sums[i] = half
		}
		k := 0
		for ; k+2 <= len(w); k += 2 {
			a, b := row(k)[:len(sums)], row(k + 1)[:len(sums)]
			w0, w1 := w[k], w[k+1]
			for i := range sums {
				sums[i] += int32(a[i])*w0 + int32(b[i])*w1
			}
		}
		for ; k < len(w); k++ {
			a := row(k)[:len(sums)]
			for i := range sums {
				sums[i] += int32(a[i]) * w[k]
			}
		}
		for i, v := range sums {
			dst[i] = clip8(v >> weightBits)
		}
	}
}
