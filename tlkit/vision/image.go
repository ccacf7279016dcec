package vision

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
)

// Image is an 8-bit RGB image. Pix holds 3 bytes per pixel (red, green, blue; 0 to 255), rows from top to bottom
// without gaps, so that len(Pix) == 3*Width*Height.
type Image struct {
	Width, Height int
	Pix           []uint8
}

// Check returns an error unless m has a pixel at least, and 3 bytes for each. Functions of this package trust it;
// those that take images of a user's check them first.
func (m *Image) Check() error {
	switch {
	case m == nil:
		return errors.New("the image is nil; read one with vision.DecodeFile or take it from a data set")
	case m.Width < 1 || m.Height < 1:
		return fmt.Errorf("the image is of %d x %d pixels; expected 1 at least", m.Width, m.Height)
	case len(m.Pix)%m.Width != 0 || len(m.Pix)/m.Width%m.Height != 0 || len(m.Pix)/m.Width/m.Height != 3:
		return fmt.Errorf("the image of %d x %d pixels has %d bytes; expected 3 for each pixel: red, green and blue; vision.FromImage makes them of an image.RGBA",
			m.Width, m.Height, len(m.Pix))
	}
	return nil
}

// New returns a black image. It panics when a side is negative.
func New(width, height int) *Image {
	if width < 0 || height < 0 {
		panic(fmt.Sprintf("vision: image of %d x %d pixels", width, height))
	}
	return &Image{Width: width, Height: height, Pix: make([]uint8, 3*width*height)}
}

// FromImage copies m. Transparency is dropped as Pillow's convert("RGB") does: the colour that is stored
// under it stays.
func FromImage(m image.Image) *Image {
	b := m.Bounds()
	out := New(b.Dx(), b.Dy())
	switch m := m.(type) {
	case *image.YCbCr:
		convertYCbCr(out, m, jfif)
	case *image.NYCbCrA:
		convertYCbCr(out, &m.YCbCr, jfif)
	case *image.Gray:
		for y := range out.Height {
			row := m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):]
			dst := out.Pix[3*y*out.Width:]
			for x, v := range row[:out.Width] {
				dst[3*x], dst[3*x+1], dst[3*x+2] = v, v, v
			}
		}
	case *image.NRGBA:
		copyRGBX(out, m.Pix[m.PixOffset(b.Min.X, b.Min.Y):], m.Stride)
	case *image.Paletted:
		pal := make([][3]uint8, len(m.Palette))
		for i, c := range m.Palette {
			pal[i] = straight(c)
		}
		for y := range out.Height {
			row := m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):]
			dst := out.Pix[3*y*out.Width:]
			for x, v := range row[:out.Width] {
				if int(v) < len(pal) {
					dst[3*x], dst[3*x+1], dst[3*x+2] = pal[v][0], pal[v][1], pal[v][2]
				}
			}
		}
	case *image.RGBA:
		if !m.Opaque() {
			fromAny(out, m)
			break
		}
		copyRGBX(out, m.Pix[m.PixOffset(b.Min.X, b.Min.Y):], m.Stride)
	case *image.CMYK:
		rgba := image.NewRGBA(b)
		draw.Draw(rgba, b, m, b.Min, draw.Src)
		copyRGBX(out, rgba.Pix, rgba.Stride)
	default:
		fromAny(out, m)
	}
	return out
}

// fromAny converts pixel by pixel, whatever the colour model.
func fromAny(out *Image, m image.Image) {
	b := m.Bounds()
	i := 0
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := straight(m.At(x, y))
			copy(out.Pix[i:i+3], c[:])
			i += 3
		}
	}
}

// straight returns the colour without its transparency.
func straight(c color.Color) [3]uint8 {
	switch c := c.(type) {
	case color.RGBA:
		if c.A == 0xff {
			return [3]uint8{c.R, c.G, c.B}
		}
	case color.NRGBA64:
		return [3]uint8{uint8(c.R >> 8), uint8(c.G >> 8), uint8(c.B >> 8)}
	}
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	return [3]uint8{n.R, n.G, n.B}
}

// copyRGBX copies the first three of every four bytes.
func copyRGBX(out *Image, pix []uint8, stride int) {
	for y := range out.Height {
		src := pix[y*stride:]
		dst := out.Pix[3*y*out.Width : 3*(y+1)*out.Width]
		for len(dst) >= 3 {
			dst[0], dst[1], dst[2] = src[0], src[1], src[2]
			dst, src = dst[3:], src[4:]
		}
	}
}

// ToImage copies the pixels into an opaque image of the standard library.
func (m *Image) ToImage() *image.NRGBA {
	out := image.NewNRGBA(image.Rect(0, 0, m.Width, m.Height))
	for i, j := 0, 0; i+3 <= len(m.Pix); i, j = i+3, j+4 {
		out.Pix[j], out.Pix[j+1], out.Pix[j+2], out.Pix[j+3] = m.Pix[i], m.Pix[i+1], m.Pix[i+2], 0xff
	}
	return out
}

// Clone returns a copy that shares nothing with m.
func (m *Image) Clone() *Image {
	return &Image{Width: m.Width, Height: m.Height, Pix: append([]uint8(nil), m.Pix...)}
}

// whole is the rectangle of all pixels of m.
func whole(m *Image) image.Rectangle { return image.Rect(0, 0, m.Width, m.Height) }
