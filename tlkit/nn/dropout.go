package nn

import (
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"
)

// Dropout sets each value of x to zero with probability rate, in [0, 1), and divides the others by 1-rate, in training
// only (Srivastava et al. 2014, Dropout, section 4, with the scaling at training time, as torch.nn.Dropout).
//
// The scope s is that of the layer whose input is the result. If that layer's weight is frozen, nothing is dropped: a
// frozen layer runs as in inference, as [BatchNorm] does, so that its features are the same whether they are computed
// once or in every step. With Pass.BatchStatsWhenFrozen (PyTorch's behaviour), values are dropped there, too.
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

// StochasticDepth drops a residual branch x [batch, ...] as a whole, separately for each image of the batch with
// probability rate, and scales the other images' by 1/(1-rate) (Huang et al. 2016, arXiv 1603.09382, section 3;
// torchvision's mode "row"). It does so only in training and with a random generator (Pass.Training, Pass.RNG); else it
// returns x.
//
// The scope s is that of the branch's last layer. If that layer's weight is frozen, nothing is dropped, as in
// [Dropout].
func StochasticDepth(s *Scope, x *Node, rate float64) *Node {
	if rate < 0 || rate > 1 {
		exceptions.Panicf("nn: stochastic depth in %q has the rate %g, expected a probability in [0, 1]", s.Key(), rate)
	}
	if rate == 0 || !s.Pass.Training || s.Pass.RNG == nil || (s.frozen("weight") && !s.Pass.BatchStatsWhenFrozen) {
		return x
	}
	if rate == 1 {
		return ZerosLike(x)
	}
	dims := make([]int, x.Rank())
	for i := range dims {
		dims[i] = 1
	}
	dims[0] = x.Shape().Dimensions[0]
	keep := GreaterOrEqual(s.RandomNode(shapes.Make(x.DType(), dims...)), Scalar(x.Graph(), x.DType(), rate))
	factor := MulScalar(ConvertDType(keep, x.DType()), 1/(1-rate))
	return Mul(x, StopGradient(factor))
}
