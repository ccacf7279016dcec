package nn

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// ONNX Runtime computes images with their channels first. Layers here have channels last, so that each is built between
// two transpositions. The runtime's optimiser cancels those of neighbouring layers, as long as no operation between
// them needs channels last. Therefore the gradients below and batch normalisation are built with channels first, too:
// with two threads, a sum over all axes but the last of [8, 112, 112, 16] takes 11.6 ms, and over all but the first
// 0.12 ms. All times were measured on two cores with AVX2, also for operations that were replaced: Sign takes six times
// as long as a comparison and a conversion.

func channelsFirst(x *Node) *Node { return TransposeAllAxes(x, 0, 3, 1, 2) }

func channelsLast(x *Node) *Node { return TransposeAllAxes(x, 0, 2, 3, 1) }

// firstAxes are the axes of a convolution of images with channels last by a kernel [out, in, height, width].
func firstAxes() compute.ConvolveAxesConfig {
	axes := imagesAxes()
	axes.KernelOutputChannels, axes.KernelInputChannels, axes.KernelSpatial = 0, 1, []int{2, 3}
	return axes
}

// kernelInFirst transposes a kernel [height, width, in, out] to [in, out, height, width]. It transposes a matrix, which
// in the runtime is 25 times as fast as a transposition of four axes.
func kernelInFirst(w *Node) *Node {
	d := w.Shape().Dimensions
	m := TransposeAllAxes(Reshape(w, d[0]*d[1], d[2]*d[3]), 1, 0)
	return Reshape(m, d[2], d[3], d[0], d[1])
}

// kernelOutFirst transposes a kernel [height, width, in, out] to [out, in, height, width].
func kernelOutFirst(w *Node) *Node {
	d := w.Shape().Dimensions
	if d[0]*d[1] == 1 || d[2] == 1 {
		m := TransposeAllAxes(Reshape(w, d[0]*d[1]*d[2], d[3]), 1, 0)
		return Reshape(m, d[3], d[2], d[0], d[1])
	}
	taps := d[0] * d[1]
	m := TransposeAllAxes(Reshape(w, taps, d[2], d[3]), 0, 2, 1)
	if w.Shape().Size() > 8192 {
		// The runtime merges two successive transpositions into one, which takes seven times as long: 28 ms instead of
		// 4 for 512 to 512 channels. A Gather between them, here of all rows, prevents that.
		m = Gather(m, Iota(w.Graph(), shapes.Make(dtypes.Int32, taps, 1), 0), true)
	}
	m = TransposeAllAxes(Reshape(m, taps, d[3]*d[2]), 1, 0)
	return Reshape(m, d[3], d[2], d[0], d[1])
}

// onnxConvolve is the convolution of x [batch, h, w, in] with a kernel [out, in/groups, kh, kw].
func onnxConvolve(x, kernel *Node, stride, dilation [2]int, lo, hi [2]int, groups int) *Node {
	if min(lo[0], lo[1], hi[0], hi[1]) < 0 {
		cut := func(v [2]int) [2]int { return [2]int{min(v[0], 0), min(v[1], 0)} }
		x = padSpatial(x, cut(lo), cut(hi), zero(x))
	}
	pads := [][2]int{{max(lo[0], 0), max(hi[0], 0)}, {max(lo[1], 0), max(hi[1], 0)}}
	return ConvGeneral(x, kernel, firstAxes(), stride[:], pads, nil, dilation[:], groups, 1)
}

// onnxPhase is the convolution in phaseGradient: v with the flipped taps sub [kh, kw, in/groups, out].
func onnxPhase(v, sub *Node, lo, hi, dilation [2]int, groups int) *Node {
	var kernel *Node
	if groups == 1 {
		kernel = kernelInFirst(Reverse(sub, 0, 1))
	} else {
		kernel = kernelOutFirst(swapInOut(Reverse(sub, 0, 1), groups))
	}
	return onnxConvolve(v, kernel, [2]int{1, 1}, dilation, lo, hi, groups)
}

