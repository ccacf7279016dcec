package write

import (
	"fmt"
	"slices"

	onnx "github.com/gomlx/compute-onnx/support/protos"
	"github.com/gomlx/compute/shapes"
)

// Port is an input or output of a [Program].
type Port struct {
	// Name of the graph's parameter; "" for an output.
	Name string
	// Shape in the graph, which is also that in the model.
	Shape shapes.Shape
	// Used is false for a parameter that no output depends on: the model has no such input.
	Used bool
}

// Program is a recorded graph as an ONNX model of fixed sizes, for an engine that runs ONNX models.
type Program struct {
	Model *onnx.ModelProto
	// Inputs and Outputs are in the graph's order. Those inputs that are used are in this order in the model, too.
	Inputs, Outputs []Port
}

// Program writes the recorded graph with the sizes that it was recorded with: all parameters are inputs, and constants
// are in the model.
func (r *Recorder) Program() (*Program, error) {
	if r.fn == nil || len(r.fn.outputs) == 0 {
		return nil, fmt.Errorf("onnx: no graph with an output was recorded")
	}
	w := r.newWriter(Options{Parameter: func(name string, dims []int) (Tensor, error) {
		return Tensor{Name: "parameter " + name, Dims: dims, Axes: inOrder(len(dims)), fed: true}, nil
	}}, 0)
	for _, n := range r.fn.outputs {
		w.count(n)
	}
	p := &Program{}
	for _, n := range r.fn.params {
		used := w.uses[n] > 0
		if used { // writes the inputs in the graph's order
			if _, err := w.value(n); err != nil {
				return nil, fmt.Errorf("onnx: %w", err)
			}
		}
		p.Inputs = append(p.Inputs, Port{Name: n.name, Shape: n.shape, Used: used})
	}
	for i, n := range r.fn.outputs {
		v, err := w.value(n)
		if err == nil {
			v, err = w.plain(v)
		}
		if err != nil {
			return nil, fmt.Errorf("onnx: %w", err)
		}
		name := fmt.Sprintf("output %d", i)
		w.graph.Node = append(w.graph.Node, &onnx.NodeProto{OpType: "Identity", Name: name, Input: []string{v.name}, Output: []string{name}})
		w.graph.Output = append(w.graph.Output, w.valueInfo(name, n.shape.DType, slices.Clone(n.shape.Dimensions)))
		p.Outputs = append(p.Outputs, Port{Shape: n.shape, Used: true})
	}
	p.Model = w.model()
	return p, nil
}
