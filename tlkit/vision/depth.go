package vision

import (
	"cmp"
	"image"
)

// samples16 are the values of an image with 16 bits per channel, the high byte first.
type samples16 struct {
	pix           []uint8
	stride        int
	width, height int
	channels      int // 1: grey; 4: colour and opacity, of which the last is ignored
}

// samplesOf returns the values of m if it has 16 bits per channel and colours that are not multiplied by their opacity.
func samplesOf(m image.Image) (samples16, bool) {
	b := m.Bounds()
	s := samples16{width: b.Dx(), height: b.Dy(), channels: 4}
	at := 0
	switch m := m.(type) {
	case *image.Gray16:
		s.pix, s.stride, s.channels, at = m.Pix, m.Stride, 1, m.PixOffset(b.Min.X, b.Min.Y)
	case *image.NRGBA64:
		s.pix, s.stride, at = m.Pix, m.Stride, m.PixOffset(b.Min.X, b.Min.Y)
	case *image.RGBA64:
		if !m.Opaque() {
			return s, false
		}
		s.pix, s.stride, at = m.Pix, m.Stride, m.PixOffset(b.Min.X, b.Min.Y)
	default:
		return s, false
	}
	if s.width == 0 || s.height == 0 {
		return s, false
	}
	s.pix = s.pix[at:]
	return s, true
}

// each calls f with every colour value and its place in an RGB or grey image's Pix.
func (s samples16) each(f func(at int, v uint16)) {
	colours := min(s.channels, 3)
	at := 0
	for y := range s.height {
		row := s.pix[y*s.stride:][:2*s.channels*s.width]
		for len(row) > 0 {
			for c := range colours {
				f(at, uint16(row[2*c])<<8|uint16(row[2*c+1]))
				at++
			}
			row = row[2*s.channels:]
		}
	}
}

// bits returns the least of 8, 10, 12, 14 and 16 that holds all values: the depths that sensors have.
func (s samples16) bits() int {
	var most uint16
	s.each(func(_ int, v uint16) { most = max(most, v) })
	for bits := 8; bits < 16; bits += 2 {
		if most < 1<<bits {
			return bits
		}
	}
	return 16
}

// rgb keeps the highest 8 of the given number of bits; values that need more bits become white.
func (s samples16) rgb(bits int) *Image {
	out := New(s.width, s.height)
	put := func(at int, v uint16) { out.Pix[at] = uint8(min(v>>(bits-8), 255)) }
	if s.channels == 1 {
		put = func(at int, v uint16) {
			g := uint8(min(v>>(bits-8), 255))
			out.Pix[3*at], out.Pix[3*at+1], out.Pix[3*at+2] = g, g, g
		}
	}
	s.each(put)
	return out
}

// from is FromImage for images whose 16-bit values may use fewer bits: bits is as in DecodeOptions, the returned number
// as in Info.
func from(m image.Image, bits int) (*Image, int) {
	s, ok := samplesOf(m)
	if !ok {
		return FromImage(m), 8
	}
	used := s.bits()
	return s.rgb(cmp.Or(bits, used)), used
}
