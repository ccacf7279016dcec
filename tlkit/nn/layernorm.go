package nn

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// LayerNorm normalises each vector along the last axis of x to mean 0 and variance 1 (Ba et al. 2016,
// arXiv 1607.06450, equation 4), then scales and shifts it, as torch.nn.LayerNorm over one axis. The result has the
// shape of x. epsilon is added to the variance. Variables: weight, bias.
func LayerNorm(s *Scope, x *Node, epsilon float64) *Node {
	g := x.Graph()
	c := x.Shape().Dimensions[x.Rank()-1]
	s.layer(Layer{Kind: "LayerNorm"}, x)
	scale := s.Param(g, "weight", Plain, Constant(1), c)
	offset := s.Param(g, "bias", Plain, Constant(0), c)

	centred := Sub(x, meanOfLast(x))
	std := Sqrt(AddScalar(meanOfLast(Mul(centred, centred)), epsilon))
	normed := Div(centred, std)
	rows := make([]int, x.Rank()-1)
	for i := range rows {
		rows[i] = i
	}
	// The gradient in closed form: with u = v*scale, dx = (u - mean(u) - normed*mean(u*normed)) / std. GoMLX's own
	// gradient goes through the mean and the deviation separately, in about ten passes over the data.
	return withGradient(
		func() *Node { return Add(Mul(normed, perChannel(scale, x)), perChannel(offset, x)) },
		[]*Node{x, scale, offset},
		[]vjp{
			func(v *Node) *Node {
				u := Mul(v, perChannel(scale, x))
				along := Mul(normed, meanOfLast(Mul(u, normed)))
				return Div(Sub(Sub(u, meanOfLast(u)), along), std)
			},
			func(v *Node) *Node { return ReduceSum(Mul(v, normed), rows...) },
			func(v *Node) *Node { return ReduceSum(v, rows...) },
		})
}

// meanOfLast averages over the last axis and keeps it, with length 1.
func meanOfLast(x *Node) *Node {
	d := x.Shape().Dimensions
	n := d[len(d)-1]
	return Reshape(DivScalar(ReduceSum(x, -1), float64(n)), append(append([]int(nil), d[:len(d)-1]...), 1)...)
}
