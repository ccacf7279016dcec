package nn

import "github.com/gomlx/gomlx/core/graph"

// ConvolveForTest exposes the convolution without its variables.
func ConvolveForTest(x, w *graph.Node, stride, pad [2]int, dilation, groups int) *graph.Node {
	d := w.Shape().Dimensions
	return convolve(x, w, geometry{kernel: [2]int{d[0], d[1]}, stride: stride, pad: pad, dilation: [2]int{dilation, dilation}, groups: groups})
}
