package nn

import (
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"
)

// StochasticDepth drops a residual branch x [batch, ...] as a whole, for each image of the batch with probability
// rate, and scales the rest by 1/(1-rate) (Huang et al. 2016, arXiv 1603.09382, section 3; torchvision's mode "row").
// It does so in training where random numbers are given (Pass.Training, Pass.RNG), else it returns x.
//
// The scope s is that of the branch's last layer. If that layer's weight is frozen, nothing is dropped, as in [Dropout].
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
