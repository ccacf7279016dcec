package vision

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/words"
)

// The expectations are Pillow's; see testdata/formats/make.py. JPEG's inverse transform may round otherwise, and
// CMYK is converted after it.
func TestFormatsAsPillow(t *testing.T) {
	files, err := filepath.Glob("testdata/formats/*.want.png")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d expectations, error %v; want 50 or more", len(files), err)
	}
	for _, want := range files {
		name := strings.TrimSuffix(want, ".want.png")
		t.Run(filepath.Base(name), func(t *testing.T) {
			m, err := DecodeFile(name, DecodeOptions{Orient: true})
			if err != nil {
				t.Fatal(err)
			}
			limit, share := 0, 0.0
			if filepath.Ext(name) == ".jpg" {
				limit, share = 4, 0.5
			}
			compare(t, m, readPNG(t, want), limit, share)
		})
	}
}

func TestOrientationIsAnOption(t *testing.T) {
	const name = "testdata/formats/orientation6.png"
	plain, err := DecodeFile(name)
	if err != nil {
		t.Fatal(err)
	}
	upright, err := DecodeFile(name, DecodeOptions{Orient: true})
	if err != nil {
		t.Fatal(err)
	}
	if plain.Width != 23 || plain.Height != 17 || upright.Width != 17 || upright.Height != 23 {
		t.Errorf("%d x %d stored, %d x %d upright; want 23 x 17 and 17 x 23", plain.Width, plain.Height, upright.Width, upright.Height)
	}
}

// Pillow, and so torchvision, reads TIFF files upright; their orientation is no option.
func TestTIFFIsUpright(t *testing.T) {
	const name = "testdata/formats/orientation6.tiff"
	for _, orient := range []bool{false, true} {
		m, err := DecodeFile(name, DecodeOptions{Orient: orient})
		if err != nil {
			t.Fatal(err)
		}
		compare(t, m, readPNG(t, name+".want.png"), 0, 0)
	}
}

func TestBits(t *testing.T) {
	for _, tt := range []struct {
		file string
		bits int
	}{{"gray16.png", 16}, {"gray12.png", 12}, {"rgb12.png", 12}, {"gray10.png", 10}, {"rgb16.png", 16}, {"gray12.tiff", 12}, {"interlaced.png", 8}, {"rgb.ppm", 8}} {
		data, err := os.ReadFile(filepath.Join("testdata/formats", tt.file))
		if err != nil {
			t.Fatal(err)
		}
		if _, info, err := DecodeInfo(data); err != nil || info.Bits != tt.bits {
			t.Errorf("%s: %d bits, error %v; want %d", tt.file, info.Bits, err, tt.bits)
		}
	}
	// A dark image of a brighter set: its values are those of 16 bits.
	dark, err := DecodeFile("testdata/formats/gray12.png", DecodeOptions{Bits: 16})
	if err != nil {
		t.Fatal(err)
	}
	if most := maxByte(dark.Pix); most > 15 {
		t.Errorf("12-bit values read as 16 bits reach %d; want at most 15", most)
	}
	if _, err := DecodeFile("testdata/formats/gray12.png", DecodeOptions{Bits: 7}); err == nil || !strings.Contains(err.Error(), "Bits is 7") {
		t.Errorf("7 bits: got %v", err)
	}
}

func maxByte(pix []uint8) (most uint8) {
	for _, v := range pix {
		most = max(most, v)
	}
	return most
}

