package vision

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

func noise(w, h int) *Image {
	m := New(w, h)
	r := NewRand(1)
	for i := range m.Pix {
		m.Pix[i] = uint8(r.UintN(256))
	}
	return m
}

func TestAugmentZeroChangesNothing(t *testing.T) {
	m := noise(20, 10)
	r := NewRand(3)
	before := r.Uint64()
	r = NewRand(3)
	if got := (Augment{}).Apply(r, m, 8, ""); !bytes.Equal(got.Pix, m.Pix) || got.Width != 20 {
		t.Error("the zero Augment changed the image")
	}
	if r.Uint64() != before {
		t.Error("the zero Augment used random numbers")
	}
	if !(Augment{}).IsZero() || StandardAugment().IsZero() || CIFARAugment().IsZero() {
		t.Error("IsZero is wrong")
	}
}

func TestAugmentIsDeterminedBySeed(t *testing.T) {
	m := noise(40, 30)
	a := Augment{ResizedCrop: true, Pad: 2, HorizontalFlip: 0.5}
	seen := map[string]bool{}
	for i := range uint64(20) {
		one := a.Apply(NewRand(7, 1, i), m, 16, Bilinear)
		two := a.Apply(NewRand(7, 1, i), m, 16, Bilinear)
		if one.Width != 16 || one.Height != 16 || !bytes.Equal(one.Pix, two.Pix) {
			t.Fatalf("image %d is not repeated", i)
		}
		seen[string(one.Pix)] = true
	}
	if len(seen) != 20 {
		t.Errorf("only %d different images of 20", len(seen))
	}
}

func TestRandomRect(t *testing.T) {
	var meanArea float64
	const n = 2000
	for i := range uint64(n) {
		r := Augment{}.randomRect(NewRand(i), 100, 80)
		if r.Min.X < 0 || r.Min.Y < 0 || r.Max.X > 100 || r.Max.Y > 80 || r.Empty() {
			t.Fatalf("rectangle %v leaves the image", r)
		}
		ratio := float64(r.Dx()) / float64(r.Dy())
		if ratio < 0.7 || ratio > 1.4 {
			t.Fatalf("ratio %g of %v", ratio, r)
		}
		meanArea += float64(r.Dx()*r.Dy()) / 8000 / n
	}
	// Areas are uniform from 0.08 to 1, less the large ones that do not fit: clearly above a third, below
	// the mean of 0.54.
	if meanArea < 0.4 || meanArea > 0.54 {
		t.Errorf("mean share of the area is %g", meanArea)
	}
	// Where nothing fits, the largest central part of an allowed ratio.
	for _, tt := range []struct{ w, h, x0, y0, dx, dy int }{{1000, 10, 493, 0, 13, 10}, {10, 1000, 0, 493, 10, 13}} {
		r := Augment{Scale: [2]float64{1, 1}}.randomRect(NewRand(1), tt.w, tt.h)
		if r.Min.X != tt.x0 || r.Min.Y != tt.y0 || r.Dx() != tt.dx || r.Dy() != tt.dy {
			t.Errorf("%d x %d: %v", tt.w, tt.h, r)
		}
	}
}

func TestPadAndFlip(t *testing.T) {
	m := New(5, 5)
	m.Pix[3*(2*5+2)] = 255 // one red pixel in the middle
	places := map[int]int{}
	for i := range uint64(400) {
		out := Augment{Pad: 1}.Apply(NewRand(i), m, 0, "")
		at := bytes.IndexByte(out.Pix, 255) / 3
		places[at]++
	}
	if len(places) != 9 {
		t.Errorf("the pixel was at %d places, want 9: %v", len(places), places)
	}
	m = noise(4, 1)
	flipped := 0
	for i := range uint64(400) {
		if out := (Augment{HorizontalFlip: 0.25}).Apply(NewRand(i), m, 0, ""); !bytes.Equal(out.Pix, m.Pix) {
			flipped++
		}
	}
	if flipped < 70 || flipped > 130 {
		t.Errorf("%d of 400 flipped, want about 100", flipped)
	}
}

func TestApplyAugmented(t *testing.T) {
	m := noise(60, 40)
	p := Preprocess{Resize: 32, Crop: 24}
	if got := p.ApplyAugmented(Augment{}, NewRand(1), m); !bytes.Equal(got.Pix, p.Apply(m).Pix) {
		t.Error("without augmentation it is not Apply")
	}
	for _, a := range []Augment{StandardAugment(), CIFARAugment()} {
		if got := p.ApplyAugmented(a, NewRand(1), m); got.Width != 24 || got.Height != 24 {
			t.Errorf("%+v: %d x %d pixels", a, got.Width, got.Height)
		}
	}
	if got := (Preprocess{}).ApplyAugmented(StandardAugment(), NewRand(1), m); got.Width != 60 || got.Height != 40 {
		t.Errorf("zero Preprocess: %d x %d pixels", got.Width, got.Height)
	}
}

func TestNewRand(t *testing.T) {
	first := func(r *rand.Rand) uint64 { return r.Uint64() }
	one, two := NewRand(0), NewRand(0)
	if first(one) != first(two) {
		t.Error("not repeatable")
	}
	seen := map[uint64]bool{}
	for _, r := range []*rand.Rand{NewRand(0), NewRand(1), NewRand(0, 0), NewRand(0, 1), NewRand(1, 0), NewRand(0, 0, 0), NewRand(0, 1, 2), NewRand(0, 2, 1)} {
		seen[first(r)] = true
	}
	if len(seen) != 8 {
		t.Errorf("%d different generators, want 8", len(seen))
	}
	// A run must give the same augmentations with a later version.
	if got := NewRand(42, 1, 2).Uint64(); got != 0xa8438728f876cc33 {
		t.Errorf("NewRand(42, 1, 2) begins with %#x", got)
	}
}

func TestValidateAndJSON(t *testing.T) {
	for _, p := range []Preprocess{{Resize: -1}, {Crop: -2}, {Std: [3]float32{1, 0, 1}}, {Interpolation: "hamming"}, {Std: [3]float32{float32(math.NaN()), 1, 1}}} {
		if p.Validate() == nil {
			t.Errorf("%+v is taken for valid", p)
		}
	}
	for _, a := range []Augment{{Pad: -1}, {HorizontalFlip: 2}, {HorizontalFlip: math.NaN()}, {Scale: [2]float64{0.5, 0.1}}, {Scale: [2]float64{0.5, 1.5}}, {Ratio: [2]float64{-1, 1}}} {
		if a.Validate() == nil {
			t.Errorf("%+v is taken for valid", a)
		}
	}
	p := Preprocess{Resize: 256, Crop: 224, Interpolation: Bicubic, Mean: ImageNetMean, Std: ImageNetStd}
	a := Augment{ResizedCrop: true, Scale: [2]float64{0.2, 1}, HorizontalFlip: 0.5}
	for _, v := range []interface{ Validate() error }{p, a, Preprocess{}, Augment{}, StandardAugment(), CIFARAugment()} {
		if err := v.Validate(); err != nil {
			t.Errorf("%+v: %v", v, err)
		}
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		back := reflect.New(reflect.TypeOf(v))
		if err := json.Unmarshal(data, back.Interface()); err != nil || !reflect.DeepEqual(back.Elem().Interface(), v) {
			t.Errorf("%s comes back as %+v, error %v", data, back.Elem(), err)
		}
	}
}
