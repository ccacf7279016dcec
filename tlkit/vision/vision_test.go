package vision

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
)

// readPNG decodes with the standard library only, so that the expectation does not pass through the code under test.
func readPNG(t *testing.T, path string) *Image {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	b := m.Bounds()
	out := New(b.Dx(), b.Dy())
	for y := range out.Height {
		for x := range out.Width {
			r, g, bl, _ := m.At(b.Min.X+x, b.Min.Y+y).RGBA()
			copy(out.Pix[3*(y*out.Width+x):], []uint8{uint8(r >> 8), uint8(g >> 8), uint8(bl >> 8)})
		}
	}
	return out
}

// compare fails when a byte differs by more than limit, or more than share of all bytes differ at all.
func compare(t *testing.T, got, want *Image, limit int, share float64) {
	t.Helper()
	if got.Width != want.Width || got.Height != want.Height || len(got.Pix) != len(want.Pix) {
		t.Fatalf("%d x %d pixels (%d bytes), want %d x %d", got.Width, got.Height, len(got.Pix), want.Width, want.Height)
	}
	worst, differing := 0, 0
	for i := range got.Pix {
		d := int(got.Pix[i]) - int(want.Pix[i])
		if d != 0 {
			differing++
		}
		worst = max(worst, d, -d)
	}
	if worst > limit || float64(differing) > share*float64(len(got.Pix)) {
		t.Errorf("largest difference %d (limit %d), %.2f %% of the bytes differ (limit %.2f %%)",
			worst, limit, 100*float64(differing)/float64(len(got.Pix)), 100*share)
	}
}

// The expectations are Pillow's; see testdata/make.py. Only the inverse transform of JPEG may round otherwise.
func TestDecodeAsPillow(t *testing.T) {
	for _, tt := range []struct {
		name  string
		limit int
		share float64
	}{
		{"jpeg444.jpg", 3, 0.06}, {"jpeg422.jpg", 3, 0.06}, {"jpeg420.jpg", 3, 0.06}, {"progressive.jpg", 3, 0.06},
		{"narrow.jpg", 3, 0.06}, {"gray.jpg", 1, 0.06}, {"cmyk.jpg", 3, 0.4},
		{"rgba.png", 0, 0}, {"palette.png", 0, 0}, {"gray.png", 0, 0}, {"source.png", 0, 0}, {"plain.gif", 0, 0}, {"plain.bmp", 0, 0},
		{"lossy.webp", 0, 0}, {"lossless.webp", 0, 0}, {"alpha.webp", 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := DecodeFile(filepath.Join("testdata", tt.name))
			if err != nil {
				t.Fatal(err)
			}
			want := filepath.Join("testdata", tt.name+".want.png")
			if tt.name == "source.png" {
				want = filepath.Join("testdata", tt.name)
			}
			compare(t, got, readPNG(t, want), tt.limit, tt.share)
		})
	}
}

func TestResizeAsPillow(t *testing.T) {
	src := readPNG(t, "testdata/source.png")
	files, err := filepath.Glob("testdata/resize_*.want.png")
	if err != nil || len(files) != 12 {
		t.Fatalf("%d expectations, error %v; want 12", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			var w, h int
			name := strings.TrimSuffix(strings.ReplaceAll(filepath.Base(file), "_", " "), ".want.png")
			var filter string
			if _, err := fmt.Sscanf(name, "resize %d %d %s", &w, &h, &filter); err != nil {
				t.Fatal(err)
			}
			compare(t, Resize(src, w, h, Interpolation(filter)), readPNG(t, file), 0, 0)
		})
	}
}

