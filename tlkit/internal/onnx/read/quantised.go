package read

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gomlx/compute-onnx/support/protos"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"
)

// Weights of 16 bits with a Cast behind each become weights in float32. A quantised network in ONNX's QDQ form has
// whole numbers as weights, with a DequantizeLinear behind each, and a QuantizeLinear with a DequantizeLinear behind
// each activation. plainNumbers makes a network in float32 of it that computes the same: dequantised weights, and
// fakeQuantize in place of each pair.

// fakeQuantize rounds to the numbers that a quantised activation can have. No ONNX operator has this name.
const fakeQuantize = "tlkit.FakeQuantize"

// wholeTypes are the types of quantised values, with their smallest and largest.
var wholeTypes = map[protos.TensorProto_DataType]struct{ low, high float64 }{
	protos.TensorProto_UINT8: {0, math.MaxUint8}, protos.TensorProto_INT8: {math.MinInt8, math.MaxInt8},
	protos.TensorProto_UINT16: {0, math.MaxUint16}, protos.TensorProto_INT16: {math.MinInt16, math.MaxInt16},
	protos.TensorProto_INT32: {math.MinInt32, math.MaxInt32}, protos.TensorProto_INT4: {-8, 7}, protos.TensorProto_UINT4: {0, 15},
}

// packed reports whether a byte holds two values of a type.
func packed(kind protos.TensorProto_DataType) bool {
	return kind == protos.TensorProto_INT4 || kind == protos.TensorProto_UINT4
}

// byteCount is the number of bytes of n values.
func byteCount(kind protos.TensorProto_DataType, n int) int {
	if packed(kind) {
		return (n + 1) / 2
	}
	return n * bytesOf[kind]
}

// bytesOf is the size of an element.
var bytesOf = map[protos.TensorProto_DataType]int{protos.TensorProto_UINT8: 1, protos.TensorProto_INT8: 1, protos.TensorProto_UINT16: 2, protos.TensorProto_INT16: 2,
	protos.TensorProto_INT32: 4, protos.TensorProto_FLOAT: 4, protos.TensorProto_FLOAT16: 2, protos.TensorProto_BFLOAT16: 2, protos.TensorProto_DOUBLE: 8}

// quantised rewrites the quantised parts of a graph.
type quantised struct {
	graph *protos.GraphProto
	inits map[string]*protos.TensorProto
	users map[string][]*protos.NodeProto
	open  OpenBeside
	// left is the number of values that may still be made: a small file must not claim much memory.
	left int
	// pairs are the whole numbers of activations whose nodes were replaced.
	pairs map[string]bool
}

// plainNumbers rewrites a graph in QDQ form; any other stays as it is.
func plainNumbers(g *protos.GraphProto, open OpenBeside) error {
	q := &quantised{graph: g, inits: map[string]*protos.TensorProto{}, users: map[string][]*protos.NodeProto{}, open: open, pairs: map[string]bool{}}
	found := false
	for _, t := range g.Initializer {
		if t != nil {
			q.inits[t.Name] = t
			q.left += 4 * q.held(t)
		}
	}
	if err := q.singlePrecision(); err != nil {
		return err
	}
	for _, n := range g.Node {
		if n == nil {
			return nil // an error later
		}
		q.constants(n)
		if strings.HasPrefix(n.OpType, "QLinear") || strings.HasSuffix(n.OpType, "Integer") {
			return nil // computed in whole numbers: an error later
		}
		found = found || n.OpType == "DequantizeLinear" || n.OpType == "Cast"
		for _, in := range n.Input {
			q.users[in] = append(q.users[in], n)
		}
	}
	if !found {
		return nil
	}
	var nodes []*protos.NodeProto
	for _, n := range g.Node {
		if done, err := q.widen(n); err != nil {
			return fmt.Errorf("node %s (%.60q): %w", n.OpType, n.Name, err)
		} else if done {
			continue
		}
		// ONNX Runtime has both in a domain of its own, for 4 and 16 bits before ONNX had them.
		if n.OpType != "QuantizeLinear" && n.OpType != "DequantizeLinear" || !slices.Contains([]string{"", "ai.onnx", "com.microsoft"}, n.Domain) {
			nodes = append(nodes, n)
			continue
		}
		made, err := q.node(n)
		if err != nil {
			return fmt.Errorf("node %s (%.60q): %w", n.OpType, n.Name, err)
		}
		nodes = append(nodes, made...)
	}
	g.Node = nodes
	q.drop()
	return nil
}

