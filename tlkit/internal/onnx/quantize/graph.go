package quantize

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	onnx "github.com/gomlx/compute-onnx/support/protos"
)

// graph is a model's graph with its initializers and the uses of each value by name.
type graph struct {
	*onnx.GraphProto
	inits map[string]*onnx.TensorProto
	maker map[string]*onnx.NodeProto
	users map[string][]*onnx.NodeProto
}

func index(m *onnx.ModelProto) *graph {
	g := &graph{GraphProto: m.Graph, inits: map[string]*onnx.TensorProto{}, maker: map[string]*onnx.NodeProto{}, users: map[string][]*onnx.NodeProto{}}
	for _, t := range g.Initializer {
		g.inits[t.Name] = t
	}
	for _, n := range g.Node {
		for _, out := range n.Output {
			g.maker[out] = n
		}
		for _, in := range n.Input {
			g.users[in] = append(g.users[in], n)
		}
	}
	return g
}

// output reports whether a value leaves the graph.
func (g *graph) output(name string) bool {
	return slices.ContainsFunc(g.Output, func(o *onnx.ValueInfoProto) bool { return o.Name == name })
}

// only returns the one node that uses a value; nil if several do, or if the value leaves the graph.
func (g *graph) only(name string) *onnx.NodeProto {
	if users := g.users[name]; len(users) == 1 && !g.output(name) {
		return users[0]
	}
	return nil
}

// floats returns the values of a float32 initializer; nil for any other value.
func (g *graph) floats(name string) []float32 {
	t := g.inits[name]
	if t == nil || onnx.TensorProto_DataType(t.DataType) != onnx.TensorProto_FLOAT {
		return nil
	}
	if len(t.FloatData) > 0 {
		return t.FloatData
	}
	values := make([]float32, len(t.RawData)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.RawData[4*i:]))
	}
	return values
}

// number returns the value of a float32 initializer of one value.
func (g *graph) number(name string) (float32, bool) {
	if v := g.floats(name); len(v) == 1 {
		return v[0], true
	}
	return 0, false
}

// add adds an initializer. The name must be free.
func (g *graph) add(t *onnx.TensorProto) string {
	g.Initializer = append(g.Initializer, t)
	g.inits[t.Name] = t
	return t.Name
}

// addFloats adds a float32 initializer.
func (g *graph) addFloats(name string, dims []int64, values []float32) string {
	raw := make([]byte, 0, 4*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return g.add(&onnx.TensorProto{Name: name, DataType: int32(onnx.TensorProto_FLOAT), Dims: dims, RawData: raw})
}

// prune drops the initializers that no node uses.
func (g *graph) prune() {
	used := map[string]bool{}
	for _, n := range g.Node {
		for _, in := range n.Input {
			used[in] = true
		}
	}
	kept := g.Initializer[:0]
	for _, t := range g.Initializer {
		if used[t.Name] || g.output(t.Name) {
			kept = append(kept, t)
		}
	}
	g.Initializer = kept
}

// remove drops nodes.
func (g *graph) remove(gone map[*onnx.NodeProto]bool) {
	kept := g.Node[:0]
	for _, n := range g.Node {
		if !gone[n] {
			kept = append(kept, n)
		}
	}
	g.Node = kept
}

// rename replaces an input of all nodes.
func (g *graph) rename(from, to string) {
	for _, n := range g.users[from] {
		for i, in := range n.Input {
			if in == from {
				n.Input[i] = to
			}
		}
	}
	g.users[to] = append(g.users[to], g.users[from]...)
	delete(g.users, from)
}

func intAttribute(n *onnx.NodeProto, name string, otherwise int64) int64 {
	for _, a := range n.Attribute {
		if a.Name == name {
			return a.I
		}
	}
	return otherwise
}

func floatAttribute(n *onnx.NodeProto, name string, otherwise float32) float32 {
	for _, a := range n.Attribute {
		if a.Name == name {
			return a.F
		}
	}
	return otherwise
}

// FoldBatchNorm folds each BatchNormalization into the convolution before it, if nothing else uses that one's output,
// and returns their number: weights become w g/sqrt(v+eps), biases (b-m) g/sqrt(v+eps) + beta, per output channel. The
// model must hold its weights.
func FoldBatchNorm(m *onnx.ModelProto) (int, error) {
	g := index(m)
	gone := map[*onnx.NodeProto]bool{}
	for _, norm := range g.Node {
		if norm.OpType != "BatchNormalization" || len(norm.Input) != 5 {
			continue
		}
		conv := g.maker[norm.Input[0]]
		if conv == nil || conv.OpType != "Conv" || g.only(norm.Input[0]) != norm || len(g.users[conv.Input[1]]) != 1 {
			continue
		}
		if err := g.fold(conv, norm); err != nil {
			return 0, fmt.Errorf("quantize: folding %s into %s: %w", norm.Name, conv.Name, err)
		}
		conv.Output[0] = norm.Output[0]
		gone[norm] = true
	}
	g.remove(gone)
	g.prune()
	return len(gone), nil
}

func (g *graph) fold(conv, norm *onnx.NodeProto) error {
	w := g.floats(conv.Input[1])
	scale, shift, mean, variance := g.floats(norm.Input[1]), g.floats(norm.Input[2]), g.floats(norm.Input[3]), g.floats(norm.Input[4])
	channels := len(scale)
	if channels == 0 || len(w)%channels != 0 || len(shift) != channels || len(mean) != channels || len(variance) != channels {
		return fmt.Errorf("weights of %d values and statistics of %d, %d, %d and %d don't fit", len(w), channels, len(shift), len(mean), len(variance))
	}
	bias := make([]float32, channels)
	if len(conv.Input) > 2 {
		if copy(bias, g.floats(conv.Input[2])) != channels {
			return fmt.Errorf("the bias %s has %d values; expected %d", conv.Input[2], len(g.floats(conv.Input[2])), channels)
		}
	}
	epsilon := float64(floatAttribute(norm, "epsilon", 1e-5))
	folded, per := make([]float32, len(w)), len(w)/channels
	for c := range channels {
		factor := float64(scale[c]) / math.Sqrt(float64(variance[c])+epsilon)
		for i := c * per; i < (c+1)*per; i++ {
			folded[i] = float32(float64(w[i]) * factor)
		}
		bias[c] = float32((float64(bias[c])-float64(mean[c]))*factor + float64(shift[c]))
	}
	weight := g.addFloats(conv.Input[1]+"#folded", g.inits[conv.Input[1]].Dims, folded)
	conv.Input = []string{conv.Input[0], weight, g.addFloats(conv.Input[1]+"#bias", []int64{int64(channels)}, bias)}
	return nil
}
