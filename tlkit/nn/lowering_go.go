package nn

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
)

// The pure-Go engine (package tlkit/backend/goengine) computes these forms of convolution itself: the forward one, the
// one with a flipped kernel over dilated images, and the one with batch and channels exchanged. So each gradient is a
// single operation there.

// fusedFor reports whether the engine of x computes convolutions, poolings and norms of x's type in one operation each.
func fusedFor(x *Node) bool { return traitsOf(x).Fused && x.DType() == dtypes.Float32 }

// engineInputGradient is inputGradient as one convolution.
func engineInputGradient(v, w *Node, g geometry, in [2]int) *Node {
	d := v.Shape().Dimensions
	paddings := make([][2]int, 2)
	for a := range 2 {
		reach := g.dilation[a] * (g.kernel[a] - 1)
		lo := reach - g.pad[a]
		hi := in[a] - (d[1+a]-1)*g.stride[a] - 1 - lo + reach
		paddings[a] = [2]int{lo, hi}
	}
	axes := imagesAxes()
	if g.groups == 1 {
		axes.KernelInputChannels, axes.KernelOutputChannels = 3, 2
	} else if kd := w.Shape().Dimensions; kd[2] > 1 || kd[3] > g.groups {
		w = swapInOut(w, g.groups)
	}
	return ConvGeneral(v, Reverse(w, 0, 1), axes, []int{1, 1}, paddings, g.stride[:], g.dilation[:], g.groups, 1)
}

// engineKernelGradient is kernelGradient as one convolution.
func engineKernelGradient(x, v *Node, g geometry) *Node {
	d, vd := x.Shape().Dimensions, v.Shape().Dimensions
	paddings := make([][2]int, 2)
	for a := range 2 {
		hi := g.dilation[a]*(g.kernel[a]-1) + (vd[1+a]-1)*g.stride[a] + 1 - d[1+a] - g.pad[a]
		paddings[a] = [2]int{g.pad[a], hi}
	}
	axes := compute.ConvolveAxesConfig{
		InputBatch: 3, InputChannels: 0, InputSpatial: []int{1, 2},
		KernelInputChannels: 0, KernelOutputChannels: 3, KernelSpatial: []int{1, 2},
		OutputBatch: 2, OutputChannels: 3, OutputSpatial: []int{0, 1},
	}
	return ConvGeneral(x, v, axes, g.dilation[:], paddings, nil, g.stride[:], 1, g.groups)
}

func imagesAxes() compute.ConvolveAxesConfig {
	return compute.ConvolveAxesConfig{
		InputBatch: 0, InputChannels: 3, InputSpatial: []int{1, 2},
		KernelInputChannels: 2, KernelOutputChannels: 3, KernelSpatial: []int{0, 1},
		OutputBatch: 0, OutputChannels: 3, OutputSpatial: []int{1, 2},
	}
}

// engineMaxPool is the maximum over windows with GoMLX's own gradient; each is a single operation of the engine.
func engineMaxPool(x *Node, g geometry, hi [2]int) *Node {
	return BackendReduceWindow(x, compute.ReduceOpMax, []int{1, g.kernel[0], g.kernel[1], 1}, []int{1, g.stride[0], g.stride[1], 1},
		nil, nil, [][2]int{{}, {g.pad[0], hi[0]}, {g.pad[1], hi[1]}, {}})
}

// engineBatchNorm normalises with the statistics of the batch. It returns the result, the means and the (biased)
// variances.
func engineBatchNorm(x, scale, offset *Node, epsilon float64) (y, mean, variance *Node) {
	last := x.Rank() - 1
	y, mean, variance = InternalBatchNormForTraining(x, scale, offset, float32(epsilon), last)
	return y, mean, variance
}
