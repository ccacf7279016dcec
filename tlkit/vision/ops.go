package vision

import "math"

// The operations of RandAugment and TrivialAugment equal Pillow's, which torchvision calls for them, to the byte. Each
// returns a new image; the methods of the same names take its memory from a Scratch.

// perByte applies one table to all bytes.
func (s *Scratch) perByte(m *Image, f func(v int) int) *Image {
	var table [256]uint8
	for v := range table {
		table[v] = uint8(min(max(f(v), 0), 255))
	}
	out := s.image(m.Width, m.Height)
	for i, v := range m.Pix {
		out.Pix[i] = table[v]
	}
	return out
}

// perChannel applies a table to each channel, made from its histogram.
func (s *Scratch) perChannel(m *Image, table func(histogram *[256]int) [256]uint8) *Image {
	var histogram [3][256]int
	for i, v := range m.Pix {
		histogram[i%3][v]++
	}
	var tables [3][256]uint8
	for c := range tables {
		tables[c] = table(&histogram[c])
	}
	out := s.image(m.Width, m.Height)
	for i, v := range m.Pix {
		out.Pix[i] = tables[i%3][v]
	}
	return out
}

func identityTable() (t [256]uint8) {
	for v := range t {
		t[v] = uint8(v)
	}
	return t
}

// Posterize keeps the highest bits (0 to 8) of every byte, as Pillow's ImageOps.posterize.
func Posterize(m *Image, bits int) *Image { return new(Scratch).posterize(m, bits).detached() }

func (s *Scratch) posterize(m *Image, bits int) *Image {
	mask := 0xff &^ (1<<(8-bits) - 1)
	return s.perByte(m, func(v int) int { return v & mask })
}

// Solarize inverts every byte of at least threshold, as Pillow's ImageOps.solarize.
func Solarize(m *Image, threshold float64) *Image {
	return new(Scratch).solarize(m, threshold).detached()
}

func (s *Scratch) solarize(m *Image, threshold float64) *Image {
	return s.perByte(m, func(v int) int {
		if float64(v) < threshold {
			return v
		}
		return 255 - v
	})
}

// AutoContrast stretches each channel to the whole range of 0 to 255, as Pillow's ImageOps.autocontrast without cutoff.
func AutoContrast(m *Image) *Image { return new(Scratch).autoContrast(m).detached() }

func (s *Scratch) autoContrast(m *Image) *Image {
	return s.perChannel(m, func(histogram *[256]int) [256]uint8 {
		low, high := 0, 255
		for low < 255 && histogram[low] == 0 {
			low++
		}
		for high > 0 && histogram[high] == 0 {
			high--
		}
		t := identityTable()
		if high <= low {
			return t
		}
		scale := 255 / float64(high-low)
		offset := float64(-low) * scale
		for v := range t {
			t[v] = uint8(min(max(int(float64(v)*scale+offset), 0), 255))
		}
		return t
	})
}

// Equalize gives each channel a flat histogram, as Pillow's ImageOps.equalize.
func Equalize(m *Image) *Image { return new(Scratch).equalize(m).detached() }

func (s *Scratch) equalize(m *Image) *Image {
	return s.perChannel(m, func(histogram *[256]int) [256]uint8 {
		t := identityTable()
		sum, last, kinds := 0, 0, 0
		for _, n := range histogram {
			if n > 0 {
				sum, last, kinds = sum+n, n, kinds+1
			}
		}
		step := (sum - last) / 255
		if kinds <= 1 || step == 0 {
			return t
		}
		n := step / 2
		for v := range t {
			t[v] = uint8(min(n/step, 255))
			n += histogram[v]
		}
		return t
	})
}

// blend is Pillow's Image.blend: from other (factor 0) to m (1) and beyond, in single precision, fractions cut off.
func (s *Scratch) blend(m *Image, other func(i int) uint8, factor float64) *Image {
	out := s.image(m.Width, m.Height)
	f := float32(factor)
	for i, v := range m.Pix {
		o := other(i)
		// Two roundings, as the C code has; a fused multiply-add would have one.
		step := f * float32(int(v)-int(o))
		out.Pix[i] = uint8(min(max(float32(o)+step, 0), 255))
	}
	return out
}

// Brightness multiplies by factor: 0 is black, 1 the image itself (Pillow's ImageEnhance.Brightness).
func Brightness(m *Image, factor float64) *Image {
	return new(Scratch).brightness(m, factor).detached()
}

func (s *Scratch) brightness(m *Image, factor float64) *Image {
	return s.blend(m, func(int) uint8 { return 0 }, factor)
}

// luma is Pillow's conversion of a pixel to grey (ITU-R 601-2, 16-bit fixed point).
func luma(p []uint8) uint8 {
	return uint8((int(p[0])*19595 + int(p[1])*38470 + int(p[2])*7471 + 0x8000) >> 16)
}

