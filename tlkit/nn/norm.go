package nn

import (
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// BatchNormBuilder configures a batch normalisation; see [BatchNorm].
type BatchNormBuilder struct {
	s        *Scope
	x        *Node
	epsilon  float64
	momentum float64
	scale    Init
}

// BatchNorm starts a batch normalisation over the last axis of x (Ioffe and Szegedy 2015, arXiv 1502.03167,
// algorithms 1 and 2), as torch.nn.BatchNorm2d: epsilon 1e-5, momentum 0.1, and running variance unbiased.
// Variables: weight, bias; buffers: running_mean, running_var.
//
// In training it normalises with the batch's statistics and updates the running ones. A layer whose weight is not
// trainable is frozen as a whole: it normalises with the running statistics and does not update them, even in training,
// unless Pass.BatchStatsWhenFrozen is set.
func BatchNorm(s *Scope, x *Node) *BatchNormBuilder {
	return &BatchNormBuilder{s: s, x: x, epsilon: 1e-5, momentum: 0.1, scale: Constant(1)}
}

// Epsilon sets the number that is added to the variance to avoid division by zero.
func (b *BatchNormBuilder) Epsilon(epsilon float64) *BatchNormBuilder {
	b.epsilon = epsilon
	return b
}

// Momentum sets the share of each batch in the running statistics (PyTorch's meaning: 0.1 keeps 0.9 of the old).
func (b *BatchNormBuilder) Momentum(momentum float64) *BatchNormBuilder {
	b.momentum = momentum
	return b
}

// ScaleInit sets the start values of the weight (1 by default).
func (b *BatchNormBuilder) ScaleInit(init Init) *BatchNormBuilder {
	b.scale = init
	return b
}

// Done builds the normalisation; the result has the shape of x.
func (b *BatchNormBuilder) Done() *Node {
	x, g := b.x, b.x.Graph()
	c := x.Shape().Dimensions[x.Rank()-1]
	b.s.layer(Layer{Kind: "BatchNorm2d"}, x)
	scale := b.s.Param(g, "weight", Plain, b.scale, c)
	offset := b.s.Param(g, "bias", Plain, Constant(0), c)
	meanVar := b.s.Buffer("running_mean", Constant(0), c)
	varVar := b.s.Buffer("running_var", Constant(1), c)
	if !b.s.Pass.Training || !(b.s.Trainable("weight") || b.s.Pass.BatchStatsWhenFrozen) {
		if traitsOf(x).Exported {
			return InternalBatchNormForInference(x, scale, offset, meanVar.NodeValue(g), varVar.NodeValue(g), float32(b.epsilon), x.Rank()-1)
		}
		a := Div(scale, Sqrt(AddScalar(b.s.value(g, varVar), b.epsilon)))
		shift := Sub(offset, Mul(b.s.value(g, meanVar), a))
		return Add(Mul(x, perChannel(a, x)), perChannel(shift, x))
	}

	m := float64(x.Shape().Size() / c)
	if fusedFor(x) {
		y, mean, variance := engineBatchNorm(x, scale, offset, b.epsilon)
		b.followBatch(meanVar, varVar, mean, variance, m)
		return y
	}
	l := channelsOf(x)
	mean := DivScalar(l.sum(l.in(x)), m)
	centred := Sub(l.in(x), l.spread(mean))
	variance := DivScalar(l.sum(Mul(centred, centred)), m)
	std := Sqrt(AddScalar(variance, b.epsilon)) // not Rsqrt: ONNX Runtime has none

	b.followBatch(meanVar, varVar, mean, variance, m)

	gain := Div(scale, std)
	// The gradient in closed form (Ioffe and Szegedy, section 3): with x^ the normalised input and v the adjoint,
	// d offset = sum v, d scale = sum v x^, dx = gain (v - (d offset + x^ d scale)/m).
	dOffset := func(v *Node) *Node { return l.sum(l.in(v)) }
	dScale := func(v *Node) *Node { return Div(l.sum(Mul(l.in(v), centred)), std) }
	return withGradient(
		func() *Node { return l.out(Add(Mul(centred, l.spread(gain)), l.spread(offset))) },
		[]*Node{x, scale, offset},
		[]vjp{
			func(v *Node) *Node {
				slope := DivScalar(Div(dScale(v), std), m)
				level := DivScalar(dOffset(v), m)
				inner := Sub(Sub(l.in(v), l.spread(level)), Mul(centred, l.spread(slope)))
				return l.out(Mul(inner, l.spread(gain)))
			},
			dScale,
			dOffset,
		})
}

// followBatch updates the running statistics with those of a batch of m values per channel.
func (b *BatchNormBuilder) followBatch(meanVar, varVar *model.Variable, mean, variance *Node, m float64) {
	g := mean.Graph()
	if m > 1 {
		variance = MulScalar(variance, m/(m-1)) // unbiased
	}
	momentum := b.momentum
	if b.s.Pass.Momentum != 0 {
		momentum = b.s.Pass.Momentum
	}
	updateAverage(meanVar.NodeValue(g), mean, momentum, meanVar.SetNodeValue)
	updateAverage(varVar.NodeValue(g), variance, momentum, varVar.SetNodeValue)
}

// updateAverage moves a running value towards the batch's: old + momentum*(now - old).
func updateAverage(old, now *Node, momentum float64, set func(*Node)) {
	set(StopGradient(Add(old, MulScalar(Sub(now, old), momentum))))
}

// ScaleShift is x*scale + shift for images x [batch, height, width, channels], with a scale and a shift per channel.
func ScaleShift(x *Node, scale, shift []float32) *Node {
	d, g := x.Shape().Dimensions, x.Graph()
	if !traitsOf(x).ChannelsFirst {
		return Add(Mul(x, perChannel(Const(g, scale), x)), perChannel(Const(g, shift), x))
	}
	// Row by row, with the values repeated along a row: to broadcast just three channels is ten times as slow.
	rows := Reshape(x, d[0]*d[1], d[2]*d[3])
	row := func(v []float32) *Node { return Const(g, [][]float32{slices.Repeat(v, d[2])}) }
	return Reshape(Add(Mul(rows, row(scale)), row(shift)), d...)
}

// perChannel reshapes values [channels] so that they broadcast over x [..., channels].
func perChannel(values, x *Node) *Node {
	dims := make([]int, x.Rank())
	for i := range dims {
		dims[i] = 1
	}
	dims[len(dims)-1] = values.Shape().Size()
	return Reshape(values, dims...)
}
