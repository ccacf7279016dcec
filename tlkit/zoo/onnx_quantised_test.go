package zoo_test

import (
	"math"
	"path/filepath"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo/zootest"
)

// TestONNXQuantised holds networks with weights in fewer bits, as ONNX Runtime's quantiser and others write them
// (make_quantised.py), against ONNX Runtime. The rounding of the logits themselves is left out here, as is a value that
// lies between two steps: hence the tolerance of the first two, three of the output's steps. ONNX Runtime rounds to
// float16 between layers, too: hence that of the last two.
func TestONNXQuantised(t *testing.T) {
	dir, goldens := unpackNetworks(t, "quantised.zip", 9)
	engine, err := backend.Default()
	if err != nil {
		t.Fatal(err)
	}
	for name, tolerance := range map[string]float64{"static": 0.01, "signed": 0.01, "rounded": 2e-5, "half": 2e-5, "nibbles": 2e-5, "blocks": 2e-5, "branch": 2e-5, "float16": 2e-3, "float16_inside": 2e-3} {
		t.Run(name, func(t *testing.T) {
			m, err := zoo.Load(filepath.Join(dir, name+".onnx"), onnxPreprocess)
			if err != nil {
				t.Fatal(err)
			}
			got, err := zootest.Logits(engine.Backend, m, formulaImages(3, 32))
			if err != nil {
				t.Fatal(err)
			}
			worst := 0.0
			for i, w := range goldens[name] {
				for j := range w {
					worst = max(worst, math.Abs(float64(got[i*len(w)+j])-w[j]))
				}
			}
			t.Logf("largest error %.2g", worst)
			if !(worst <= tolerance) {
				t.Errorf("the logits differ by %g, want %g at most", worst, tolerance)
			}
			if name == "static" || name == "signed" {
				plain, err := zoo.Load(filepath.Join(onnxFixtures, "resnet.onnx"), onnxPreprocess)
				if err != nil {
					t.Fatal(err)
				}
				float, err := zootest.Logits(engine.Backend, plain, formulaImages(3, 32))
				if err != nil {
					t.Fatal(err)
				}
				same := true
				for i := range float {
					same = same && math.Abs(float64(float[i]-got[i])) < 1e-5
				}
				if same {
					t.Error("the logits are those of the network in float32: nothing was rounded")
				}
			}
			// Written again, the network is the same.
			again := filepath.Join(t.TempDir(), name+".onnx")
			if err := m.Export(again); err != nil {
				t.Fatal(err)
			}
			back, err := zoo.LoadExported(again)
			if err != nil {
				t.Fatal(err)
			}
			same, err := zootest.Logits(engine.Backend, back, formulaImages(3, 32))
			if err != nil {
				t.Fatal(err)
			}
			for i := range same {
				if math.Abs(float64(same[i]-got[i])) > tolerance {
					t.Errorf("exported and read again: logit %d is %g, was %g", i, same[i], got[i])
				}
			}
			sameFromGraph(t, name, m)
			if err := m.ReplaceHead([]string{"a", "b"}, 1); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestQuantisedGradient: the gradient passes through the rounding: it points where that of the network in float32 does.
func TestQuantisedGradient(t *testing.T) {
	dir, _ := unpackNetworks(t, "quantised.zip", 9)
	gradient := func(path string) []float32 {
		m, err := zoo.Load(path, onnxPreprocess)
		if err != nil {
			t.Fatal(err)
		}
		engine, err := backend.Steps()
		if err != nil {
			t.Fatal(err)
		}
		exec, err := model.NewExec(engine.Backend, m.Store(), func(_ *model.Scope, x *Node) *Node {
			m.Store().SetTraining(x.Graph(), true)
			logits := m.Forward(&nn.Pass{}, x)
			return Gradient(ReduceAllSum(Square(logits)), x)[0]
		})
		if err != nil {
			t.Fatal(err)
		}
		defer exec.Finalize()
		out, err := exec.Call1(formulaImages(2, 32))
		if err != nil {
			t.Fatal(err)
		}
		return tensors.MustCopyFlatData[float32](out)
	}
	got, want := gradient(filepath.Join(dir, "static.onnx")), gradient(filepath.Join(onnxFixtures, "resnet.onnx"))
	var dot, a, b float64
	for i := range got {
		g, w := float64(got[i]), float64(want[i])
		dot, a, b = dot+g*w, a+g*g, b+w*w
	}
	if cosine := dot / math.Sqrt(a*b); !(cosine > 0.9) {
		t.Errorf("the gradients' cosine is %.3f, want above 0.9", cosine)
	}
}
