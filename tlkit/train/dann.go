package train

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// DANN adapts to unlabelled images of another domain by an adversary: a small classifier learns to tell the domains
// apart by the features, and the network, through a reversed gradient, to make that impossible, while it learns the
// source's labels (Ganin et al. 2016, arXiv 1505.07818, section 4.2). The weight of the reversed gradient grows over
// the training as in section 5.2.2: 2/(1 + exp(-10 p)) - 1 at the share p of it. The paper's schedule of the learning
// rate is not part of this: the rate is the recipe's, as for all strategies.
type DANN struct {
	// Source has the labelled images; the target's are the training images of the comparison, without their labels.
	Source *datasets.Dataset `json:"source"`
	// Lambda is what the weight of the reversed gradient grows to; 0 means 1, as in the paper.
	Lambda float64 `json:"lambda,omitempty"`
	// Hidden is the width of the domain classifier's hidden layer; 0 means 100, the paper's for its smallest network.
	Hidden int `json:"hidden,omitempty"`
	// LearningRate of all layers; 0 means 0.01.
	LearningRate float64 `json:"learning_rate,omitempty"`
	// Label replaces the name, for a second DANN in one comparison.
	Label string `json:"label,omitempty"`
}

// Name is Label, or "dann".
func (d DANN) Name() string { return label(d.Label, "dann") }

// Plan trains on the source, draws images of the target beside, and adds the domain classifier.
func (d DANN) Plan(m *zoo.Model, task Task) (Plan, error) {
	lambda, hidden := or(d.Lambda, 1), d.Hidden
	if hidden == 0 {
		hidden = 100
	}
	if !(lambda > 0) || !finite(lambda) || hidden < 1 {
		return Plan{}, fmt.Errorf("tlkit: DANN has Lambda %g and Hidden %d; they must be positive, or 0 for the defaults (1 and 100)", d.Lambda, d.Hidden)
	}
	plan, err := adapt("DANN", m, task, d.Source, d.LearningRate)
	if err != nil {
		return Plan{}, err
	}
	plan.Beside = []Beside{{Split: task.Data.Train}}
	plan.Heads = []Head{{Name: "domain", Forward: func(s *nn.Scope, features *Node) *Node {
		return nn.Linear(s.In("1"), nn.ReLU(nn.Linear(s.In("0"), features, hidden)), 1)
	}}}
	plan.Loss = func(s *Step) *Node {
		source, target := s.Features, s.Beside[0].Features
		weight := MulScalar(dannWeight(s.Progress), lambda)
		features := ReverseGradient(Concatenate([]*Node{source, target}, 0), weight)
		return Add(s.Loss, binaryCrossEntropy(s.Head("domain", features), domainLabels(source, target)))
	}
	return plan, nil
}

// dannWeight is 2/(1 + exp(-10 p)) - 1 for a scalar p in [0, 1].
func dannWeight(p *Node) *Node {
	return AddScalar(Div(Scalar(p.Graph(), p.DType(), 2), OnePlus(Exp(MulScalar(p, -10)))), -1)
}

// ReverseGradient is x, but its gradient is multiplied by -weight (a scalar node): the gradient reversal layer of Ganin
// et al. 2016, equations 16 and 17.
func ReverseGradient(x, weight *Node) *Node {
	return IdentityWithCustomGradient(x, func(_, v *Node) *Node { return Neg(Mul(v, weight)) })
}

var _ Strategy = DANN{}
