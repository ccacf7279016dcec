package quantize

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	onnx "github.com/gomlx/compute-onnx/support/protos"
)

// Range is the smallest and the largest value of an activation.
type Range struct{ Min, Max float32 }

// Activations returns the names of the values whose ranges [Int8] needs, in the graph's order: the inputs and outputs
// of layers with weights, and of additions of two activations. FoldBatchNorm comes first.
// float is that of [Options].
func Activations(m *onnx.ModelProto, float []string) []string {
	return newPlan(index(m), float).order
}

// Largest returns the range that holds all of those given.
func Largest(of []Range) Range {
	r := of[0]
	for _, o := range of {
		r.Min, r.Max = min(r.Min, o.Min), max(r.Max, o.Max)
	}
	return r
}

// Mean returns the mean of ranges, which single outliers move little.
func Mean(of []Range) Range {
	var low, high float64
	for _, r := range of {
		low, high = low+float64(r.Min), high+float64(r.Max)
	}
	n := float64(len(of))
	return Range{Min: float32(low / n), Max: float32(high / n)}
}

// Quantile returns the range that a share of those given, in [0, 1], stay within at each end.
func Quantile(of []Range, share float64) Range {
	var low, high []float32
	for _, r := range of {
		low, high = append(low, r.Min), append(high, r.Max)
	}
	slices.Sort(low)
	slices.Sort(high)
	k := int(math.Ceil(share*float64(len(of)))) - 1
	k = max(0, min(k, len(of)-1))
	return Range{Min: low[len(of)-1-k], Max: high[k]}
}

// Options of [Int8].
type Options struct {
	// Float lists layers, or groups of them such as "layer1", that stay in float32.
	Float []string
	// FullRange lets weights take whole numbers from -127 to 127 instead of -64 to 64. With these, the kernels of ONNX
	// Runtime and OpenVINO for AVX2 and AVX-512 without VNNI overflow 16-bit sums: on an AVX2 processor the logits of
	// EfficientNet-Lite0 were off by 19 and 15 % of their size (root mean square over 38 photographs).
	FullRange bool
}

// Int8 rewrites a model in QDQ form. ranges has the ranges of the Activations. It returns the number of layers that
// compute in whole numbers.
func Int8(m *onnx.ModelProto, ranges map[string]Range, o Options) (int, error) {
	g := index(m)
	if layer := g.unknownLayer(o.Float); layer != "" {
		return 0, fmt.Errorf("quantize: no layer is named %q, which is to stay in float32; layers are named as in the state dict, such as %q", layer, g.firstLayer())
	}
	p := newPlan(g, o.Float)
	p.largest = 64
	if o.FullRange {
		p.largest = 127
	}
	p.share(ranges)
	for _, name := range p.order {
		r, ok := ranges[name]
		if !ok || !finite(r.Min) || !finite(r.Max) || r.Min > r.Max {
			return 0, fmt.Errorf("quantize: the range of %q is %v to %v; expected two finite numbers in order", name, r.Min, r.Max)
		}
		p.pair(name, r)
	}
	for _, layer := range p.layers {
		if err := p.layer(layer); err != nil {
			return 0, fmt.Errorf("quantize: %s %s: %w", layer.OpType, layer.Name, err)
		}
	}
	p.finish()
	return len(p.layers), nil
}

func finite(v float32) bool { return !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) }

// plan lists what is quantised.
type plan struct {
	*graph
	layers []*onnx.NodeProto // Conv, Gemm and MatMul with weights
	order  []string          // activations, in the order in which the graph makes them
	gone   map[*onnx.NodeProto]bool
	scales map[string]float32 // of the activations
	// largest is the largest whole number of weights.
	largest float32
	// made are the new nodes by the node, or the input, that they follow; first are those of weights.
	made  map[string][]*onnx.NodeProto
	first []*onnx.NodeProto
	// weights are dequantised weights by the name and scales of the initializer.
	weights map[string]string
}

