package zoo

import (
	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/traits"
)

// foldLimit bounds, in bytes, what is built into a compiled network: values are held several times over while an
// engine compiles, and ONNX's files end at 2 GiB.
const foldLimit = 512 << 20

// folds reports whether the engine gains from values that can't change, and the model is small enough for it.
func (m *Model) folds(engine compute.Backend) bool {
	size := 0
	for _, p := range m.params {
		size += 4 * p.Size()
	}
	return size <= foldLimit && traits.Of(engine).FoldsConstants
}

// Constant builds a part of the graph of x that no training changes: where the engine gains from it, the model's values
// become constants of the graph, those of now. A caller that keeps the compiled graph has to compile it again when they
// change. Elsewhere they are inputs of the graph, as in training.
func (m *Model) Constant(x *Node, build func() *Node) *Node {
	m.store.SetTraining(x.Graph(), true) // keeps the pure-Go engine from making constants of them
	if !m.folds(x.Graph().Backend()) {
		return build()
	}
	m.store.WithVariableAsConst(true)
	defer m.store.WithVariableAsConst(false)
	return build()
}

// identities lists the tensors that hold the model's values: a value that was set is another tensor.
func (m *Model) identities() []*tensors.Tensor {
	all := make([]*tensors.Tensor, 0, len(m.params))
	for _, p := range m.params {
		t, err := m.Variable(p).Value()
		if err != nil {
			t = nil // the caller's graph will say so
		}
		all = append(all, t)
	}
	return all
}
