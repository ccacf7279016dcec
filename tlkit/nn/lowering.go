package nn

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/traits"
)

// traitsOf returns the traits of the engine that the graph of x is built for.
func traitsOf(x *Node) traits.Traits { return traits.Of(x.Graph().Backend()) }

// geometry is a convolution or pooling window over [batch, height, width, channels]; index 0 is height, 1 is width.
type geometry struct {
	kernel, stride, pad, dilation [2]int
	groups                        int
}

func (g geometry) outSize(in, axis int) int {
	return (in+2*g.pad[axis]-g.dilation[axis]*(g.kernel[axis]-1)-1)/g.stride[axis] + 1
}

// depthwise reports whether each channel of x is convolved alone, with one row of the kernel w.
func (g geometry) depthwise(x, w *Node) bool {
	in := x.Shape().Dimensions[3]
	return g.groups == in && w.Shape().Dimensions[3] == in && in > 1
}

func zero(x *Node) *Node { return ScalarZero(x.Graph(), x.DType()) }

// padSpatial adds lo and hi rows and columns (index 0 height, 1 width); negative counts crop.
func padSpatial(x *Node, lo, hi [2]int, fill *Node) *Node {
	crop := [2]bool{}
	for a := range 2 {
		crop[a] = lo[a] < 0 || hi[a] < 0
	}
	if (crop[0] || crop[1]) && !traitsOf(x).NegativePad {
		d := x.Shape().Dimensions
		x = Slice(x, AxisRange(), AxisRange(max(0, -lo[0]), d[1]-max(0, -hi[0])),
			AxisRange(max(0, -lo[1]), d[2]-max(0, -hi[1])), AxisRange())
		for a := range 2 {
			lo[a], hi[a] = max(0, lo[a]), max(0, hi[a])
		}
	}
	if lo == [2]int{} && hi == [2]int{} {
		return x
	}
	return Pad(x, fill, compute.PadAxis{}, compute.PadAxis{Start: lo[0], End: hi[0]},
		compute.PadAxis{Start: lo[1], End: hi[1]}, compute.PadAxis{})
}

// window returns the values at one tap (row, col) of every window position of the padded images xp:
// [batch, out height, out width, channels].
func window(xp *Node, g geometry, row, col int, out [2]int) *Node {
	lo := [2]int{row * g.dilation[0], col * g.dilation[1]}
	d := xp.Shape().Dimensions
	if g.stride == [2]int{1, 1} && traitsOf(xp).NegativePad {
		return padSpatial(xp, [2]int{-lo[0], -lo[1]}, [2]int{lo[0] + out[0] - d[1], lo[1] + out[1] - d[2]}, zero(xp))
	}
	return Slice(xp, AxisRange(),
		AxisRange(lo[0], lo[0]+(out[0]-1)*g.stride[0]+1).Stride(g.stride[0]),
		AxisRange(lo[1], lo[1]+(out[1]-1)*g.stride[1]+1).Stride(g.stride[1]), AxisRange())
}

// patches cuts every window out of the padded images xp [batch, h, w, c]: [batch, out height, out width, kernel
// height, kernel width, c].
func patches(xp *Node, g geometry, out [2]int) *Node {
	d := xp.Shape().Dimensions
	n, c := d[0], d[3]
	if traitsOf(xp).GatherPatches && g.dilation == [2]int{1, 1} {
		gr := xp.Graph()
		ish := shapes.Make(dtypes.Int32, n, out[0], out[1], 1)
		starts := Concatenate([]*Node{
			Iota(gr, ish, 0),
			MulScalar(Iota(gr, ish, 1), g.stride[0]),
			MulScalar(Iota(gr, ish, 2), g.stride[1]),
		}, -1)
		return BackendGather(xp, starts, 3, []int{3, 4, 5}, []int{0}, []int{0, 1, 2},
			[]int{1, g.kernel[0], g.kernel[1], c}, true)
	}
	taps := make([]*Node, 0, g.kernel[0]*g.kernel[1])
	for row := range g.kernel[0] {
		for col := range g.kernel[1] {
			taps = append(taps, window(xp, g, row, col, out))
		}
	}
	all := taps[0]
	if len(taps) > 1 {
		all = Concatenate(taps, -1)
	}
	return Reshape(all, n, out[0], out[1], g.kernel[0], g.kernel[1], c)
}

