package insight

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestMislabelledAgainstPeer holds precision and recall of the named examples against cleanlab's, for equal out-of-fold
// probabilities (testdata/peer_mislabelled.py).
func TestMislabelledAgainstPeer(t *testing.T) {
	data, err := os.ReadFile("testdata/mislabelled.json")
	if err != nil {
		t.Fatal(err)
	}
	var sets []struct {
		Probabilities [][]float64
		Labels, Truth []int
		Named         []int
	}
	if err := json.Unmarshal(data, &sets); err != nil {
		t.Fatal(err)
	}
	for _, s := range sets {
		classes := len(s.Probabilities[0])
		wrong := 0.0
		for i := range s.Labels {
			if s.Labels[i] != s.Truth[i] {
				wrong++
			}
		}
		score := func(named []int) (precision, recall float64) {
			hits := 0.0
			for _, i := range named {
				if s.Labels[i] != s.Truth[i] {
					hits++
				}
			}
			return hits / float64(len(named)), hits / wrong
		}
		got := mislabelled(s.Probabilities, s.Labels, classes)
		p, r := score(got)
		wantP, wantR := score(s.Named)
		t.Logf("%d classes, %.0f of %d wrong: %d named, precision %.3f, recall %.3f; cleanlab %d named, %.3f, %.3f",
			classes, wrong, len(s.Labels), len(got), p, r, len(s.Named), wantP, wantR)
		sorted := slices.Sorted(slices.Values(got))
		if !slices.Equal(sorted, s.Named) {
			t.Errorf("%d classes: named are %v, cleanlab's are %v", classes, sorted, s.Named)
		}
		if math.Abs(p-wantP) > 0.02 || math.Abs(r-wantR) > 0.02 {
			t.Errorf("%d classes: precision %g, recall %g; cleanlab %g, %g", classes, p, r, wantP, wantR)
		}
		own := func(i int) float64 { return s.Probabilities[i][s.Labels[i]] }
		if !slices.IsSortedFunc(got, func(a, b int) int { return int(math.Copysign(1, own(a)-own(b))) }) {
			t.Error("the most suspicious are not first")
		}
	}
}

// TestWrongLabels: a classifier knows the class of an image with 60 to nearly 100 %, and does not learn that a share of
// the labels was replaced. The share is found in the main, and most labels above one half were replaced.
func TestWrongLabels(t *testing.T) {
	const n, classes = 4000, 4
	for share, want := range map[float64][2]float64{0: {0, 0.06}, 0.02: {0.01, 0.05}, 0.1: {0.07, 0.12}, 0.25: {0.12, 0.27}} {
		rng := rand.New(rand.NewPCG(3, 17))
		var p [][]float64
		var labels []int
		var replaced []bool
		other := func(c int) int { return (c + 1 + rng.IntN(classes-1)) % classes }
		for i := range n {
			certainty := 1 - 0.4*math.Pow(float64(i%100)/100, 4)
			seen := rng.IntN(classes) // what the image looks like
			label := seen
			if rng.Float64() > certainty {
				label = other(seen)
			}
			replaced = append(replaced, rng.Float64() < share)
			if replaced[i] {
				label = other(label)
			}
			row := make([]float64, classes)
			for c := range row {
				clean := (1 - certainty) / (classes - 1)
				if c == seen {
					clean = certainty
				}
				row[c] = clean
			}
			p, labels = append(p, row), append(labels, label)
		}
		wrong, found := wrongLabels(p, labels, classes)
		hits, named := 0, 0
		for i, w := range wrong {
			if w > 0.5 {
				if named++; replaced[i] {
					hits++
				}
			}
		}
		t.Logf("a share of %g: %.4f found, %d labels above one half, %d of them replaced", share, found, named, hits)
		if found < want[0] || found > want[1] {
			t.Errorf("a share of %g: %.4f found, want %g to %g", share, found, want[0], want[1])
		}
		if share > 0 && (hits*10 < named*7 || float64(hits) < 0.2*share*n) || named > 100 && share == 0 {
			t.Errorf("a share of %g: %d labels above one half, %d of them replaced", share, named, hits)
		}
	}
	for name, c := range map[string]struct {
		p      [][]float64
		labels []int
		n      int
	}{
		"one class":     {[][]float64{{1}, {1}}, []int{0, 0}, 1},
		"certain, zero": {[][]float64{{1, 0}, {0, 1}, {1, 0}}, []int{0, 1, 1}, 2},
		"no knowledge":  {[][]float64{{0.5, 0.5}, {0.5, 0.5}}, []int{0, 1}, 2},
		"no examples":   {nil, nil, 2},
	} {
		w, share := wrongLabels(c.p, c.labels, c.n)
		for i, v := range append(w, share) {
			if !(v >= 0 && v <= 1) {
				t.Errorf("%s: value %d is %g", name, i, v)
			}
		}
	}
	w, _ := wrongLabels([][]float64{{1, 0}, {0, 1}, {1, 0}}, []int{0, 1, 1}, 2)
	if got := suspicious(w, [][]float64{{1, 0}, {0, 1}, {1, 0}}, []int{0, 1, 1}); !slices.Equal(got, []int{2}) {
		t.Errorf("suspicious are %v of %v, want the third", got, w)
	}
}

