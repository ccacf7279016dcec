package strategy

import (
	"cmp"
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Joint is multitask learning (Caruana 1997; "joint training" in Li and Hoiem 2016, arXiv 1606.09282, section 2): one
// backbone, an output layer for each task, and the weighted sum of their losses on images of both. It needs the old
// task's training images. Methods without them are compared with it.
type Joint struct {
	// Old is the data set that the model was pretrained on; every step draws some of its training images.
	Old *datasets.Dataset `json:"old"`
	// LearningRate of all layers; 0 means 0.01.
	LearningRate float64 `json:"learning_rate,omitempty"`
	// Weight is the weight of the old task's loss; 0 means 1.
	Weight float64 `json:"weight,omitempty"`
	// Batch is the number of the old task's images in a step; 0 means as many as of the new one's.
	Batch int `json:"batch,omitempty"`
	// Warmup is the number of epochs of the new output layer alone; 0 means a fifth of all, a negative number none.
	Warmup int `json:"warmup,omitempty"`
	// WarmupRate is the learning rate of those epochs; 0 means 0.02. FindLR of [Transfer] finds one.
	WarmupRate float64 `json:"warmup_rate,omitempty"`
	// Label replaces the name, for a second Joint in one comparison.
	Label string `json:"label,omitempty"`
}

// Name is Label, or "joint".
func (j Joint) Name() string { return cmp.Or(j.Label, "joint") }

// CheckFields refuses a WarmupRate without a warm-up.
func (j Joint) CheckFields() error { return checkWarmupRate("Joint", j.Warmup, j.WarmupRate) }

// Plan keeps the old output layer in addition to a new one, and draws images of the old task.
func (j Joint) Plan(m *zoo.Model, task train.Task) (train.Plan, error) {
	if j.Old == nil || j.Old.Train == nil || j.Old.Train.Len() == 0 {
		return train.Plan{}, fmt.Errorf("tlkit: Joint needs the old task's training images; set Old to the data set that the model was pretrained on, or take LwF, which needs none")
	}
	weight := cmp.Or(j.Weight, 1)
	if !(weight > 0) || !numbers.Finite(weight) || j.WarmupRate < 0 {
		return train.Plan{}, fmt.Errorf("tlkit: Joint has Weight %g and WarmupRate %g; they must be positive numbers, or 0 for the defaults (1 and 0.02)", j.Weight, j.WarmupRate)
	}
	old, err := newTask(m, task, nil)
	if err != nil {
		return train.Plan{}, err
	}
	m.SetTrainable(all)
	plan := train.Plan{
		LearningRate: cmp.Or(j.LearningRate, 0.01),
		Phases:       headFirst(m, warmUp(j.Warmup, task.Recipe.Epochs), cmp.Or(j.WarmupRate, 0.02)),
		Extra:        []train.ExtraBatch{{Split: j.Old.Train, Batch: j.Batch}},
		Loss: func(s *train.Step) *Node {
			drawn := s.Extra[0]
			return Add(s.Loss, MulScalar(train.CrossEntropy(s.Head(oldHead, drawn.Features), drawn.Labels), weight))
		},
	}
	err = keepOld(&plan, old, j.Old, false) // before plan is copied
	return plan, err
}

// Pace is the length of the warm-up.
func (j Joint) Pace(epochs int) int { return warmUp(j.Warmup, epochs) }

var _ train.Paced = Joint{}