// matmul is [m, k] x [k, n].
func matmul(x, w *Node) *Node {
	k, n := x.Shape().Dimensions[1], w.Shape().Dimensions[1]
	return withGradient(func() *Node { return MatMul(x, w) }, []*Node{x, w}, []vjp{
		func(v *Node) *Node { return DotGeneral(v, []int{1}, nil, w, []int{1}, nil) },
		func(v *Node) *Node { return weightGradient(x, v, k, n) },
	})
}

// weightGradient returns x^T v, [k, n], for x [m, k] and v [m, n]: one operation where the engine has it. Elsewhere
// only the smaller operand is transposed along the long axis m (the pixels of a batch): a contraction over the leading
// axis would make GoMLX's engine transpose both operands.
func weightGradient(x, v *Node, k, n int) *Node {
	if fusedFor(x) {
		return DotGeneral(x, []int{0}, nil, v, []int{0}, nil)
	}
	if n <= k {
		return Transpose(MatMul(Transpose(v, 0, 1), x), 0, 1)
	}
	return MatMul(Transpose(x, 0, 1), v)
}

// correlate computes the convolution of images x [batch, h, w, in] with kernel w [kh, kw, in/groups, out] and returns
// [batch, out h, out w, out]. It has no gradient on engines for which convolve has a hand-written one.
func correlate(x, w *Node, g geometry) *Node {
	t := traitsOf(x)
	if t.ChannelsFirst {
		return onnxConvolve(x, kernelOutFirst(w), g.stride, g.dilation, g.pad, g.pad, g.groups)
	}
	if t.NativeForward && !(t.DepthwiseTaps && g.depthwise(x, w)) {
		c := Convolve(x, w).StridePerAxis(g.stride[0], g.stride[1]).
			PaddingPerDim([][2]int{{g.pad[0], g.pad[0]}, {g.pad[1], g.pad[1]}})
		if fusedFor(x) { // stride and dilation together, for which Convolve panics
			return ConvGeneral(x, w, imagesAxes(), g.stride[:], [][2]int{{g.pad[0], g.pad[0]}, {g.pad[1], g.pad[1]}}, nil,
				g.dilation[:], g.groups, 1)
		}
		if g.dilation != [2]int{1, 1} {
			c = c.DilationPerAxis(g.dilation[0], g.dilation[1])
		}
		if g.groups > 1 {
			c = c.ChannelGroupCount(g.groups)
		}
		return c.Done()
	}
	d, kd := x.Shape().Dimensions, w.Shape().Dimensions
	n, in, out := d[0], d[3], kd[3]
	size := [2]int{g.outSize(d[1], 0), g.outSize(d[2], 1)}
	xp := padSpatial(x, g.pad, g.pad, zero(x))
	switch {
	case g.depthwise(x, w):
		return depthwise(xp, w, g, size)
	case g.groups > 1:
		return byGroup(xp, w, g, correlate)
	case g.kernel == [2]int{1, 1}:
		cols := Reshape(window(xp, g, 0, 0, size), n*size[0]*size[1], in)
		return Reshape(MatMul(cols, Reshape(w, in, out)), n, size[0], size[1], out)
	}
	cols := Reshape(patches(xp, g, size), n*size[0]*size[1], g.kernel[0]*g.kernel[1]*in)
	return Reshape(MatMul(cols, Reshape(w, cols.Shape().Dimensions[1], out)), n, size[0], size[1], out)
}

func sliceChannels(x *Node, from, count int) *Node {
	return SliceAxis(x, -1, AxisRange(from, from+count))
}

// depthwise is one multiply-add per tap: [batch, h, w, c] with kernel [kh, kw, 1, c].
func depthwise(xp, w *Node, g geometry, size [2]int) *Node {
	c := xp.Shape().Dimensions[3]
	var sum *Node
	for row := range g.kernel[0] {
		for col := range g.kernel[1] {
			term := Mul(window(xp, g, row, col, size), tap(w, row, col, c))
			if sum == nil {
				sum = term
			} else {
				sum = Add(sum, term)
			}
		}
	}
	return sum
}

