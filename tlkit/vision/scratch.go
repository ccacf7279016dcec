package vision

import (
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
	if width, height := p.resized(m); width != m.Width || height != m.Height {
		part := image.Rect(0, 0, width, height)
		if cut := center(width, height, p.Crop, p.Crop); p.Crop > 0 && cut.In(part) {
			return s.resize(m, whole(m), width, height, cut, p.Interpolation) // only the pixels that stay
		}
		m = s.resize(m, whole(m), width, height, part, p.Interpolation)
	}
	if p.Crop > 0 && (m.Width != p.Crop || m.Height != p.Crop) {
		m = s.crop(m, center(m.Width, m.Height, p.Crop, p.Crop))
	}
	return m
}

// ApplyAugmented is [Preprocess.ApplyAugmented].
func (s *Scratch) ApplyAugmented(p Preprocess, a Augment, rng *rand.Rand, m *Image) *Image {
	if !a.ResizedCrop {
		m = s.Apply(p, m)
	}
	size := p.Crop
	if size == 0 {
		size = p.Resize
	}
	return s.Augment(a, rng, m, size, p.Interpolation)
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

// set computes the weights of the output pixels with the indices from to to-1, for an axis of in input and out output
// pixels.
func (f *filter) set(in, out, from, to int, interp Interpolation) {
	kernel, support := interp.kernel()
	scale := float64(in) / float64(out)
	stretch := max(scale, 1)
	support *= stretch
	width := int(math.Ceil(support))*2 + 1
	f.taps, f.buf, f.weight = grown(f.taps, to-from), grown(f.buf, (to-from)*width), grown(f.weight, width)
	w := f.weight
	for i := range f.taps {
		center := float64((float64(from+i) + 0.5) * scale)
		lo := max(0, int(center-support+0.5))
		hi := min(in, int(center+support+0.5))
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

// resize scales the part from of m to width x height pixels, but computes only the part want of the result.
func (s *Scratch) resize(m *Image, from image.Rectangle, width, height int, want image.Rectangle, interp Interpolation) *Image {
	if width <= 0 || height <= 0 || from.Empty() {
		panic(fmt.Sprintf("vision: cannot resize %d x %d to %d x %d pixels", from.Dx(), from.Dy(), width, height))
	}
	if from.Dx() == width && from.Dy() == height {
		return s.crop(m, want.Add(from.Min))
	}
	stride := 3 * m.Width
	top, bottom := want.Min.Y, want.Max.Y // the rows of from that are needed
	if from.Dy() != height {
		s.y.set(from.Dy(), height, want.Min.Y, want.Max.Y, interp)
		top = s.y.taps[0].first
		last := s.y.taps[len(s.y.taps)-1]
		bottom = last.first + len(last.weights)
	}
	src := m.Pix[(from.Min.Y+top)*stride:][:(bottom-top)*stride]
	out := s.image(want.Dx(), want.Dy())
	if from.Dx() != width {
		s.x.set(from.Dx(), width, want.Min.X, want.Max.X, interp)
		rows := out.Pix
		if from.Dy() != height {
			s.rows = grown(s.rows, (bottom-top)*3*out.Width)
			rows = s.rows
		}
		for y := range bottom - top {
			resizeRow(rows[y*3*out.Width:][:3*out.Width], src[y*stride+3*from.Min.X:][:3*from.Dx()], s.x.taps)
		}
		if from.Dy() == height {
			return out
		}
		src, stride = rows, 3*out.Width
	} else {
		src = src[3*(from.Min.X+want.Min.X):]
	}
	s.resizeColumns(out, src, stride, top)
	return out
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

// resizeColumns computes the rows of out from those of src, whose first row is row top of the filter's input.
func (s *Scratch) resizeColumns(out *Image, src []uint8, stride, top int) {
	n := 3 * out.Width
	s.sums = grown(s.sums, n)
	for y := range s.y.taps {
		t := s.y.taps[y]
		row := func(k int) []uint8 { return src[(t.first-top+k)*stride:][:n] }
		dst := out.Pix[y*n:][:n]
		switch w := t.weights; len(w) {
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
}
