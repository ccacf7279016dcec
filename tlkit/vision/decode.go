package vision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sync/semaphore"
)

const (
	// MaxDecodeBytes is the memory that all running decoders may take together. An image that alone needs more,
	// according to its header, is refused; others wait until enough memory is free.
	MaxDecodeBytes = 1 << 30
	// MaxFileBytes is the largest image file that is read.
	MaxFileBytes = 256 << 20
)

// ErrFormat is wrapped by the errors about files of no known format.
var ErrFormat = errors.New("not a JPEG, PNG, GIF, BMP, WebP, TIFF or PNM image")

// ErrEmpty is the error about an empty file.
var ErrEmpty = errors.New("vision: the image file is empty")

// decodeMemory is shared by all decoders of the process.
var decodeMemory = semaphore.NewWeighted(MaxDecodeBytes)

// DecodeOptions set how a file becomes pixels. The zero value gives the pixels of torchvision's ImageFolder.
type DecodeOptions struct {
	// Orient rotates and flips the image according to its orientation in EXIF or else XMP (JPEG, PNG and WebP hold
	// one), so that a photograph is upright, as viewers show it. torchvision and Keras don't; a TIFF file is always
	// upright, as Pillow reads it for them.
	Orient bool
	// Bits is the number of bits that the values of a 16-bit image use: 8 to 16. Cameras, scanners and microscopes
	// store 10, 12 or 14 bits in files of 16, which would come out nearly black. 0: the least of 8, 10, 12, 14 and 16
	// that holds the image's largest value. It has no effect on 8-bit images.
	Bits int
}

// Info describes the contents of an image file.
type Info struct {
	Width, Height int    // in pixels, as stored: before Orient rotates them
	Format        string // one of Formats
	// Bits is 8, or for an image of 16-bit values the least of 8, 10, 12, 14 and 16 that holds the largest of them.
	Bits int
}

// Formats returns the names of the formats that are read. Only the decoders of this package's table read them; decoders
// that a program has registered with package image are not used.
func Formats() []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.name
	}
	return names
}

// Decode reads a JPEG, PNG, GIF, BMP, WebP, TIFF or PNM (PBM, PGM, PPM) file, recognised by content. Of several frames
// or pages it takes the first. Transparency is dropped, as in torchvision's ImageFolder. Images beyond MaxDecodeBytes
// are refused before their pixels take memory. For a known format that is not read, the error is an *UnsupportedError.
// At most one DecodeOptions may be given.
func Decode(r io.Reader, opts ...DecodeOptions) (*Image, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("vision: reading an image: %w", err)
	}
	return DecodeBytes(data, opts...)
}

// DecodeFile is [Decode] for a file.
func DecodeFile(path string, opts ...DecodeOptions) (*Image, error) {
	data, err := ReadFile(path)
	if err != nil {
		return nil, err
	}
	m, err := DecodeBytes(data, opts...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// ReadFile returns the bytes of an image file. Of a file in a format that is not read, such as a film, it reads the
// beginning only, and its error is that of Decode.
func ReadFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("vision: %w", err)
	}
	defer f.Close()
	const beginning = 64 << 10
	data, err := io.ReadAll(io.LimitReader(f, beginning))
	if err == nil && len(data) > 0 {
		if _, err := formatOf(data); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		var rest []byte
		rest, err = io.ReadAll(io.LimitReader(f, MaxFileBytes+1-beginning))
		data = append(data, rest...)
	}
	if err != nil {
		return nil, fmt.Errorf("vision: reading an image: %w", err)
	}
	return data, nil
}

// DecodeBytes is [Decode] for a file that is in memory.
func DecodeBytes(data []byte, opts ...DecodeOptions) (*Image, error) {
	m, _, err := DecodeInfo(data, opts...)
	return m, err
}