// TestSuspiciousKeepsOne: a class keeps the example whose label is the least suspicious.
func TestSuspiciousKeepsOne(t *testing.T) {
	p := [][]float64{{0.1, 0.9}, {0.3, 0.7}, {0.2, 0.8}, {0.1, 0.9}}
	if got := suspicious([]float64{0.9, 0.7, 0.8, 0}, p, []int{0, 0, 0, 1}); !slices.Equal(got, []int{0, 2}) {
		t.Errorf("suspicious are %v, want the first and the third: the second is the class's last", got)
	}
}

// TestAgreement: a model that is always right has exactly 1, which a sum of 49 shares exceeds.
func TestAgreement(t *testing.T) {
	for n := range 200 {
		p := slices.Repeat([][]float64{{0, 1}}, n+1)
		if got := agreement(p, slices.Repeat([]int{1}, n+1)); got != 1 {
			t.Errorf("%d right predictions of %d: accuracy %v", n+1, n+1, got)
		}
	}
}

// TestRareClasses: the label of a class's only image is not checked, since no fit on other images knows the class, and
// a note says so.
func TestRareClasses(t *testing.T) {
	for _, c := range []struct {
		name    string
		counts  []int // images of each class
		checked int
		note    string
	}{
		{"two rare ones", []int{20, 1, 20, 1}, 40, "2 labels are not checked"},
		{"none", []int{20, 20}, 40, ""},
		{"all", []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 0, "12 labels are not checked"},
	} {
		r := &Inspection{Data: &datasets.Dataset{Name: "rare"}, Model: "m"}
		f := &zoo.Features{Shape: []int{len(c.counts)}}
		var refs []ImageRef
		for class, n := range c.counts {
			r.Data.Classes = append(r.Data.Classes, fmt.Sprint("class ", class))
			for k := range n {
				row := make([]float32, len(c.counts))
				row[class] = 5 + float32(k%3)
				f.Values, f.Labels = append(f.Values, row...), append(f.Labels, class)
				refs = append(refs, ImageRef{Split: "train", Name: fmt.Sprint(class, "/", k), Class: r.Data.Classes[class]})
			}
		}
		if err := r.checkLabels(t.Context(), f, refs, InspectOptions{Folds: 5}); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if len(r.Labels) > 0 || r.Checked != c.checked || !(r.Accuracy >= 0 && r.Accuracy <= 1) {
			t.Errorf("%s: %d labels checked, accuracy %v, suspicious %v; want %d checked and none suspicious", c.name, r.Checked, r.Accuracy, r.Labels, c.checked)
		}
		if notes := strings.Join(r.Notes, " "); !strings.Contains(notes, c.note) || (c.note == "") != (notes == "") {
			t.Errorf("%s: notes %q, want one with %q", c.name, notes, c.note)
		}
		if text := r.features(); strings.Contains(text, "no label was checked") != (c.checked == 0) {
			t.Errorf("%s: the table says %q", c.name, text)
		}
	}
}

