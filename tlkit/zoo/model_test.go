package zoo_test

import (
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// small returns a ResNet-20 for 8x8 images.
func small(t testing.TB, classes []string, seed uint64) *zoo.Model {
	t.Helper()
	spec, err := zoo.Info("resnet20")
	if err != nil {
		t.Fatal(err)
	}
	m, err := zoo.New(spec, classes, seed)
	if err != nil {
		t.Fatal(err)
	}
	m.Preprocess = vision.Preprocess{Resize: 8, Crop: 8, Mean: vision.ImageNetMean, Std: vision.ImageNetStd}
	return m
}

func values(t testing.TB, m *zoo.Model) map[string][]float32 {
	t.Helper()
	all := map[string][]float32{}
	for _, p := range m.Params() {
		v, err := m.Values(p)
		if err != nil {
			t.Fatal(err)
		}
		all[p.Key] = v
	}
	return all
}

func noise(seed uint64, width, height int) *vision.Image {
	m := vision.New(width, height)
	rng := rand.New(rand.NewPCG(seed, 0))
	for i := range m.Pix {
		m.Pix[i] = uint8(rng.Uint32())
	}
	return m
}

func TestNewSeeds(t *testing.T) {
	ab := []string{"a", "b"}
	one, same, other := values(t, small(t, ab, 1)), values(t, small(t, ab, 1)), values(t, small(t, ab, 2))
	if !reflect.DeepEqual(one, same) {
		t.Error("equal seeds, different values")
	}
	for key, v := range one {
		random := strings.HasSuffix(key, "conv1.weight") || strings.HasSuffix(key, "conv2.weight") || key == "linear.weight"
		if slices.Equal(v, other[key]) == random {
			t.Errorf("%s: equal under another seed: %v", key, random)
		}
	}
	if slices.Equal(one["layer1.0.conv1.weight"], one["layer1.0.conv2.weight"]) {
		t.Error("two layers start equal")
	}
	_, err := zoo.New(zoo.Spec{Name: "own"}, nil, 0)
	wantError(t, err, `"own"`, "class name")
}

// TestReplaceHead: a new head changes the head and nothing else, and its values depend on the seed alone.
func TestReplaceHead(t *testing.T) {
	m := small(t, []string{"a", "b", "c"}, 1)
	image := noise(1, 8, 8)
	if p, err := m.Predict(image, 9); err != nil || len(p) != 3 {
		t.Fatalf("Predict = %v, %v", p, err)
	}
	before := values(t, m)
	m.SetTrainable(m.InHead)
	if err := m.ReplaceHead([]string{"x", "y"}, 5); err != nil {
		t.Fatal(err)
	}
	after := values(t, m)
	for _, p := range m.Params() {
		if same := slices.Equal(before[p.Key], after[p.Key]); same == (m.InHead(p) && len(p.Shape) == 2) && !strings.HasSuffix(p.Key, "bias") {
			t.Errorf("%s (stage %s): equal %v", p.Key, p.Stage, same)
		}
	}
	if w, _ := m.Param("linear.weight"); !slices.Equal(w.Shape, []int{2, 64}) {
		t.Errorf("the new head has shape %v, want 2x64", w.Shape)
	}
	if p, err := m.Predict(image, 9); err != nil || len(p) != 2 || !slices.Contains(m.Classes, p[0].Class) || p[0].Probability < p[1].Probability {
		t.Errorf("Predict with the new head = %v, %v", p, err)
	}
	if total, trained := m.NumParams(); total != 269722-650+130 || trained != 130 {
		t.Errorf("%d of %d values are trained, want the 130 of the new head of 269202", trained, total)
	}
	again := small(t, []string{"a"}, 77)
	if err := again.ReplaceHead([]string{"x", "y"}, 5); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(values(t, again)["linear.weight"], after["linear.weight"]) {
		t.Error("a head of equal seed differs between models")
	}
	wantError(t, m.ReplaceHead(nil, 0), `"resnet20"`, "class name")
}

// TestHeadUntrained: an output layer is untrained from its making until it gets other values, also in a copy.
func TestHeadUntrained(t *testing.T) {
	check := func(name string, m *zoo.Model, want bool) {
		t.Helper()
		if got, err := m.HeadUntrained(); err != nil || got != want {
			t.Errorf("%s: untrained %v, %v; want %v", name, got, err, want)
		}
	}
	m := small(t, []string{"a", "b", "c"}, 1)
	check("new", m, true)
	bias, _ := m.Param("linear.bias")
	if err := m.Variable(bias).SetValue(tensors.FromValue([]float32{1, 2, 3})); err != nil {
		t.Fatal(err)
	}
	check("trained", m, false)
	if err := m.ReplaceHead([]string{"x", "y"}, 5); err != nil {
		t.Fatal(err)
	}
	check("replaced", m, true)
	copied, err := m.Clone()
	if err != nil {
		t.Fatal(err)
	}
	check("copied", copied, true)
	if err := m.ReplaceHeadFrom([]string{"u", "v"}, map[string]string{"u": "y"}, 6); err != nil {
		t.Fatal(err)
	}
	check("begun with an old class", m, false)
	loaded, err := zoo.Load("resnet20.shapes")
	if err != nil {
		t.Fatal(err)
	}
	check("loaded", loaded, false)
	if loaded, err = zoo.Load("resnet20.shapes", zoo.LoadOptions{Head: zoo.HeadNew, Classes: []string{"a", "b"}}); err != nil {
		t.Fatal(err)
	}
	check("loaded with a new head", loaded, true)
}

// TestClone: a copy is equal, keeps what is frozen, and shares nothing.
func TestClone(t *testing.T) {
	m := small(t, []string{"a", "b"}, 1)
	m.SetTrainable(func(p nn.Param) bool { return p.Stage != "stem" })
	before := values(t, m)
	c, err := m.Clone()
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(values(t, c), before) || c.Preprocess != m.Preprocess || c.Weights != m.Weights {
		t.Error("the copy differs")
	}
	total, trained := m.NumParams()
	if ct, cn := c.NumParams(); ct != total || cn != trained || trained != total-432-32 {
		t.Errorf("the copy trains %d of %d, the original %d of %d", cn, ct, trained, total)
	}
	if err := c.Reset([]string{"x", "y", "z"}, 9); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(values(t, m), before) || len(m.Classes) != 2 {
		t.Error("changing the copy changed the original")
	}
	if c.Weights != "random" || !reflect.DeepEqual(values(t, c), values(t, small(t, []string{"x", "y", "z"}, 9))) {
		t.Error("Reset does not give the values of a new model")
	}
}

// TestStateDict: values go into a file and come back to the bit, in both formats; Torch's axis order is kept.
func TestStateDict(t *testing.T) {
	m := small(t, []string{"a", "b"}, 3)
	before := values(t, m)
	entries, err := m.StateDict()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	pth, safe := filepath.Join(dir, "m.pth"), filepath.Join(dir, "m.safetensors")
	if err := weights.WritePTH(pth, entries); err != nil {
		t.Fatal(err)
	}
	if err := weights.WriteSafetensors(safe, entries, nil); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pth, safe} {
		c := small(t, []string{"a", "b"}, 4)
		sd, err := weights.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer sd.Close()
		if err := c.LoadStateDict(sd); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(values(t, c), before) {
			t.Errorf("%s: values differ after loading", filepath.Base(path))
		}
		a, err := m.Logits([]*vision.Image{noise(1, 20, 10), noise(2, 8, 8)})
		if err != nil {
			t.Fatal(err)
		}
		b, err := c.Logits([]*vision.Image{noise(1, 20, 10), noise(2, 8, 8)})
		if err != nil || !reflect.DeepEqual(a, b) || len(a) != 2 || slices.Equal(a[0], a[1]) {
			t.Errorf("%s: logits %v, saved %v (%v)", filepath.Base(path), b, a, err)
		}
	}

	// Differences are listed together, and nothing is loaded.
	other, err := weights.Open(safe)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	c := small(t, []string{"a", "b", "c"}, 4)
	want := values(t, c)
	kept := slices.DeleteFunc(other.Entries(), func(e weights.Entry) bool { return e.Key == "conv1.weight" })
	kept[0].Key = "stray"
	sd, err := weights.New(kept)
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, c.LoadStateDict(sd), `"resnet20" with 3 classes`, "conv1.weight", "stray", "linear.weight (model [3 64], file [2 64])", "linear.bias")
	if !reflect.DeepEqual(values(t, c), want) {
		t.Error("values changed by a state dict that does not fit")
	}
}