// Each known format that is not read is named, with what to do about it; a sound file is never called broken.
func TestUnsupported(t *testing.T) {
	files, err := filepath.Glob("testdata/formats/notread*")
	if err != nil || len(files) != 11 {
		t.Fatalf("%d files, error %v; want 11", len(files), err)
	}
	cases := map[string][]byte{
		"heic":                               []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"),
		"heif, AVIF by its compatible brand": []byte("\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1avifmiaf"),
		"jxl":                                []byte("\xff\x0a\x00\x00"),
		"jxl boxed":                          []byte("\x00\x00\x00\x0cJXL \r\n\x87\n"),
		"svg":                                []byte("\ufeff<?xml version=\"1.0\"?>\n<!-- drawn -->\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
		"psd":                                []byte("8BPS\x00\x01"),
		"dicom":                              append(make([]byte, 128), "DICM\x02\x00"...),
		"lfs":                                []byte("version https://git-lfs.github.com/spec/v1\noid sha256:00"),
		"html":                               []byte("\n<!DOCTYPE HTML><html>404</html>"),
		"raw":                                []byte("II*\x00\x10\x00\x00\x00CR\x02\x00\x00\x00\x00\x00"),
		"pam":                                []byte("P7\nWIDTH 1\n"),
		"icon":                               []byte("\x00\x00\x01\x00\x01\x00\x10\x10\x00\x00\x01\x00\x20\x00\x68\x04\x00\x00\x16\x00\x00\x00"),
		"cursor of two":                      append([]byte("\x00\x00\x02\x00\x02\x00\x10\x10\x00\x00\x01\x00\x20\x00\x68\x04\x00\x00\x26\x00\x00\x00"), make([]byte, 16)...),
		"tga":                                []byte("\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10\x00\x10\x00\x18\x20"),
		"tga with a map":                     []byte("\x00\x01\x01\x00\x00\x00\x01\x18\x00\x00\x00\x00\x10\x00\x10\x00\x08\x00"),
		"tga, run lengths":                   []byte("\x00\x00\x0b\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10\x00\x10\x00\x08\x00"),
		"tga of one bit":                     []byte("\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10\x00\x10\x00\x01\x00"),
		"xml":                                []byte("<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"),
		"apple double":                       []byte("\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X"),
		"sgi":                                []byte("\x01\xda\x01\x01\x00\x03\x00\x10\x00\x10\x00\x03"),
		"pcx":                                append([]byte("\x0a\x05\x01\x08\x00\x00\x00\x00\x0f\x00\x0f\x00"), append(make([]byte, 53), append([]byte{3}, make([]byte, 80)...)...)...),
		"nifti":                              append([]byte("\x5c\x01\x00\x00"), append(make([]byte, 340), "n+1\x00"...)...),
		"nifti of two files, big":            append([]byte("\x00\x00\x01\x5c"), append(make([]byte, 340), "ni1\x00"...)...),
		"nifti-2":                            []byte("\x1c\x02\x00\x00n+2\x00\r\n\x1a\n"),
		"nrrd":                               []byte("NRRD0004\ntype: short\n"),
		"nii.gz":                             []byte("\x1f\x8b\x08\x00"),
		"fits":                               []byte("SIMPLE  =                    T"),
		"exr":                                []byte("v/1\x01\x02\x00\x00\x00"),
		"hdr":                                []byte("#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n"),
		"bigtiff":                            []byte("II+\x00\x08\x00\x00\x00"),
		"cr3":                                []byte("\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom"),
		"crw":                                []byte("II\x1a\x00\x00\x00HEAPCCDR"),
		"xcf":                                []byte("gimp xcf v011\x00"),
		"emf":                                append([]byte("\x01\x00\x00\x00"), append(make([]byte, 36), " EMF"...)...),
		"mp4":                                []byte("\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp42"),
		"xbm":                                []byte("#define im_width 4\n#define im_height 4\n"),
		"xpm":                                []byte("/* XPM */\nstatic char"),
		"msp":                                []byte("DanM\x04\x00\x04\x00"),
		"blp":                                []byte("BLP2\x01\x00\x00\x00"),
		"ras":                                []byte("\x59\xa6\x6a\x95\x00\x00"),
		"farbfeld":                           []byte("farbfeld\x00\x00\x00\x04"),
		"zip":                                []byte("PK\x03\x04\x14\x00"),
		"arithmetic jpeg":                    []byte("\xff\xd8\xff\xc9\x00\x0b\x08\x00\x10\x00\x10\x01\x01\x11\x00\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"),
		"lossless jpeg":                      []byte("\xff\xd8\xff\xc3\x00\x0b\x08\x00\x10\x00\x10\x01\x01\x11\x00\xff\xda\x00\x08\x01\x01\x00\x01\x00\x00"),
		"jpeg-ls":                            []byte("\xff\xd8\xff\xf7\x00\x0b\x08\x00\x10\x00\x10\x01\x01\x11\x00\xff\xda\x00\x08\x01\x01\x00\x00\x00\x00"),
	}
	wants := map[string]string{
		"heic": "HEIC is not read; convert it to JPEG", "heif, AVIF by its compatible brand": "AVIF is not read",
		"jxl": "JPEG XL is not read", "jxl boxed": "JPEG XL is not read", "svg": "SVG is not read", "psd": "Photoshop",
		"dicom": "DICOM", "lfs": "git lfs pull", "html": "HTML page", "raw": "camera raw", "pam": "PAM",
		"icon": "Windows icon", "cursor of two": "Windows icon", "tga": "Targa", "tga with a map": "Targa", "tga, run lengths": "Targa", "tga of one bit": "Targa", "xml": "XML document is not read; perhaps a site's error page", "apple double": "remove it", "sgi": "SGI", "pcx": "PCX",
		"nifti": "NIfTI", "nifti of two files, big": "NIfTI", "nifti-2": "NIfTI", "nrrd": "NRRD", "nii.gz": "gzip file is not read; unpack", "fits": "FITS", "exr": "OpenEXR",
		"hdr": "Radiance HDR", "bigtiff": "BigTIFF", "cr3": "camera raw", "crw": "camera raw", "xcf": "GIMP", "emf": "metafile", "mp4": "video",
		"xbm": "XBM is not read", "xpm": "XPM is not read", "msp": "MSP is not read", "blp": "BLP is not read", "ras": "RAS (Sun) is not read", "farbfeld": "Farbfeld is not read", "zip": "zip file",
		"arithmetic jpeg": "jpeg image with a feature that is not read (arithmetic coding); write it with Huffman's, without a loss: jpegtran",
		"lossless jpeg":   "(lossless coding); convert it", "jpeg-ls": "(JPEG-LS); convert it",
		"notread.avif": "AVIF is not read", "notread.jp2": "JPEG 2000 is not read", "notread.pdf": "PDF is not read; make images of its pages",
		"notread_cmyk.tiff": "feature that is not read", "notread_jpeg.tiff": "compression value 7", "notread_float.tiff": "sample format",
		"notread_reversed.tiff": "FillOrder 2", "notread_planes.tiff": "planes of the colours", "notread_infrared.tiff": "4 samples for each pixel",
		"notread_16bits.bmp": "16-bit colours", "notread_restarts.jpg": "restarts within several scans); write it without them, without a loss: jpegtran",
	}
	for _, file := range files {
		if cases[filepath.Base(file)], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	for name, data := range cases {
		_, err := Decode(bytes.NewReader(data))
		var unsupported *UnsupportedError
		if !errors.As(err, &unsupported) || unsupported.Advice == "" || !strings.Contains(err.Error(), wants[name]) || strings.Contains(err.Error(), "broken") {
			t.Errorf("%s: got %v; want an UnsupportedError with %q", name, err, wants[name])
		}
	}
}

// Decoders that other packages register with package image are not used.
func TestGlobalRegistryIsNotUsed(t *testing.T) {
	image.RegisterFormat("trap", "\x89PNG", func(io.Reader) (image.Image, error) {
		return image.NewGray(image.Rect(0, 0, 1, 1)), nil
	}, func(io.Reader) (image.Config, error) {
		return image.Config{ColorModel: color.GrayModel, Width: 1, Height: 1}, nil
	})
	image.RegisterFormat("made up", "TRAP", func(io.Reader) (image.Image, error) {
		return image.NewGray(image.Rect(0, 0, 1, 1)), nil
	}, func(io.Reader) (image.Config, error) {
		return image.Config{ColorModel: color.GrayModel, Width: 1, Height: 1}, nil
	})
	if m, err := DecodeFile("testdata/source.png"); err != nil || m.Width != 45 {
		t.Errorf("PNG: %v", err)
	}
	if _, err := Decode(strings.NewReader("TRAP")); err == nil {
		t.Error("a format outside of the table was decoded")
	}
	if got, want := strings.Join(Formats(), " "), "jpeg png gif bmp webp tiff pnm"; got != want {
		t.Errorf("formats %q, want %q", got, want)
	}
}

// All decoders at work share one limit, however small the files are.
func TestMemoryOfAllDecoders(t *testing.T) {
	const side = 6000 // 36 million pixels: 36 MB grey, 144 MB by the header's count
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, image.NewGray(image.Rect(0, 0, side, side))); err != nil {
		t.Fatal(err)
	}
	_, h, err := readHeader(b.Bytes())
	if err != nil || h.memory != 4*side*side {
		t.Fatalf("memory %d, error %v; want 4 bytes per pixel", h.memory, err)
	}
	// With all but one image's share taken, a second decoder has to wait for the first.
	if !decodeMemory.TryAcquire(MaxDecodeBytes - h.memory) {
		t.Fatal("the memory is not free at the beginning")
	}
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			if _, err := DecodeBytes(b.Bytes()); err != nil {
				t.Error(err)
			}
		})
	}
	for decodeMemory.TryAcquire(h.memory) { // until a decoder has its share
		decodeMemory.Release(h.memory)
		runtime.Gosched()
	}
	decodeMemory.Release(MaxDecodeBytes - h.memory)
	group.Wait()
	if !decodeMemory.TryAcquire(MaxDecodeBytes) {
		t.Fatal("memory was not given back")
	}
	decodeMemory.Release(MaxDecodeBytes)

	var frames bytes.Buffer // a GIF's one byte per pixel may be larger than a picture in colour
	if err := gif.Encode(&frames, image.NewPaletted(image.Rect(0, 0, 1, 1), color.Palette{color.Black, color.White}), nil); err != nil {
		t.Fatal(err)
	}
	data := frames.Bytes()
	copy(data[6:], []byte{0x00, 0x40, 0x00, 0x40}) // 16384 x 16384 pixels of 4 bytes: exactly the limit
	if _, _, _, err := DecodeConfig(data); err != nil {
		t.Errorf("an image of exactly the limit: %v", err)
	}
	data[7] = 0x41
	if _, _, _, err := DecodeConfig(data); !errors.Is(err, ErrTooLarge) {
		t.Errorf("an image beyond the limit: %v", err)
	}
}

