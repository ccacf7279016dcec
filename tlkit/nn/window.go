package nn

import (
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// PartitionWindows cuts x [batch, height, width, channels] into windows without overlap, row by row:
// [batch, windows, rows*cols, channels]. Height and width must be multiples of rows and cols.
func PartitionWindows(x *Node, rows, cols int) *Node {
	d := x.Shape().Dimensions
	x = Reshape(x, d[0], d[1]/rows, rows, d[2]/cols, cols, d[3])
	return Reshape(TransposeAllAxes(x, 0, 1, 3, 2, 4, 5), d[0], d[1]/rows*(d[2]/cols), rows*cols, d[3])
}

// MergeWindows undoes [PartitionWindows] for images of the given height and width. The batch axis and the windows' axis
// may be joined into one.
func MergeWindows(x *Node, rows, cols, height, width int) *Node {
	c := x.Shape().Dimensions[x.Rank()-1]
	x = Reshape(x, -1, height/rows, width/cols, rows, cols, c)
	return Reshape(TransposeAllAxes(x, 0, 1, 3, 2, 4, 5), -1, height, width, c)
}

// Roll moves the values of x along an axis by shift places towards the end, and those beyond the end to the start, as
// torch.roll.
func Roll(x *Node, axis, shift int) *Node {
	n := x.Shape().Dimensions[axis]
	cut := ((-shift)%n + n) % n
	if cut == 0 {
		return x
	}
	return Concatenate([]*Node{SliceAxis(x, axis, AxisRange(cut, n)), SliceAxis(x, axis, AxisRange(0, cut))}, axis)
}

// PadEnd appends zero rows and columns to x [batch, height, width, channels], below and to the right.
func PadEnd(x *Node, rows, cols int) *Node {
	for i, n := range []int{rows, cols} {
		if n > 0 {
			d := append([]int(nil), x.Shape().Dimensions...)
			d[1+i] = n
			x = Concatenate([]*Node{x, Zeros(x.Graph(), shapes.Make(x.DType(), d...))}, 1+i) // Pad has no gradient
		}
	}
	return x
}
