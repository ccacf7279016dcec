package strategy

import (
	"cmp"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TargetSupervised is the upper control of domain adaptation: fine-tuning of all layers with the target's labels. It
// keeps the pretrained output layer.
type TargetSupervised struct {
	// LearningRate of all layers; 0 means 0.01.
	LearningRate float64 `json:"learning_rate,omitempty"`
	// Label replaces the name, for a second one in one comparison.
	Label string `json:"label,omitempty"`
}

// Name is Label, or "target-supervised".
func (t TargetSupervised) Name() string { return cmp.Or(t.Label, "target-supervised") }

// Plan returns the plan of [FineTune] with KeepHead.
func (t TargetSupervised) Plan(m *zoo.Model, task train.Task) (train.Plan, error) {
	return FineTune{LearningRate: t.LearningRate, KeepHead: true}.Plan(m, task)
}

var _ train.Strategy = TargetSupervised{}
