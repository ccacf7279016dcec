package nn

import (
	"math"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
)

// ReLU is max(x, 0); its gradient at 0 is 0, as PyTorch's.
func ReLU(x *Node) *Node {
	return elementwise(x, positive, func(y, v *Node) *Node { return masked(GreaterThan(y, zero(y)), v) })
}

// positive is max(x, 0). ONNX Runtime fuses its Relu into a convolution, but not a maximum.
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

// elementwise applies f to each value of x. Its gradient is grad(y, v), for the output y and the adjoint v. On an
// engine that computes images with their channels first, it is built in that order: otherwise ONNX Runtime transposes
// whole images for the gradient.
func elementwise(x *Node, f func(x *Node) *Node, grad func(y, v *Node) *Node) *Node {
	l := channelsOf(x)
	y := f(l.in(x))
	return withGradient(func() *Node { return l.out(y) }, []*Node{x}, []vjp{func(v *Node) *Node { return l.out(grad(y, l.in(v))) }})
}

// activation returns y = f(x) with the gradient grad(y, v). The gradient needs only the output, so that the input need
// not be kept.
func activation(x, y *Node, grad func(y, v *Node) *Node) *Node {
	return withGradient(func() *Node { return y }, []*Node{x}, []vjp{func(v *Node) *Node { return grad(y, v) }})
}

// masked is v where the condition holds, and zero elsewhere. In ONNX Runtime a multiplication is three times as fast as
// a Where.
func masked(condition, v *Node) *Node {
	if traitsOf(v).ChannelsFirst {
		return Mul(v, ConvertDType(condition, v.DType()))
	}
	return Where(condition, v, ZerosLike(v))
}

// SiLU is x*sigmoid(x), also called swish (Ramachandran et al. 2017, arXiv 1710.05941), as torch.nn.SiLU.
func SiLU(x *Node) *Node {
	return withGradient(func() *Node { return Mul(x, sigmoid(x)) }, []*Node{x}, []vjp{func(v *Node) *Node {
		s := sigmoid(x)
		return Mul(v, Mul(s, AddScalar(Mul(x, OneMinus(s)), 1)))
	}})
}

// sigmoid is 1/(1+exp(-x)), built from its parts. ONNX Runtime's own Sigmoid has an absolute error of up to 1e-7, more
// than the small values far below zero, and deep networks amplify that error.
func sigmoid(x *Node) *Node {
	return elementwise(x, func(x *Node) *Node { return Inverse(AddScalar(Exp(Neg(x)), 1)) },
		func(y, v *Node) *Node { return Mul(v, Mul(y, OneMinus(y))) })
}

// softmax normalises the values along the last axis of x to positive values of sum 1.
func softmax(x *Node) *Node {
	d := x.Shape().Dimensions
	column := append(append([]int(nil), d[:len(d)-1]...), 1)
	e := Exp(Sub(x, Reshape(ReduceMax(x, -1), column...)))
	y := Div(e, Reshape(ReduceSum(e, -1), column...))
	return activation(x, y, func(y, v *Node) *Node {
		return Mul(y, Sub(v, Reshape(ReduceSum(Mul(v, y), -1), column...)))
	})
}

// GELU is x*Phi(x), Phi being the distribution function of the standard normal distribution (Hendrycks and Gimpel
// 2016, arXiv 1606.08415, section 2): the exact form with erf, as torch.nn.GELU by default, not the tanh one.
func GELU(x *Node) *Node {
	// Phi(x) = (1 + erf(x/sqrt(2)))/2
	phi := func() *Node { return MulScalar(AddScalar(Erf(MulScalar(x, 1/math.Sqrt2)), 1), 0.5) }
	return withGradient(func() *Node { return Mul(x, phi()) }, []*Node{x}, []vjp{func(v *Node) *Node {
		density := MulScalar(Exp(MulScalar(Mul(x, x), -0.5)), 1/math.Sqrt(2*math.Pi))
		return Mul(v, Add(phi(), Mul(x, density)))
	}})
}

// QuickGELU is x*sigmoid(1.702x), an approximation of [GELU] (Hendrycks and Gimpel 2016, section 2), which OpenAI's
// CLIP was trained with.
func QuickGELU(x *Node) *Node { return DivScalar(SiLU(MulScalar(x, 1.702)), 1.702) }

// GELUTanh is x*(1+tanh(u))/2 with u = sqrt(2/pi)*(x+0.044715x^3), an approximation of [GELU] (Hendrycks and Gimpel
// 2016, section 2), as torch.nn.GELU(approximate="tanh").
func GELUTanh(x *Node) *Node {
	const cubic = 0.044715
	root := math.Sqrt(2 / math.Pi)
	square := Mul(x, x)
	// (1+tanh(u))/2 = sigmoid(2u)
	share := func() *Node { return sigmoid(MulScalar(Mul(x, AddScalar(MulScalar(square, cubic), 1)), 2*root)) }
	return withGradient(func() *Node { return Mul(x, share()) }, []*Node{x}, []vjp{func(v *Node) *Node {
		s := share()
		slope := MulScalar(AddScalar(MulScalar(square, 3*cubic), 1), 2*root)
		return Mul(v, Mul(s, AddScalar(Mul(Mul(x, OneMinus(s)), slope), 1)))
	}})
}

// HardSigmoid is min(max(x+3, 0), 6)/6, as torch.nn.Hardsigmoid (Howard et al. 2019, MobileNetV3, arXiv 1905.02244,
// section 5.2).
func HardSigmoid(x *Node) *Node { return DivScalar(ReLU6(AddScalar(x, 3)), 6) }

// HardSwish is x times [HardSigmoid] of x, as torch.nn.Hardswish (same section); its gradient is 0 up to -3 and 1 from
// 3 on.
func HardSwish(x *Node) *Node { return Mul(x, HardSigmoid(x)) }