// held returns the number of values of an initializer that are really there, whatever its shape claims.
func (q *quantised) held(t *protos.TensorProto) int {
	_, n, err := dims(t)
	if err != nil {
		return 0
	}
	if t.DataLocation == protos.TensorProto_EXTERNAL {
		if _, _, err := externalBytes(t, byteCount(protos.TensorProto_DataType(t.DataType), n), q.open); err != nil {
			return 0
		}
		return n
	}
	return min(n, len(t.RawData)+len(t.FloatData)+len(t.Int32Data)+len(t.Int64Data)+len(t.DoubleData))
}

// drop removes the initializers that only replaced nodes used: the network keeps its weights in float32.
func (q *quantised) drop() {
	used := map[string]bool{}
	for _, n := range q.graph.Node {
		for _, in := range n.Input {
			used[in] = true
		}
	}
	for _, o := range q.graph.Output {
		used[o.GetName()] = true
	}
	q.graph.Initializer = slices.DeleteFunc(q.graph.Initializer, func(t *protos.TensorProto) bool { return t != nil && len(q.users[t.Name]) > 0 && !used[t.Name] })
}

// constants enters what a Constant node holds, and an Identity of an initializer, among the initializers.
func (q *quantised) constants(n *protos.NodeProto) {
	if len(n.Output) != 1 || q.inits[n.Output[0]] != nil {
		return
	}
	if n.OpType == "Identity" && len(n.Input) == 1 && q.inits[n.Input[0]] != nil {
		q.inits[n.Output[0]] = q.inits[n.Input[0]]
	}
	if n.OpType != "Constant" {
		return
	}
	for _, a := range n.Attribute {
		switch {
		case a.GetName() == "value" && a.T != nil:
			q.inits[n.Output[0]] = a.T
		case a.GetName() == "value_float":
			q.inits[n.Output[0]] = &protos.TensorProto{Name: n.Output[0], DataType: int32(protos.TensorProto_FLOAT), FloatData: []float32{a.F}}
		}
	}
}

// node returns the nodes that replace a QuantizeLinear or DequantizeLinear: none for weights, which become
// initializers.
func (q *quantised) node(n *protos.NodeProto) ([]*protos.NodeProto, error) {
	if len(n.Input) < 2 || len(n.Input) > 3 || len(n.Output) != 1 {
		return nil, fmt.Errorf("%d inputs and %d outputs; expected a value, a scale, a zero point, and one output", len(n.Input), len(n.Output))
	}
	weight := q.inits[n.Input[0]]
	switch {
	case n.OpType == "QuantizeLinear" && weight == nil:
		return q.activation(n)
	case n.OpType == "QuantizeLinear":
		return nil, q.rounded(n, weight)
	case weight != nil:
		return nil, q.dequantise(n, weight)
	}
	if q.pairs[n.Input[0]] { // replaced at the QuantizeLinear
		return nil, nil
	}
	return nil, fmt.Errorf("its input %.60q has no QuantizeLinear before it", n.Input[0])
}

// widen replaces the Cast of a 16-bit initializer to float32 by a float32 initializer.
func (q *quantised) widen(n *protos.NodeProto) (bool, error) {
	if n.OpType != "Cast" || len(n.Input) != 1 || len(n.Output) != 1 || len(n.Attribute) == 0 {
		return false, nil
	}
	t := q.inits[n.Input[0]]
	if t == nil || !slices.ContainsFunc(n.Attribute, func(a *protos.AttributeProto) bool {
		return a.GetName() == "to" && a.I == int64(protos.TensorProto_FLOAT)
	}) {
		return false, nil
	}
	if narrowed[protos.TensorProto_DataType(t.DataType)] == 0 {
		return false, nil
	}
	values, err := q.halfValues(t)
	if err != nil {
		return false, err
	}
	q.add(n.Output[0], t.Dims, values)
	return true, nil
}