// torchvision's Resize(256) and CenterCrop(224), from the reference files.
func TestPreprocessAsTorchvision(t *testing.T) {
	archive, err := zip.OpenReader(testutil.Shared(t, "data/hymenoptera_data.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	golden, err := filepath.Glob(filepath.Join(testutil.Shared(t, "golden/preprocess"), "*.png"))
	if err != nil || len(golden) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range golden {
		name := strings.TrimSuffix(filepath.Base(file), ".png")
		t.Run(name, func(t *testing.T) {
			f, err := archive.Open("hymenoptera_data/" + strings.Replace(strings.Replace(name, "_", "/", 1), "_", "/", 1) + ".jpg")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			data, err := io.ReadAll(f)
			if err != nil {
				t.Fatal(err)
			}
			m, err := DecodeBytes(data)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, Preprocess{Resize: 256, Crop: 224}.Apply(m), readPNG(t, file), 2, 0.06)
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	good, err := os.ReadFile("testdata/jpeg420.jpg")
	if err != nil {
		t.Fatal(err)
	}
	bomb := func() []byte { // a GIF header of 65535 x 65535 pixels without any
		var b bytes.Buffer
		if err := gif.Encode(&b, image.NewPaletted(image.Rect(0, 0, 1, 1), color.Palette{color.Black, color.White}), nil); err != nil {
			t.Fatal(err)
		}
		data := b.Bytes()
		copy(data[6:], []byte{0xff, 0xff, 0xff, 0xff})
		return data
	}()
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "empty"},
		{"text", []byte("hello world"), `not a JPEG, PNG, GIF, BMP, WebP, TIFF or PNM image (it begins with "hello wo")`},
		{"cut header", good[:20], "broken image header"},
		{"cut body", good[:len(good)/2], "broken jpeg image of 45 x 31 pixels"},
		{"huge", bomb, "65535 x 65535 pixels take 16383 MB to decode, the limit is 1024"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := Decode(bytes.NewReader(tt.data))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got image %v, error %v; want an error with %q", m != nil, err, tt.want)
			}
			if tt.name == "huge" && !errors.Is(err, ErrTooLarge) {
				t.Error("not ErrTooLarge")
			}
		})
	}
	if _, err := DecodeFile("testdata/none.jpg"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: got %v", err)
	}
}

