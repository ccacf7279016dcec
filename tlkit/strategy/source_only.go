package strategy

import (
	"cmp"
	"fmt"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// SourceOnly is the lower control of domain adaptation: nothing is learned from the target.
type SourceOnly struct {
	// Source, when set, has the labelled images to train on, as in the adapting strategies; nil evaluates the
	// pretrained model as it is.
	Source *datasets.Dataset `json:"source,omitempty"`
	// LearningRate of all layers; 0 means 0.01.
	LearningRate float64 `json:"learning_rate,omitempty"`
	// Label replaces the name, for a second SourceOnly in one comparison.
	Label string `json:"label,omitempty"`
}

// Name is Label, or "source-only".
func (s SourceOnly) Name() string { return cmp.Or(s.Label, "source-only") }

// CheckFields refuses a LearningRate without a Source.
func (s SourceOnly) CheckFields() error {
	if s.Source == nil && s.LearningRate != 0 {
		return fmt.Errorf("tlkit: SourceOnly.LearningRate is %g, but without a Source nothing is trained; set Source to the labelled images, or leave LearningRate out", s.LearningRate)
	}
	return nil
}

// Plan trains on the source, or not at all.
func (s SourceOnly) Plan(m *zoo.Model, task train.Task) (train.Plan, error) {
	if s.Source == nil {
		return train.Plan{Fit: &train.Fit{}}, sameClasses(m, task)
	}
	return adapt("SourceOnly", m, task, s.Source, s.LearningRate)
}

var _ train.Strategy = SourceOnly{}
