package zoo

import (
	"context"
	"fmt"
	"maps"
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

// observed compiles the network with its logits and what reduce makes of its values as outputs.
func (m *Model) observed(net *read.Net, reduce func(value func(name string) *Node) []*Node) (*model.Exec, error) {
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
		return append([]*Node{logits}, reduce(func(name string) *Node {
			if seen[name] == nil {
				exceptions.Panicf("the network has no value %q", name)
			}
			return seen[name]
		})...)
	})
	if err != nil {
		return nil, fmt.Errorf("zoo: compiling %q: %w", m.Spec.Name, err)
	}
	return exec, nil
}

// imageRanges returns the least and the largest number of each image [values, batch].
func imageRanges(names []string) func(value func(name string) *Node) []*Node {
	return func(value func(name string) *Node) []*Node {
		var low, high []*Node
		for _, name := range names {
			x := value(name)
			axes := make([]int, x.Rank()-1)
			for i := range axes {
				axes[i] = i + 1
			}
			low, high = append(low, ReduceMin(x, axes...)), append(high, ReduceMax(x, axes...))
		}
		return []*Node{Stack(low, 0), Stack(high, 0)}
	}
}

// channelSizes returns the largest magnitude of each channel, value by value. The channels of an image are its last
// axis or, where the value was made in the order of the file, the third from the end.
func channelSizes(names []string, channels map[string]int) func(value func(name string) *Node) []*Node {
	return func(value func(name string) *Node) []*Node {
		var all []*Node
		for _, name := range names {
			x := value(name)
			at := x.Rank() - 1
			if x.Shape().Dimensions[at] != channels[name] {
				at = x.Rank() - 3
			}
			if at < 0 || x.Shape().Dimensions[at] != channels[name] {
				exceptions.Panicf("the value %q of shape %s has no %d channels", name, x.Shape(), channels[name])
			}
			var axes []int
			for i := range x.Rank() {
				if i != at {
					axes = append(axes, i)
				}
			}
			all = append(all, ReduceMax(Abs(x), axes...))
		}
		return []*Node{Concatenate(all, 0)}
	}
}

// observe runs an exported network on prepared images, and hands on the outputs of each batch of n images: the logits
// and what reduce makes of the network's values.
func (m *Model) observe(ctx context.Context, made *onnx.ModelProto, images [][]uint8, reduce func(value func(name string) *Node) []*Node, each func(n int, out [][]float32)) error {
	q, net, err := m.readBack(made)
	if err != nil {
		return err
	}
	defer q.Release()
	exec, err := q.observed(net, reduce)
	if err != nil {
		return err
	}
	defer exec.Finalize()
	size := q.ImageSize()
	for batch := range slices.Chunk(images, calibrationBatch) {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("zoo: calibrating %q: %w", m.Spec.Name, err)
		}
		pixels := slices.Concat(batch...)
		if len(pixels) != len(batch)*size*size*3 {
			return fmt.Errorf("zoo: %d bytes are not %d images of %dx%d for calibration; prepare each with Model.Prepare", len(pixels), len(batch), size, size)
		}
		in := tensors.FromFlatDataAndDimensions(pixels, len(batch), size, size, 3)
		out, err := exec.Call(in)
		in.MustFinalizeAll()
		if err != nil {
			return fmt.Errorf("zoo: calibrating %q: %w", m.Spec.Name, err)
		}
		var flat [][]float32
		for _, t := range out {
			flat = append(flat, tensors.MustCopyFlatData[float32](t))
			t.MustFinalizeAll()
		}
		each(len(batch), flat)
	}
	return nil
}

// activations returns, per named value of an exported network, the range of each image, and the logits.
func (m *Model) activations(ctx context.Context, made *onnx.ModelProto, names []string, images [][]uint8) (map[string][]quantize.Range, [][]float32, error) {
	ranges := map[string][]quantize.Range{}
	var logits [][]float32
	err := m.observe(ctx, made, images, imageRanges(names), func(n int, out [][]float32) {
		logits = slices.AppendSeq(logits, slices.Chunk(out[0], len(m.Classes)))
		for i, name := range names {
			for k := range n {
				ranges[name] = append(ranges[name], quantize.Range{Min: out[1][i*n+k], Max: out[2][i*n+k]})
			}
		}
	})
	return ranges, logits, err
}

// largest returns, per named value of an exported network, the largest magnitude of each of its channels.
func (m *Model) largest(ctx context.Context, made *onnx.ModelProto, channels map[string]int, images [][]uint8) (map[string][]float32, error) {
	most := map[string][]float32{}
	if len(channels) == 0 {
		return most, nil
	}
	names := slices.Sorted(maps.Keys(channels))
	err := m.observe(ctx, made, images, channelSizes(names, channels), func(_ int, out [][]float32) {
		rest := out[1]
		for _, name := range names {
			n := channels[name]
			if most[name] == nil {
				most[name] = make([]float32, n)
			}
			for c, v := range rest[:n] {
				most[name][c] = max(most[name][c], v)
			}
			rest = rest[n:]
		}
	})
	return most, err
}
