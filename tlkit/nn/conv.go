package nn

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"
)

// ConvBuilder configures a convolution; see [Conv2D].
type ConvBuilder struct {
	s    *Scope
	x    *Node
	out  int
	g    geometry
	bias bool
	init Init
	// biasInit is nil for PyTorch's default.
	biasInit Init
}

// Conv2D starts a two-dimensional convolution of images x [batch, height, width, in] to out channels with a square
// kernel. Done returns [batch, out height, out width, out], where out height is
// (height + 2*pad - dilation*(kernel-1) - 1)/stride + 1 as in torch.nn.Conv2d.
//
// Defaults: stride 1, no padding, no dilation, one group, no bias, kaiming-normal (fan out) start values. Variables:
// weight, and with [ConvBuilder.Bias] also bias.
func Conv2D(s *Scope, x *Node, out, kernel int) *ConvBuilder {
	one := [2]int{1, 1}
	return &ConvBuilder{s: s, x: x, out: out, init: KaimingNormalFanOut,
		g: geometry{kernel: [2]int{kernel, kernel}, stride: one, dilation: one, groups: 1}}
}

// Kernel sets a kernel of different height and width.
func (c *ConvBuilder) Kernel(height, width int) *ConvBuilder {
	c.g.kernel = [2]int{height, width}
	return c
}

// Stride sets the step between windows on both axes.
func (c *ConvBuilder) Stride(stride int) *ConvBuilder {
	c.g.stride = [2]int{stride, stride}
	return c
}

// Pad sets the zeros added on each side of both axes.
func (c *ConvBuilder) Pad(pad int) *ConvBuilder { return c.PadPerAxis(pad, pad) }

// PadPerAxis sets the zeros added above and below, and left and right.
func (c *ConvBuilder) PadPerAxis(height, width int) *ConvBuilder {
	c.g.pad = [2]int{height, width}
	return c
}

// Dilation sets the distance between the taps of the kernel.
func (c *ConvBuilder) Dilation(dilation int) *ConvBuilder {
	c.g.dilation = [2]int{dilation, dilation}
	return c
}

// Groups splits the channels into groups that are convolved separately; with as many groups as channels, the
// convolution is depthwise.
func (c *ConvBuilder) Groups(groups int) *ConvBuilder {
	c.g.groups = groups
	return c
}

// Bias adds a learned value per output channel; see BiasInit.
func (c *ConvBuilder) Bias() *ConvBuilder {
	c.bias = true
	return c
}

// Init sets the start values of the kernel.
func (c *ConvBuilder) Init(init Init) *ConvBuilder {
	c.init = init
	return c
}

// BiasInit sets the start values of the bias; by default they are uniform in ±1/sqrt(fan in), as PyTorch's.
func (c *ConvBuilder) BiasInit(init Init) *ConvBuilder {
	c.biasInit = init
	return c
}

// Done builds the convolution.
func (c *ConvBuilder) Done() *Node {
	c.x.AssertRank(4)
	in := c.x.Shape().Dimensions[3]
	if c.g.groups < 1 || in%c.g.groups != 0 || c.out%c.g.groups != 0 {
		exceptions.Panicf("nn: convolution %q has %d groups, which must divide its %d input and %d output channels",
			c.s.Key(), c.g.groups, in, c.out)
	}
	kernel := c.s.Param(c.x.Graph(), "weight", ConvKernel, c.init, c.out, in/c.g.groups, c.g.kernel[0], c.g.kernel[1])
	y := convolve(c.x, kernel, c.g)
	c.s.layer(Layer{Kind: "Conv2d", Kernel: c.g.kernel, Stride: c.g.stride, Groups: c.g.groups,
		MACs: int64(y.Shape().Size()) * int64(in/c.g.groups*c.g.kernel[0]*c.g.kernel[1])}, y)
	if !c.bias {
		return y
	}
	init := c.biasInit
	if init == nil {
		fanIn := in / c.g.groups * c.g.kernel[0] * c.g.kernel[1]
		init = UniformWithin(1 / math.Sqrt(float64(fanIn)))
	}
	bias := c.s.Param(c.x.Graph(), "bias", Plain, init, c.out)
	return Add(y, Reshape(bias, 1, 1, 1, c.out))
}

// Subsample keeps every stride-th row and column of x [batch, height, width, channels], from the first on: the
// shortcut of He et al. 2015 (arXiv 1512.03385, section 3.3, option A) before its channels are padded.
func Subsample(x *Node, stride int) *Node {
	g := geometry{kernel: [2]int{1, 1}, stride: [2]int{stride, stride}, dilation: [2]int{1, 1}, groups: 1}
	d := x.Shape().Dimensions
	size := [2]int{g.outSize(d[1], 0), g.outSize(d[2], 1)}
	return withGradient(func() *Node { return window(x, g, 0, 0, size) }, []*Node{x}, []vjp{
		func(v *Node) *Node { return unwindow(v, g, 0, 0, d) },
	})
}

// PadChannels adds zero channels before and after those of x [..., channels].
func PadChannels(x *Node, before, after int) *Node {
	zeros := func(n int) *Node {
		shape := x.Shape().Clone()
		shape.Dimensions[len(shape.Dimensions)-1] = n
		return Zeros(x.Graph(), shape)
	}
	parts := make([]*Node, 0, 3)
	if before > 0 {
		parts = append(parts, zeros(before))
	}
	parts = append(parts, x)
	if after > 0 {
		parts = append(parts, zeros(after))
	}
	if len(parts) == 1 {
		return x
	}
	return Concatenate(parts, -1)
}