// activation replaces a QuantizeLinear and the DequantizeLinear nodes that use it.
func (q *quantised) activation(n *protos.NodeProto) ([]*protos.NodeProto, error) {
	s, err := q.steps(n)
	if err != nil {
		return nil, err
	}
	if len(s.scale) != 1 {
		return nil, fmt.Errorf("an activation with %d scales; expected one", len(s.scale))
	}
	q.pairs[n.Output[0]] = true
	users := q.users[n.Output[0]]
	if len(users) == 0 {
		return nil, nil
	}
	var out []*protos.NodeProto
	for _, back := range users {
		if back.OpType != "DequantizeLinear" || len(back.Output) != 1 {
			return nil, fmt.Errorf("its whole numbers go to a node %s; expected DequantizeLinear: take the file in QDQ form before a runtime optimised it, or from before quantisation", back.OpType)
		}
		b, err := q.steps(back)
		if err != nil {
			return nil, err
		}
		if len(b.scale) != 1 || b.scale[0] != s.scale[0] || b.zero[0] != s.zero[0] {
			return nil, fmt.Errorf("its scale and zero point differ from those of the DequantizeLinear after it")
		}
		kind := wholeTypes[s.kind]
		out = append(out, &protos.NodeProto{OpType: fakeQuantize, Name: back.Name, Input: []string{n.Input[0]}, Output: back.Output,
			Attribute: []*protos.AttributeProto{factor("scale", s.scale[0]), factor("zero", float32(s.zero[0])), factor("low", float32(kind.low)), factor("high", float32(kind.high))}})
	}
	return out, nil
}

func factor(name string, v float32) *protos.AttributeProto {
	return &protos.AttributeProto{Name: name, Type: protos.AttributeProto_FLOAT, F: v}
}

// dequantise makes a float32 initializer of whole numbers.
func (q *quantised) dequantise(n *protos.NodeProto, t *protos.TensorProto) error {
	s, at, err := q.stepsOf(n, t)
	if err != nil {
		return err
	}
	values, err := q.whole(t)
	if err != nil {
		return err
	}
	if err := q.spend(len(values)); err != nil {
		return err
	}
	out := make([]float32, len(values))
	for i, v := range values {
		c := at(i)
		out[i] = float32(v-s.zero[c]) * s.scale[c]
	}
	q.add(n.Output[0], t.Dims, out)
	return nil
}

// rounded makes whole numbers of a float32 initializer, as exporters write weights that were trained with rounding.
func (q *quantised) rounded(n *protos.NodeProto, t *protos.TensorProto) error {
	s, at, err := q.stepsOf(n, t)
	if err != nil {
		return err
	}
	if protos.TensorProto_DataType(t.DataType) != protos.TensorProto_FLOAT {
		return fmt.Errorf("its input is of type %v; expected FLOAT", protos.TensorProto_DataType(t.DataType))
	}
	values, err := q.floats(t)
	if err != nil {
		return err
	}
	if err := q.spend(len(values)); err != nil {
		return err
	}
	kind, out := wholeTypes[s.kind], make([]int32, len(values))
	for i, v := range values {
		c := at(i)
		whole := math.RoundToEven(float64(v/s.scale[c])) + float64(s.zero[c])
		out[i] = int32(max(kind.low, min(whole, kind.high)))
	}
	made := &protos.TensorProto{Name: n.Output[0], DataType: int32(s.kind), Dims: t.Dims, Int32Data: out}
	q.graph.Initializer = append(q.graph.Initializer, made)
	q.inits[made.Name] = made
	return nil
}

// spend counts values that are made.
func (q *quantised) spend(n int) error {
	if q.left -= n; q.left < 0 {
		return errors.New("far more weights would be made of the file's numbers than it holds; it is damaged or made to do harm")
	}
	return nil
}

