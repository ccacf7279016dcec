package zoo

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// interpolated resizes a grid of embeddings [height, width, features] bicubically, as torch.nn.functional.interpolate
// does with align_corners=False. With antialias, the filter is widened where the grid shrinks.
func interpolated(grid *Node, height, width int, antialias bool) *Node {
	d := grid.Shape().Dimensions
	along := func(from, to int) *Node {
		return Const(grid.Graph(), tensors.FromFlatDataAndDimensions(bicubicMatrix(from, to, antialias), to, from))
	}
	if d[0] != height {
		grid = Einsum("oh,hwc->owc", along(d[0], height), grid)
	}
	if d[1] != width {
		grid = Einsum("ow,hwc->hoc", along(d[1], width), grid)
	}
	return grid
}

// bicubicMatrix returns the weight of each old position in each new one, [to, from] (Keys 1981, equation 4). PyTorch's
// constant a is -0.75, with antialias -0.5.
func bicubicMatrix(from, to int, antialias bool) []float32 {
	scale := float64(from) / float64(to)
	a, wide := -0.75, 1.0
	if antialias {
		a, wide = -0.5, math.Max(scale, 1)
	}
	out := make([]float32, to*from)
	for i := range to {
		centre := (float64(i)+0.5)*scale - 0.5
		row, sum := out[i*from:][:from], 0.0
		weights := make([]float64, from)
		for j := int(math.Floor(centre - 2*wide)); j <= int(math.Ceil(centre+2*wide)); j++ {
			w := cubic((float64(j)-centre)/wide, a)
			switch {
			case j >= 0 && j < from:
				weights[j] += w
			case antialias: // beyond the edge nothing is added, and the rest counts as the whole
				continue
			default: // the edge is repeated
				weights[min(max(j, 0), from-1)] += w
			}
			sum += w
		}
		for j, w := range weights {
			row[j] = float32(w / sum)
		}
	}
	return out
}

// cubic is the kernel of cubic convolution.
func cubic(x, a float64) float64 {
	switch x = math.Abs(x); {
	case x < 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return ((x-5)*x+8)*x*a - 4*a
	}
	return 0
}
