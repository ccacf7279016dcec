package strategy

import (
	"cmp"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Scratch is the control: the same network, trained from random weights. Comparison with it shows the gain from the
// pretrained weights.
type Scratch struct {
	// LearningRate of all layers; 0 means 0.02.
	LearningRate float64 `json:"learning_rate,omitempty"`
	// Label replaces the name, for a second Scratch in one comparison.
	Label string `json:"label,omitempty"`
}

// Name is Label, or "scratch".
func (s Scratch) Name() string { return cmp.Or(s.Label, "scratch") }

// Plan gives every variable of the model new random values.
func (s Scratch) Plan(m *zoo.Model, task train.Task) (train.Plan, error) {
	if err := m.Reset(task.Classes, task.Seed); err != nil {
		return train.Plan{}, err
	}
	m.SetTrainable(all)
	return train.Plan{LearningRate: cmp.Or(s.LearningRate, 0.02)}, nil
}

var _ train.Strategy = Scratch{}
