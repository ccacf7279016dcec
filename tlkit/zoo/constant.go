package zoo

import (
	"errors"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/traits"
)

// foldLimit is the largest size, in bytes, of values that are built into a compiled network: an engine holds several
// copies of them while it compiles, and ONNX files are limited to 2 GiB.
const foldLimit = 512 << 20

// Folds reports whether [Model.Constant] makes constants of the values: the engine gains from that, and the model is
// small enough.
func (m *Model) Folds(engine compute.Backend) bool {
	size := 0
	for _, p := range m.params {
		size += 4 * p.Size()
	}
	return size <= foldLimit && traits.Of(engine).FoldsConstants
}

// inferenceEngine returns the engine for graphs that are built with [Model.Constant]: that of backend.Inference, or of
// backend.Default for a model that is too large for constants or that the former can't compute.
func (m *Model) inferenceEngine() (*backend.Engine, error) {
	engine, err := backend.Inference()
	if err != nil || !traits.Of(engine.Backend).InferenceOnly || m.Folds(engine.Backend) && !m.general {
		return engine, err
	}
	return backend.General(engine.Backend)
}

// generalise reports whether a call with the input x failed because an engine for inference alone can't compute the
// model's graph. The model then uses another engine, the predictor is compiled anew, and the call is to be repeated.
func (m *Model) generalise(err error, x *tensors.Tensor) bool {
	engine, failed := m.inferenceEngine()
	if failed != nil || !traits.Of(engine.Backend).InferenceOnly || !errors.Is(err, compute.ErrNotImplemented) {
		return false
	}
	if x.ToLocal() != nil { // a tensor belongs to one engine at a time
		return false
	}
	m.Release()
	m.general = true
	backend.NotifyMoved(m.Spec.Name, engine.Backend, err)
	return true
}

// Constant builds a part of the graph of x that training does not change. On an engine that gains from it, the model's
// current values become constants of the graph; a caller that keeps the compiled graph must compile it again when the
// values change. On other engines they are inputs of the graph, as in training.
func (m *Model) Constant(x *Node, build func() *Node) *Node {
	m.store.SetTraining(x.Graph(), true) // keeps the pure-Go engine from making constants of them
	if !m.Folds(x.Graph().Backend()) {
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
