package nn

import (
	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
)

// ReLU is max(x, 0); its gradient at 0 is 0, as PyTorch's.
func ReLU(x *Node) *Node {
	return elementwise(x, positive, func(y, v *Node) *Node { return masked(GreaterThan(y, zero(y)), v) })
}

// positive is max(x, 0). ONNX Runtime makes its Relu part of a convolution, but not a maximum.
func positive(x *Node) *Node {
	if traitsOf(x).ChannelsFirst {
		return BackendFusedActivation(x, compute.ActivationConfig{Type: compute.ActivationRelu})
	}
	return MaxScalar(x, 0)
}

// ReLU6 is min(max(x, 0), 6) (Sandler et al. 2018, arXiv 1801.04381, section 3).
func ReLU6(x *Node) *Node {
	return elementwise(x, func(x *Node) *Node { return MinScalar(positive(x), 6) }, func(y, v *Node) *Node {
		inside := LogicalAnd(GreaterThan(y, zero(y)), LessThan(y, Scalar(y.Graph(), y.DType(), 6)))
		return masked(inside, v)
	})
}

// LeakyReLU is x where x > 0 and slope*x elsewhere, for a slope in [0, 1).
func LeakyReLU(x *Node, slope float64) *Node {
	return elementwise(x, func(x *Node) *Node { return Max(x, MulScalar(x, slope)) }, func(y, v *Node) *Node {
		if traitsOf(y).ChannelsFirst {
			return Mul(v, MaxScalar(ConvertDType(GreaterThan(y, zero(y)), v.DType()), slope))
		}
		return Where(GreaterThan(y, zero(y)), v, MulScalar(v, slope))
	})
}

// elementwise is f of each value of x, with the gradient grad of its output y and the adjoint v. Where an engine has
// images with their channels first, so has this: left to itself, ONNX Runtime turns whole images for the gradient.
func elementwise(x *Node, f func(x *Node) *Node, grad func(y, v *Node) *Node) *Node {
	l := channelsOf(x)
	y := f(l.in(x))
	return withGradient(func() *Node { return l.out(y) }, []*Node{x}, []vjp{func(v *Node) *Node { return l.out(grad(y, l.in(v))) }})
}

// activation gives y = f(x) the gradient grad(y, v), which needs only the output: the input need not be kept.
func activation(x, y *Node, grad func(y, v *Node) *Node) *Node {
	return withGradient(func() *Node { return y }, []*Node{x}, []vjp{func(v *Node) *Node { return grad(y, v) }})
}

// masked is v where the condition holds, and zero elsewhere. ONNX Runtime multiplies three times as fast as it chooses.
func masked(condition, v *Node) *Node {
	if traitsOf(v).ChannelsFirst {
		return Mul(v, ConvertDType(condition, v.DType()))
	}
	return Where(condition, v, ZerosLike(v))
}
