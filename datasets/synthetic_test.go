package datasets

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// digestOf hashes the pixels of every step-th image.
func digestOf(t *testing.T, s *Split, step int) string {
	t.Helper()
	h := sha256.New()
	for i := 0; i < s.Len(); i += step {
		m, err := s.Image(i)
		if err != nil {
			t.Fatal(err)
		}
		if m.Width != side || m.Height != side || len(m.Pix) != 3*side*side {
			t.Fatalf("image %d has %d x %d pixels", i, m.Width, m.Height)
		}
		h.Write(m.Pix)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Weights and accuracies are published for these very pixels. Whoever changes a drawing raises the version in
// synthetic.go and makes the embedded weights anew.
func TestBuiltinPixels(t *testing.T) {
	for _, tt := range []struct {
		name, train, val, fingerprint string
		classes, trainLen, valLen     int
	}{
		{"shapes", "54f03a3aef45717a", "fdcb4f2483253643", "37e61e2d0ba8926add07f2284853e043", 16, 5120, 1024},
		{"sketches", "c290cff29d10533d", "78be6bdf3d959813", "c8dfb97fc50f1a45525c272987a0d4e1", 10, 300, 600},
	} {
		d, err := Load(tt.name)
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Classes) != tt.classes || d.Train.Len() != tt.trainLen || d.Val.Len() != tt.valLen || d.Test != nil || len(d.Warnings) != 0 {
			t.Errorf("%v", d)
		}
		if !slices.IsSorted(d.Classes) {
			t.Errorf("%s: classes are not sorted: %v", tt.name, d.Classes)
		}
		if got := digestOf(t, d.Train, 7); got != tt.train {
			t.Errorf("%s: training pixels %s, want %s", tt.name, got, tt.train)
		}
		if got := digestOf(t, d.Val, 7); got != tt.val {
			t.Errorf("%s: validation pixels %s, want %s", tt.name, got, tt.val)
		}
		if got := d.Fingerprint(); got != tt.fingerprint {
			t.Errorf("%s: fingerprint %s, want %s", tt.name, got, tt.fingerprint)
		}
		for _, s := range []*Split{d.Train, d.Val} {
			for c, n := range s.Counts() {
				if n != s.Len()/tt.classes {
					t.Errorf("%s: %d images of class %s", tt.name, n, d.Classes[c])
				}
			}
		}
	}
}

func TestBuiltinSeedAndLimit(t *testing.T) {
	a, b := MustLoad("sketches"), MustLoad("sketches", Options{Seed: 1, PerClass: 5})
	if b.Train.Len() != 50 || b.Val.Len() != 600 {
		t.Errorf("%v", b)
	}
	if a.Fingerprint() == MustLoad("sketches", Options{Seed: 1}).Fingerprint() {
		t.Error("another seed, and the same fingerprint")
	}
	if digestOf(t, a.Val, 50) == digestOf(t, b.Val, 50) {
		t.Error("another seed, and the same images")
	}
	if digestOf(t, a.Train, 30) == digestOf(t, a.Val, 60) {
		t.Error("training and validation images are the same")
	}
}

// Images must not depend on the order in which they are asked for, and all of them must differ.
func TestBuiltinImagesAreIndependent(t *testing.T) {
	s := MustLoad("shapes").Val
	first, err := s.Image(700)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for i := range s.Len() {
		m, err := s.Image(i)
		if err != nil {
			t.Fatal(err)
		}
		if j, ok := seen[string(m.Pix)]; ok {
			t.Errorf("images %d and %d are equal", i, j)
		}
		seen[string(m.Pix)] = i
	}
	if again := s.Subset([]int{700}); again.Len() != 1 || again.Name(0) != s.Name(700) || again.Label(0) != s.Label(700) {
		t.Error("Subset does not keep name and label")
	} else if m, err := again.Image(0); err != nil || !bytes.Equal(m.Pix, first.Pix) {
		t.Errorf("image 700 has changed, error %v", err)
	}
}

// Rounding of the tables must not hang on the last bit of a platform's sine.
func TestSinesAreSafe(t *testing.T) {
	for i := range turn {
		v := math.Sin(2*math.Pi*float64(i)/turn) * (1 << trigs)
		if d := math.Abs(v - math.Floor(v) - 0.5); d < 1e-6 {
			t.Errorf("sin(%d/%d) lies %g from a rounding boundary", i, turn, d)
		}
	}
	if sin(turn/4) != 1<<trigs || cos(turn/2) != -1<<trigs || sin(-turn/4) != -1<<trigs || sin(5*turn) != 0 {
		t.Error("the table of sines is wrong")
	}
}

func TestMask(t *testing.T) {
	m := newMask()
	sum := func() (n int) {
		for _, a := range m.coverage() {
			n += int(a)
		}
		return n
	}
	square := func(lo, hi int) []point {
		return []point{{lo * sub, lo * sub}, {hi * sub, lo * sub}, {hi * sub, hi * sub}, {lo * sub, hi * sub}}
	}
	m.polygon(square(4, 14), false)
	if got := sum(); got != 100*255 {
		t.Errorf("a square of 100 pixels covers %g", float64(got)/255)
	}
	reversed := square(4, 14)
	slices.Reverse(reversed)
	m.polygon(square(4, 14), false)
	m.polygon(reversed, false)
	if got := sum(); got != 100*255 {
		t.Errorf("the same square both ways round covers %g", float64(got)/255)
	}
	m.polygon(square(4, 14), false)
	m.polygon(square(6, 8), true)
	if got := sum(); got != 96*255 {
		t.Errorf("a square with a hole covers %g, want 96", float64(got)/255)
	}
	m.stroke([]point{{5 * sub, 16 * sub}, {25 * sub, 16 * sub}}, 2*sub, false)
	if got := float64(sum()) / 255; got < 42 || got > 43.2 { // 20 x 2 and a disc of radius 1
		t.Errorf("a line of 20 x 2 pixels with round ends covers %g", got)
	}
	m.polygon([]point{{-1 << 40, 0}, {1 << 40, 0}, {0, 1 << 40}}, false) // far outside
	sum()
	if got := sum(); got != 0 {
		t.Errorf("an empty mask covers %d", got)
	}
}

func TestISqrt(t *testing.T) {
	for _, v := range []int{-5, 0, 1, 2, 3, 4, 99, 100, 1 << 40, 1<<40 - 1, 999_999_999_999} {
		r := isqrt(v)
		if v > 0 && (r*r > v || (r+1)*(r+1) <= v) || v <= 0 && r != 0 {
			t.Errorf("isqrt(%d) is %d", v, r)
		}
	}
}

func TestNewSplit(t *testing.T) {
	image := func(i int) (*vision.Image, error) {
		if i == 1 {
			return nil, errors.New("gone")
		}
		return vision.New(2, 2), nil
	}
	s, err := NewSplit(2, []string{"a", "b"}, []int{0, 1}, image)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Image(0); err != nil {
		t.Error(err)
	}
	var broken *BrokenImageError
	if _, err := s.Subset([]int{1}).Image(0); !errors.As(err, &broken) || broken.Name != "b" {
		t.Errorf("got %v", err)
	}
	if !slices.Equal(s.Labels(), []int{0, 1}) {
		t.Errorf("labels %v", s.Labels())
	}
	for _, labels := range [][]int{{0}, {0, 2}, {0, -1}} {
		if _, err := NewSplit(2, []string{"a", "b"}, labels, image); err == nil {
			t.Errorf("labels %v are accepted", labels)
		}
	}
}

func BenchmarkShapes(b *testing.B)   { benchmarkDraw(b, drawShape, len(shapeClasses)) }
func BenchmarkSketches(b *testing.B) { benchmarkDraw(b, drawSketch, len(sketchClasses)) }

func benchmarkDraw(b *testing.B, draw func(int, *rand.Rand) *vision.Image, classes int) {
	i := 0
	for b.Loop() {
		draw(i%classes, vision.NewRand(uint64(i)))
		i++
	}
}

func ExampleLoad() {
	d, err := Load("sketches")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d)
	image, err := d.Train.Image(0)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d.Classes[d.Train.Label(0)], image.Width, image.Height)
	// Output:
	// sketches: 10 classes (boat, butterfly, cup, fish, ..., umbrella), 300 train, 600 val
	// boat 32 32
}

func ExampleList() {
	for _, info := range List() {
		fmt.Println(info.Name, len(info.Classes))
	}
	// Output:
	// cifar10 10
	// hymenoptera 2
	// shapes 16
	// sketches 10
}
