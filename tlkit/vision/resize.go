package vision

import (
	"fmt"
	"image"
	"math"
)

// Interpolation names a resampling filter. Both widen when an image is made smaller (antialiasing), as in Pillow.
type Interpolation string

const (
	Bilinear Interpolation = "bilinear" // also what the empty string means
	Bicubic  Interpolation = "bicubic"  // Keys' cubic convolution, a = -0.5
)

// kernel returns the filter and its half width in units of the larger of source and target pixels.
func (i Interpolation) kernel() (func(x float64) float64, float64) {
	switch i {
	case "", Bilinear:
		return func(x float64) float64 { return max(0, 1-math.Abs(x)) }, 1
	case Bicubic:
		const a = -0.5
		return func(x float64) float64 {
			switch x = math.Abs(x); {
			case x < 1:
				return float64(float64((a+2)*x-(a+3))*x*x) + 1
			case x < 2:
				return float64((float64(float64((x-5)*x)+8)*x - 4) * a)
			}
			return 0
		}, 2
	}
	panic(fmt.Sprintf("vision: unknown interpolation %q; use %q or %q", string(i), Bilinear, Bicubic))
}

// Valid returns an error unless i is a known filter or empty.
func (i Interpolation) Valid() error {
	switch i {
	case "", Bilinear, Bicubic:
		return nil
	}
	return fmt.Errorf("vision: unknown interpolation %q; use %q or %q", string(i), Bilinear, Bicubic)
}

// weightBits is the number of fractional bits of the filter weights, as in Pillow, whose rounding is reproduced.
const weightBits = 32 - 8 - 2

// taps are the weights of one output pixel and the first input pixel they belong to.
type taps struct {
	first   int
	weights []int32
}

func filterTaps(in, out int, interp Interpolation) []taps {
	kernel, support := interp.kernel()
	scale := float64(in) / float64(out)
	stretch := max(scale, 1)
	support *= stretch
	all := make([]taps, out)
	width := int(math.Ceil(support))*2 + 1
	buf := make([]int32, out*width)
	w := make([]float64, width)
	for i := range all {
		center := float64((float64(i) + 0.5) * scale)
		lo := max(0, int(center-support+0.5))
		hi := min(in, int(center+support+0.5))
		sum := 0.0
		for x := lo; x < hi; x++ {
			w[x-lo] = kernel((float64(x) - center + 0.5) * (1 / stretch))
			sum += w[x-lo]
		}
		t := taps{first: lo, weights: buf[i*width : i*width+hi-lo]}
		for k := range t.weights {
			v := w[k]
			if sum != 0 {
				v *= 1 / sum
			}
			t.weights[k] = int32(math.Copysign(0.5, v) + float64(v*(1<<weightBits)))
		}
		all[i] = t
	}
	return all
}

// Resize scales m to width x height pixels with Pillow's arithmetic: first along the rows, then along the columns,
// rounded to 8 bits after each. The result equals Pillow's. It panics when a side is not positive or interp is unknown.
//
// golang.org/x/image/draw does not serve here: it rounds otherwise and takes two to three times as long.
func Resize(m *Image, width, height int, interp Interpolation) *Image {
	if width <= 0 || height <= 0 || m.Width <= 0 || m.Height <= 0 {
		panic(fmt.Sprintf("vision: cannot resize %d x %d to %d x %d pixels", m.Width, m.Height, width, height))
	}
	if m.Width == width && m.Height == height {
		return m.Clone()
	}
	if width != m.Width {
		m = resizeRows(m, width, interp)
	}
	if height != m.Height {
		m = resizeColumns(m, height, interp)
	}
	return m
}

func resizeRows(m *Image, width int, interp Interpolation) *Image {
	all := filterTaps(m.Width, width, interp)
	out := New(width, m.Height)
	for y := range m.Height {
		src := m.Pix[3*y*m.Width : 3*(y+1)*m.Width]
		dst := out.Pix[3*y*width : 3*(y+1)*width]
		for x := range all {
			t := &all[x]
			const half = 1 << (weightBits - 1)
			r, g, b := int32(half), int32(half), int32(half)
			p := src[3*t.first:]
			for _, w := range t.weights {
				q := p[:3:3]
				r += int32(q[0]) * w
				g += int32(q[1]) * w
				b += int32(q[2]) * w
				p = p[3:]
			}
			d := dst[3*x : 3*x+3 : 3*x+3]
			d[0], d[1], d[2] = clip8(r>>weightBits), clip8(g>>weightBits), clip8(b>>weightBits)
		}
	}
	return out
}

func resizeColumns(m *Image, height int, interp Interpolation) *Image {
	all := filterTaps(m.Height, height, interp)
	out := New(m.Width, height)
	n := 3 * m.Width
	sum := make([]int32, n)
	for y := range all {
		for i := range sum {
			sum[i] = 1 << (weightBits - 1)
		}
		for k, w := range all[y].weights {
			row := m.Pix[(all[y].first+k)*n:][:n]
			for i, v := range row {
				sum[i] += int32(v) * w
			}
		}
		dst := out.Pix[y*n:][:n]
		for i, v := range sum {
			dst[i] = clip8(v >> weightBits)
		}
	}
	return out
}

// ResizeShorter scales m so that its shorter side has size pixels and the longer one keeps the ratio, rounded down, as
// torchvision's Resize(size) does.
func ResizeShorter(m *Image, size int, interp Interpolation) *Image {
	if m.Width <= m.Height {
		return Resize(m, size, longer(size, m.Height, m.Width), interp)
	}
	return Resize(m, longer(size, m.Width, m.Height), size, interp)
}

// longer is int(size * long / short) in floating point, as torchvision computes it.
func longer(size, long, short int) int {
	return int(float64(size*long) / float64(short))
}

// Crop copies the part r of m, with r in pixels from the top left corner. What lies outside of m is black.
func Crop(m *Image, r image.Rectangle) *Image {
	out := New(r.Dx(), r.Dy())
	in := r.Intersect(image.Rect(0, 0, m.Width, m.Height))
	for y := in.Min.Y; y < in.Max.Y; y++ {
		copy(out.Pix[3*((y-r.Min.Y)*out.Width+in.Min.X-r.Min.X):], m.Pix[3*(y*m.Width+in.Min.X):3*(y*m.Width+in.Max.X)])
	}
	return out
}

// CenterCrop cuts width x height pixels out of the middle of m; where m is smaller it is surrounded by black, as
// torchvision's CenterCrop does.
func CenterCrop(m *Image, width, height int) *Image {
	x, y := centerOffset(m.Width, width), centerOffset(m.Height, height)
	return Crop(m, image.Rect(x, y, x+width, y+height))
}

// centerOffset rounds halves to even when it cuts, as Python's round does, and downwards when it pads.
func centerOffset(have, want int) int {
	if want > have {
		return -((want - have) / 2)
	}
	return int(math.RoundToEven(float64(have-want) / 2))
}

// ResizedCrop cuts r out of m and scales it to size x size pixels.
func ResizedCrop(m *Image, r image.Rectangle, size int, interp Interpolation) *Image {
	return Resize(Crop(m, r), size, size, interp)
}

// FlipHorizontal mirrors m, left to right.
func FlipHorizontal(m *Image) *Image {
	out := New(m.Width, m.Height)
	for y := range m.Height {
		src := m.Pix[3*y*m.Width : 3*(y+1)*m.Width]
		dst := out.Pix[3*y*m.Width : 3*(y+1)*m.Width]
		for i, j := 0, len(dst)-3; j >= 0; i, j = i+3, j-3 {
			copy(dst[j:j+3], src[i:i+3])
		}
	}
	return out
}