func TestPredictErrors(t *testing.T) {
	m := small(t, []string{"a", "b"}, 1)
	_, err := m.Predict(nil, 1)
	wantError(t, err, "image is nil", "vision.DecodeFile")
	for _, wrong := range []*vision.Image{{}, {Width: 4, Height: 4, Pix: make([]byte, 16)}, {Width: 4, Height: 4, Pix: make([]byte, 64)}} {
		_, err := m.Predict(wrong, 1)
		wantError(t, err, "image 0", "pixels")
		_, err = m.Logits([]*vision.Image{noise(1, 9, 9), wrong})
		wantError(t, err, "image 1", "pixels")
		_, err = m.ImageFeatures([]*vision.Image{wrong}, "")
		wantError(t, err, "image 0", "pixels")
		_, err = m.Prepare(wrong)
		wantError(t, err, "pixels")
	}
	m.Preprocess.Resize, m.Preprocess.Crop = 0, 0
	_, err = m.Predict(noise(1, 9, 40), 1)
	wantError(t, err, "9x40", `"resnet20"`, "32x32", "Crop")
	if l, err := m.Logits(nil); err != nil || l != nil {
		t.Errorf("Logits of no images = %v, %v", l, err)
	}
	if p := (zoo.Prediction{Class: "ant", Probability: 0.9312}); p.String() != "ant 93.1%" {
		t.Errorf("String = %q", p)
	}
}
