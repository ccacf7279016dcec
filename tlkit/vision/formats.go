package vision

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"slices"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// format is one row of the table of decoders. The global registry of package image is not used: its formats depend on
// the packages that a program happens to link (gonum's plots bring a TIFF decoder along).
type format struct {
	name   string
	magic  []string // "?" stands for any byte
	header func(data []byte) (header, error)
	// decode returns the pixels; bits as in DecodeOptions and Info.
	decode func(data []byte, bits int) (*Image, int, error)
}

var formats = []format{
	{"jpeg", []string{"\xff\xd8\xff"}, jpegHeader, jpegPixels},
	{"png", []string{"\x89PNG\r\n\x1a\n"}, pngHeader, pngPixels},
	{"gif", []string{"GIF87a", "GIF89a"}, gifHeader, gifPixels},
	{"bmp", bmpMagic, plainHeader(bmp.DecodeConfig, 4), through(bmp.Decode)},
	{"webp", []string{"RIFF????WEBP"}, webpHeader, webpPixels},
	{"tiff", []string{"II*\x00", "MM\x00*"}, tiffHeader, tiffPixels},
	{"pnm", pnmMagic, pnmHeader, pnmPixels},
}

// bmpMagic are the beginnings of BMP files: "BM", sizes and two numbers that are not used, which some programs don't
// leave 0, and the size of one of the headers that there are.
var bmpMagic = []string{
	"BM????????????\x0c\x00\x00\x00", "BM????????????\x28\x00\x00\x00", "BM????????????\x34\x00\x00\x00", "BM????????????\x38\x00\x00\x00",
	"BM????????????\x40\x00\x00\x00", "BM????????????\x6c\x00\x00\x00", "BM????????????\x7c\x00\x00\x00",
	"BM????\x00\x00\x00\x00",
}

// safeHeader converts a panic of a decoder to an error: a data set is foreign input, and one file must not end a run.
func (f format) safeHeader(data []byte) (h header, err error) {
	defer recovered(&err)
	return f.header(data)
}

// pixels is decode with a panic converted to an error.
func (f format) pixels(data []byte, bits int) (m *Image, had int, err error) {
	defer recovered(&err)
	return f.decode(data, bits)
}

func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("the decoder failed: %v", p)
	}
}

// plainHeader is for decoders whose own image takes own bytes per pixel.
func plainHeader(config func(io.Reader) (image.Config, error), own int) func([]byte) (header, error) {
	return func(data []byte) (header, error) {
		c, err := config(bytes.NewReader(data))
		return header{width: c.Width, height: c.Height, perPixel: own + 3}, err
	}
}

// through is for decoders whose results need no correction.
func through(decode func(io.Reader) (image.Image, error)) func([]byte, int) (*Image, int, error) {
	return func(data []byte, bits int) (*Image, int, error) {
		m, err := decode(bytes.NewReader(data))
		if err != nil {
			return nil, 0, err
		}
		out, bits := from(m, bits)
		return out, bits, nil
	}
}

// modelBytes is the size of a pixel in the standard library's image of that colour model.
func modelBytes(m color.Model) int {
	switch m {
	case color.GrayModel:
		return 1
	case color.Gray16Model:
		return 2
	case color.RGBA64Model, color.NRGBA64Model:
		return 8
	}
	if _, ok := m.(color.Palette); ok {
		return 1
	}
	return 4
}

// pngHeader counts the memory of an interlaced image one and a half times: each pass is an image of its own.
func pngHeader(data []byte) (header, error) {
	c, err := png.DecodeConfig(bytes.NewReader(data))
	own := modelBytes(c.ColorModel)
	if len(data) > 28 && data[28] != 0 {
		own += (own + 1) / 2
	}
	return header{width: c.Width, height: c.Height, perPixel: own + 3}, err
}

// pngPixels reads files that lack the end chunk, or have more data than pixels, as libpng does. Files that lack pixels
// still give an error.
func pngPixels(data []byte, bits int) (*Image, int, error) {
	const end = "\x00\x00\x00\x00IEND\xaeB`\x82"
	out, used, err := through(png.Decode)(data, bits)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		out, used, err = through(png.Decode)(append(slices.Clip(data), end...), bits)
	}
	if errors.Is(err, png.FormatError("too much pixel data")) {
		if again := withoutSurplus(data); again != nil {
			if m, bits, e := through(png.Decode)(again, bits); e == nil {
				return m, bits, nil
			}
		}
	}
	return out, used, err
}

