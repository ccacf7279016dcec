package nn

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// Linear is x W + b over the last axis: [..., in] -> [..., out], as torch.nn.Linear. Variables: weight, bias.
// Both start uniform in ±1/sqrt(in), PyTorch's default.
func Linear(s *Scope, x *Node, out int) *Node {
	in := x.Shape().Dimensions[x.Rank()-1]
	return LinearWith(s, x, out, FanInUniform, UniformWithin(1/math.Sqrt(float64(in))))
}

// LinearWith is [Linear] with other start values; a nil bias leaves the bias out.
func LinearWith(s *Scope, x *Node, out int, weight, bias Init) *Node {
	dims := x.Shape().Dimensions
	in := dims[len(dims)-1]
	w := s.Param(x.Graph(), "weight", LinearWeight, weight, out, in)
	flat := x
	if x.Rank() != 2 {
		flat = Reshape(x, x.Shape().Size()/in, in)
	}
	y := matmul(flat, w)
	if bias != nil {
		y = Add(y, Reshape(s.Param(x.Graph(), "bias", Plain, bias, out), 1, out))
	}
	if x.Rank() != 2 {
		y = Reshape(y, append(append([]int(nil), dims[:len(dims)-1]...), out)...)
	}
	s.layer(Layer{Kind: "Linear", MACs: int64(y.Shape().Size()) * int64(in)}, y)
	return y
}

// Flatten joins all axes but the first in PyTorch's order: images [batch, height, width, channels] become [batch,
// channels*height*width] with channels outermost, the order of a Linear layer's weights in a file.
func Flatten(x *Node) *Node {
	if x.Rank() == 4 {
		x = TransposeAllAxes(x, 0, 3, 1, 2)
	}
	return Reshape(x, x.Shape().Dimensions[0], -1)
}

// Lookup returns rows of table [rows, channels] by index: [len(index), channels]. The indices are constants of the
// model, such as those of relative positions.
func Lookup(table *Node, index []int64) *Node {
	g, d := table.Graph(), table.Shape().Dimensions
	rows := make([]int32, len(index))
	for i, v := range index {
		rows[i] = int32(v)
	}
	at := Reshape(Const(g, rows), len(index), 1)
	// The gradient sums the adjoints of each row by a matrix product, since scattering is slow or missing on some
	// engines.
	return withGradient(func() *Node { return Gather(table, at) }, []*Node{table}, []vjp{func(v *Node) *Node {
		all := Iota(g, shapes.Make(dtypes.Int32, len(index), d[0]), 1)
		chosen := ConvertDType(Equal(all, BroadcastToDims(at, len(index), d[0])), table.DType())
		return MatMul(Transpose(chosen, 0, 1), v)
	}})
}