// A PNG or JPEG file that lacks its end and no pixel is whole, as for Pillow; one that lacks pixels is broken, and so
// is a progressive one, which may lack scans.
func TestMissingEnd(t *testing.T) {
	for _, tt := range []struct {
		file      string
		end, more int // bytes
	}{
		{"testdata/source.png", 12, 40}, {"testdata/formats/interlaced16.png", 12, 40},
		{"testdata/jpeg420.jpg", 2, 4}, {"testdata/jpeg420.jpg", 1, 40}, {"testdata/jpeg444.jpg", 2, 4}, {"testdata/gray.jpg", 2, 4}, {"testdata/cmyk.jpg", 2, 40},
	} {
		data, err := os.ReadFile(tt.file)
		if err != nil {
			t.Fatal(err)
		}
		want, err := DecodeBytes(data)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := DecodeBytes(data[:len(data)-tt.end]); err != nil || !bytes.Equal(got.Pix, want.Pix) {
			t.Errorf("%s without its end: %v", tt.file, err)
		}
		if _, err := DecodeBytes(data[:len(data)-tt.more]); err == nil || !strings.Contains(err.Error(), "broken") {
			t.Errorf("%s without pixels: %v", tt.file, err)
		}
	}
	progressive, err := os.ReadFile("testdata/progressive.jpg")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := DecodeBytes(progressive[:len(progressive)-2]); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("a progressive file without its end: %v", err)
	}
}

