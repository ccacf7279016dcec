package train_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// planned is fine-tuning with something changed in its plan.
type planned struct{ change func(p *train.Plan) }

func (planned) Name() string                 { return "planned" }
func (planned) MarshalJSON() ([]byte, error) { return []byte("null"), nil }
func (s planned) Plan(m *zoo.Model, task train.Task) (train.Plan, error) {
	p, err := strategy.FineTune{}.Plan(m, task)
	s.change(&p)
	return p, err
}

// TestPlanErrors: what a plan or a strategy's fields ask for in vain is said before anything is trained.
func TestPlanErrors(t *testing.T) {
	old, src := oldTask(t), source(t)
	none := *old
	none.Train, none.Val = nil, nil
	five, three := pretrained(t), sameTaskModel(t)
	larger, err := zoo.New(func() zoo.Spec { s := tinySpec(); s.InputSize = 16; return s }(), five.Classes, 0)
	if err != nil {
		t.Fatal(err)
	}
	flat := zoo.Spec{Name: "flat", InputSize: side, Build: func() zoo.Architecture {
		return zoo.Architecture{Stages: []zoo.Stage{{Name: "flat", Forward: func(_ *nn.Scope, x *Node) *Node { return nn.Flatten(x) }}},
			Head: zoo.Head{Key: "fc", Forward: func(s *nn.Scope, x *Node, n int) *Node { return nn.Linear(s, x, n) }}}
	}}
	noBatchNorm := pretend(t, flat)
	if err := noBatchNorm.ReplaceHead(colours, 0); err != nil {
		t.Fatal(err)
	}
	with := func(change func(p *train.Plan)) train.Strategy { return planned{change} }
	tests := []struct {
		name  string
		model *zoo.Model
		s     train.Strategy
		want  []string
	}{
		{"phase without epochs", five, with(func(p *train.Plan) { p.Phases = []train.Phase{{}, {}} }), []string{"phase 1 of 2", "0 epochs"}},
		{"phase rate", five, with(func(p *train.Plan) { p.Phases = []train.Phase{{LearningRate: -1}} }), []string{"phase 1", "-1"}},
		{"too many phases", five, with(func(p *train.Plan) { p.Phases = []train.Phase{{Epochs: 2}, {}} }), []string{"after 2 epochs", "only 2"}},
		{"empty split", five, with(func(p *train.Plan) { p.Train = old.Train.Subset(nil) }), []string{"of its own", "no images"}},
		{"nothing beside", five, with(func(p *train.Plan) { p.Extra = []train.ExtraBatch{{}} }), []string{"Plan.Extra"}},
		{"head without name", five, with(func(p *train.Plan) { p.Heads = []train.Head{{Classes: 2}} }), []string{`""`, "name of its own"}},
		{"head of nothing", five, with(func(p *train.Plan) { p.Heads = []train.Head{{Name: "h"}} }), []string{`"h"`, "Classes"}},
		{"watch without head", five, with(func(p *train.Plan) { p.Watch = []train.Watch{{Name: "w", Split: old.Val, Head: "h"}} }), []string{`"w"`, `"h"`}},
		{"loss without head", five, with(func(p *train.Plan) {
			p.Loss = func(s *train.Step) *Node { return ReduceAllSum(s.Head("h", s.Features)) }
		}), []string{`"h"`, "Plan.Heads"}},
		{"teacher of another size", five, with(func(p *train.Plan) { p.Teacher = larger }), []string{"16 pixels", "those of 8"}},
		{"decay", five, strategy.FineTune{Decay: -2.6}, []string{"FineTune.Decay", "-2.6"}},
		{"head rate", five, strategy.FineTune{HeadRate: math.Inf(1)}, []string{"+Inf"}},
		{"head rate of no epoch", five, strategy.FineTune{HeadRate: 0.2}, []string{"HeadRate is 0.2", "set HeadFirst"}},
		{"warm-up rate of no epoch", five, strategy.LwF{Warmup: -1, WarmupRate: 0.2}, []string{"LwF.WarmupRate is 0.2", "Warmup is -1"}},
		{"joint warm-up rate", five, strategy.Joint{Old: old, Warmup: -2, WarmupRate: 0.2}, []string{"Joint.WarmupRate is 0.2", "Warmup is -2"}},
		{"rate without source", three, strategy.SourceOnly{LearningRate: 0.1}, []string{"SourceOnly.LearningRate is 0.1", "Source"}},
		{"head first", five, strategy.FineTune{HeadFirst: -1}, []string{"HeadFirst is -1"}},
		{"other classes kept", five, strategy.FineTune{KeepHead: true}, []string{"can't be kept", "a, b, c, d and 1 more", "blue, green, red"}},
		{"kept and begun", three, strategy.FineTune{KeepHead: true, HeadFrom: map[string]string{"red": "red"}}, []string{"KeepHead", "HeadFrom"}},
		{"hidden and begun", five, strategy.Transfer{Hidden: 4, HeadFrom: map[string]string{"red": "a"}}, []string{"Hidden", "HeadFrom"}},
		{"begun from nothing", five, strategy.FineTune{HeadFrom: map[string]string{"red": "crimson"}}, []string{`"crimson"`, `"red"`, "Model.Classes"}},
		{"no class to begin", five, strategy.Transfer{HeadFrom: map[string]string{"crimson": "a"}}, []string{`"crimson"`, "blue, green, red"}},
		{"kept and watched", three, strategy.FineTune{KeepHead: true, Old: old}, []string{"KeepHead", "Old"}},
		{"lambda", five, strategy.LwF{Lambda: -1}, []string{"Lambda -1"}},
		{"temperature", five, strategy.LwF{Temperature: -2}, []string{"Temperature -2"}},
		{"joint without old images", five, strategy.Joint{}, []string{"training images", "LwF"}},
		{"joint weight", five, strategy.Joint{Old: old, Weight: -1}, []string{"Weight -1"}},
		{"ewc without old images", five, strategy.EWC{}, []string{"old task", "LwF"}},
		{"ewc samples", five, strategy.EWC{Old: old, Samples: -3}, []string{"Samples -3"}},
		{"old task without images", five, strategy.Transfer{Old: &none}, []string{`"old"`, "neither validation nor test"}},
		{"alpha", five, strategy.L2SP{Alpha: -1}, []string{"Alpha -1"}},
		{"coral lambda", three, strategy.DeepCORAL{Source: src, Lambda: -1}, []string{"Lambda", "-1"}},
		{"coral without source", three, strategy.DeepCORAL{Source: &datasets.Dataset{Name: "empty", Classes: colours}}, []string{"DeepCORAL", "Source"}},
		{"dann hidden", three, strategy.DANN{Source: src, Hidden: -1}, []string{"Hidden -1"}},
		{"adabn batch", three, strategy.AdaBN{Batch: -1}, []string{"Batch is -1"}},
		{"adabn augment", three, strategy.AdaBN{Augment: vision.Augment{Pad: -1}}, []string{"AdaBN", "Pad is -1"}},
		{"adabn without BatchNorm", noBatchNorm, strategy.AdaBN{}, []string{"flat", "no BatchNorm"}},
		{"source only, other classes", five, strategy.SourceOnly{}, []string{"can't be kept"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run, err := quick(t).Compare(t.Context(), "r", paint(t), tt.model, tt.s)
			wantError(t, err, tt.want...)
			if run != nil && len(run.Results) > 0 && len(run.Results[0].History) > 0 {
				t.Error("something was trained")
			}
		})
	}
}