// TestConfidentJoint has the counts by hand.
func TestConfidentJoint(t *testing.T) {
	// The mean probability of their own class is 0.6 for class 0 and 0.8 for class 1.
	p := [][]float64{{0.9, 0.1}, {0.7, 0.3}, {0.2, 0.8}, {0.2, 0.8}, {0.1, 0.9}, {0.3, 0.7}}
	labels := []int{0, 0, 0, 1, 1, 1}
	if got := fmt.Sprint(confidentJoint(p, labels, 2)); got != "[[2 1] [0 3]]" {
		t.Errorf("joint %s, expected two and one of class 0, none and three of class 1", got)
	}
	if got := mislabelled(p, labels, 2); !slices.Equal(got, []int{2}) {
		t.Errorf("named %v, expected the third", got)
	}
	if got := mislabelled(p, labels, 3); !slices.Equal(got, []int{2}) {
		t.Errorf("with a class without examples %v are named", got)
	}
	if got := rounded([]float64{1.5, 0.5, 2.25, 0.75}, 5); !slices.Equal(got, []int{1, 1, 2, 1}) {
		t.Errorf("rounded to %v", got)
	}
}

// copied returns an image as people copy it: smaller, recompressed, a little brighter, every other one mirrored.
func copied(t *testing.T, img *vision.Image, mirrored bool) *vision.Image {
	t.Helper()
	small := vision.Resize(img, max(24, img.Width*3/4), max(24, img.Height*3/4), vision.Bilinear)
	if mirrored {
		small = vision.FlipHorizontal(small)
	}
	for i, v := range small.Pix {
		small.Pix[i] = uint8(min(255, int(v)+6))
	}
	return recompressed(t, small, 75)
}

