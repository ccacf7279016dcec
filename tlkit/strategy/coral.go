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

// DeepCORAL adapts to unlabelled images of another domain by making the covariances of both domains' features alike
// while it learns the source's labels (Sun and Saenko 2016, arXiv 1607.01719, section 3). Images of both domains go
// through the network in one batch, and so share BatchNorm's statistics. The features are those before the output
// layer; the paper aligns its logits, see Logits.
type DeepCORAL struct {
	// Source has the labelled images; the target's are the training images of the comparison, without their labels.
	Source *datasets.Dataset `json:"source"`
	// Lambda is the weight of the CORAL loss; 0 means 1. The paper sets it such that both losses are about equal at the
	// end.
	Lambda float64 `json:"lambda,omitempty"`
	// Logits aligns the logits in place of the features, as the paper does with an output layer that begins near zero.
	// The loss grows with the fourth power of the aligned values. With a pretrained output layer, whose logits are
	// large, a Lambda of 1 makes them collapse (the training loss rises, accuracy falls to chance); then set Lambda to
	// 0.01.
	Logits bool `json:"logits,omitempty"`
	// LearningRate of all layers; 0 means 0.01.
	LearningRate float64 `json:"learning_rate,omitempty"`
	// Label replaces the name, for a second DeepCORAL in one comparison.
	Label string `json:"label,omitempty"`
}

// Name is Label, or "coral".
func (d DeepCORAL) Name() string { return cmp.Or(d.Label, "coral") }

// Plan trains on the source, with extra batches of images of the target.
func (d DeepCORAL) Plan(m *zoo.Model, task train.Task) (train.Plan, error) {
	lambda := cmp.Or(d.Lambda, 1)
	if !(lambda > 0) || !numbers.Finite(lambda) {
		return train.Plan{}, fmt.Errorf("tlkit: DeepCORAL.Lambda is %g; it must be a positive number, or 0 for the default of 1", d.Lambda)
	}
	plan, err := adapt("DeepCORAL", m, task, d.Source, d.LearningRate)
	if err != nil {
		return train.Plan{}, err
	}
	plan.Extra = []train.ExtraBatch{{Split: task.Data.Train}}
	plan.Loss = func(s *train.Step) *Node {
		source, target := s.Features, s.Extra[0].Features
		if d.Logits {
			source, target = s.Logits, s.Extra[0].Logits
		}
		return Add(s.Loss, MulScalar(CORAL(source, target), lambda))
	}
	return plan, nil
}

// CORAL is the distance of the covariances of two sets of rows [rows, d] (equation 1 of the paper):
//
//	||C_S - C_T||_F^2 / (4 d^2)
//
// A set of one row has no covariance; zero is used instead.
func CORAL(source, target *Node) *Node {
	d := float64(source.Shape().Dimensions[1])
	diff := Sub(covariance(source), covariance(target))
	return DivScalar(ReduceAllSum(Mul(diff, diff)), 4*d*d)
}

// covariance of rows [rows, d] is [d, d], unbiased (equations 2 and 3).
func covariance(x *Node) *Node {
	rows := float64(x.Shape().Dimensions[0])
	centred := Sub(x, ReduceAndKeep(x, ReduceMean, 0))
	return DivScalar(MatMul(Transpose(centred, 0, 1), centred), max(1, rows-1))
}

var _ train.Strategy = DeepCORAL{}