func newPlan(g *graph, float []string) *plan {
	p := &plan{graph: g, gone: map[*onnx.NodeProto]bool{}, scales: map[string]float32{}, made: map[string][]*onnx.NodeProto{}, weights: map[string]string{}}
	wanted, live := map[string]bool{}, g.ofInput()
	for _, n := range g.Node {
		switch {
		case named(n, float) || len(n.Input) == 0 || !live[n.Input[0]]:
		case p.weighted(n):
			p.layers = append(p.layers, n)
			wanted[n.Input[0]] = true
			if n.OpType == "Conv" {
				wanted[p.tail(n)] = true
			}
		case n.OpType == "Add" && len(n.Input) == 2 && live[n.Input[1]] && p.quantised(n.Input):
			wanted[n.Input[0]], wanted[n.Input[1]], wanted[p.tail(n)] = true, true, true
		}
	}
	for _, n := range slices.Concat([]*onnx.NodeProto{{Output: inputs(g)}}, g.Node) {
		for _, out := range n.Output {
			if wanted[out] && !g.output(out) {
				p.order = append(p.order, out)
			}
		}
	}
	return p
}

// ofInput returns the values that depend on the graph's input.
func (g *graph) ofInput() map[string]bool {
	live := map[string]bool{}
	for _, in := range inputs(g) {
		live[in] = true
	}
	for _, n := range g.Node {
		if slices.ContainsFunc(n.Input, func(in string) bool { return live[in] }) && n.OpType != "Shape" {
			for _, out := range n.Output {
				live[out] = true
			}
		}
	}
	return live
}

// named reports whether a layer is one of those named, or within one: "features.1" names features.1 and
// features.1.conv, and not features.10. The exporter appends _2 to the name of a layer's second node.
func named(n *onnx.NodeProto, layers []string) bool {
	return slices.ContainsFunc(layers, func(layer string) bool {
		rest, ok := strings.CutPrefix(n.Name, layer)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '_')
	})
}

// unknownLayer returns the first of the layers that no node is named after; "" if there is none.
func (g *graph) unknownLayer(layers []string) string {
	for _, layer := range layers {
		if !slices.ContainsFunc(g.Node, func(n *onnx.NodeProto) bool { return named(n, []string{layer}) }) {
			return layer
		}
	}
	return ""
}

// firstLayer returns the name of the first layer with weights.
func (g *graph) firstLayer() string {
	for _, n := range g.Node {
		if n.OpType == "Conv" || n.OpType == "Gemm" || n.OpType == "MatMul" {
			return n.Name
		}
	}
	return ""
}

// inputs returns the names of the graph's inputs.
func inputs(g *graph) []string {
	var names []string
	for _, in := range g.Input {
		names = append(names, in.Name)
	}
	return names
}

// weighted reports whether a node is a layer with weights in the model.
func (p *plan) weighted(n *onnx.NodeProto) bool {
	if len(n.Input) < 2 || p.inits[n.Input[0]] != nil || p.floats(n.Input[1]) == nil {
		return false
	}
	dims := p.inits[n.Input[1]].Dims
	switch n.OpType {
	case "Conv":
		return len(dims) == 4 && (len(n.Input) < 3 || p.floats(n.Input[2]) != nil)
	case "Gemm":
		return len(dims) == 2 && intAttribute(n, "transA", 0) == 0 && floatAttribute(n, "alpha", 1) == 1 && floatAttribute(n, "beta", 1) == 1 &&
			(len(n.Input) < 3 || p.floats(n.Input[2]) != nil)
	case "MatMul":
		return len(dims) == 2
	}
	return false
}

// quantised reports whether one of the values at least comes from a convolution or an addition: only then whole
// numbers save work in an addition.
func (p *plan) quantised(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		for range 3 { // past activations
			n := p.maker[name]
			if n == nil {
				return false
			}
			if n.OpType == "Conv" || n.OpType == "Add" {
				return true
			}
			if n.OpType != "Relu" && n.OpType != "Min" {
				return false
			}
			name = n.Input[0]
		}
		return false
	})
}

