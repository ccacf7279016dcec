package vision

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
)

// TestAutoAugmentGolden compares every operation with torchvision's, to the byte; testdata/autoaugment.py
// made the file.
func TestAutoAugmentGolden(t *testing.T) {
	data, err := os.ReadFile("testdata/autoaugment.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Width, Height int
		Image         []byte
		Cases         []struct {
			Kind, Op string
			K, Sign  int
			Strength float64
			Signed   bool
			Image    []byte
		}
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	in := &Image{Width: golden.Width, Height: golden.Height, Pix: golden.Image}
	seen := map[string]bool{}
	for _, c := range golden.Cases {
		from := randOps
		if c.Kind == "trivial" {
			from = trivialOps
		}
		i := slices.IndexFunc(from, func(o op) bool { return o.name == c.Op })
		if i < 0 {
			t.Fatalf("torchvision has %s, we do not", c.Op)
		}
		o := from[i]
		seen[c.Kind+c.Op] = true
		v := o.at(c.K, in.Width, in.Height)
		if math.Abs(v-c.Strength) > 2e-6*math.Max(1, c.Strength) || o.signed != c.Signed { // torchvision's are float32
			t.Errorf("%s %s, magnitude %d: strength %g (signed %v), torchvision has %g (%v)", c.Kind, c.Op, c.K, v, o.signed, c.Strength, c.Signed)
		}
		out := o.apply(new(Scratch), in, float64(c.Sign)*v)
		wrong, worst := 0, 0
		for j, want := range c.Image {
			if d := int(out.Pix[j]) - int(want); d != 0 {
				wrong++
				worst = max(worst, max(d, -d))
			}
		}
		if wrong > 0 {
			t.Errorf("%s %s, magnitude %d, sign %d: %d of %d bytes differ, by up to %d", c.Kind, c.Op, c.K, c.Sign, wrong, len(c.Image), worst)
		}
	}
	if len(seen) != len(randOps)+len(trivialOps) {
		t.Errorf("the file tests %d operations, there are %d", len(seen), len(randOps)+len(trivialOps))
	}
}

func TestAutoAugment(t *testing.T) {
	m := New(16, 12)
	for i := range m.Pix {
		m.Pix[i] = uint8(i * 7)
	}
	before := slices.Clone(m.Pix)
	for _, a := range []Augment{{TrivialAugment: true}, {RandAugment: RandAugment{Ops: 2}}} {
		if a.IsZero() {
			t.Errorf("%+v counts as no augmentation", a)
		}
		changed := 0
		for i := range uint64(40) {
			x := a.Apply(NewRand(1, i), m, 0, Bilinear)
			y := a.Apply(NewRand(1, i), m, 0, Bilinear)
			if x.Width != m.Width || x.Height != m.Height || !slices.Equal(x.Pix, y.Pix) {
				t.Fatalf("%+v: another size, or not the same twice", a)
			}
			if !slices.Equal(x.Pix, before) {
				changed++
			}
		}
		if changed < 25 {
			t.Errorf("%+v changed %d of 40 images", a, changed)
		}
	}
	if !slices.Equal(m.Pix, before) {
		t.Error("the image itself was changed")
	}
	for _, bad := range []Augment{{TrivialAugment: true, RandAugment: RandAugment{Ops: 1}}, {RandAugment: RandAugment{Ops: -1}}, {RandAugment: RandAugment{Ops: 1, Magnitude: 31}}} {
		if bad.Validate() == nil {
			t.Errorf("%+v passes", bad)
		}
	}
}
