package read

import (
	"slices"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// value is an input or output of nodes: a constant, or a node of the graph.
//
// A file describes the computation on one batch of images: of one image, unless the file fixes another size. Exporters
// write that size into the graph ([1, 197, 768]), and its place in a shape can't be found from the shape. So the graph
// is never computed for another size. Instead a value that depends on images has one more axis in front, over all file
// batches, and every operator leaves that axis unchanged: each number in the file stays true.
type value struct {
	c *tensors.Tensor
	n *Node
	// batched: the first axis of n is that over file batches; the file's axes follow.
	batched bool
	// last: n is [file batches * rows, height, width, channels], as every operator of tlkit/nn expects it, and the file
	// has [rows, channels, height, width]. It implies batched.
	last bool
	rows int
}

// dims returns the shape that a value has in the file.
func (v value) dims() []int {
	if v.n == nil {
		return v.c.Shape().Dimensions
	}
	d := v.n.Shape().Dimensions
	switch {
	case v.last:
		return []int{v.rows, d[3], d[1], d[2]}
	case v.batched:
		return d[1:]
	}
	return d
}

func (v value) dtype() dtypes.DType {
	if v.n == nil {
		return v.c.DType()
	}
	return v.n.DType()
}

// lead returns the number of axes before the file's in the result of node.
func (v value) lead() int {
	if v.batched {
		return 1
	}
	return 0
}

// with returns a value of the same layout; n differs from v.n only in the values.
func (v value) with(n *Node) value {
	v.n = n
	return v
}

// node returns a value in the graph with the axes of the file, after the axis over file batches if the value has it.
func (r *run) node(v value) *Node {
	if v.n == nil {
		return Const(r.g, v.c)
	}
	if !v.last {
		return v.n
	}
	d := v.n.Shape().Dimensions
	if d[1] == 1 && d[2] == 1 {
		return Reshape(v.n, r.batches, v.rows, d[3], 1, 1)
	}
	return Reshape(TransposeAllAxes(v.n, 0, 3, 1, 2), r.batches, v.rows, d[3], d[1], d[2])
}

// batchedNode is node with the axis over file batches, along which a value without it is repeated.
func (r *run) batchedNode(v value) *Node {
	n := r.node(v)
	if v.batched {
		return n
	}
	return BroadcastPrefix(n, r.batches)
}

// aligned is node with axes of length 1 before the file's, so that there are rank of them.
func (r *run) aligned(v value, rank int) *Node {
	n := r.node(v)
	d := n.Shape().Dimensions
	missing := rank - (len(d) - v.lead())
	if missing <= 0 {
		return n
	}
	return Reshape(n, slices.Concat(d[:v.lead()], slices.Repeat([]int{1}, missing), d[v.lead():])...)
}

// channelsLast returns images of the file's form [rows, channels, height, width] with their channels last.
func (r *run) channelsLast(v value) value {
	if v.last {
		return v
	}
	n := r.batchedNode(v)
	n.AssertRank(5)
	d := n.Shape().Dimensions
	return value{n: TransposeAllAxes(Reshape(n, d[0]*d[1], d[2], d[3], d[4]), 0, 2, 3, 1), batched: true, last: true, rows: d[1]}
}

// imagesLike returns n as images: the output of an operator of tlkit/nn on those of v.
func imagesLike(v value, n *Node) value { return value{n: n, batched: true, last: true, rows: v.rows} }

// along returns a value in a form for an operator along one of the file's axes: the node, the place of the axis in it,
// and a function that converts the operator's result back. Images keep their channels last if they can.
func (r *run) along(v value, axis int) (n *Node, at int, back func(*Node) value) {
	if v.last && axis > 0 {
		return v.n, []int{0, 3, 1, 2}[axis], v.with
	}
	return r.node(v), axis + v.lead(), func(n *Node) value { return value{n: n, batched: v.batched} }
}

// reshaped gives a value another shape of the file.
func (r *run) reshaped(v value, dims ...int) value {
	n := r.node(v)
	if v.batched {
		dims = slices.Concat([]int{r.batches}, dims)
	}
	return value{n: Reshape(n, dims...), batched: v.batched}
}

// axisOf returns an axis from the front; ok is false if there is none.
func axisOf(axis, rank int) (int, bool) {
	if axis < 0 {
		axis += rank
	}
	return axis, axis >= 0 && axis < rank
}

// axesFrom is axisOf for several axes, which must differ.
func axesFrom(axes []int, rank int) ([]int, bool) {
	out := make([]int, len(axes))
	for i, a := range axes {
		var ok bool
		if out[i], ok = axisOf(a, rank); !ok || slices.Contains(out[:i], out[i]) {
			return nil, false
		}
	}
	return out, true
}

// withRank adds axes of length 1 in front.
func withRank(x *Node, rank int) *Node {
	if x.Rank() == rank {
		return x
	}
	d := slices.Concat(slices.Repeat([]int{1}, rank-x.Rank()), x.Shape().Dimensions)
	return Reshape(x, d...)
}

// prefixOf returns the layer that a key belongs to, for summaries.
func prefixOf(key string) string {
	for i := len(key) - 1; i > 0; i-- {
		if key[i] == '.' {
			return key[:i]
		}
	}
	return key
}
