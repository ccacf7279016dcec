//go:build cgo && (linux || darwin)

package openvino

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"google.golang.org/protobuf/proto"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/onnx/write"
)

// builder records a graph and compiles it.
type builder struct {
	compute.Builder
	recorder *write.Recorder
	engine   *Engine
	name     string
}

// Compile writes the recorded graph as an ONNX model, and has OpenVINO compile that.
func (b *builder) Compile() (compute.Executable, error) {
	p, err := b.recorder.Program()
	if err != nil {
		// The graph may be right for another engine: the writer lacks one of its operations.
		return nil, fmt.Errorf("openvino: graph %q: %w (%w)", b.name, err, compute.ErrNotImplemented)
	}
	for _, port := range append(append([]write.Port{}, p.Inputs...), p.Outputs...) {
		if _, ok := types[port.Shape.DType]; !ok {
			return nil, fmt.Errorf("openvino: graph %q has a value of type %s: %w", b.name, port.Shape.DType, compute.ErrNotImplemented)
		}
	}
	n := &network{engine: b.engine, name: b.name, inputs: p.Inputs, outputs: p.Outputs}
	var used []write.Port
	for _, port := range p.Inputs {
		if port.Used {
			used = append(used, port)
		}
	}
	model, err := proto.Marshal(p.Model)
	if err != nil {
		return nil, fmt.Errorf("openvino: graph %q: %w", b.name, err)
	}
	p.Model, b.recorder, b.Builder = nil, nil, nil // the weights are in model now
	b.engine.mu.RLock()
	defer b.engine.mu.RUnlock()
	if b.engine.core == nil {
		return nil, errors.New("openvino: the engine was finalized")
	}
	if n.compiled, err = compile(b.engine.core, model, b.engine.threads, b.engine.precision(), used, p.Outputs); err != nil {
		return nil, fmt.Errorf("openvino: compiling graph %q: %w (%w)", b.name, err, compute.ErrNotImplemented)
	}
	// A graph that nobody finalizes is freed with its memory in C.
	n.cleanup = runtime.AddCleanup(n, func(c *compiled) { c.free() }, n.compiled)
	return n, nil
}

// network is a compiled graph.
type network struct {
	engine          *Engine
	name            string
	inputs, outputs []write.Port

	mu       sync.Mutex // one run at a time: the memory of a run is part of compiled
	compiled *compiled  // nil after Finalize
	cleanup  runtime.Cleanup
}

// Finalize frees the network's memory.
func (n *network) Finalize() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.compiled != nil {
		n.cleanup.Stop()
		n.compiled.free()
		n.compiled = nil
	}
}

// Inputs returns the names and shapes of the parameters.
func (n *network) Inputs() (names []string, all []shapes.Shape) {
	for _, p := range n.inputs {
		names, all = append(names, p.Name), append(all, p.Shape)
	}
	return names, all
}

// Outputs returns the shapes of the results.
func (n *network) Outputs() []shapes.Shape {
	all := make([]shapes.Shape, len(n.outputs))
	for i, p := range n.outputs {
		all[i] = p.Shape
	}
	return all
}

// Execute runs the network. Several calls at once run one after the other, each on all threads.
func (n *network) Execute(inputs []compute.Buffer, donate []bool, _ compute.DeviceNum) ([]compute.Buffer, error) {
	if len(inputs) != len(n.inputs) {
		return nil, fmt.Errorf("openvino: %d inputs for graph %q, which has %d parameters", len(inputs), n.name, len(n.inputs))
	}
	var in, out []any
	for i, given := range inputs {
		b, ok := given.(*buffer)
		want := n.inputs[i]
		if !ok || b.flat == nil {
			return nil, fmt.Errorf("openvino: input %q of graph %q is no live tensor of this engine", want.Name, n.name)
		}
		if !b.shape.Equal(want.Shape) {
			return nil, fmt.Errorf("openvino: input %q of graph %q has the shape %s, want %s", want.Name, n.name, b.shape, want.Shape)
		}
		if want.Used {
			in = append(in, b.flat)
		}
	}
	results := make([]compute.Buffer, len(n.outputs))
	for i, p := range n.outputs {
		flat := dtypes.MakeAnySlice(p.Shape.DType, p.Shape.Size())
		out, results[i] = append(out, flat), &buffer{engine: n.engine, shape: p.Shape.Clone(), flat: flat}
	}
	if err := n.run(in, out); err != nil {
		return nil, err
	}
	for i, d := range donate {
		if b := inputs[i].(*buffer); d {
			b.flat, b.donated = nil, true
		}
	}
	return results, nil
}

func (n *network) run(in, out []any) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.compiled == nil {
		return fmt.Errorf("openvino: graph %q was finalized", n.name)
	}
	if err := n.compiled.run(in, out); err != nil {
		return fmt.Errorf("openvino: running graph %q: %w", n.name, err)
	}
	return nil
}
