package zoo

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	onnx "github.com/gomlx/compute-onnx/support/protos"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/onnx/write"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// The names of an exported ONNX model's input and output.
const (
	ONNXInput  = "images" // [batch, 3, height, width] float32, normalised with the model's mean and deviation
	ONNXOutput = "logits" // [batch, classes] float32
)

// onnxModel returns the network as an ONNX model without its weights, and the keys of the weights that it needs.
func (m *Model) onnxModel() (*onnx.ModelProto, map[string]bool, error) {
	byPath := map[string]nn.Param{}
	for _, p := range m.params {
		byPath[p.Path()] = p
	}
	recorder := write.New()
	size := m.ImageSize()
	err := nn.Try(func() {
		g := NewGraph(recorder, m.Spec.Name)
		m.store.SetTraining(g, true) // keeps the weights inputs of the graph
		x := Parameter(g, ONNXInput, shapes.Make(dtypes.Float32, write.Batch, size, size, 3))
		if err := g.Compile(m.Forward(&nn.Pass{}, x)); !errors.Is(err, write.ErrRecorded) {
			panic(err)
		}
	})
	if err != nil {
		return nil, nil, err
	}
	model, keys, err := recorder.Model(write.Options{Input: ONNXInput, Output: ONNXOutput,
		Parameter: func(name string, dims []int) (write.Tensor, error) {
			if name == ONNXInput {
				return write.Tensor{Name: name, Dims: []int{dims[0], dims[3], dims[1], dims[2]}, Axes: []int{0, 2, 3, 1}}, nil
			}
			p, ok := byPath[name]
			if !ok {
				return write.Tensor{}, fmt.Errorf("the network uses a variable %s that is not the model's", name)
			}
			return write.Tensor{Name: p.Key, Dims: p.Shape, Axes: fileAxes(p)}, nil
		}})
	if err != nil {
		return nil, nil, err
	}
	used := map[string]bool{}
	for _, key := range keys {
		used[key] = true
	}
	return model, used, nil
}

// fileAxes returns the places in a weight file of the variable's axes.
func fileAxes(p nn.Param) []int {
	switch p.Layout {
	case nn.ConvKernel:
		return []int{2, 3, 1, 0}
	case nn.LinearWeight:
		return []int{1, 0}
	}
	axes := make([]int, len(p.Shape))
	for i := range axes {
		axes[i] = i
	}
	return axes
}

// graphAndWeights returns the network as an ONNX model without its weights, and the weights that inference uses;
// auxiliary heads are left out.
func (m *Model) graphAndWeights(metadata map[string]string) (*onnx.ModelProto, []weights.Entry, error) {
	model, used, err := m.onnxModel()
	if err != nil {
		return nil, nil, fmt.Errorf("zoo: writing %q as an ONNX model: %w", m.Spec.Name, err)
	}
	entries, err := m.StateDict()
	if err != nil {
		return nil, nil, err
	}
	var values []weights.Entry
	for _, e := range entries {
		if used[e.Key] {
			values = append(values, e)
		}
	}
	model.ProducerName = "TLKit"
	for _, k := range slices.Sorted(maps.Keys(metadata)) {
		model.MetadataProps = append(model.MetadataProps, &onnx.StringStringEntryProto{Key: k, Value: metadata[k]})
	}
	return model, values, nil
}

// writeONNX writes the network with its weights.
func (m *Model) writeONNX(path string, metadata map[string]string) error {
	model, values, err := m.graphAndWeights(metadata)
	if err != nil {
		return err
	}
	return weights.WriteONNX(path, model, values)
}