// withoutSurplus returns a PNG file with the data of its pixels and none behind them, nil if it lacks some.
func withoutSurplus(data []byte) []byte {
	const magic = 8
	var kept, packed [][]byte // chunks before the end, without those of pixels, and the latter
	for at := magic; at+12 <= len(data); {
		size := int(binary.BigEndian.Uint32(data[at:]))
		if size > len(data)-at-12 {
			return nil
		}
		chunk := data[at : at+12+size]
		switch kind := string(chunk[4:8]); {
		case kind == "IDAT":
			packed = append(packed, chunk[8:8+size])
		case kind != "IEND" && len(packed) == 0:
			kept = append(kept, chunk)
		}
		at += len(chunk)
	}
	header := pngChunk(data, "IHDR", anyContent)
	in, err := zlib.NewReader(bytes.NewReader(slices.Concat(packed...)))
	if err != nil || len(header) != 13 {
		return nil
	}
	var pixels bytes.Buffer
	z := zlib.NewWriter(&pixels)
	if _, err := io.CopyN(z, in, pngBytes(header)); err != nil || z.Close() != nil {
		return nil
	}
	out := slices.Concat(data[:magic], slices.Concat(kept...))
	for _, c := range []struct {
		kind string
		data []byte
	}{{"IDAT", pixels.Bytes()}, {"IEND", nil}} {
		body := append([]byte(c.kind), c.data...)
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(c.data))), body...)
		out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(body))
	}
	return out
}

// pngBytes is the size of the unpacked pixels of a PNG file: each row has a byte for its filter.
func pngBytes(header []byte) (n int64) {
	width, height := int64(binary.BigEndian.Uint32(header)), int64(binary.BigEndian.Uint32(header[4:]))
	samples := map[byte]int64{2: 3, 4: 2, 6: 4}[header[9]] // by the colour type
	bits := int64(header[8]) * max(samples, 1)
	passes := [][4]int64{{0, 0, 1, 1}} // the first column and row, and the steps to the next
	if header[12] != 0 {
		passes = [][4]int64{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}
	}
	for _, p := range passes {
		columns, rows := max((width-p[0]+p[2]-1)/p[2], 0), max((height-p[1]+p[3]-1)/p[3], 0)
		if columns > 0 {
			n += rows * (1 + (columns*bits+7)/8)
		}
	}
	return n
}

// tiffHeader counts the memory of the unpacked strips in addition to the image's. It refuses a camera's raw file, whose
// first image is only a small preview.
func tiffHeader(data []byte) (header, error) {
	if err := cameraRaw(data); err != nil {
		return header{}, err
	}
	if feature := unreadTIFF(data); feature != "" {
		return header{}, &UnsupportedError{Format: "tiff", Feature: feature, Advice: "save it anew in the format's usual form, or as PNG"}
	}
	c, err := tiff.DecodeConfig(bytes.NewReader(withAlpha(data)))
	if err == nil {
		err = checkTiles(data, c.Width, c.Height)
	}
	return header{width: c.Width, height: c.Height, perPixel: 2*modelBytes(c.ColorModel) + 3}, err
}

// unreadTIFF names a feature of a sound TIFF file that the decoder takes for damage, or does not look at;
// "" if there is none.
func unreadTIFF(data []byte) string {
	samples, _ := tiffTag(data, tagSamples)
	planar, _ := tiffTag(data, tagPlanar)
	order, _ := tiffTag(data, tagFillOrder)
	compression, _ := tiffTag(data, tagCompression)
	photometric, _ := tiffTag(data, tagPhotometric)
	_, said := tiffTag(data, tagExtra)
	switch {
	case planar == 2 && samples > 1:
		return "the planes of the colours one after the other"
	case order == 2 && compression != compressionFax3 && compression != compressionFax4:
		return "bytes whose first bit is the last (FillOrder 2)"
	case photometric == photometricRGB && (samples > 4 || samples == 4 && !said):
		return fmt.Sprintf("%d samples for each pixel", samples)
	}
	return ""
}

