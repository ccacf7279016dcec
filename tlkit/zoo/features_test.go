package zoo_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestFreeze: what is frozen, BatchNorm's statistics included, stays to the bit in training; what comes after moves.
func TestFreeze(t *testing.T) {
	m := small(t, []string{"a", "b"}, 1)
	stages := m.Stages()
	for n, upTo := range append([]string{""}, stages...) {
		if err := m.Freeze(upTo); err != nil {
			t.Fatal(err)
		}
		for _, p := range m.Params() {
			want := !p.Buffer && (m.InHead(p) || slices.Index(stages, p.Stage) >= n)
			if m.Variable(p).Trainable != want {
				t.Errorf("Freeze(%q): %s is trained: %v", upTo, p.Key, !want)
			}
		}
	}
	if err := m.Freeze("layer2"); err != nil {
		t.Fatal(err)
	}
	before := values(t, m)
	engine, err := backend.Default()
	if err != nil {
		t.Fatal(err)
	}
	exec, err := model.NewExec(engine.Backend, m.Store(), func(_ *model.Scope, x *Node) *Node {
		m.Store().SetTraining(x.Graph(), true)
		return m.Forward(&nn.Pass{Training: true}, x)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	pixels := make([]float32, 3*16*16*3)
	for i := range pixels {
		pixels[i] = float32(math.Sin(float64(i)))
	}
	if _, err := exec.Call1(tensors.FromFlatDataAndDimensions(pixels, 3, 16, 16, 3)); err != nil {
		t.Fatal(err)
	}
	after := values(t, m)
	for _, p := range m.Params() {
		moved := !slices.Equal(before[p.Key], after[p.Key])
		if want := strings.Contains(p.Key, ".running_") && p.Stage == "layer3"; moved != want {
			t.Errorf("a training pass with layer2 frozen moved %s: %v", p.Key, moved)
		}
	}
	wantError(t, m.Freeze("layer9"), `"resnet20"`, `"layer9"`, "did you mean", "layer3")
}

// TestFeatures: the features of the last stage give the logits, batches are joined in order, pooling averages
// positions, labels come along.
func TestFeatures(t *testing.T) {
	m := small(t, []string{"a", "b"}, 1)
	images := []*vision.Image{noise(1, 8, 8), noise(2, 8, 8), noise(3, 8, 8), noise(4, 8, 8), noise(5, 8, 8)}
	labels := []int{0, 1, 1, 0, 1}
	names := []string{"1", "2", "3", "4", "5"}
	split, err := datasets.NewSplit(2, names, labels, func(i int) (*vision.Image, error) { return images[i], nil })
	if err != nil {
		t.Fatal(err)
	}
	f, err := m.Features(split, "", zoo.FeatureOptions{BatchSize: 2})
	if err != nil {
		t.Fatal(err)
	}
	if f.Stage != "avgpool" || f.Len() != 5 || !slices.Equal(f.Shape, []int{64}) || !slices.Equal(f.Labels, labels) || f.NumClasses != 2 {
		t.Fatalf("features %q of %d rows %v, labels %v", f.Stage, f.Len(), f.Shape, f.Labels)
	}
	logits, err := m.Logits(images)
	if err != nil {
		t.Fatal(err)
	}
	v := values(t, m)
	for i := range images {
		for c := range 2 {
			sum := float64(v["linear.bias"][c])
			for k, x := range f.Row(i) {
				sum += float64(x) * float64(v["linear.weight"][c*64+k])
			}
			if math.Abs(sum-float64(logits[i][c])) > 1e-4 {
				t.Errorf("image %d: the head on its features gives %g, the model %g", i, sum, logits[i][c])
			}
		}
	}
	wide, err := m.ImageFeatures(images, "layer3")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(wide.Shape, []int{2, 2, 64}) || wide.Labels != nil {
		t.Errorf("layer3 of 8x8 images is %v", wide.Shape)
	}
	pooled, err := m.ImageFeatures(images, "layer3", zoo.FeatureOptions{Pool: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range f.Values {
		if math.Abs(float64(pooled.Values[i]-want)) > 1e-5 {
			t.Fatalf("pooled layer3 value %d is %g, after avgpool %g", i, pooled.Values[i], want)
		}
	}

	_, err = m.Features(nil, "")
	wantError(t, err, "no images")
	_, err = m.ImageFeatures([]*vision.Image{nil}, "")
	wantError(t, err, "nil", "vision.DecodeFile")
	_, err = m.Features(split, "layer33")
	wantError(t, err, `"layer33"`, "did you mean", `"layer3"`)
	broken, err := datasets.NewSplit(2, names, labels, func(i int) (*vision.Image, error) {
		if i == 3 {
			return nil, errors.New("torn")
		}
		return images[i], nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Features(broken, "", zoo.FeatureOptions{BatchSize: 2})
	wantError(t, err, "torn", "4")
}