func tap(w *Node, row, col, c int) *Node {
	return Reshape(Slice(w, AxisElem(row), AxisElem(col), AxisRange(), AxisRange()), 1, 1, 1, c)
}

// convolve is correlate with a gradient on every engine.
func convolve(x, w *Node, g geometry) *Node {
	x.AssertRank(4)
	d := x.Shape().Dimensions
	for a := range 2 {
		if g.outSize(d[1+a], a) < 1 {
			exceptions.Panicf("nn: images of %dx%d are too small for a convolution of kernel %v, stride %v, padding %v",
				d[1], d[2], g.kernel, g.stride, g.pad)
		}
	}
	// GoMLX v0.28.16's own gradient is wrong where the stride exceeds the kernel.
	within := g.stride[0] <= g.kernel[0] && g.stride[1] <= g.kernel[1]
	if t := traitsOf(x); t.NativeGradient && within && !(t.DepthwiseTaps && g.depthwise(x, w)) {
		return correlate(x, w, g)
	}
	if fusedFor(x) {
		return withGradient(func() *Node { return correlate(x, w, g) }, []*Node{x, w}, []vjp{
			func(v *Node) *Node { return engineInputGradient(v, w, g, [2]int{d[1], d[2]}) },
			func(v *Node) *Node { return engineKernelGradient(x, v, g) },
		})
	}
	return withGradient(func() *Node { return correlate(x, w, g) }, []*Node{x, w}, []vjp{
		func(v *Node) *Node { return inputGradient(v, w, g, [2]int{d[1], d[2]}) },
		func(v *Node) *Node { return kernelGradient(x, v, g) },
	})
}

// inputGradient returns the gradient with respect to the images: a convolution of v with the flipped kernel.
//
// With a stride s, input positions whose distance is no multiple of s are covered by different taps. So each of the s*s
// phases of the input is a small convolution of its own, and the phases are interleaved: no zeros are multiplied, and
// the engine needs no input dilation (arithmetic as in Dumoulin and Visin 2016, arXiv 1603.07285, section 4.6).
func inputGradient(v, w *Node, g geometry, in [2]int) *Node {
	if g.dilation != [2]int{1, 1} && g.stride != [2]int{1, 1} {
		exceptions.Panicf("nn: the gradient of a convolution with stride %v and dilation %v together is not supported", g.stride, g.dilation)
	}
	count := [2]int{(in[0] + g.stride[0] - 1) / g.stride[0], (in[1] + g.stride[1] - 1) / g.stride[1]}
	rows := make([]*Node, g.stride[0])
	for a := range rows {
		cols := make([]*Node, g.stride[1])
		for b := range cols {
			cols[b] = phaseGradient(v, w, g, [2]int{a, b}, count)
		}
		rows[a] = interleave(cols, 2)
	}
	dx := interleave(rows, 1)
	if d := dx.Shape().Dimensions; d[1] != in[0] || d[2] != in[1] {
		dx = padSpatial(dx, [2]int{}, [2]int{in[0] - d[1], in[1] - d[2]}, zero(dx))
	}
	return dx
}

// byGroup computes f for the channels of each group of two values by themselves, and joins the results' channels. xp is
// padded already.
func byGroup(xp, other *Node, g geometry, f func(x, other *Node, g geometry) *Node) *Node {
	parts := make([]*Node, g.groups)
	in, out := xp.Shape().Dimensions[3]/g.groups, other.Shape().Dimensions[3]/g.groups
	one := g
	one.groups, one.pad = 1, [2]int{}
	for i := range parts {
		parts[i] = f(sliceChannels(xp, i*in, in), sliceChannels(other, i*out, out), one)
	}
	return Concatenate(parts, -1)
}

// interleave merges parts of equal shape along a spatial axis: part i becomes the positions i, i+len(parts), ...
func interleave(parts []*Node, axis int) *Node {
	if len(parts) == 1 {
		return parts[0]
	}
	d := append([]int(nil), parts[0].Shape().Dimensions...)
	for i, p := range parts {
		parts[i] = ExpandAxes(p, axis+1)
	}
	d[axis] *= len(parts)
	return Reshape(Concatenate(parts, axis+1), d...)
}

