package vision

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // register the format
	_ "image/jpeg"
	_ "image/png"
	"io"
	"os"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/webp"
)

const (
	// MaxPixels is the largest image that is decoded, width times height; it is the size at which Pillow warns of a
	// "decompression bomb".
	MaxPixels = 1 << 30 / 4 / 3
	// MaxFileBytes is the largest image file that is read.
	MaxFileBytes = 256 << 20
)

// ErrTooLarge is wrapped by the errors about images and files beyond MaxPixels and MaxFileBytes.
var ErrTooLarge = errors.New("image is too large")

// Decode reads a JPEG, PNG, GIF (its first frame), BMP or WebP file, told apart by content. Orientation tags are
// ignored and transparency is dropped, as in torchvision's ImageFolder. Images beyond MaxPixels are refused before their
// pixels take memory.
func Decode(r io.Reader) (*Image, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("vision: reading an image: %w", err)
	}
	return DecodeBytes(data)
}

// DecodeFile is Decode for a file.
func DecodeFile(path string) (*Image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("vision: %w", err)
	}
	defer f.Close()
	m, err := Decode(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// DecodeBytes is Decode for a file that is in memory.
func DecodeBytes(data []byte) (*Image, error) {
	width, height, format, err := DecodeConfig(data)
	if err != nil {
		return nil, err
	}
	m, err := decodeImage(data)
	if err != nil {
		return nil, fmt.Errorf("vision: broken %s image of %d x %d pixels: %w", format, width, height, err)
	}
	switch format {
	case "gif":
		if m.Bounds() != image.Rect(0, 0, width, height) {
			return place(FromImage(m), m.Bounds().Min, width, height), nil
		}
	case "webp":
		// A WebP file holds studio-range luminance (16 to 235), which image.YCbCr cannot say.
		switch y := m.(type) {
		case *image.YCbCr:
			out := New(width, height)
			convertYCbCr(out, y, studio)
			return out, nil
		case *image.NYCbCrA:
			out := New(width, height)
			convertYCbCr(out, &y.YCbCr, studio)
			return out, nil
		}
	}
	return FromImage(m), nil
}

// DecodeConfig reads only the header: size in pixels and format ("jpeg", "png", "gif", "bmp" or "webp"). It refuses what
// DecodeBytes refuses for its size or format.
func DecodeConfig(data []byte) (width, height int, format string, err error) {
	switch {
	case len(data) == 0:
		return 0, 0, "", errors.New("vision: the image file is empty")
	case len(data) > MaxFileBytes:
		return 0, 0, "", fmt.Errorf("vision: %w: the file has more than %d MB", ErrTooLarge, MaxFileBytes>>20)
	}
	c, format, err := image.DecodeConfig(bytes.NewReader(data))
	switch {
	case errors.Is(err, image.ErrFormat):
		return 0, 0, "", fmt.Errorf("vision: not a JPEG, PNG, GIF, BMP or WebP image (it begins with %q)", data[:min(len(data), 8)])
	case err != nil:
		return 0, 0, "", fmt.Errorf("vision: broken image header: %w", err)
	case c.Width <= 0 || c.Height <= 0:
		return 0, 0, "", fmt.Errorf("vision: the %s image has %d x %d pixels", format, c.Width, c.Height)
	case int64(c.Width)*int64(c.Height) > MaxPixels:
		return 0, 0, "", fmt.Errorf("vision: %w: %d x %d pixels, the limit is %d million in all", ErrTooLarge, c.Width, c.Height, MaxPixels/1_000_000)
	}
	return c.Width, c.Height, format, nil
}

// decodeImage turns a panic of a decoder into an error: a data set is foreign input, and one file must not end a run.
func decodeImage(data []byte) (m image.Image, err error) {
	defer func() {
		if p := recover(); p != nil {
			m, err = nil, fmt.Errorf("the decoder failed: %v", p)
		}
	}()
	m, _, err = image.Decode(bytes.NewReader(data))
	return m, err
}

// place puts m at p on a black canvas: the first frame of a GIF may be smaller than the GIF.
func place(m *Image, p image.Point, width, height int) *Image {
	out := New(width, height)
	for y := range m.Height {
		if y+p.Y < 0 || y+p.Y >= height || p.X < 0 || p.X+m.Width > width {
			continue
		}
		copy(out.Pix[3*((y+p.Y)*width+p.X):], m.Pix[3*y*m.Width:3*(y+1)*m.Width])
	}
	return out
}