// The parsers of headers that are our own.
func FuzzContainers(f *testing.F) {
	addFiles(f, "testdata/formats", "*.webp", "*.ppm", "*.pgm", "*.pbm", "orientation*", "*.tiff", "cmyk*")
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range Formats() {
			if o := orientation(format, data); o < 1 || o > 8 {
				t.Fatalf("orientation %d of a %s", o, format)
			}
		}
		w, h, _, headerErr := DecodeConfig(data)
		if headerErr == nil && w*h > 1<<20 {
			t.Skip("legal, and too slow to fuzz")
		}
		m, info, err := DecodeInfo(data, DecodeOptions{Orient: true})
		switch {
		case (err == nil) != (m != nil):
			t.Fatalf("image %v with error %v", m, err)
		case err == nil && (headerErr != nil || info.Width != w || info.Height != h || len(m.Pix) != 3*w*h || m.Width*m.Height != w*h):
			t.Fatalf("header says %d x %d (%v), image is %d x %d with %d bytes", w, h, headerErr, m.Width, m.Height, len(m.Pix))
		}
	})
}

// Some formats have no bytes of their own at the beginning. A file gets such a name only if more of it fits.
func TestUnknownFormats(t *testing.T) {
	for name, data := range map[string]string{
		"zeros":                 strings.Repeat("\x00", 200),
		"an icon without image": "\x00\x00\x01\x00\x00\x00" + strings.Repeat("\x00", 30),
		"targa without width":   "\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10\x00\x18\x00",
		"targa of 7 bits":       "\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10\x00\x10\x00\x07\x00",
		"a text":                "\nA text that begins with a line feed, as PCX does, and goes on" + strings.Repeat(" and on", 20),
		"a header in C":         "#define SIZE 4\n#define NAME \"a\"\n",
		"an old checkpoint":     "\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.",
	} {
		if _, err := DecodeBytes([]byte(data)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v; want ErrFormat", name, err)
		}
	}
}