// phaseGradient is the part of inputGradient at the input positions (phase + stride*i), i < count.
func phaseGradient(v, w *Node, g geometry, phase, count [2]int) *Node {
	d := v.Shape().Dimensions
	kd := w.Shape().Dimensions // [kh, kw, in/groups, out]
	var first, taps, lo, hi [2]int
	for a := range 2 {
		s := g.stride[a]
		first[a] = (phase[a] + g.pad[a]) % s
		taps[a] = (kd[a] - first[a] + s - 1) / s
		if kd[a] <= first[a] {
			in := kd[2] * g.groups
			return Zeros(v.Graph(), shapes.Make(v.DType(), d[0], count[0], count[1], in))
		}
		reach := g.dilation[a] * (taps[a] - 1)
		lo[a] = reach - (phase[a]+g.pad[a]-first[a])/s
		hi[a] = count[a] + reach - lo[a] - d[1+a]
	}
	sub := Slice(w, AxisRange(first[0], kd[0]).Stride(g.stride[0]), AxisRange(first[1], kd[1]).Stride(g.stride[1]),
		AxisRange(), AxisRange())
	if traitsOf(v).ChannelsFirst {
		return onnxPhase(v, sub, lo, hi, g.dilation, g.groups)
	}
	sub = Reverse(sub, 0, 1)
	back := geometry{kernel: taps, stride: [2]int{1, 1}, dilation: g.dilation, groups: g.groups}
	return correlate(padSpatial(v, lo, hi, zero(v)), swapInOut(sub, g.groups), back)
}

// swapInOut transposes a kernel [kh, kw, in/groups, out] to [kh, kw, out/groups, in], group by group.
func swapInOut(w *Node, groups int) *Node {
	d := w.Shape().Dimensions
	if groups == 1 {
		return Transpose(w, 2, 3)
	}
	gi, gout := d[2], d[3]/groups
	w = Reshape(w, d[0], d[1], gi, groups, gout)
	w = TransposeAllAxes(w, 0, 1, 4, 3, 2)
	return Reshape(w, d[0], d[1], gout, groups*gi)
}

// kernelGradient returns the gradient with respect to the kernel: for each tap, the inputs under it times v, summed
// over positions.
func kernelGradient(x, v *Node, g geometry) *Node {
	if traitsOf(x).ChannelsFirst {
		return onnxKernelGradient(x, v, g)
	}
	d, vd := x.Shape().Dimensions, v.Shape().Dimensions
	n, in, out := d[0], d[3], vd[3]
	size := [2]int{vd[1], vd[2]}
	m := n * size[0] * size[1]
	xp := padSpatial(x, g.pad, g.pad, zero(x))
	if g.groups == in && out == in {
		taps := make([]*Node, 0, g.kernel[0]*g.kernel[1])
		for row := range g.kernel[0] {
			for col := range g.kernel[1] {
				taps = append(taps, Reshape(ReduceSum(Mul(window(xp, g, row, col, size), v), 0, 1, 2), 1, in))
			}
		}
		return Reshape(Concatenate(taps, 0), g.kernel[0], g.kernel[1], 1, in)
	}
	if g.groups > 1 {
		return byGroup(xp, v, g, kernelGradient)
	}
	if traitsOf(x).GatherPatches {
		k := g.kernel[0] * g.kernel[1] * in
		cols := Reshape(patches(xp, g, size), m, k)
		return Reshape(weightGradient(cols, Reshape(v, m, out), k, out), g.kernel[0], g.kernel[1], in, out)
	}
	// One small product per tap: where patches must be made by concatenation, making them costs more than one large
	// product saves.
	taps := make([]*Node, 0, g.kernel[0]*g.kernel[1])
	for row := range g.kernel[0] {
		for col := range g.kernel[1] {
			seen := Reshape(window(xp, g, row, col, size), m, in)
			taps = append(taps, weightGradient(seen, Reshape(v, m, out), in, out))
		}
	}
	return Reshape(Stack(taps, 0), g.kernel[0], g.kernel[1], in, out)
}
