package zoo_test

import (
	"math"
	"sync"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/traits"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// grey returns n images of one colour each, from black to white.
func grey(size, n int) []*vision.Image {
	var all []*vision.Image
	for i := range n {
		m := vision.New(size, size)
		for k := range m.Pix {
			m.Pix[k] = uint8(i * 255 / max(1, n-1))
		}
		all = append(all, m)
	}
	return all
}

// TestOperationThatInferenceLacks: a network with an operation that the engine of backend.Inference lacks computes on
// that of backend.Default; the caller does nothing for it.
func TestOperationThatInferenceLacks(t *testing.T) {
	engine, err := backend.Inference()
	if err != nil {
		t.Fatal(err)
	}
	if !traits.Of(engine.Backend).InferenceOnly {
		t.Skipf("%s computes everything", engine.Config)
	}
	spec := zoo.Custom("signs", 8, func(scope *model.Scope, x *Node) *Node {
		return layers.Dense(scope.In("d"), Sign(ReduceMean(x, 1, 2)), true, 4)
	})
	m, err := zoo.New(spec, []string{"a", "b"}, 3)
	if err != nil {
		t.Fatal(err)
	}
	m.Preprocess = vision.Preprocess{Mean: [3]float32{0.5, 0.5, 0.5}, Std: [3]float32{1, 1, 1}}
	images := grey(8, 4)
	logits, err := m.Logits(images)
	if err != nil {
		t.Fatal(err)
	}
	for c := range 2 { // 0 and 1/3 have the sign -1, 2/3 and 1 the sign 1
		if logits[0][c] != logits[1][c] || logits[2][c] != logits[3][c] || logits[1][c] == logits[2][c] {
			t.Errorf("class %d: logits %v, want those of dark and of bright images", c, logits)
		}
	}
	other, err := zoo.New(spec, []string{"a", "b"}, 3)
	if err != nil {
		t.Fatal(err)
	}
	other.Preprocess = m.Preprocess
	f, err := other.ImageFeatures(images, "")
	if err != nil || f.Len() != 4 || len(f.Values) == 0 {
		t.Errorf("features: %v, %v", f, err)
	}
}

// TestPredictionsAtOnce: two models predict at once, in batches of several sizes, what they predict image by image.
func TestPredictionsAtOnce(t *testing.T) {
	var group sync.WaitGroup
	for _, name := range []string{"resnet20", "mobilenet_v1_025"} {
		m, err := zoo.Load(name, zoo.LoadOptions{Weights: zoo.Random})
		if err != nil {
			t.Fatal(err)
		}
		m.Preprocess = vision.Preprocess{Crop: 64}
		images := grey(64, 5)
		group.Go(func() {
			var single [][]float32
			for _, one := range images {
				logits, err := m.Logits([]*vision.Image{one})
				if err != nil {
					t.Error(err)
					return
				}
				single = append(single, logits[0])
			}
			for _, n := range []int{5, 3, 5} {
				logits, err := m.Logits(images[:n])
				if err != nil || len(logits) != n {
					t.Errorf("%s: %d of %d, %v", name, len(logits), n, err)
					return
				}
				for i, row := range logits {
					for c, v := range row {
						if d := math.Abs(float64(v - single[i][c])); d > 1e-4*(1+math.Abs(float64(v))) {
							t.Errorf("%s, image %d of %d, class %d: %g, alone %g", name, i, n, c, v, single[i][c])
						}
					}
				}
			}
		})
	}
	group.Wait()
}
