package strategy

import (
	"cmp"
	"fmt"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// L2SP is fine-tuning with a penalty on the distance from the starting point (SP), the pretrained weights. It replaces
// weight decay, which pulls the weights to zero (Li, Grandvalet and Davoine 2018, arXiv 1802.01483, equation 2):
//
//	alpha/2 ||w - w0||^2 over the pretrained layers + beta/2 ||w||^2 over the new output layer
type L2SP struct {
	// LearningRate of all layers; 0 means 0.01.
	LearningRate float64 `json:"learning_rate,omitempty"`
	// Alpha is the weight of the distance from the pretrained weights; 0 means 0.1. The paper chooses it by
	// cross-validation from 0.001 to 1. A larger value keeps the network nearer to its starting point.
	Alpha float64 `json:"alpha,omitempty"`
	// Beta is the weight of the new output layer's squared norm; 0 means 0.01, as in the paper.
	Beta float64 `json:"beta,omitempty"`
	// Label replaces the name, for a second L2SP in one comparison.
	Label string `json:"label,omitempty"`
}

// Name is Label, or "l2sp".
func (l L2SP) Name() string { return cmp.Or(l.Label, "l2sp") }

// Plan trains all layers, as FineTune does, and adds the penalty.
func (l L2SP) Plan(m *zoo.Model, task train.Task) (train.Plan, error) {
	alpha, beta := cmp.Or(l.Alpha, 0.1), cmp.Or(l.Beta, 0.01)
	if !(alpha > 0) || !(beta > 0) || !numbers.Finite(alpha) || !numbers.Finite(beta) {
		return train.Plan{}, fmt.Errorf("tlkit: L2SP has Alpha %g and Beta %g; they must be positive numbers, or 0 for the defaults (0.1 and 0.01)", l.Alpha, l.Beta)
	}
	if err := m.ReplaceHead(task.Classes, task.Seed); err != nil {
		return train.Plan{}, err
	}
	m.SetTrainable(all)
	start, err := train.Keep(m, "start", backbone(m))
	if err != nil {
		return train.Plan{}, err
	}
	return train.Plan{LearningRate: cmp.Or(l.LearningRate, 0.01), Loss: func(s *train.Step) *Node {
		loss := s.Loss
		for _, p := range s.Params() {
			w, weight := s.Value(p), beta/2
			if w0, ok := start.Value(s, p); ok {
				w, weight = Sub(w, w0), alpha/2
			}
			loss = Add(loss, MulScalar(ReduceAllSum(Mul(w, w)), weight))
		}
		return loss
	}}, nil
}

// backbone lists the trainable variables of a model without those of its head.
func backbone(m *zoo.Model) []nn.Param {
	return slices.DeleteFunc(m.Params(), func(p nn.Param) bool { return p.Buffer || m.InHead(p) })
}

var _ train.Strategy = L2SP{}
