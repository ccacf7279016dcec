package train

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// FineTune starts from the pretrained weights with a new, randomly initialised output layer and trains further layers
// too, at a small learning rate (Girshick et al. 2014, R-CNN, arXiv 1311.2524, section 2.3; definition in Li and Hoiem
// 2016, arXiv 1606.09282, section 2).
type FineTune struct {
	// LearningRate of the pretrained layers; 0 means 0.01.
	LearningRate float64 `json:"learning_rate,omitempty"`
	// HeadFactor multiplies the rate for the new output layer; 0 means 1. Girshick et al. trained the pretrained
	// layers at a tenth of the original rate.
	HeadFactor float64 `json:"head_factor,omitempty"`
	// From names the first stage that is trained; the stages before it stay frozen, BatchNorm statistics included,
	// since early convolutions are general (Yosinski et al. 2014, arXiv 1411.1792). "" trains all.
	// zoo.Model.Stages lists the names.
	From string `json:"from,omitempty"`
	// Label replaces the name, for a second FineTune in one comparison.
	Label string `json:"label,omitempty"`
}

// Name is Label, or "finetune".
func (f FineTune) Name() string { return label(f.Label, "finetune") }

// Plan replaces the head and freezes the stages before From. It fails if there is no such stage.
func (f FineTune) Plan(m *zoo.Model, task Task) (Plan, error) {
	if err := m.ReplaceHead(task.Classes, task.Seed); err != nil {
		return Plan{}, err
	}
	stages := m.Stages()
	first := 0
	if f.From != "" {
		if first = slices.Index(stages, f.From); first < 0 {
			return Plan{}, fmt.Errorf("tlkit: FineTune.From is %q, but %s has the stages %s",
				f.From, m.Spec.Name, strings.Join(stages, ", "))
		}
	}
	m.SetTrainable(func(p nn.Param) bool { return m.InHead(p) || slices.Index(stages, p.Stage) >= first })
	factor := or(f.HeadFactor, 1)
	if !(factor > 0) {
		return Plan{}, fmt.Errorf("tlkit: FineTune.HeadFactor is %g; it must be a positive number, or 0 for the default of 1", f.HeadFactor)
	}
	return Plan{LearningRate: or(f.LearningRate, 0.01), Rate: func(p nn.Param) float64 {
		if m.InHead(p) {
			return factor
		}
		return 1
	}}, nil
}

var _ Strategy = FineTune{}
