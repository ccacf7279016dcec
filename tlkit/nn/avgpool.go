package nn

import (
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"
)

// AvgPoolBuilder configures an average pooling; see [AvgPool2D].
type AvgPoolBuilder struct {
	x *Node
	g geometry
}

// AvgPool2D starts a mean over square windows of x [batch, height, width, channels]; the stride is the window's size
// unless set. Sizes follow torch.nn.AvgPool2d, and, as there by default, added zeros count in the mean.
func AvgPool2D(x *Node, window int) *AvgPoolBuilder {
	w := [2]int{window, window}
	return &AvgPoolBuilder{x: x, g: geometry{kernel: w, stride: w, dilation: [2]int{1, 1}, groups: 1}}
}

// Stride sets the step between windows.
func (p *AvgPoolBuilder) Stride(stride int) *AvgPoolBuilder {
	p.g.stride = [2]int{stride, stride}
	return p
}

// Pad adds zeros on each side.
func (p *AvgPoolBuilder) Pad(pad int) *AvgPoolBuilder {
	p.g.pad = [2]int{pad, pad}
	return p
}

// Done builds the pooling.
func (p *AvgPoolBuilder) Done() *Node {
	x, g := p.x, p.g
	x.AssertRank(4)
	d := x.Shape().Dimensions
	size := [2]int{g.outSize(d[1], 0), g.outSize(d[2], 1)}
	if size[0] < 1 || size[1] < 1 {
		exceptions.Panicf("nn: images of %dx%d are too small for a mean over windows of %v with padding %v",
			d[1], d[2], g.kernel, g.pad)
	}
	share := 1 / float64(g.kernel[0]*g.kernel[1])
	if traitsOf(x).Exported {
		pads := [][2]int{{g.pad[0], g.pad[0]}, {g.pad[1], g.pad[1]}}
		return MulScalar(SumPool(x).WindowPerAxis(g.kernel[0], g.kernel[1]).StridePerAxis(g.stride[0], g.stride[1]).PaddingPerDim(pads).Done(), share)
	}
	if g.stride == g.kernel && g.pad == [2]int{} && d[1] == size[0]*g.kernel[0] && d[2] == size[1]*g.kernel[1] {
		// The windows tile the image: no copies, and GoMLX's own gradient is a broadcast.
		tiles := Reshape(x, d[0], size[0], g.kernel[0], size[1], g.kernel[1], d[3])
		return MulScalar(ReduceSum(tiles, 2, 4), share)
	}
	// The window's sum, one axis after the other: 2k additions instead of k*k.
	forward := func() *Node {
		y := padSpatial(x, g.pad, g.pad, zero(x))
		for a := range 2 {
			line, out := g, size
			line.kernel[1-a], line.stride[1-a] = 1, 1
			out[1-a] = y.Shape().Dimensions[2-a]
			y = sumTaps(g.kernel[a], func(t int) *Node {
				at := [2]int{}
				at[a] = t
				return window(y, line, at[0], at[1], out)
			})
		}
		return MulScalar(y, share)
	}
	return withGradient(forward, []*Node{x}, []vjp{func(v *Node) *Node {
		v = MulScalar(v, share)
		padded := [4]int{d[0], d[1] + 2*g.pad[0], d[2] + 2*g.pad[1], d[3]}
		for a := 1; a >= 0; a-- {
			line := g
			line.kernel[1-a], line.stride[1-a] = 1, 1
			to := append([]int(nil), v.Shape().Dimensions...)
			to[1+a] = padded[1+a]
			from := v
			v = sumTaps(g.kernel[a], func(t int) *Node {
				at := [2]int{}
				at[a] = t
				return unwindow(from, line, at[0], at[1], to)
			})
		}
		return padSpatial(v, [2]int{-g.pad[0], -g.pad[1]}, [2]int{-g.pad[0], -g.pad[1]}, zero(v))
	}})
}

// sumTaps adds up n terms.
func sumTaps(n int, term func(i int) *Node) *Node {
	sum := term(0)
	for i := 1; i < n; i++ {
		sum = Add(sum, term(i))
	}
	return sum
}

// AdaptiveAvgPool2D averages x [batch, h, w, channels] to [batch, height, width, channels], as
// torch.nn.AdaptiveAvgPool2d: row i of the result is the mean of the rows from floor(i*h/height) to
// ceil((i+1)*h/height), exclusive, and columns likewise. Rows and columns of an image smaller than that are repeated.
func AdaptiveAvgPool2D(x *Node, height, width int) *Node {
	x.AssertRank(4)
	d := x.Shape().Dimensions
	if d[1] == height && d[2] == width {
		return x
	}
	if d[1]%height == 0 && d[2]%width == 0 && d[1]/height == d[2]/width {
		return AvgPool2D(x, d[1]/height).Done()
	}
	// A mean over rectangles is a mean over rows of a mean over columns: two matrix products.
	x = DotGeneral(x, []int{1}, nil, meansMatrix(x, d[1], height), []int{1}, nil) // batch, w, channels, height
	x = DotGeneral(x, []int{1}, nil, meansMatrix(x, d[2], width), []int{1}, nil)  // batch, channels, height, width
	return TransposeAllAxes(x, 0, 2, 3, 1)
}

// meansMatrix returns the matrix [out, in] that averages in values to out values, by the rule of AdaptiveAvgPool2D.
func meansMatrix(x *Node, in, out int) *Node {
	m := make([][]float32, out)
	for i := range m {
		m[i] = make([]float32, in)
		from, to := i*in/out, ((i+1)*in+out-1)/out
		for j := from; j < to; j++ {
			m[i][j] = 1 / float32(to-from)
		}
	}
	return ConvertDType(Const(x.Graph(), m), x.DType())
}