func (q *quantised) add(name string, dims []int64, values []float32) {
	t := &protos.TensorProto{Name: name, DataType: int32(protos.TensorProto_FLOAT), Dims: dims, FloatData: values}
	q.graph.Initializer = append(q.graph.Initializer, t)
	q.inits[name] = t
}

func (q *quantised) floats(t *protos.TensorProto) ([]float32, error) {
	shape, n, err := dims(t)
	if err != nil {
		return nil, err
	}
	values, err := floats(t, shape, n, q.open)
	if err != nil {
		return nil, err
	}
	return values.Float32()
}

// whole returns the values of an initializer of whole numbers.
func (q *quantised) whole(t *protos.TensorProto) ([]int64, error) {
	kind := protos.TensorProto_DataType(t.DataType)
	if _, ok := wholeTypes[kind]; !ok {
		return nil, fmt.Errorf("numbers of type %v; expected whole ones of 4, 8, 16 or 32 bits", kind)
	}
	_, n, err := dims(t)
	if err != nil {
		return nil, err
	}
	raw, err := stored(t, byteCount(kind, n), q.open)
	if err != nil {
		return nil, err
	}
	if packed(kind) {
		return nibbles(t, kind, raw, n)
	}
	if len(raw) != byteCount(kind, n) && !(len(raw) == 0 && len(t.Int32Data) == n) {
		return nil, fmt.Errorf("shape %v has %d values, but there are %d bytes and %d numbers", t.Dims, n, len(raw), len(t.Int32Data))
	}
	out := make([]int64, n)
	for i := range out {
		switch {
		case len(raw) == 0:
			out[i] = int64(t.Int32Data[i])
		case kind == protos.TensorProto_UINT8:
			out[i] = int64(raw[i])
		case kind == protos.TensorProto_INT8:
			out[i] = int64(int8(raw[i]))
		case kind == protos.TensorProto_UINT16:
			out[i] = int64(binary.LittleEndian.Uint16(raw[2*i:]))
		case kind == protos.TensorProto_INT16:
			out[i] = int64(int16(binary.LittleEndian.Uint16(raw[2*i:])))
		default:
			out[i] = int64(int32(binary.LittleEndian.Uint32(raw[4*i:])))
		}
	}
	return out, nil
}

// rounding builds a fakeQuantize node. Gradients pass through it unchanged (the straight-through estimator, Bengio et
// al. 2013, arXiv 1308.3432), within the range, so that a quantised network can be trained.
func rounding(r *run, v *node) (value, bool) {
	scale, zero, low, high := v.float("scale", 0), v.float("zero", 0), v.float("low", 0), v.float("high", 0)
	if !(scale > 0) || low >= high {
		exceptions.Panicf("a scale of %v from %v to %v", scale, low, high)
	}
	return unary(func(x *Node) *Node {
		inside := ClipScalar(x, (low-zero)*scale, (high-zero)*scale)
		whole := MulScalar(Round(DivScalar(inside, scale)), scale)
		return Add(inside, StopGradient(Sub(whole, inside)))
	})(r, v)
}

// nibbles returns n values of 4 bits, the first in the lower half of a byte; bytes are in raw or in Int32Data.
func nibbles(t *protos.TensorProto, kind protos.TensorProto_DataType, raw []byte, n int) ([]int64, error) {
	if len(raw) == 0 {
		for _, v := range t.Int32Data {
			raw = append(raw, byte(v))
		}
	}
	if len(raw) != byteCount(kind, n) {
		return nil, fmt.Errorf("shape %v has %d values of 4 bits, but there are %d bytes", t.Dims, n, len(raw))
	}
	out := make([]int64, n)
	for i := range out {
		v := raw[i/2] >> (4 * (i % 2)) & 0xf
		out[i] = int64(v)
		if kind == protos.TensorProto_INT4 && v > 7 {
			out[i] -= 16
		}
	}
	return out, nil
}