// TestJPEGScans holds that a file of very many scans is refused by its header, since each goes over the whole image,
// and that what follows the image's end is not counted.
func TestJPEGScans(t *testing.T) {
	data, err := os.ReadFile("testdata/progressive.jpg")
	if err != nil {
		t.Fatal(err)
	}
	end := bytes.LastIndex(data, []byte("\xff\xd9"))
	last := data[bytes.LastIndex(data, []byte("\xff\xda")):end]
	has, _ := jpegScans(data)
	for _, c := range []struct {
		scans   int
		refused bool
	}{{has, false}, {maxJPEGScans, false}, {maxJPEGScans + 1, true}, {6000, true}} {
		file := slices.Concat(data[:end], bytes.Repeat(last, c.scans-has), data[end:], bytes.Repeat([]byte("\xff\xda\x00\x02"), 1000))
		if n, _ := jpegScans(file); n != c.scans {
			t.Errorf("%d scans are counted as %d", c.scans, n)
		}
		_, _, _, err := DecodeConfig(file)
		if errors.Is(err, ErrTooLarge) != c.refused {
			t.Errorf("the header of a file with %d scans: %v", c.scans, err)
		}
		if _, err := DecodeBytes(file); errors.Is(err, ErrTooLarge) != c.refused {
			t.Errorf("a file with %d scans: %v", c.scans, err)
		}
	}
}