// DecodeInfo is [DecodeBytes] and also returns the Info of the file.
func DecodeInfo(data []byte, opts ...DecodeOptions) (*Image, Info, error) {
	o, err := oneOption(opts)
	if err != nil {
		return nil, Info{}, err
	}
	f, h, err := readHeader(data)
	if err != nil {
		return nil, Info{}, err
	}
	if err := decodeMemory.Acquire(context.Background(), h.memory); err != nil {
		return nil, Info{}, err
	}
	defer decodeMemory.Release(h.memory)
	m, bits, err := f.pixels(data, o.Bits)
	if err != nil {
		return nil, Info{}, brokenError(f.name, h, err)
	}
	if o.Orient || f.name == "tiff" {
		m = oriented(m, orientation(f.name, data))
	}
	return m, Info{Width: h.width, Height: h.height, Format: f.name, Bits: bits}, nil
}

func oneOption(opts []DecodeOptions) (o DecodeOptions, err error) {
	switch {
	case len(opts) > 1:
		return o, fmt.Errorf("vision: %d DecodeOptions given; expected at most one", len(opts))
	case len(opts) == 1:
		o = opts[0]
	}
	if o.Bits != 0 && (o.Bits < 8 || o.Bits > 16) {
		return o, fmt.Errorf("vision: DecodeOptions.Bits is %d; expected 8 to 16, or 0 for what the image needs", o.Bits)
	}
	return o, nil
}

// DecodeConfig reads only the header: size in pixels and format (one of [Formats]). It refuses the files that
// DecodeBytes refuses for their size or format.
func DecodeConfig(data []byte) (width, height int, format string, err error) {
	f, h, err := readHeader(data)
	return h.width, h.height, f.name, err
}

// DecodeMemory reads only the header: size in pixels, and the memory in bytes that decoding takes at its peak, with the
// pixels that it returns. It refuses what DecodeConfig refuses.
func DecodeMemory(data []byte) (width, height int, memory int64, err error) {
	_, h, err := readHeader(data)
	return h.width, h.height, h.memory, err
}

// readHeader returns the format and the header, and refuses an image that is too large.
func readHeader(data []byte) (format, header, error) {
	switch {
	case len(data) == 0:
		return format{}, header{}, ErrEmpty
	case len(data) > MaxFileBytes:
		return format{}, header{}, fmt.Errorf("vision: %w: the file has more than %d MB", ErrTooLarge, MaxFileBytes>>20)
	}
	f, err := formatOf(data)
	if err != nil {
		return format{}, header{}, err
	}
	h, err := f.safeHeader(data)
	switch {
	case errors.Is(err, ErrTooLarge):
		return format{}, header{}, fmt.Errorf("vision: %w", err)
	case err != nil:
		return format{}, header{}, brokenError(f.name, header{}, err)
	case h.width <= 0 || h.height <= 0:
		return format{}, header{}, fmt.Errorf("vision: the %s image has %d x %d pixels", f.name, h.width, h.height)
	case int64(h.width) > MaxDecodeBytes || int64(h.height) > MaxDecodeBytes || h.bytes() > MaxDecodeBytes:
		return format{}, header{}, fmt.Errorf("vision: %w: %d x %d pixels take %d MB to decode, the limit is %d", ErrTooLarge,
			h.width, h.height, h.bytes()>>20, MaxDecodeBytes>>20)
	}
	h.memory = h.bytes()
	return f, h, nil
}

// brokenError returns the error for a file that its decoder failed on: damaged, or sound and with an unsupported
// feature.
func brokenError(name string, h header, err error) error {
	if _, ok := errors.AsType[*UnsupportedError](err); ok {
		return err
	}
	if feature := unsupportedFeature(err); feature != "" {
		return &UnsupportedError{Format: name, Feature: feature, Advice: "save it anew in the format's usual form, or as PNG"}
	}
	if h.width == 0 {
		return fmt.Errorf("vision: broken image header: %w", err)
	}
	return fmt.Errorf("vision: broken %s image of %d x %d pixels: %w", name, h.width, h.height, err)
}

// matches compares with a magic number, in which "?" stands for any byte.
func matches(data []byte, magic string) bool {
	if len(data) < len(magic) {
		return false
	}
	for i := range len(magic) {
		if magic[i] != '?' && data[i] != magic[i] {
			return false
		}
	}
	return true
}
