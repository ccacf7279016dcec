package zoo

import (
	"context"
	"fmt"
	"slices"

	onnx "github.com/gomlx/compute-onnx/support/protos"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"
	"google.golang.org/protobuf/proto"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/onnx/quantize"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/onnx/read"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// readBack makes a model of a network that was exported but not written yet, with what was read.
func (m *Model) readBack(made *onnx.ModelProto) (*Model, *read.Net, error) {
	data, err := proto.Marshal(made)
	if err != nil {
		return nil, nil, err
	}
	s, err := parseONNX(m.Spec.Name, data)
	if err != nil {
		return nil, nil, fmt.Errorf("zoo: %q can't be written in int8, since its exported network can't be read back: %w", m.Spec.Name, err)
	}
	defer s.close()
	q, err := load(context.Background(), s, LoadOptions{Preprocess: &m.Preprocess, Classes: m.Classes})
	if err != nil {
		return nil, nil, err
	}
	return q, s.(*onnxFile).net, nil
}

// observed compiles the network with the logits and, for each named value, the least and the largest number of each
// image [values, batch] as outputs.
func (m *Model) observed(net *read.Net, names []string) (*model.Exec, error) {
	engine, err := backend.Default()
	if err != nil {
		return nil, err
	}
	exec, err := nn.NewModelExec(engine.Backend, m.store, func(_ *model.Scope, x *Node) []*Node {
		m.store.SetTraining(x.Graph(), true) // keeps the weights inputs of the graph
		in := m.Normalize(x)
		seen := map[string]*Node{ONNXInput: in}
		net.Observe = func(name string, x *Node) { seen[name] = x }
		defer func() { net.Observe = nil }()
		logits := m.Forward(&nn.Pass{}, in)
		var low, high []*Node
		for _, name := range names {
			x := seen[name]
			if x == nil {
				exceptions.Panicf("the network has no value %q", name)
			}
			axes := make([]int, x.Rank()-1)
			for i := range axes {
				axes[i] = i + 1
			}
			low, high = append(low, ReduceMin(x, axes...)), append(high, ReduceMax(x, axes...))
		}
		return []*Node{logits, Stack(low, 0), Stack(high, 0)}
	})
	if err != nil {
		return nil, fmt.Errorf("zoo: compiling %q: %w", m.Spec.Name, err)
	}
	return exec, nil
}

// activations runs an exported network on prepared images, and returns, per named value, the range of each image, and
// the logits.
func (m *Model) activations(ctx context.Context, made *onnx.ModelProto, names []string, images [][]uint8) (map[string][]quantize.Range, [][]float32, error) {
	q, net, err := m.readBack(made)
	if err != nil {
		return nil, nil, err
	}
	defer q.Release()
	exec, err := q.observed(net, names)
	if err != nil {
		return nil, nil, err
	}
	defer exec.Finalize()
	ranges, size := map[string][]quantize.Range{}, q.ImageSize()
	var logits [][]float32
	for batch := range slices.Chunk(images, calibrationBatch) {
		if err := ctx.Err(); err != nil {
			return nil, nil, fmt.Errorf("zoo: calibrating %q: %w", m.Spec.Name, err)
		}
		pixels := slices.Concat(batch...)
		if len(pixels) != len(batch)*size*size*3 {
			return nil, nil, fmt.Errorf("zoo: %d bytes are not %d images of %dx%d for calibration; prepare each with Model.Prepare", len(pixels), len(batch), size, size)
		}
		in := tensors.FromFlatDataAndDimensions(pixels, len(batch), size, size, 3)
		out, err := exec.Call(in)
		in.MustFinalizeAll()
		if err != nil {
			return nil, nil, fmt.Errorf("zoo: calibrating %q: %w", m.Spec.Name, err)
		}
		logits = slices.AppendSeq(logits, slices.Chunk(tensors.MustCopyFlatData[float32](out[0]), len(m.Classes)))
		low, high := tensors.MustCopyFlatData[float32](out[1]), tensors.MustCopyFlatData[float32](out[2])
		for i, name := range names {
			for k := range batch {
				ranges[name] = append(ranges[name], quantize.Range{Min: low[i*len(batch)+k], Max: high[i*len(batch)+k]})
			}
		}
		for _, t := range out {
			t.MustFinalizeAll()
		}
	}
	return ranges, logits, nil
}
