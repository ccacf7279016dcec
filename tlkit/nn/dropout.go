package nn

import (
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"
)

// Dropout sets each value of x to zero with probability rate, in [0, 1), and divides the others by 1-rate, in training
// only (Srivastava et al. 2014, Dropout, section 4, with the scaling at training time, as torch.nn.Dropout).
//
// The scope s is that of the layer that takes the result. If that layer's weight is frozen, nothing is dropped: a
// frozen layer runs as in inference, as [BatchNorm] does, so that its features are the same whether they are computed
// once or in every step. Pass.BatchStatsWhenFrozen (PyTorch's behaviour) drops there, too.
func Dropout(s *Scope, x *Node, rate float64) *Node {
	if !(rate >= 0 && rate < 1) {
		exceptions.Panicf("nn: dropout before %q has rate %g, which must be in [0, 1)", s.Key(), rate)
	}
	if rate == 0 || !s.Pass.Training || (s.frozen("weight") && !s.Pass.BatchStatsWhenFrozen) {
		return x
	}
	kept := GreaterOrEqual(s.RandomNode(x.Shape()), Scalar(x.Graph(), x.DType(), rate))
	return Mul(x, StopGradient(DivScalar(ConvertDType(kept, x.DType()), 1-rate)))
}

// frozen reports whether the named variable of this scope exists and is not trained.
func (s *Scope) frozen(name string) bool {
	v := s.store.GetVariable(Param{Key: s.join(name)}.Path())
	return v != nil && !v.Trainable
}
