package strategy

import (
	"cmp"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// DuplicateAndFineTune keeps the pretrained network for the old task and fine-tunes a copy for the new one (Li and
// Hoiem 2016, arXiv 1606.09282, section 2): nothing is forgotten, at twice the size.
type DuplicateAndFineTune struct {
	// LearningRate of the copy's pretrained layers; 0 means 0.01.
	LearningRate float64 `json:"learning_rate,omitempty"`
	// HeadFirst is as in [FineTune].
	HeadFirst int `json:"head_first,omitempty"`
	// Old, when set, is the data set that the model was pretrained on; the accuracy on its validation images is
	// reported with every epoch (Epoch.Also), and stays the same.
	Old *datasets.Dataset `json:"old,omitempty"`
	// Label replaces the name, for a second one in one comparison.
	Label string `json:"label,omitempty"`
}

// Name is Label, or "duplicate".
func (d DuplicateAndFineTune) Name() string { return cmp.Or(d.Label, "duplicate") }

// Plan returns the plan of [FineTune], for the copy.
func (d DuplicateAndFineTune) Plan(m *zoo.Model, task train.Task) (train.Plan, error) {
	old, err := m.Clone()
	if err != nil {
		return train.Plan{}, err
	}
	plan, err := FineTune{LearningRate: d.LearningRate, HeadFirst: d.HeadFirst}.Plan(m, task)
	if err != nil {
		return train.Plan{}, err
	}
	err = watchOld(&plan, old, d.Old, train.Watch{Model: old}) // before plan is copied
	return plan, err
}

var _ train.Strategy = DuplicateAndFineTune{}