// tail returns the value after a node and the rectifiers that follow it: a quantised value is cut off at the ends of
// its range, which is what Relu, and Min with a constant after it, do.
func (p *plan) tail(n *onnx.NodeProto) string {
	name := n.Output[0]
	if next := p.only(name); next != nil && next.OpType == "Relu" {
		name = next.Output[0]
		if next := p.only(name); next != nil && next.OpType == "Min" && len(next.Input) == 2 {
			if _, ok := p.number(other(next, name)); ok {
				return next.Output[0]
			}
		}
	}
	return name
}

// other returns the input of a node of two that is not name.
func other(n *onnx.NodeProto, name string) string {
	if n.Input[0] == name {
		return n.Input[1]
	}
	return n.Input[0]
}

// share gives values that only move or select others the range of these: with equal scales runtimes do so in whole
// numbers.
func (p *plan) share(ranges map[string]Range) {
	for _, name := range p.order {
		n := p.maker[name]
		if n == nil || !slices.Contains([]string{"MaxPool", "Reshape", "Flatten", "Transpose", "Slice", "Squeeze", "Unsqueeze"}, n.OpType) {
			continue
		}
		if r, ok := ranges[n.Input[0]]; ok && slices.Contains(p.order, n.Input[0]) {
			ranges[name] = r
		}
	}
}

// pair puts QuantizeLinear and DequantizeLinear between a value and all its uses. Rectifiers in front of it go where
// the range begins at 0, since quantisation cuts off there.
func (p *plan) pair(name string, r Range) {
	low, high := min(r.Min, 0), max(r.Max, 0)
	scale := (high - low) / 255
	if scale < 1e-30 { // all zeros: any scale will do
		scale = 1
	}
	zero := uint8(math.RoundToEven(float64(-low / scale)))
	p.scales[name] = scale
	s := p.addFloats(name+"#scale", nil, []float32{scale})
	z := p.add(&onnx.TensorProto{Name: name + "#zero", DataType: int32(onnx.TensorProto_UINT8), RawData: []byte{zero}})
	whole, back := name+"#uint8", name+"#float32"
	p.rename(name, back)
	source := name
	if zero == 0 {
		source = p.beforeRectifiers(name)
	}
	p.made[name] = []*onnx.NodeProto{
		{OpType: "QuantizeLinear", Name: whole, Input: []string{source, s, z}, Output: []string{whole}},
		{OpType: "DequantizeLinear", Name: back, Input: []string{whole, s, z}, Output: []string{back}},
	}
}

// beforeRectifiers returns the value in front of the Relu, or Relu and Min, that made name, and drops these.
func (p *plan) beforeRectifiers(name string) string {
	n := p.maker[name]
	if n != nil && n.OpType == "Min" && len(n.Input) == 2 {
		for i, in := range n.Input {
			_, constant := p.number(n.Input[1-i])
			if relu := p.maker[in]; constant && relu != nil && relu.OpType == "Relu" && len(p.users[in]) == 1 {
				p.gone[n], p.gone[relu] = true, true
				return relu.Input[0]
			}
		}
		return name
	}
	if n != nil && n.OpType == "Relu" && !p.gone[n] {
		p.gone[n] = true
		return n.Input[0]
	}
	return name
}

