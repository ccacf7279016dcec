package zoo_test

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo/zootest"
)

// TestONNXOperators holds what other exporters than PyTorch's write against ONNX Runtime: padding by auto_pad, windows
// rounded up, images with channels last, output layers that are convolutions, operators of older frameworks
// (tlkit/internal/onnx/read/testdata/make_operators.py).
func TestONNXOperators(t *testing.T) {
	dir, goldens := unpackNetworks(t, "operators.zip", 150)
	engine, err := backend.Default()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range goldens {
		t.Run(name, func(t *testing.T) {
			m, err := zoo.Load(filepath.Join(dir, name+".onnx"), zoo.LoadOptions{Preprocess: &vision.Preprocess{Resize: 19, Crop: 19}})
			if err != nil {
				t.Fatal(err)
			}
			got, err := zootest.Logits(engine.Backend, m, formulaImages(3, 19))
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != 3*len(want[0]) {
				t.Fatalf("%d logits for 3 images of %d classes", len(got), len(want[0]))
			}
			for i := range got {
				if w := want[i/len(want[0])][i%len(want[0])]; !(math.Abs(float64(got[i])-w) <= 2e-5*max(1, math.Abs(w))) {
					t.Errorf("logit %d is %g, ONNX Runtime's %g", i, got[i], w)
				}
			}
			if params := len(m.Params()); strings.HasPrefix(name, "fixed_") && params != 3 { // of the first and the output layer
				t.Errorf("%d parameters, want 3: buffers are none", params)
			}
			if spec, err := zoo.GraphSpec(name, m.Spec.Graph); err != nil {
				t.Error(err)
			} else if again, err := zoo.New(spec, m.Classes, 1); err != nil || len(again.Params()) != len(m.Params()) {
				t.Errorf("from the graph alone: %v", err)
			}
			if err := m.ReplaceHead([]string{"a", "b"}, 1); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestONNXOfAnySize: a file that leaves the size of images open is read for the size that Preprocess gives, which the
// graph in a run's folder keeps.
func TestONNXOfAnySize(t *testing.T) {
	dir, _ := unpackNetworks(t, "operators.zip", 150)
	path := filepath.Join(dir, "any_size.onnx")
	m, err := zoo.Load(path, zoo.LoadOptions{Preprocess: &vision.Preprocess{Resize: 19, Crop: 19}})
	if err != nil {
		t.Fatal(err)
	}
	spec, err := zoo.GraphSpec("again", m.Spec.Graph)
	if err != nil || spec.InputSize != 19 || m.Spec.InputSize != 19 {
		t.Errorf("images of %d, and of %d from the graph alone (%v); want 19", m.Spec.InputSize, spec.InputSize, err)
	}
	for _, o := range []zoo.LoadOptions{{}, {Preprocess: &vision.Preprocess{Resize: 32, Crop: 32}}} {
		_, err := zoo.Load(path, o)
		wantError(t, err, "leaves the size of images open, and the network can't be built for", "give the size that it is for as Crop")
	}
}