// recompressed returns an image as JPEG of the given quality keeps it.
func recompressed(t *testing.T, img *vision.Image, quality int) *vision.Image {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img.ToImage(), &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	out, err := vision.Decode(&b, vision.DecodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// duplicatesOf returns the duplicates among images of one class.
func duplicatesOf(images []*vision.Image) []pair {
	prints, classes, order := make([]fingerprint, len(images)), make([]string, len(images)), make([]int, len(images))
	for i, img := range images {
		prints[i], order[i] = fingerprintOf(img), i
	}
	pairs, err := nearDuplicates(context.Background(), prints, classes, order)
	if err != nil {
		panic(err)
	}
	return pairs
}

// planted returns the pairs that are found among the images and a copy of every 20th of them, and the copies' places.
func planted(t *testing.T, images []*vision.Image) (found []pair, want map[[2]int]bool) {
	t.Helper()
	n := len(images)
	want = map[[2]int]bool{}
	for i := 0; i < n; i += 20 {
		want[[2]int{i, len(images)}] = true
		images = append(images, copied(t, images[i], i%40 == 0))
	}
	return duplicatesOf(images), want
}

// checkPlanted holds that all copies are found and nothing else.
func checkPlanted(t *testing.T, found []pair, want map[[2]int]bool) {
	t.Helper()
	hits := 0
	for _, p := range found {
		if !want[[2]int{p.a, p.b}] {
			t.Errorf("images %d and %d are no copies; correlation %.4f, mirrored %v", p.a, p.b, p.correlation, p.mirrored)
			continue
		}
		hits++
		if p.mirrored != (p.a%40 == 0) {
			t.Errorf("copy of %d: mirrored is %v", p.a, p.mirrored)
		}
	}
	if hits != len(want) {
		t.Errorf("%d of %d copies found", hits, len(want))
	}
	t.Logf("%d of %d copies found, %d pairs in all", hits, len(want), len(found))
}

// TestDuplicates has made-up images of smooth blocks.
func TestDuplicates(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var images []*vision.Image
	for range 100 {
		small := vision.New(8, 8)
		for i := range small.Pix {
			small.Pix[i] = uint8(rng.IntN(250))
		}
		images = append(images, vision.Resize(small, 64, 48, vision.Bilinear))
	}
	images = append(images, vision.New(32, 32), vision.New(40, 40)) // two plain ones of different sizes are no copies
	found, want := planted(t, slices.Clip(images[:100]))
	checkPlanted(t, found, want)
	if got := duplicatesOf(images[100:]); got != nil {
		t.Errorf("two plain images of different sizes: %v", got)
	}
}

// scene returns a picture of 224 x 224 pixels of one smooth scene with noise of its own, and a bright mark of 20 x 20
// pixels at one of 64 places, unless the place is negative.
func scene(rng *rand.Rand, noise float64, place int) *vision.Image {
	img := vision.New(224, 224)
	left, top := place%8*28, place/8*28
	for i := range img.Pix {
		x, y := i/3%224, i/3/224
		v := 100 + 40*math.Sin(float64(x)/60) + 30*math.Cos(float64(y)/80) + noise*rng.NormFloat64()
		if place >= 0 && x >= left && x < left+20 && y >= top && y < top+20 {
			v += 60
		}
		img.Pix[i] = uint8(v)
	}
	return img
}

// TestPicturesOfOneScene: different pictures of a fixed scene are no duplicates, though their small copies correlate;
// copies of one of them are.
func TestPicturesOfOneScene(t *testing.T) {
	rng := rand.New(rand.NewPCG(17, 1))
	for noise, unmarked := range map[float64]int{0: 0, 12: 30} {
		var images []*vision.Image
		for i := range 60 {
			images = append(images, scene(rng, noise, i-unmarked))
		}
		if found := duplicatesOf(images); len(found) > 0 {
			t.Errorf("noise %g: %d of 60 different pictures of one scene are duplicates, such as %v", noise, len(found), found[0])
		}
		found, want := planted(t, images)
		checkPlanted(t, found, want)
	}
}

// TestAlteredCopies: an image is found again after each alteration that a copy may have.
func TestAlteredCopies(t *testing.T) {
	rng := rand.New(rand.NewPCG(17, 2))
	blocks := vision.New(8, 8)
	for i := range blocks.Pix {
		blocks.Pix[i] = uint8(rng.IntN(200))
	}
	for name, img := range map[string]*vision.Image{"blocks": vision.Resize(blocks, 96, 72, vision.Bilinear), "scene": scene(rng, 12, 9)} {
		for _, c := range []struct {
			name         string
			scale        float64
			quality      int
			gain, offset float64
		}{
			{"compressed", 1, 50, 1, 0},
			{"half the size", 0.5, 75, 1, 0},
			{"darker", 1, 85, 0.7, 0},
			{"brighter", 1, 85, 1, 20},
			{"brighter, white cut off", 1, 85, 1.25, 10},
		} {
			other := vision.Resize(img, int(c.scale*float64(img.Width)), int(c.scale*float64(img.Height)), vision.Bilinear)
			for i, v := range other.Pix {
				other.Pix[i] = uint8(min(255, c.gain*float64(v)+c.offset))
			}
			if found := duplicatesOf([]*vision.Image{img, recompressed(t, other, c.quality)}); len(found) != 1 {
				t.Errorf("%s, %s: %d duplicates, want one", name, c.name, len(found))
			}
		}
	}
}

// TestManyDuplicates: of images that all look the same each has one pair, and dropping Extra's images leaves one of
// each label, which is a held-out one if there is any.
func TestManyDuplicates(t *testing.T) {
	rng := rand.New(rand.NewPCG(17, 3))
	flat, picture := vision.New(50, 50), scene(rng, 12, 9)
	for i := range flat.Pix {
		flat.Pix[i] = 90
	}
	for name, img := range map[string]*vision.Image{"flat": flat, "picture": picture} {
		var refs []ImageRef
		var prints []fingerprint
		for i := range 20 {
			ref := ImageRef{Split: "train", Name: fmt.Sprint(i), Class: "ants"}
			if i >= 10 {
				ref.Split = "val"
			}
			if i == 3 {
				ref.Class = "bees"
			}
			one := img
			if name != "flat" && i%3 == 1 {
				one = recompressed(t, img, 90) // equal to the eye, not to the byte
			}
			refs, prints = append(refs, ref), append(prints, fingerprintOf(one))
		}
		r := &Inspection{}
		if err := r.compare(t.Context(), refs, prints); err != nil {
			t.Fatal(err)
		}
		if other := count(r.Duplicates, func(d Duplicate) bool { return d.OtherLabel }); other != 1 || len(r.Duplicates) != 19 || !r.Duplicates[0].OtherLabel {
			t.Errorf("%s: %d pairs, %d of different labels; want 19 and 1, which is the first", name, len(r.Duplicates), other)
		}
		extra := r.Extra()
		if len(extra) != 18 || slices.Contains(extra, "3") || slices.Contains(extra, "10") {
			t.Errorf("%s: extra are %v; want all but 3, of another label, and 10, the first held-out one", name, extra)
		}
		if noted := len(r.Notes) > 0; noted != (name == "flat") {
			t.Errorf("%s: notes %v; want one for images of one colour", name, r.Notes)
		}
	}
}

// TestDuplicatesOfPhotographs plants copies among 1,000 small photographs of CIFAR-10.
func TestDuplicatesOfPhotographs(t *testing.T) {
	d, err := datasets.Load(testutil.Shared(t, "data/cifar10_jpg.zip"), datasets.Options{SkipCheck: true})
	if err != nil {
		t.Fatal(err)
	}
	var images []*vision.Image
	for i := 0; len(images) < 1000; i++ {
		img, err := d.Train.Image(i * d.Train.Len() / 1000)
		if err != nil {
			t.Fatal(err)
		}
		images = append(images, img)
	}
	found, want := planted(t, images)
	checkPlanted(t, found, want)
}

// TestInspectInterrupted: an interrupt ends each part of an inspection, with its error.
func TestInspectInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d := datasets.MustLoad("shapes", datasets.Options{PerClass: 4})
	m, err := zoo.Load("resnet20.shapes")
	if err != nil {
		t.Fatal(err)
	}
	r := &Inspection{Data: d}
	refs, images := everyImage(d)
	f := &zoo.Features{Shape: []int{2}}
	for i := range refs {
		f.Values, f.Labels = append(f.Values, float32(i), 1), append(f.Labels, i%2)
	}
	for name, part := range map[string]func() error{
		"reading": func() error { return r.look(ctx, refs, images) },
		"comparing": func() error {
			return products(ctx, []*mat.Dense{mat.NewDense(1, 1, nil)}, mat.NewDense(1, 1, nil), nil)
		},
		"outliers": func() error { _, err := isolation(ctx, f); return err },
		"labels":   func() error { return r.checkLabels(ctx, f, refs, InspectOptions{Folds: 5}) },
		"ranking":  func() error { _, err := rank(ctx, d, m); return err },
	} {
		if err := part(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v, want one of the interrupt", name, err)
		}
	}
}

// TestMeasure has a dark, a bright, a blurred and a sharp image.
func TestMeasure(t *testing.T) {
	board := vision.New(300, 240)
	for i := range board.Pix {
		if x, y := i/3%300, i/3/300; (x/15+y/15)%2 == 0 {
			board.Pix[i] = 200
		}
	}
	blurred := vision.Resize(vision.Resize(board, 5, 4, vision.Bilinear), 300, 240, vision.Bilinear)
	sharp, soft := measure(board), measure(blurred)
	if sharp.sharpness < blurriest || soft.sharpness >= blurriest {
		t.Errorf("sharpness %g and, blurred, %g; expected them on both sides of %d", sharp.sharpness, soft.sharpness, blurriest)
	}
	if math.Abs(sharp.luminance-100) > 3 {
		t.Errorf("luminance %g, expected about 100", sharp.luminance)
	}
	if q := measure(vision.New(1, 1)); q != (quality{}) {
		t.Errorf("one black pixel has %+v", q)
	}
}

func TestFarOut(t *testing.T) {
	if got := farOut([]float64{1, 2, 9, 1, 2, 1, 2, 30}); !slices.Equal(got, []int{7, 2}) {
		t.Errorf("far out are %v, expected the last and the third", got)
	}
	if got := farOut([]float64{5, 5, 5, 5, 5}); got != nil {
		t.Errorf("of equal values %v are far out", got)
	}
}

// TestInspect finds a flipped label, a copy across splits, a dark and a blurred image among drawn ones.
func TestInspect(t *testing.T) {
	m, err := zoo.Load("resnet20.shapes")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release()
	d, err := datasets.Load("shapes", datasets.Options{PerClass: 30})
	if err != nil {
		t.Fatal(err)
	}
	d.Val, d.Test = d.Val.FirstPerClass(2), nil
	flipped, rng := map[string]string{}, rand.New(rand.NewPCG(17, 5))
	for i := range d.Train.Len() {
		if rng.Float64() < 0.05 {
			flipped[d.Train.Name(i)] = d.Classes[(d.Train.Label(i)+1+rng.IntN(len(d.Classes)-1))%len(d.Classes)]
		}
	}
	bad, err := d.Relabel(flipped)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Inspect(bad, InspectOptions{Model: m})
	if err != nil {
		t.Fatal(err)
	}
	hits := 0
	for _, name := range r.Labels.Names() {
		if flipped[name] != "" {
			hits++
		}
	}
	t.Logf("%v; %d of %d flipped labels are among them; accuracy %.3f", r, hits, len(flipped), r.Accuracy)
	if hits*10 < len(flipped)*7 || hits*10 < len(r.Labels)*6 {
		t.Errorf("%d labels named, %d of %d flipped ones; expected a recall of 0.7 and a precision of 0.6", len(r.Labels), hits, len(flipped))
	}
	bundle, err := r.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"labels probably wrong", "%, labelled ", "resnet20"} {
		if text := bundle[plots.MIMEText].(string); !strings.Contains(text, want) {
			t.Errorf("the text has no %q: %s", want, text)
		}
	}
	for _, c := range []struct {
		want string
		call func() error
	}{
		{"nil", func() error { _, err := Inspect(nil); return err }},
		{"Folds", func() error { _, err := Inspect(d, InspectOptions{Folds: 1}); return err }},
	} {
		if err := c.call(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, expected one with %q", err, c.want)
		}
	}
}