// layer quantises the weights and the bias of a layer.
func (p *plan) layer(n *onnx.NodeProto) error {
	input, ok := p.scales[strings.TrimSuffix(n.Input[0], "#float32")]
	if !ok {
		return fmt.Errorf("its input %q has no range", n.Input[0])
	}
	values, dims := p.floats(n.Input[1]), p.inits[n.Input[1]].Dims
	axis := 0
	if n.OpType == "MatMul" || n.OpType == "Gemm" && intAttribute(n, "transB", 0) == 0 {
		axis = 1
	}
	var bias []float32
	if len(n.Input) > 2 {
		bias = p.floats(n.Input[2])
		if len(bias) != int(dims[axis]) {
			return fmt.Errorf("a bias of %d values for %d outputs", len(bias), dims[axis])
		}
	}
	name := n.Input[1]
	whole, scales := p.channels(values, dims, axis, bias, input)
	n.Input[1] = p.dequantised(name, dims, axis, onnx.TensorProto_INT8, whole, scales)
	if bias == nil {
		return nil
	}
	raw, biasScales := make([]byte, 0, 4*len(bias)), make([]float32, len(bias))
	for c, b := range bias {
		biasScales[c] = input * scales[c]
		q := math.RoundToEven(float64(b) / float64(biasScales[c]))
		raw = binary.LittleEndian.AppendUint32(raw, uint32(int32(max(math.MinInt32, min(q, math.MaxInt32)))))
	}
	n.Input[2] = p.dequantised(n.Input[2]+"#of:"+n.Name, []int64{int64(len(bias))}, 0, onnx.TensorProto_INT32, raw, biasScales)
	return nil
}

// channels quantises weights along an axis; each channel has a scale. A scale is made larger where the bias, in steps
// of the input's scale times it, would not fit in 32 bits.
func (p *plan) channels(values []float32, dims []int64, axis int, bias []float32, input float32) (raw []byte, scales []float32) {
	inner := 1
	for _, d := range dims[axis+1:] {
		inner *= int(d)
	}
	n := int(dims[axis])
	scales = make([]float32, n)
	for i, v := range values {
		c := i / inner % n
		scales[c] = max(scales[c], float32(math.Abs(float64(v))))
	}
	for c := range scales {
		scales[c] = cmp.Or(scales[c]/p.largest, 1)
		if bias != nil {
			scales[c] = max(scales[c], float32(math.Abs(float64(bias[c]))/(1<<30)/float64(input)))
		}
	}
	raw = make([]byte, len(values))
	for i, v := range values {
		raw[i] = byte(int8(math.RoundToEven(float64(v / scales[i/inner%n]))))
	}
	return raw, scales
}

// dequantised adds whole numbers with a scale per channel, and the node that makes float32 values of them, and returns
// its output.
func (p *plan) dequantised(name string, dims []int64, axis int, kind onnx.TensorProto_DataType, raw []byte, scales []float32) string {
	key := fmt.Sprint(name, scales)
	if made, ok := p.weights[key]; ok {
		return made
	}
	prefix := name + "#" + strings.ToLower(kind.String())
	for p.inits[prefix] != nil {
		prefix += "'"
	}
	whole := p.add(&onnx.TensorProto{Name: prefix, DataType: int32(kind), Dims: dims, RawData: raw})
	s := p.addFloats(prefix+":scale", []int64{int64(len(scales))}, scales)
	zero := p.add(&onnx.TensorProto{Name: prefix + ":zero", DataType: int32(kind), Dims: []int64{int64(len(scales))},
		RawData: make([]byte, len(scales)*len(raw)/max(1, elements(dims)))})
	out := prefix + ":float32"
	p.first = append(p.first, &onnx.NodeProto{OpType: "DequantizeLinear", Name: out, Input: []string{whole, s, zero}, Output: []string{out},
		Attribute: []*onnx.AttributeProto{{Name: "axis", Type: onnx.AttributeProto_INT, I: int64(axis)}}})
	p.weights[key] = out
	return out
}

func elements(dims []int64) int {
	n := 1
	for _, d := range dims {
		n *= int(d)
	}
	return n
}

// finish puts the new nodes in their places.
func (p *plan) finish() {
	nodes := p.first
	for _, in := range inputs(p.graph) {
		nodes = append(nodes, p.made[in]...)
	}
	for _, n := range p.Node {
		if !p.gone[n] {
			nodes = append(nodes, n)
		}
		for _, out := range n.Output {
			nodes = append(nodes, p.made[out]...)
		}
	}
	p.Node = nodes
	p.prune()
}
