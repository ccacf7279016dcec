package nn

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// SiLU is x*sigmoid(x), also called swish (Ramachandran et al. 2017, arXiv 1710.05941), as torch.nn.SiLU.
func SiLU(x *Node) *Node {
	return withGradient(func() *Node { return Mul(x, sigmoid(x)) }, []*Node{x}, []vjp{func(v *Node) *Node {
		s := sigmoid(x)
		return Mul(v, Mul(s, AddScalar(Mul(x, OneMinus(s)), 1)))
	}})
}

// sigmoid is 1/(1+exp(-x)) as it stands: ONNX Runtime's own is right to 1e-7 only, which is nothing like the small
// values far below zero, and deep networks amplify that.
func sigmoid(x *Node) *Node {
	return elementwise(x, func(x *Node) *Node { return Inverse(AddScalar(Exp(Neg(x)), 1)) },
		func(y, v *Node) *Node { return Mul(v, Mul(y, OneMinus(y))) })
}

// softmax turns the values along the last axis of x into positive ones of sum 1.
func softmax(x *Node) *Node {
	d := x.Shape().Dimensions
	column := append(append([]int(nil), d[:len(d)-1]...), 1)
	e := Exp(Sub(x, Reshape(ReduceMax(x, -1), column...)))
	y := Div(e, Reshape(ReduceSum(e, -1), column...))
	return activation(x, y, func(y, v *Node) *Node {
		return Mul(y, Sub(v, Reshape(ReduceSum(Mul(v, y), -1), column...)))
	})
}