// TestInspectOneSplit: data with a test split alone are inspected, too. Classes of one name are told apart: an image of
// both is a duplicate of different labels.
func TestInspectOneSplit(t *testing.T) {
	m, err := zoo.Load("resnet20.shapes")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release()
	shapes, err := datasets.Load("shapes", datasets.Options{PerClass: 4})
	if err != nil {
		t.Fatal(err)
	}
	of := shapes.Train
	classes := slices.Clone(shapes.Classes)
	classes[0], classes[1] = "crane", "crane"
	names, labels := []string{"copy"}, []int{1 - of.Label(0)}
	for i := range of.Len() {
		names, labels = append(names, of.Name(i)), append(labels, of.Label(i))
	}
	if of.Label(0) != 0 {
		t.Fatalf("the first image is of class %d, the test takes it as one of class 0", of.Label(0))
	}
	all, err := datasets.NewSplit(len(classes), names, labels, func(i int) (*vision.Image, error) { return of.Image(max(i-1, 0)) })
	if err != nil {
		t.Fatal(err)
	}
	d := &datasets.Dataset{Name: "held", Classes: classes, Test: all.WithClasses(classes)}
	r, err := Inspect(d, InspectOptions{Model: m})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Duplicates) != 1 || !r.Duplicates[0].OtherLabel || r.Duplicates[0].A.Class != "crane (1)" || r.Duplicates[0].B.Class != "crane (0)" {
		t.Errorf("duplicates %+v, expected one of the classes crane (1) and crane (0)", r.Duplicates)
	}
	if b, err := r.Bundle(); err != nil || !strings.Contains(b[plots.MIMEText].(string), "no training images") {
		t.Errorf("%v, error %v", b, err)
	}
	if text := d.String(); !strings.Contains(text, "0 train, 0 val") {
		t.Errorf("String: %s", text)
	}
	_, err = Rank(d, m)
	if err == nil || !strings.Contains(err.Error(), "training images") {
		t.Errorf("Rank: error %v, expected one with the missing training images", err)
	}
}

// TestExtra has the choice of the image to drop: the training image of a pair across splits, one of three
// copies left, none of a pair with different labels.
func TestExtra(t *testing.T) {
	ref := func(split, name string) ImageRef { return ImageRef{Split: split, Name: name} }
	r := &Inspection{Duplicates: []Duplicate{
		{A: ref("train", "a"), B: ref("val", "b"), AcrossSplits: true},
		{A: ref("train", "c"), B: ref("train", "d")},
		{A: ref("train", "c"), B: ref("train", "e")},
		{A: ref("train", "d"), B: ref("train", "e")},
		{A: ref("train", "f"), B: ref("train", "g"), OtherLabel: true},
	}}
	if got := r.Extra(); !slices.Equal(got, []string{"a", "d", "e"}) {
		t.Errorf("extra are %v, expected a, d and e", got)
	}
}