// withAlpha returns a TIFF file of four samples for each pixel whose fourth is not said to be transparency, such as
// near infrared, as if it were: the decoder then reads the colours, and the fourth is dropped, as in Pillow.
func withAlpha(data []byte) []byte {
	photometric, _ := tiffTag(data, tagPhotometric)
	samples, _ := tiffTag(data, tagSamples)
	if extra, said := tiffTag(data, tagExtra); !said || extra != 0 || samples != 4 || photometric != photometricRGB {
		return data
	}
	data = slices.Clone(data)
	entry, order := tiffEntry(data, tagExtra)
	const unassociated = 2
	if kind, count := order.Uint16(entry[2:]), order.Uint32(entry[4:]); kind == typeShort && count == 1 {
		order.PutUint16(entry[8:], unassociated)
	}
	return data
}

// checkTiles refuses a TIFF file whose tiles have far more pixels than the image: the decoder unpacks all of each, and
// all may be the same few bytes of the file.
func checkTiles(data []byte, width, height int) error {
	w, tiled := tiffTag(data, tagTileWidth)
	h, _ := tiffTag(data, tagTileLength)
	if !tiled {
		return nil
	}
	if w < 1 || h < 1 {
		return fmt.Errorf("tiles of %d x %d pixels", w, h)
	}
	across, down := math.Ceil(float64(width)/float64(w)), math.Ceil(float64(height)/float64(h))
	const some = 64e6 // an image of a few pixels may have a tile of usual size
	if all := across * down * float64(w) * float64(h); all > 4*float64(width)*float64(height)+some {
		return fmt.Errorf("%w: its tiles of %d x %d pixels have %.0f million pixels in all, the image of %d x %d has fewer; save it anew", ErrTooLarge, w, h, all/1e6, width, height)
	}
	return nil
}

// tiffPixels corrects fax-coded files in which 0 is black: the decoder reads the code's white as white, libtiff as 0.
func tiffPixels(data []byte, bits int) (*Image, int, error) {
	out, bits, err := through(tiff.Decode)(withAlpha(data), bits)
	if err != nil {
		return nil, 0, err
	}
	compression, _ := tiffTag(data, tagCompression)
	photometric, _ := tiffTag(data, tagPhotometric)
	if (compression == compressionFax3 || compression == compressionFax4) && photometric == photometricBlackIs0 {
		for i := range out.Pix {
			out.Pix[i] = ^out.Pix[i]
		}
	}
	return out, bits, nil
}

func gifHeader(data []byte) (header, error) {
	return plainHeader(gif.DecodeConfig, 1)(roomyGIF(data))
}

// roomyGIF returns the file with its size enlarged to hold the first frame, as in Pillow: the decoder refuses frames
// that reach beyond it.
func roomyGIF(data []byte) []byte {
	_, frame := firstGIFFrame(data)
	if frame == 0 {
		return data
	}
	le := binary.LittleEndian
	const sizes, places = 6, 1 // two numbers each, before those of the frame's size
	room := data
	for _, side := range []int{0, 2} {
		place := data[frame+places+side:]
		end := int(le.Uint16(place)) + int(le.Uint16(place[4:]))
		if end > int(le.Uint16(data[sizes+side:])) && end <= math.MaxUint16 {
			if &room[0] == &data[0] {
				room = slices.Clone(data)
			}
			le.PutUint16(room[sizes+side:], uint16(end))
		}
	}
	return room
}

func gifPixels(data []byte, _ int) (*Image, int, error) {
	data = roomyGIF(data)
	c, err := gif.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, 0, err
	}
	m, err := gif.Decode(bytes.NewReader(opaqueGIF(data))) // reads the first frame only
	if err != nil {
		return nil, 0, err
	}
	out := FromImage(m)
	if m.Bounds() != image.Rect(0, 0, c.Width, c.Height) {
		out = place(out, m.Bounds().Min, c.Width, c.Height, gifGround(data))
	}
	return out, 8, nil
}

// gifGround is the colour outside of a GIF file's first frame: as in Pillow, its transparent colour or else the first.
func gifGround(data []byte) (c [3]byte) {
	const header, descriptor = 13, 10
	transparency, frame := firstGIFFrame(data)
	if frame == 0 {
		return c
	}
	table := data[header:]
	if data[frame+descriptor-1]&0x80 != 0 { // a colour table of its own
		table = data[frame+descriptor:]
	} else if data[10]&0x80 == 0 {
		return c
	}
	i := 0
	if transparency > 0 {
		i = 3 * int(data[transparency+3]) // behind the flags and a time
	}
	if i+3 <= len(table) {
		copy(c[:], table[i:])
	}
	return c
}

