package zoo

import (
	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/traits"
)

// foldLimit is the largest size, in bytes, of values that are built into a compiled network: an engine holds several
// copies of them while it compiles, and ONNX files are limited to 2 GiB.
const foldLimit = 512 << 20

// folds reports whether the engine gains from constant values and the model is small enough for them.
func (m *Model) folds(engine compute.Backend) bool {
	size := 0
	for _, p := range m.params {
		size += 4 * p.Size()
	}
	return size <= foldLimit && traits.Of(engine).FoldsConstants
}

// Constant builds a part of the graph of x that training does not change. On an engine that gains from it, the model's
// current values become constants of the graph; a caller that keeps the compiled graph must compile it again when the
// values change. On other engines they are inputs of the graph, as in training.
func (m *Model) Constant(x *Node, build func() *Node) *Node {
	m.store.SetTraining(x.Graph(), true) // keeps the pure-Go engine from making constants of them
	if !m.folds(x.Graph().Backend()) {
		return build()
	}
	m.store.WithVariableAsConst(true)
	defer m.store.WithVariableAsConst(false)
	return build()
}

// identities lists the tensors that hold the model's values. Setting a value replaces its tensor, so equal lists mean
// unchanged values.
func (m *Model) identities() []*tensors.Tensor {
	all := make([]*tensors.Tensor, 0, len(m.params))
	for _, p := range m.params {
		t, err := m.Variable(p).Value()
		if err != nil {
			t = nil // building the caller's graph reports the error
		}
		all = append(all, t)
	}
	return all
}
