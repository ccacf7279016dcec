package vision

import (
	"bytes"
	"image"
	"testing"
)

// slowResize is Pillow's two passes as plainly as they can be written, over the whole image.
func slowResize(m *Image, width, height int, interp Interpolation) *Image {
	pass := func(m *Image, size int, columns bool) *Image {
		in, out := m.Width, New(size, m.Height)
		if columns {
			in, out = m.Height, New(m.Width, size)
		}
		if in == size {
			return m
		}
		var f filter
		f.set(axis{in, size, 0, size}, interp)
		for y := range out.Height {
			for x := range out.Width {
				for c := range 3 {
					pixel, step, at := x, 3, 3*y*m.Width
					if columns {
						pixel, step, at = y, 3*m.Width, 3*x
					}
					t := f.taps[pixel]
					sum := int32(half)
					for k, w := range t.weights {
						sum += int32(m.Pix[at+(t.first+k)*step+c]) * w
					}
					out.Pix[3*(y*out.Width+x)+c] = clip8(sum >> weightBits)
				}
			}
		}
		return out
	}
	return pass(pass(m, width, false), height, true)
}

// What is computed in part, from a part, and into memory used before is what the plain way gives: cut, resize, cut.
func TestScratchAsTheSlowWay(t *testing.T) {
	var s Scratch
	r := NewRand(5)
	for i := range 150 {
		m := noise(1+r.IntN(90), 1+r.IntN(90))
		x, y := r.IntN(m.Width), r.IntN(m.Height)
		from := image.Rect(x, y, x+1+r.IntN(m.Width-x), y+1+r.IntN(m.Height-y))
		width, height := 1+r.IntN(60), 1+r.IntN(60)
		switch r.IntN(4) {
		case 0:
			width = from.Dx()
		case 1:
			height = from.Dy()
		}
		x, y = r.IntN(width), r.IntN(height)
		want := image.Rect(x, y, x+1+r.IntN(width-x), y+1+r.IntN(height-y))
		for _, interp := range []Interpolation{Bilinear, Bicubic, Lanczos, Nearest} {
			got := s.resize(m, from, width, height, want, interp)
			slow := Crop(slowResize(Crop(m, from), width, height, interp), want)
			if got.Width != slow.Width || got.Height != slow.Height || !bytes.Equal(got.Pix, slow.Pix) {
				t.Fatalf("case %d: part %v of %d x %d pixels to %d x %d, of it %v, %s: another image", i, from, m.Width, m.Height, width, height, want, interp)
			}
		}
	}
}

// TestThinImages holds that an image of few pixels in one direction and very many in the other takes little memory to
// prepare, whatever the preparation, and that the result is that of the plain way, or differs by the last rounding.
func TestThinImages(t *testing.T) {
	const long = 1_000_000
	for _, c := range []struct {
		width, height int
		p             Preprocess
	}{
		{2, long, Preprocess{Resize: 32, Squash: true}},
		{2, long, Preprocess{Resize: 32, Squash: true, Crop: 24, Interpolation: Bicubic}},
		{long, 2, Preprocess{Resize: 32, Squash: true, Interpolation: Bicubic}},
		{2, long, Preprocess{Resize: 32, Crop: 24}},
		{long, 2, Preprocess{Resize: 32, Crop: 48, Interpolation: Bicubic}},
		{2, long, Preprocess{Resize: 32, Crop: 48}},
	} {
		var s Scratch
		m := noise(c.width, c.height)
		got := s.Apply(c.p, m)
		taken := cap(s.rows) + 4*(cap(s.sums)+cap(s.x.buf)+cap(s.y.buf)) + 8*(cap(s.x.weight)+cap(s.y.weight))
		for _, i := range s.images {
			taken += cap(i.Pix)
		}
		if most := len(m.Pix) + MaxScratch + 1<<20; taken > most {
			t.Errorf("%d x %d, %+v: %d bytes, want at most %d", c.width, c.height, c.p, taken, most)
		}
		if w, h := c.p.Size(m.Width, m.Height); got.Width != w || got.Height != h {
			t.Errorf("%d x %d, %+v: %d x %d pixels, Size is %d x %d", c.width, c.height, c.p, got.Width, got.Height, w, h)
		}
		if !c.p.Squash {
			continue // the plain way would take gigabytes
		}
		want := slowResize(m, 32, 32, c.p.Interpolation)
		if c.p.Crop > 0 {
			want = CenterCrop(want, c.p.Crop, c.p.Crop)
		}
		for i, v := range got.Pix {
			if d := int(v) - int(want.Pix[i]); d < -1 || d > 1 {
				t.Errorf("%d x %d, %+v: byte %d is %d, want %d", c.width, c.height, c.p, i, v, want.Pix[i])
				break
			}
		}
	}
}