// isSmallGIF reports whether the first frame leaves a part of the image free.
func isSmallGIF(data []byte) bool {
	_, frame := firstGIFFrame(data)
	return frame > 0 && (!bytes.Equal(data[frame+1:frame+5], make([]byte, 4)) || !bytes.Equal(data[frame+5:frame+9], data[6:10]))
}

// opaqueGIF returns the file without the mark of a transparent colour before its first frame: the decoder replaces that
// colour by black, and Pillow keeps it.
func opaqueGIF(data []byte) []byte {
	if at, _ := firstGIFFrame(data); at > 0 {
		data = slices.Clone(data)
		data[at] &^= 1
	}
	return data
}

// firstGIFFrame returns the place of the flags that mark a transparent colour of a GIF file's first frame, 0 without
// one, and the place of the frame's descriptor, 0 if it is cut off.
func firstGIFFrame(data []byte) (transparency, frame int) {
	const header, descriptor, extension, control = 13, 10, 0x21, 0xf9
	at := header
	if len(data) > header && data[10]&0x80 != 0 {
		at += 3 << (1 + data[10]&7) // the colour table
	}
	for at+3 < len(data) && data[at] == extension {
		if data[at+1] == control && data[at+2] > 0 && data[at+3]&1 != 0 {
			transparency = at + 3
		}
		for at += 2; at < len(data) && data[at] != 0; {
			at += 1 + int(data[at])
		}
		at++
	}
	if at+descriptor <= len(data) && data[at] == ',' {
		frame = at
	}
	return transparency, frame
}

// Redecoded returns a word for a file whose pixels are others than in earlier versions of this package: "gif" for a
// transparent colour, which was black, "gif canvas" for a first frame that is smaller than the image, outside of which
// it was black, and "tiff" for an orientation, which DecodeOptions.Orient alone followed. "orientation" is for files of
// other formats whose orientation was not found: their pixels are others only with DecodeOptions.Orient. It returns ""
// for other files. A training on the earlier pixels must not continue on these.
func Redecoded(data []byte) string {
	f, err := formatOf(data)
	if err != nil {
		return ""
	}
	switch f.name {
	case "gif":
		transparency, frame := firstGIFFrame(data)
		if frame > 0 && isSmallGIF(data) && gifGround(data) != [3]byte{} {
			return "gif canvas"
		}
		if transparency > 0 {
			return f.name
		}
	case "tiff":
		if orientation(f.name, data) != 1 {
			return f.name
		}
	default:
		if orientation(f.name, data) != plainOrientation(f.name, data) {
			return "orientation"
		}
	}
	return ""
}

// place puts m at p on a canvas of one colour: the first frame of an animation may be smaller than its canvas.
func place(m *Image, p image.Point, width, height int, ground [3]byte) *Image {
	out := New(width, height)
	if ground != [3]byte{} {
		copy(out.Pix, bytes.Repeat(ground[:], width*height))
	}
	for y := range m.Height {
		if y+p.Y < 0 || y+p.Y >= height || p.X < 0 || p.X+m.Width > width {
			continue
		}
		copy(out.Pix[3*((y+p.Y)*width+p.X):], m.Pix[3*y*m.Width:3*(y+1)*m.Width])
	}
	return out
}

// unsupportedFeature returns the feature that a decoder's error names as unsupported, or "".
func unsupportedFeature(err error) string {
	var j jpeg.UnsupportedError
	var p png.UnsupportedError
	var t tiff.UnsupportedError
	switch {
	case errors.As(err, &j):
		return string(j)
	case errors.As(err, &p):
		return string(p)
	case errors.As(err, &t):
		return string(t)
	case errors.Is(err, bmp.ErrUnsupported):
		return "run-length encoding, 16-bit colours or an unusual header"
	}
	return ""
}

// formatOf recognises the format by the first bytes.
func formatOf(data []byte) (format, error) {
	for _, f := range formats {
		for _, magic := range f.magic {
			if matches(data, magic) {
				return f, nil
			}
		}
	}
	if err := foreignFormat(data); err != nil {
		return format{}, err
	}
	return format{}, fmt.Errorf("vision: %w (it begins with %q)", ErrFormat, data[:min(len(data), 8)])
}