func TestGIFWithSmallFirstFrame(t *testing.T) {
	p := image.NewPaletted(image.Rect(2, 1, 4, 3), color.Palette{color.RGBA{10, 100, 50, 255}, color.RGBA{200, 0, 0, 255}})
	for i := range p.Pix {
		p.Pix[i] = 1
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &gif.GIF{Image: []*image.Paletted{p}, Delay: []int{0}, Config: image.Config{Width: 6, Height: 5}}); err != nil {
		t.Fatal(err)
	}
	m, err := DecodeBytes(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if m.Width != 6 || m.Height != 5 {
		t.Fatalf("%d x %d pixels", m.Width, m.Height)
	}
	for i := 0; i < len(m.Pix); i += 3 {
		x, y := i/3%6, i/3/6
		want := uint8(10) // the first colour
		if x >= 2 && x < 4 && y >= 1 && y < 3 {
			want = 200
		}
		if m.Pix[i] != want {
			t.Errorf("red at %d, %d is %d, want %d", x, y, m.Pix[i], want)
		}
	}
}

// Every subsampling must at least keep a constant colour, at odd sizes and in parts cut out of an image.
func TestYCbCrConstant(t *testing.T) {
	for _, ratio := range []image.YCbCrSubsampleRatio{image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420,
		image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410} {
		for size := 1; size < 12; size++ {
			m := image.NewYCbCr(image.Rect(0, 0, size, size+2), ratio)
			yy, cb, cr := color.RGBToYCbCr(200, 50, 90)
			for i := range m.Y {
				m.Y[i] = yy
			}
			for i := range m.Cb {
				m.Cb[i], m.Cr[i] = cb, cr
			}
			for _, sub := range []image.Image{m, m.SubImage(image.Rect(size/3, size/2, size, size))} {
				got := FromImage(sub)
				if got.Width != sub.Bounds().Dx() || got.Height != sub.Bounds().Dy() {
					t.Fatalf("%v: %d x %d pixels for %v", ratio, got.Width, got.Height, sub.Bounds())
				}
				for i, v := range got.Pix {
					if want := []int{200, 50, 90}[i%3]; int(v) < want-2 || int(v) > want+2 {
						t.Fatalf("%v %v: byte %d is %d, want %d", ratio, sub.Bounds(), i, v, want)
					}
				}
			}
		}
	}
}

func TestToImageRoundTrip(t *testing.T) {
	src := readPNG(t, "testdata/source.png")
	compare(t, FromImage(src.ToImage()), src, 0, 0)
	compare(t, FromImage(src.ToImage().SubImage(image.Rect(5, 6, 20, 21))), Crop(src, image.Rect(5, 6, 20, 21)), 0, 0)
	rgba := image.NewRGBA(image.Rect(0, 0, 1, 1))
	rgba.SetRGBA(0, 0, color.RGBA{10, 20, 30, 255})
	if got := FromImage(rgba).Pix; !bytes.Equal(got, []uint8{10, 20, 30}) {
		t.Errorf("got %v", got)
	}
}

func TestCropAndFlip(t *testing.T) {
	m := New(3, 2)
	for i := range m.Pix {
		m.Pix[i] = uint8(i + 1)
	}
	red := func(m *Image) (out []uint8) {
		for i := 0; i < len(m.Pix); i += 3 {
			out = append(out, m.Pix[i])
		}
		return out
	}
	for _, tt := range []struct {
		name string
		got  *Image
		want []uint8
	}{
		{"flip", FlipHorizontal(m), []uint8{7, 4, 1, 16, 13, 10}},
		{"crop", Crop(m, image.Rect(1, 0, 3, 1)), []uint8{4, 7}},
		{"crop over the edge", Crop(m, image.Rect(2, 1, 4, 3)), []uint8{16, 0, 0, 0}},
		{"crop outside", Crop(m, image.Rect(5, 5, 6, 6)), []uint8{0}},
		{"center crop", CenterCrop(m, 1, 2), []uint8{4, 13}},
		{"center crop rounds half to even", CenterCrop(m, 2, 1), []uint8{1, 4}}, // torchvision: round(0.5) is 0
		{"center crop pads", CenterCrop(m, 5, 2), []uint8{0, 1, 4, 7, 0, 0, 10, 13, 16, 0}},
		{"padding of an odd difference", CenterCrop(m, 4, 2), []uint8{1, 4, 7, 0, 10, 13, 16, 0}},
		{"resized crop", ResizedCrop(m, image.Rect(1, 0, 2, 1), 2, Bicubic), []uint8{4, 4, 4, 4}},
	} {
		if got := red(tt.got); !bytes.Equal(got, tt.want) {
			t.Errorf("%s: red is %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestResizeShorter(t *testing.T) {
	for _, tt := range []struct{ w, h, size, wantW, wantH int }{
		{500, 375, 256, 341, 256}, {375, 500, 256, 256, 341}, {100, 100, 32, 32, 32}, {7, 3, 10, 23, 10}, {3, 1000, 5, 5, 1666},
	} {
		m := ResizeShorter(New(tt.w, tt.h), tt.size, Bilinear)
		if m.Width != tt.wantW || m.Height != tt.wantH {
			t.Errorf("%d x %d to %d: got %d x %d, want %d x %d", tt.w, tt.h, tt.size, m.Width, m.Height, tt.wantW, tt.wantH)
		}
	}
}

func TestNormalize(t *testing.T) {
	p := Preprocess{Mean: ImageNetMean, Std: ImageNetStd}
	pix := []uint8{0, 128, 255, 255, 0, 1}
	got := make([]float32, 6)
	p.Normalize(got, pix)
	for i, v := range pix {
		want := (float64(v)/255 - float64(p.Mean[i%3])) / float64(p.Std[i%3])
		if math.Abs(float64(got[i])-want) > 1e-6 {
			t.Errorf("value %d: %g, want %g", i, got[i], want)
		}
	}
	back := make([]uint8, 6)
	p.Denormalize(back, got)
	if !bytes.Equal(back, pix) {
		t.Errorf("Denormalize gives %v, want %v", back, pix)
	}
	if n := testing.AllocsPerRun(5, func() { p.Normalize(got, pix) }); n != 0 {
		t.Errorf("%g allocations", n)
	}
	Preprocess{}.Normalize(got, pix)
	if got[2] != 1 || got[0] != 0 {
		t.Errorf("zero Preprocess gives %v", got)
	}
}

func BenchmarkPreprocess(b *testing.B) {
	m := New(500, 375)
	for i := range m.Pix {
		m.Pix[i] = uint8(i * 7)
	}
	for b.Loop() {
		Preprocess{Resize: 256, Crop: 224}.Apply(m)
	}
}

func BenchmarkDecodeSmallJPEG(b *testing.B) {
	data, err := os.ReadFile("testdata/jpeg420.jpg")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := DecodeBytes(data); err != nil {
			b.Fatal(err)
		}
	}
}

// TestCheck: an image whose bytes are not 3 for each pixel is named by what it has.
func TestCheck(t *testing.T) {
	for _, c := range []struct {
		m    *Image
		want string
	}{
		{New(2, 3), ""},
		{nil, "nil"},
		{&Image{}, "0 x 0 pixels"},
		{&Image{Width: -1, Height: -1, Pix: make([]byte, 3)}, "-1 x -1"},
		{&Image{Width: 4, Height: 4, Pix: make([]byte, 16)}, "has 16 bytes; expected 3 for each pixel"},
		{&Image{Width: 4, Height: 4, Pix: make([]byte, 64)}, "has 64 bytes"},
		{&Image{Width: 4, Height: 4, Pix: make([]byte, 50)}, "has 50 bytes"},
		{&Image{Width: 1 << 32, Height: 1 << 32}, "has 0 bytes"},
	} {
		if err := c.m.Check(); c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}