// tiledTIFF returns a grey TIFF file, all of whose tiles are the same bytes of it.
func tiledTIFF(t testing.TB, width, height, tile int) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	if _, err := w.Write(make([]byte, tile*tile)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	n := (width + tile - 1) / tile * ((height + tile - 1) / tile)
	le := binary.LittleEndian
	const entries = 10
	at := uint32(8 + 2 + 12*entries + 4)
	offsets, counts := at, at+4*uint32(n)
	content := counts + 4*uint32(n)
	if n == 1 { // a single number is in the entry itself
		offsets, counts = content, uint32(packed.Len())
	}
	file := le.AppendUint32([]byte("II*\x00"), 8)
	file = le.AppendUint16(file, entries)
	for _, e := range [entries][4]uint32{{256, 4, 1, uint32(width)}, {257, 4, 1, uint32(height)}, {258, 3, 1, 8}, {259, 3, 1, 8}, {262, 3, 1, 1}, {277, 3, 1, 1},
		{tagTileWidth, 4, 1, uint32(tile)}, {tagTileLength, 4, 1, uint32(tile)}, {324, 4, uint32(n), offsets}, {325, 4, uint32(n), counts}} {
		file = le.AppendUint16(le.AppendUint16(file, uint16(e[0])), uint16(e[1]))
		file = le.AppendUint32(le.AppendUint32(file, e[2]), e[3])
	}
	file = le.AppendUint32(file, 0)
	for range n {
		file = le.AppendUint32(file, content)
	}
	for range n {
		file = le.AppendUint32(file, uint32(packed.Len()))
	}
	return append(file, packed.Bytes()...)
}

// TestTiles holds that a TIFF file whose tiles have thousands of times the pixels of the image is refused by its
// header.
func TestTiles(t *testing.T) {
	for _, c := range []struct {
		width, height, tile int
		refused             bool
	}{{256, 300, 256, false}, {20, 20, 256, false}, {20, 5000, 256, false}, {1, 1_000_000, 1024, true}, {25_000_000, 1, 1024, true}} {
		file := tiledTIFF(t, c.width, c.height, c.tile)
		if _, _, _, err := DecodeConfig(file); errors.Is(err, ErrTooLarge) != c.refused {
			t.Errorf("%d x %d pixels in tiles of %d: %v", c.width, c.height, c.tile, err)
		}
		m, err := DecodeBytes(file)
		if errors.Is(err, ErrTooLarge) != c.refused || !c.refused && (err != nil || m.Width != c.width) {
			t.Errorf("%d x %d pixels in tiles of %d: %v", c.width, c.height, c.tile, err)
		}
	}
}

// TestReadFile holds that of a large file in a format that is not read only the beginning is read.
func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	film := filepath.Join(dir, "film.mov")
	if err := os.WriteFile(film, []byte("\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  "), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(film, 3<<30); err != nil { // takes no room on the disk
		t.Fatal(err)
	}
	before := allocated()
	var unsupported *UnsupportedError
	if _, err := ReadFile(film); !errors.As(err, &unsupported) || !strings.Contains(err.Error(), "film.mov") {
		t.Errorf("a film: %v, want an UnsupportedError that names the file", err)
	}
	if taken := allocated() - before; taken > 1<<20 {
		t.Errorf("%d bytes were allocated for a film of 3 GB", taken)
	}
	for name, want := range map[string]error{"empty.jpg": ErrEmpty, "photo.jpg": ErrFormat} {
		path := filepath.Join(dir, name)
		content := "no image"
		if want == ErrEmpty {
			content = ""
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeFile(path); !errors.Is(err, want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, want %v and the name", name, err, want)
		}
	}
	data, err := ReadFile("testdata/progressive.jpg")
	if whole, _ := os.ReadFile("testdata/progressive.jpg"); err != nil || !bytes.Equal(data, whole) {
		t.Errorf("a picture: %d bytes (%v), the file has %d", len(data), err, len(whole))
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// TestForeignInJapanese: what an upload says of a format that is not read is Japanese throughout, but for names and
// commands.
func TestForeignInJapanese(t *testing.T) {
	t.Setenv(words.Env, "ja")
	english := regexp.MustCompile(`\b[a-z]{2,}\b`)
	names := strings.NewReplacer("gzip", "", "zip", "")
	for _, f := range foreign {
		said := words.Of("left out: A: " + f.name + ", which is not read; " + f.advice)
		said, _, _ = strings.Cut(said, "（例：")
		said, _, _ = strings.Cut(said, "次のコマンド")
		if found := english.FindString(names.Replace(said)); found != "" {
			t.Errorf("%s: %q is English in %q", f.name, found, said)
		}
	}
}
