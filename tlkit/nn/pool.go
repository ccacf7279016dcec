package nn

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
)

// MaxPoolBuilder configures a max pooling; see [MaxPool2D].
type MaxPoolBuilder struct {
	x *Node
	g geometry
	// ceil rounds the output size up, as PyTorch's ceil_mode.
	ceil bool
}

// MaxPool2D starts a maximum over square windows of x [batch, height, width, channels]; the stride is the window's size
// unless set. Sizes follow torch.nn.MaxPool2d. Among equal maxima, the first one in the window (row by row) gets the
// whole gradient, as in PyTorch.
func MaxPool2D(x *Node, window int) *MaxPoolBuilder {
	one := [2]int{1, 1}
	return &MaxPoolBuilder{x: x, g: geometry{kernel: [2]int{window, window}, stride: [2]int{window, window}, dilation: one, groups: 1}}
}

// Stride sets the step between windows.
func (p *MaxPoolBuilder) Stride(stride int) *MaxPoolBuilder {
	p.g.stride = [2]int{stride, stride}
	return p
}

// Pad adds positions on each side; they are never the maximum.
func (p *MaxPoolBuilder) Pad(pad int) *MaxPoolBuilder {
	p.g.pad = [2]int{pad, pad}
	return p
}

// Ceil rounds the output size up instead of down, as PyTorch's ceil_mode.
func (p *MaxPoolBuilder) Ceil() *MaxPoolBuilder {
	p.ceil = true
	return p
}

// sizes returns the height and width of the result, and the positions that are added below and to the right.
func (p *MaxPoolBuilder) sizes() (size, hi [2]int) {
	g := p.g
	for a := range 2 {
		in := p.x.Shape().Dimensions[1+a]
		size[a] = g.outSize(in, a)
		if p.ceil {
			size[a] = (in+2*g.pad[a]-g.kernel[a]+g.stride[a]-1)/g.stride[a] + 1
			if (size[a]-1)*g.stride[a] >= in+g.pad[a] { // a window must start inside the image
				size[a]--
			}
		}
		hi[a] = max(g.pad[a], (size[a]-1)*g.stride[a]+g.kernel[a]-in-g.pad[a])
	}
	return size, hi
}

// Done builds the pooling.
func (p *MaxPoolBuilder) Done() *Node {
	x, g := p.x, p.g
	size, hi := p.sizes()
	if fusedFor(x) {
		return engineMaxPool(x, g, hi)
	}
	if traitsOf(x).Exported {
		return MaxPool(x).WindowPerAxis(g.kernel[0], g.kernel[1]).StridePerAxis(g.stride[0], g.stride[1]).
			PaddingPerDim([][2]int{{g.pad[0], hi[0]}, {g.pad[1], hi[1]}}).Done()
	}
	lowest := Scalar(x.Graph(), x.DType(), -math.MaxFloat32)
	xp := padSpatial(x, g.pad, hi, lowest)
	pd := xp.Shape().Dimensions

	taps := func() []*Node {
		all := make([]*Node, 0, g.kernel[0]*g.kernel[1])
		for row := range g.kernel[0] {
			for col := range g.kernel[1] {
				all = append(all, window(xp, g, row, col, size))
			}
		}
		return all
	}
	forward := func() *Node {
		if traitsOf(x).ChannelsFirst && hi[0] < g.kernel[0] && hi[1] < g.kernel[1] {
			return engineMaxPool(x, g, hi) // its gradient is wrong for overlapping windows (compute-onnx v0.1.13)
		}
		var top *Node
		for _, t := range taps() {
			if top == nil {
				top = t
			} else {
				top = Max(top, t)
			}
		}
		return top
	}
	return withGradient(forward, []*Node{x}, []vjp{func(v *Node) *Node {
		top, left := forward(), v
		var dx *Node
		for i, t := range taps() {
			share := masked(Equal(t, top), left)
			left = Sub(left, share) // later equals get nothing
			part := unwindow(share, g, i/g.kernel[1], i%g.kernel[1], pd)
			if dx == nil {
				dx = part
			} else {
				dx = Add(dx, part)
			}
		}
		return padSpatial(dx, [2]int{-g.pad[0], -g.pad[1]}, [2]int{-hi[0], -hi[1]}, zero(dx))
	}})
}

// unwindow is the transpose of window: it puts each position's value at the tap (row, col) of its window.
func unwindow(v *Node, g geometry, row, col int, padded []int) *Node {
	size := v.Shape().Dimensions
	tap := [2]int{row, col}
	var lo, hi [2]int
	for a := range 2 {
		s := g.stride[a]
		if s > 1 {
			parts := make([]*Node, s)
			for i := range parts {
				parts[i] = v
				if i > 0 {
					parts[i] = ZerosLike(v)
				}
			}
			v = interleave(parts, 1+a)
		}
		lo[a] = tap[a]
		hi[a] = padded[1+a] - tap[a] - size[1+a]*s
	}
	return padSpatial(v, lo, hi, zero(v))
}

// GlobalMeanPool averages over all positions: [batch, height, width, channels] -> [batch, channels].
func GlobalMeanPool(x *Node) *Node {
	x.AssertRank(4)
	d := x.Shape().Dimensions
	// Axis by axis: engines add up a long row of float32 sequentially, which loses a digit at thousands of positions.
	// The gradient is the same at all positions. GoMLX's own repeats it along one axis after the other.
	return withGradient(func() *Node { return ReduceMean(ReduceMean(x, 2), 1) }, []*Node{x}, []vjp{func(v *Node) *Node {
		share := MulScalar(MulScalar(v, 1/float64(d[1])), 1/float64(d[2]))
		return BroadcastToShape(Reshape(share, d[0], 1, 1, d[3]), x.Shape())
	}})
}