func TestScratchPrepares(t *testing.T) {
	var s Scratch
	for i, m := range []*Image{noise(60, 40), noise(31, 90), noise(20, 20), noise(24, 24), noise(33, 32)} {
		for _, p := range []Preprocess{{}, {Resize: 32, Crop: 24}, {Resize: 20, Crop: 24}, {Resize: 24, Interpolation: Bicubic}, {Crop: 24}} {
			// The plain way of evaluation: resize, then cut.
			plain := m
			if p.Resize > 0 {
				plain = ResizeShorter(plain, p.Resize, p.Interpolation)
			}
			if p.Crop > 0 {
				plain = CenterCrop(plain, p.Crop, p.Crop)
			}
			if got := s.Apply(p, m); got.Width != plain.Width || !bytes.Equal(got.Pix, plain.Pix) {
				t.Errorf("image %d, %+v: not what resizing and cropping gives", i, p)
			}
			for k, a := range []Augment{{}, StandardAugment(), CIFARAugment(), {HorizontalFlip: 1, RandAugment: RandAugment{Ops: 4}}, {TrivialAugment: true}} {
				before := bytes.Clone(m.Pix)
				want := p.ApplyAugmented(a, NewRand(1, uint64(i)), m)
				got := s.ApplyAugmented(p, a, s.Rand(1, uint64(i)), m)
				if got.Width != want.Width || !bytes.Equal(got.Pix, want.Pix) {
					t.Errorf("image %d, %+v, augmentation %d: another image than with fresh memory", i, p, k)
				}
				if !bytes.Equal(before, m.Pix) {
					t.Fatalf("image %d, augmentation %d: the image itself was changed", i, k)
				}
			}
		}
	}
}

func TestScratchAllocatesNothing(t *testing.T) {
	var s Scratch
	p := Preprocess{Resize: 36, Crop: 32}
	m := noise(70, 50)
	for _, a := range []Augment{{}, StandardAugment(), CIFARAugment(), {ResizedCrop: true, HorizontalFlip: 0.5, RandAugment: RandAugment{Ops: 3}}, {TrivialAugment: true}} {
		i := uint64(0)
		one := func() {
			s.ApplyAugmented(p, a, s.Rand(1, i%100), m)
			i++
		}
		for range 100 {
			one()
		}
		if n := testing.AllocsPerRun(100, one); n != 0 {
			t.Errorf("%+v: %g allocations per image", a, n)
		}
	}
}

func BenchmarkResizedCrop(b *testing.B) {
	m := noise(500, 400)
	var s Scratch
	p := Preprocess{Resize: 256, Crop: 224}
	for _, tt := range []struct {
		name string
		a    Augment
	}{{"evaluation", Augment{}}, {"standard", StandardAugment()}} {
		b.Run(tt.name, func(b *testing.B) {
			b.ReportAllocs()
			i := uint64(0)
			for b.Loop() {
				s.ApplyAugmented(p, tt.a, s.Rand(1, i%100), m)
				i++
			}
		})
	}
}
