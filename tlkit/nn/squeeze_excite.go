package nn

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// SqueezeExciteBuilder configures a squeeze-and-excitation block; see [SqueezeExcite].
type SqueezeExciteBuilder struct {
	s                *Scope
	x                *Node
	squeezed         int
	activation, gate func(*Node) *Node
	weight, bias     Init
}

// SqueezeExcite starts a squeeze-and-excitation block (Hu et al. 2018, arXiv 1709.01507, figure 1 and equation 3): it
// scales each channel of x [batch, height, width, channels] by a gate computed from the channels' means through two
// 1x1 convolutions with biases, fc1 to squeezed channels and fc2 back.
//
// Defaults: activation [ReLU] between them, gate sigmoid, PyTorch's start values of a convolution.
func SqueezeExcite(s *Scope, x *Node, squeezed int) *SqueezeExciteBuilder {
	return &SqueezeExciteBuilder{s: s, x: x, squeezed: squeezed, activation: ReLU, gate: sigmoid, weight: FanInUniform}
}

// Activation sets the function between the two convolutions.
func (b *SqueezeExciteBuilder) Activation(f func(*Node) *Node) *SqueezeExciteBuilder {
	b.activation = f
	return b
}

// Gate sets the function that computes the factors from fc2's output.
func (b *SqueezeExciteBuilder) Gate(f func(*Node) *Node) *SqueezeExciteBuilder {
	b.gate = f
	return b
}

// Init sets the start values of both kernels and both biases; a nil bias keeps PyTorch's (uniform by fan in).
func (b *SqueezeExciteBuilder) Init(weight, bias Init) *SqueezeExciteBuilder {
	b.weight, b.bias = weight, bias
	return b
}

// Done builds the block; the result has the shape of x.
func (b *SqueezeExciteBuilder) Done() *Node {
	d := b.x.Shape().Dimensions
	fc := func(name string, x *Node, out int) *Node {
		c := Conv2D(b.s.In(name), x, out, 1).Bias().Init(b.weight)
		if b.bias != nil {
			c = c.BiasInit(b.bias)
		}
		return c.Done()
	}
	mean := Reshape(GlobalMeanPool(b.x), d[0], 1, 1, d[3])
	return Mul(b.x, b.gate(fc("fc2", b.activation(fc("fc1", mean, b.squeezed)), d[3])))
}