// onnxKernelGradient is kernelGradient with channels first, as products over the positions of each image.
func onnxKernelGradient(x, v *Node, g geometry) *Node {
	d, vd := x.Shape().Dimensions, v.Shape().Dimensions
	n, in, out := d[0], d[3], vd[3]
	size := [2]int{vd[1], vd[2]}
	depthwise := g.groups == in && out == in
	switch {
	case in <= 4 && g.groups == 1 || depthwise && g.stride != [2]int{1, 1}:
		return onnxSwapped(x, v, g)
	case size[0]*size[1] <= 64 && g.groups == 1:
		// Few positions: one product over the whole batch, channels last.
		xp := padSpatial(x, g.pad, g.pad, zero(x))
		m := n * size[0] * size[1]
		taps := make([]*Node, 0, g.kernel[0]*g.kernel[1])
		for row := range g.kernel[0] {
			for col := range g.kernel[1] {
				taps = append(taps, weightGradient(Reshape(window(xp, g, row, col, size), m, in), Reshape(v, m, out), in, out))
			}
		}
		return Reshape(Stack(taps, 0), g.kernel[0], g.kernel[1], in, out)
	}
	xt, vt := channelsFirst(x), channelsFirst(v)
	if g.pad != [2]int{} {
		xt = Pad(xt, zero(x), compute.PadAxis{}, compute.PadAxis{}, compute.PadAxis{Start: g.pad[0], End: g.pad[0]},
			compute.PadAxis{Start: g.pad[1], End: g.pad[1]})
	}
	gi, gout := in/g.groups, out/g.groups
	adjoint := Reshape(vt, n, g.groups, gout, size[0]*size[1])
	taps := make([]*Node, 0, g.kernel[0]*g.kernel[1])
	for row := range g.kernel[0] {
		for col := range g.kernel[1] {
			top, left := row*g.dilation[0], col*g.dilation[1]
			seen := Slice(xt, AxisRange(), AxisRange(), AxisRange(top, top+(size[0]-1)*g.stride[0]+1).Stride(g.stride[0]),
				AxisRange(left, left+(size[1]-1)*g.stride[1]+1).Stride(g.stride[1]))
			if depthwise {
				taps = append(taps, Reshape(ReduceSum(Mul(seen, vt), 0, 2, 3), 1, in))
				continue
			}
			each := DotGeneral(Reshape(seen, n, g.groups, gi, size[0]*size[1]), []int{3}, []int{0, 1}, adjoint, []int{3}, []int{0, 1})
			tap := ReduceSum(each, 0) // groups, in/groups, out/groups
			taps = append(taps, Reshape(TransposeAllAxes(tap, 1, 0, 2), gi, out))
		}
	}
	return Reshape(Stack(taps, 0), g.kernel[0], g.kernel[1], gi, out)
}

// onnxSwapped is the kernel's gradient as one convolution: of the images, with batch and channels exchanged, by the
// adjoint. With few input channels it is several times as fast as products.
func onnxSwapped(x, v *Node, g geometry) *Node {
	d, vd := x.Shape().Dimensions, v.Shape().Dimensions
	in := d[3]
	images, kernel := TransposeAllAxes(x, 3, 0, 1, 2), TransposeAllAxes(v, 3, 0, 1, 2)
	paddings := make([][2]int, 2)
	for a := range 2 {
		hi := g.dilation[a]*(g.kernel[a]-1) + (vd[1+a]-1)*g.stride[a] + 1 - d[1+a] - g.pad[a]
		if hi < 0 { // the last rows or columns are in no window
			images = SliceAxis(images, 2+a, AxisRange(0, d[1+a]+hi))
		}
		paddings[a] = [2]int{g.pad[a], max(hi, 0)}
	}
	groups := 1
	if g.groups > 1 {
		groups = in
		images = Reshape(images, append([]int{1, in * d[0]}, images.Shape().Dimensions[2:]...)...)
	}
	axes := compute.ConvolveAxesConfig{
		InputBatch: 0, InputChannels: 1, InputSpatial: []int{2, 3},
		KernelOutputChannels: 0, KernelInputChannels: 1, KernelSpatial: []int{2, 3},
		OutputBatch: 0, OutputChannels: 1, OutputSpatial: []int{2, 3},
	}
	dw := ConvGeneral(images, kernel, axes, g.dilation[:], paddings, nil, g.stride[:], groups, 1) // in or 1, out, kh, kw
	return TransposeAllAxes(dw, 2, 3, 0, 1)
}
