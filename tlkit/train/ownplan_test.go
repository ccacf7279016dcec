package train_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// edited is a strategy whose code people change in its cell, without a new name or another exported field.
type edited struct {
	plan   train.Plan
	frozen bool
}

func (edited) Name() string { return "mine" }

func (e edited) Plan(m *zoo.Model, task train.Task) (train.Plan, error) {
	err := m.ReplaceHead(task.Classes, task.Seed)
	m.SetTrainable(func(p nn.Param) bool { return m.InHead(p) || !e.frozen })
	return e.plan, err
}

// TestOwnPlan: a number in the code of a strategy of one's own is changed, and the cell run again: no earlier result is
// shown for it, and the text says what has changed. Code that plans the same is not trained again.
func TestOwnPlan(t *testing.T) {
	ds, m, r := paint(t), pretrained(t), quick(t)
	other := pretrained(t) // with other values under the same names
	entries, err := other.StateDict()
	if err != nil {
		t.Fatal(err)
	}
	v, err := entries[0].Float32()
	if err != nil {
		t.Fatal(err)
	}
	v = slices.Clone(v)
	v[0]++
	if entries[0].Tensor, err = weights.NewTensor(entries[0].Shape, v); err != nil {
		t.Fatal(err)
	}
	loadEntries(t, other, entries)
	penalty := func(factor float64, inOrder bool) func(s *train.Step) *Node {
		return func(s *train.Step) *Node {
			loss, params := s.Loss, map[int]nn.Param{}
			for i, p := range s.Params() {
				params[i] = p
			}
			add := func(p nn.Param) { loss = Add(loss, MulScalar(ReduceAllSum(Square(s.Value(p))), factor)) }
			if !inOrder {
				for _, p := range params {
					add(p)
				}
				return loss
			}
			for i := range len(params) {
				add(params[i])
			}
			return loss
		}
	}
	for _, step := range []struct {
		what string
		code edited
		want string // of the warnings; "" if nothing is trained
	}{
		{"first", edited{plan: train.Plan{LearningRate: 0.01}}, ""},
		{"the same", edited{plan: train.Plan{LearningRate: 0.01}}, ""},
		{"another rate", edited{plan: train.Plan{LearningRate: 0.02}}, "mine: the learning rate of its Plan: 0.01, now 0.02; trained anew, what was there before is version 1"},
		{"the first rate", edited{plan: train.Plan{LearningRate: 0.01}}, `strategy "mine" was trained like this before and comes back from version 1`},
		{"a loss", edited{plan: train.Plan{LearningRate: 0.01, Loss: penalty(0.01, false)}}, "mine: what its Plan returns (loss, phases, rates or variables) has changed; trained anew"},
		{"in another order", edited{plan: train.Plan{LearningRate: 0.01, Loss: penalty(0.01, true)}}, ""},
		{"another factor", edited{plan: train.Plan{LearningRate: 0.01, Loss: penalty(0.02, true)}}, "mine: what its Plan returns"},
		{"a field that is not exported", edited{plan: train.Plan{LearningRate: 0.01, Loss: penalty(0.02, true)}, frozen: true}, "mine: what its Plan returns"},
		{"phases", edited{plan: train.Plan{LearningRate: 0.01, Phases: []train.Phase{{Epochs: 1, LearningRate: 0.1}, {}}}}, "mine: what its Plan returns"},
		{"a longer phase", edited{plan: train.Plan{LearningRate: 0.01, Phases: []train.Phase{{Epochs: 1, LearningRate: 0.2}, {}}}}, "mine: what its Plan returns"},
		{"factors", edited{plan: train.Plan{LearningRate: 0.01, Rate: func(p nn.Param) float64 { return 0.5 }}}, "mine: what its Plan returns"},
		{"other images", edited{plan: train.Plan{LearningRate: 0.01, Train: painted(t, 7, 5, nil)}}, "mine: what its Plan returns"},
		{"other images, changed", edited{plan: train.Plan{LearningRate: 0.01, Train: painted(t, 8, 5, nil)}}, "mine: the images or the models in its Plan have changed"},
		{"a further task", edited{plan: train.Plan{LearningRate: 0.01, Train: painted(t, 8, 5, nil), Watch: []train.Watch{{Name: "w", Split: ds.Val}}}}, "mine: the images or the models"},
		{"a teacher", edited{plan: train.Plan{LearningRate: 0.01, Teacher: m}}, "mine: what its Plan returns"},
		{"another teacher", edited{plan: train.Plan{LearningRate: 0.01, Teacher: other}}, "mine: the images or the models in its Plan have changed"},
		{"the same teacher", edited{plan: train.Plan{LearningRate: 0.01, Teacher: other}}, ""},
		{"chance", edited{plan: train.Plan{LearningRate: 0.01, Loss: func(s *train.Step) *Node { return MulScalar(s.Loss, rand.Float64()) }}}, "mine: what its Plan returns"},
		{"chance again", edited{plan: train.Plan{LearningRate: 0.01, Loss: func(s *train.Step) *Node { return MulScalar(s.Loss, rand.Float64()) }}}, ""},
	} {
		c := &counter{}
		ds.Train = painted(t, 1, 5, c.asked)
		run := compare(t, r, "r", ds, m, step.code)
		text := strings.Join(run.Warnings, "\n")
		if step.what == "first" {
			continue
		}
		if step.want == "" && (text != "" || c.n > 0) {
			t.Errorf("%s: %d images read, warnings %q", step.what, c.n, text)
		}
		if !strings.Contains(text, step.want) || strings.Contains(step.want, "anew") && c.n == 0 {
			t.Errorf("%s: %d images read, warnings %q, want %q", step.what, c.n, text, step.want)
		}
	}
}