// saturation blends with the grey image: 0 is grey, 1 the image itself (Pillow's ImageEnhance.Color).
func (s *Scratch) saturation(m *Image, factor float64) *Image {
	return s.blend(m, func(i int) uint8 { return luma(m.Pix[i-i%3 : i-i%3+3]) }, factor)
}

// Contrast blends with the mean grey: 0 is that grey, 1 the image itself (Pillow's ImageEnhance.Contrast).
func Contrast(m *Image, factor float64) *Image { return new(Scratch).contrast(m, factor).detached() }

func (s *Scratch) contrast(m *Image, factor float64) *Image {
	sum := 0
	for i := 0; i+3 <= len(m.Pix); i += 3 {
		sum += int(luma(m.Pix[i : i+3]))
	}
	mean := uint8(float64(sum)/float64(max(1, m.Width*m.Height)) + 0.5)
	return s.blend(m, func(int) uint8 { return mean }, factor)
}

// Sharpness blends with the smoothed image: 0 is the smoothed image, 1 the image itself (Pillow's
// ImageEnhance.Sharpness).
func Sharpness(m *Image, factor float64) *Image { return new(Scratch).sharpness(m, factor).detached() }

func (s *Scratch) sharpness(m *Image, factor float64) *Image {
	smooth := s.smoothed(m)
	return s.blend(m, func(i int) uint8 { return smooth.Pix[i] }, factor)
}

// smoothed is Pillow's ImageFilter.SMOOTH: 3 x 3, the centre weighing 5 and the others 1; the border stays.
func (s *Scratch) smoothed(m *Image) *Image {
	out := s.image(m.Width, m.Height)
	copy(out.Pix, m.Pix)
	row := 3 * m.Width
	for y := 1; y < m.Height-1; y++ {
		for i := y*row + 3; i < (y+1)*row-3; i++ {
			sum := 4 * int(m.Pix[i])
			for _, up := range [3]int{-row, 0, row} {
				sum += int(m.Pix[i+up-3]) + int(m.Pix[i+up]) + int(m.Pix[i+up+3])
			}
			out.Pix[i] = uint8((2*sum + 13) / 26) // sum/13, rounded
		}
	}
	return out
}

// affine takes the pixel (x, y) of the result from (a x + b y + c, d x + e y + f) of m, both at pixel centres, nearest
// neighbour, black outside: Pillow's Image.transform in its 16-bit fixed point.
func (s *Scratch) affine(m *Image, a, b, c, d, e, f float64) *Image {
	fix := func(v float64) int { return int(math.Floor(v*65536 + 0.5)) }
	out := s.image(m.Width, m.Height)
	clear(out.Pix)
	ax, bx, ay, by := fix(a), fix(b), fix(d), fix(e)
	rowX, rowY := fix(c+a*0.5+b*0.5), fix(f+d*0.5+e*0.5)
	for y := range m.Height {
		px, py := rowX, rowY
		for x := range m.Width {
			if u, v := px>>16, py>>16; u >= 0 && u < m.Width && v >= 0 && v < m.Height {
				copy(out.Pix[3*(y*m.Width+x):][:3], m.Pix[3*(v*m.Width+u):][:3])
			}
			px, py = px+ax, py+ay
		}
		rowX, rowY = rowX+bx, rowY+by
	}
	return out
}

// ShearX slants m by slope pixels to the left per row, from its upper left corner; black comes in.
func ShearX(m *Image, slope float64) *Image { return new(Scratch).shearX(m, slope).detached() }

func (s *Scratch) shearX(m *Image, slope float64) *Image { return s.affine(m, 1, slope, 0, 0, 1, 0) }

// ShearY is the vertical [ShearX].
func ShearY(m *Image, slope float64) *Image { return new(Scratch).shearY(m, slope).detached() }

func (s *Scratch) shearY(m *Image, slope float64) *Image { return s.affine(m, 1, 0, 0, slope, 1, 0) }

// translate shifts m to the right and down by whole pixels; black comes in.
func (s *Scratch) translate(m *Image, right, down int) *Image {
	return s.affine(m, 1, 0, float64(-right), 0, 1, float64(-down))
}

// Rotate rotates m counter-clockwise around its centre; black comes in at the corners.
func Rotate(m *Image, degrees float64) *Image { return new(Scratch).rotate(m, degrees).detached() }

func (s *Scratch) rotate(m *Image, degrees float64) *Image {
	round := func(v float64) float64 { return math.RoundToEven(v*1e15) / 1e15 }
	angle := -math.Mod(degrees+360, 360) * math.Pi / 180
	cos, sin := round(math.Cos(angle)), round(math.Sin(angle))
	cx, cy := float64(m.Width)/2, float64(m.Height)/2
	return s.affine(m, cos, sin, -cx*cos-cy*sin+cx, -sin, cos, cx*sin-cy*cos+cy)
}
