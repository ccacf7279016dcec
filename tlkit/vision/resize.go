package vision

import (
	"fmt"
	"image"
	"math"
)

// Interpolation names a resampling filter. All but Nearest widen when an image is made smaller (antialiasing), as in
// Pillow.
type Interpolation string

const (
	Bilinear Interpolation = "bilinear" // also what the empty string means
	Bicubic  Interpolation = "bicubic"  // Keys' cubic convolution, a = -0.5
	Lanczos  Interpolation = "lanczos"  // a sinc within three zeros of another
	Nearest  Interpolation = "nearest"  // one input pixel for each output pixel
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
	case Lanczos:
		return func(x float64) float64 {
			if x < -3 || x >= 3 {
				return 0
			}
			return sinc(x) * sinc(x/3)
		}, 3
	case Nearest: // see axis.nearest
		return nil, 0
	}
	panic(i.unknown())
}

// sinc is sin(πx)/(πx).
func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	x *= math.Pi
	return math.Sin(x) / x
}

// Valid returns an error unless i is a known filter or empty.
func (i Interpolation) Valid() error {
	switch i {
	case "", Bilinear, Bicubic, Lanczos, Nearest:
		return nil
	}
	return i.unknown()
}

func (i Interpolation) unknown() error {
	return fmt.Errorf("vision: unknown interpolation %q; use %q, %q, %q or %q", string(i), Bilinear, Bicubic, Lanczos, Nearest)
}

// Resize scales m to width x height pixels with Pillow's arithmetic: first along the rows, then along the columns,
// rounded to 8 bits after each. The result equals Pillow's. It panics when a side is not positive or interp is unknown.
//
// golang.org/x/image/draw is not used: it rounds differently and takes two to three times as long.
func Resize(m *Image, width, height int, interp Interpolation) *Image {
	return new(Scratch).resize(m, whole(m), width, height, image.Rect(0, 0, width, height), interp).detached()
}

// ResizeShorter scales m so that its shorter side has size pixels and the longer one keeps the ratio, rounded down, as
// torchvision's Resize(size) does.
func ResizeShorter(m *Image, size int, interp Interpolation) *Image {
	width, height := shorterTo(m.Width, m.Height, size)
	return Resize(m, width, height, interp)
}

// shorterTo returns the size of ResizeShorter's result for an image of width x height pixels.
func shorterTo(width, height, size int) (int, int) {
	if width <= height {
		return size, longer(size, height, width)
	}
	return longer(size, width, height), size
}

// longer is int(size * long / short) in floating point, as torchvision computes it.
func longer(size, long, short int) int {
	return int(float64(size*long) / float64(short))
}

// Crop copies the part r of m, with r in pixels from the top left corner. Pixels outside of m are black.
func Crop(m *Image, r image.Rectangle) *Image { return new(Scratch).crop(m, r).detached() }

func (s *Scratch) crop(m *Image, r image.Rectangle) *Image {
	out := s.image(r.Dx(), r.Dy())
	in := r.Intersect(whole(m))
	if in != r {
		clear(out.Pix)
	}
	for y := in.Min.Y; y < in.Max.Y; y++ {
		copy(out.Pix[3*((y-r.Min.Y)*out.Width+in.Min.X-r.Min.X):], m.Pix[3*(y*m.Width+in.Min.X):3*(y*m.Width+in.Max.X)])
	}
	return out
}

// CenterCrop cuts width x height pixels out of the middle of m; where m is smaller, black surrounds it, as
// torchvision's CenterCrop does.
func CenterCrop(m *Image, width, height int) *Image {
	return Crop(m, center(m.Width, m.Height, width, height))
}

// center returns the part of an image of haveW x haveH pixels that CenterCrop cuts out.
func center(haveW, haveH, width, height int) image.Rectangle {
	x, y := centerOffset(haveW, width), centerOffset(haveH, height)
	return image.Rect(x, y, x+width, y+height)
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
	return new(Scratch).resizedCrop(m, r, size, size, interp).detached()
}

func (s *Scratch) resizedCrop(m *Image, r image.Rectangle, width, height int, interp Interpolation) *Image {
	if !r.In(whole(m)) {
		m = s.crop(m, r)
		r = whole(m)
	}
	return s.resize(m, r, width, height, image.Rect(0, 0, width, height), interp)
}

// FlipHorizontal mirrors m, left to right.
func FlipHorizontal(m *Image) *Image { return new(Scratch).flip(m).detached() }

func (s *Scratch) flip(m *Image) *Image {
	out := s.image(m.Width, m.Height)
	for y := range m.Height {
		src := m.Pix[3*y*m.Width : 3*(y+1)*m.Width]
		dst := out.Pix[3*y*m.Width : 3*(y+1)*m.Width]
		for len(src) >= 3 {
			d := dst[len(dst)-3 : len(dst) : len(dst)]
			d[0], d[1], d[2] = src[0], src[1], src[2]
			src, dst = src[3:], dst[:len(dst)-3]
		}
	}
	return out
}
