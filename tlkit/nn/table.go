package nn

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// Lookup takes rows of table [rows, channels] by index: [len(index), channels]. The indices are constants of the
// model, such as those of relative positions.
func Lookup(table *Node, index []int64) *Node {
	g, d := table.Graph(), table.Shape().Dimensions
	rows := make([]int32, len(index))
	for i, v := range index {
		rows[i] = int32(v)
	}
	at := Reshape(Const(g, rows), len(index), 1)
	// The gradient adds each row's shares up by a matrix product: scattering is slow or missing on some engines.
	return withGradient(func() *Node { return Gather(table, at) }, []*Node{table}, []vjp{func(v *Node) *Node {
		all := Iota(g, shapes.Make(dtypes.Int32, len(index), d[0]), 1)
		chosen := ConvertDType(Equal(all, BroadcastToDims(at, len(index), d[0])), table.DType())
		return MatMul(Transpose(chosen, 0, 1), v)
	}})
}
