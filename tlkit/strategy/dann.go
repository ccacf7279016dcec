package strategy

import (
	"cmp"
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// DANN adapts to unlabelled images of another domain by an adversary: a small classifier learns to distinguish the
// domains by the features. Through a reversed gradient, the network learns to make that impossible, while it learns the
// source's labels (Ganin et al. 2016, arXiv 1505.07818, section 4.2). The weight of the reversed gradient grows over
// the training as in section 5.2.2: 2/(1 + exp(-10 p)) - 1, where p is the share of the training that is done. The
// paper's learning-rate schedule is left out: the schedule is the recipe's, as for all strategies.
type DANN struct {
	// Source has the labelled images; the target's are the training images of the comparison, without their labels.
	Source *datasets.Dataset `json:"source"`
	// Lambda is the final weight of the reversed gradient; 0 means 1, as in the paper.
	Lambda float64 `json:"lambda,omitempty"`
	// Hidden is the width of the domain classifier's hidden layer; 0 means 100, the paper's value for its smallest
	// network.
	Hidden int `json:"hidden,omitempty"`
	// LearningRate of all layers; 0 means 0.01.
	LearningRate float64 `json:"learning_rate,omitempty"`
	// Label replaces the name, for a second DANN in one comparison.
	Label string `json:"label,omitempty"`
}

// Name is Label, or "dann".
func (d DANN) Name() string { return cmp.Or(d.Label, "dann") }

// Plan trains on the source, with extra batches of images of the target, and adds the domain classifier.
func (d DANN) Plan(m *zoo.Model, task train.Task) (train.Plan, error) {
	lambda, hidden := cmp.Or(d.Lambda, 1), cmp.Or(d.Hidden, 100)
	if !(lambda > 0) || !numbers.Finite(lambda) || hidden < 1 || hidden > mostHidden {
		return train.Plan{}, fmt.Errorf("tlkit: DANN has Lambda %g and Hidden %d; they must be positive, Hidden at most %d, or 0 for the defaults (1 and 100)", d.Lambda, d.Hidden, mostHidden)
	}
	plan, err := adapt("DANN", m, task, d.Source, d.LearningRate)
	if err != nil {
		return train.Plan{}, err
	}
	plan.Extra = []train.ExtraBatch{{Split: task.Data.Train}}
	plan.Heads = []train.Head{{Name: "domain", Forward: func(s *nn.Scope, features *Node) *Node {
		return nn.Linear(s.In("1"), nn.ReLU(nn.Linear(s.In("0"), features, hidden)), 1)
	}}}
	plan.Loss = func(s *train.Step) *Node {
		source, target := s.Features, s.Extra[0].Features
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

// domainLabels returns 0 for each row of the source and 1 for each row of the target, [rows, 1].
func domainLabels(source, target *Node) *Node {
	fill := func(like *Node, v float64) *Node {
		return BroadcastToDims(Scalar(like.Graph(), like.DType(), v), like.Shape().Dimensions[0], 1)
	}
	return Concatenate([]*Node{fill(source, 0), fill(target, 1)}, 0)
}

// binaryCrossEntropy is the mean of -y log p - (1-y) log(1-p) with p = sigmoid(logits), computed without overflow.
func binaryCrossEntropy(logits, labels *Node) *Node {
	return ReduceAllMean(Add(Sub(Max(logits, ZerosLike(logits)), Mul(logits, labels)), Log1P(Exp(Neg(Abs(logits))))))
}

// Pace is the number of epochs: the weight of the domain loss grows with the share of the training that is done.
func (d DANN) Pace(epochs int) int { return epochs }

var _ train.Paced = DANN{}
