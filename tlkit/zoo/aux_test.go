package zoo_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// twoHeaded is a network of two stages with an auxiliary head on the first.
func twoHeaded(t *testing.T) *zoo.Model {
	t.Helper()
	conv := func(name string) zoo.Stage {
		return zoo.Stage{Name: name, Forward: func(s *nn.Scope, x *Node) *Node {
			return nn.ReLU(nn.Conv2D(s.In(name), x, 4, 3).Pad(1).Bias().Done())
		}}
	}
	linear := func(s *nn.Scope, x *Node, classes int) *Node { return nn.Linear(s, nn.GlobalMeanPool(x), classes) }
	m, err := zoo.New(zoo.Spec{Name: "two-headed", InputSize: 8, Build: func() zoo.Architecture {
		return zoo.Architecture{
			Stages: []zoo.Stage{conv("one"), conv("two")},
			Head:   zoo.Head{Key: "fc", Forward: linear},
			Aux: []zoo.AuxHead{{After: "one", Key: "aux", Output: "fc", Weight: 0.3, Forward: func(s *nn.Scope, x *Node, classes int) *Node {
				x = nn.ReLU(nn.Conv2D(s.In("conv"), x, 2, 1).Bias().Done())
				return linear(s.In("fc"), x, classes)
			}}},
		}
	}}, []string{"a", "b", "c"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// heads builds a forward pass and returns what its auxiliary heads gave.
func heads(t *testing.T, m *zoo.Model, training bool) []nn.Aux {
	t.Helper()
	engine, err := backend.Default()
	if err != nil {
		t.Fatal(err)
	}
	pass := &nn.Pass{Training: training}
	e, err := model.NewExec(engine.Backend, m.Store(), func(_ *model.Scope, x *Node) *Node { return m.Forward(pass, x) })
	if err != nil {
		t.Fatal(err)
	}
	defer e.Finalize()
	if _, err := e.Call(tensors.FromFlatDataAndDimensions(make([]float32, 2*8*8*3), 2, 8, 8, 3)); err != nil {
		t.Fatal(err)
	}
	return pass.Aux
}

// TestAuxHead: an auxiliary head is built in training alone and unless it is frozen, belongs to its stage, and gets a
// new output layer together with the head.
func TestAuxHead(t *testing.T) {
	m := twoHeaded(t)
	if got := heads(t, m, false); len(got) != 0 {
		t.Errorf("inference builds %d auxiliary heads", len(got))
	}
	if got := heads(t, m, true); len(got) != 1 || got[0].Weight != 0.3 || !slices.Equal(got[0].Logits.Shape().Dimensions, []int{2, 3}) {
		t.Errorf("training has the auxiliary heads %v, want one of weight 0.3 with logits [2, 3]", got)
	}
	for _, p := range m.Params() {
		if strings.HasPrefix(p.Key, "aux.") && (p.Stage != "one" || m.InHead(p)) {
			t.Errorf("%s is in stage %q, in the head: %v", p.Key, p.Stage, m.InHead(p))
		}
	}

	before := values(t, m)
	if err := m.ReplaceHead([]string{"x", "y"}, 2); err != nil {
		t.Fatal(err)
	}
	after := values(t, m)
	for key := range before {
		replaced := strings.HasPrefix(key, "fc.") || strings.HasPrefix(key, "aux.fc.")
		if slices.Equal(before[key], after[key]) == replaced {
			t.Errorf("%s: replaced %v, want %v", key, !replaced, replaced)
		}
	}
	if p, ok := m.Param("aux.fc.weight"); !ok || !slices.Equal(p.Shape, []int{2, 2}) || !m.Variable(p).Trainable {
		t.Errorf("the auxiliary output layer is %+v", p)
	}
	if got := heads(t, m, true); len(got) != 1 || got[0].Logits.Shape().Dimensions[1] != 2 {
		t.Errorf("after ReplaceHead training has the auxiliary heads %v", got)
	}

	m.SetTrainable(func(p nn.Param) bool { return p.Stage != "one" })
	if err := m.ReplaceHead([]string{"x", "y", "z"}, 3); err != nil {
		t.Fatal(err)
	}
	if p, _ := m.Param("aux.fc.weight"); m.Variable(p).Trainable {
		t.Error("a frozen auxiliary head is trained after ReplaceHead")
	}
	if got := heads(t, m, true); len(got) != 0 {
		t.Errorf("with its stage frozen training has %d auxiliary heads", len(got))
	}

	entries, err := m.StateDict()
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 10 {
		t.Errorf("the state dict has %d entries, want the weights and biases of five layers", len(entries))
	}
}

// TestInceptionNormalisation: one step is torchvision's two, the transform's normalisation and the model's
// transform_input.
func TestInceptionNormalisation(t *testing.T) {
	mean, std := [3]float64{0.485, 0.456, 0.406}, [3]float64{0.229, 0.224, 0.225}
	for _, name := range []string{"googlenet", "inception_v3"} {
		spec, err := zoo.Info(name)
		if err != nil {
			t.Fatal(err)
		}
		w, err := spec.WeightSet("")
		if err != nil {
			t.Fatal(err)
		}
		for c := range 3 {
			for _, x := range []float64{0, 0.3, 1} {
				want := (x-mean[c])/std[c]*(std[c]/0.5) + (mean[c]-0.5)/0.5
				got := (x - float64(w.Preprocess.Mean[c])) / float64(w.Preprocess.Std[c])
				if math.Abs(got-want) > 1e-6 {
					t.Errorf("%s: channel %d, value %g becomes %g, want %g", name, c, x, got, want)
				}
			}
		}
	}
}
