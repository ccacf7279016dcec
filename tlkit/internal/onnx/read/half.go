package read

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute-onnx/support/protos"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// A network in float16, bfloat16 or float64 has its initializers, its constants and often its images in that type, and
// Casts between it and float32. singlePrecision makes one in float32 of it. It rounds nothing between layers, so its
// logits are those of the network from before the conversion, but for the rounding of the weights.

// narrowed are the types of floats that become float32.
var narrowed = map[protos.TensorProto_DataType]weights.DType{protos.TensorProto_FLOAT16: weights.F16, protos.TensorProto_BFLOAT16: weights.BF16, protos.TensorProto_DOUBLE: weights.F64}

// notFloat are operators whose results are no floats, or not of the type of what they are given.
var notFloat = set("Shape", "Size", "ArgMax", "ArgMin", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not", "And", "Or", "Xor", "IsNaN", "IsInf",
	"NonZero", "QuantizeLinear", "DynamicQuantizeLinear")

// singlePrecision changes the graph in place if a node other than a Cast uses another type of floats; see inHalf.
func (q *quantised) singlePrecision() error {
	if !q.inHalf() {
		return nil
	}
	floats := map[string]bool{}
	for _, in := range append(slices.Clone(q.graph.Input), q.graph.Output...) {
		if tt := in.GetType().GetTensorType(); tt != nil && narrowed[protos.TensorProto_DataType(tt.ElemType)] != 0 {
			tt.ElemType = int32(protos.TensorProto_FLOAT)
		}
		if tt := in.GetType().GetTensorType(); tt != nil && tt.ElemType == int32(protos.TensorProto_FLOAT) {
			floats[in.GetName()] = true
		}
	}
	for _, t := range q.graph.Initializer {
		if t != nil {
			if err := q.single(t); err != nil {
				return fmt.Errorf("initializer %.80q: %w", t.Name, err)
			}
			floats[t.Name] = t.DataType == int32(protos.TensorProto_FLOAT)
		}
	}
	return q.withoutCasts(floats)
}

// inHalf reports whether the images, or an operand of a node other than Cast, are of another type of floats.
func (q *quantised) inHalf() bool {
	for _, in := range q.graph.Input {
		if q.inits[in.GetName()] == nil && narrowed[protos.TensorProto_DataType(in.GetType().GetTensorType().GetElemType())] != 0 {
			return true
		}
	}
	for _, n := range q.graph.Node {
		if n.GetOpType() == "Cast" {
			continue
		}
		for _, in := range n.GetInput() {
			if t := q.inits[in]; t != nil && narrowed[protos.TensorProto_DataType(t.DataType)] != 0 {
				return true
			}
		}
	}
	return false
}

// withoutCasts leaves out the Casts of floats to floats, and converts the constants of nodes.
func (q *quantised) withoutCasts(floats map[string]bool) error {
	same := map[string]string{}
	var nodes []*protos.NodeProto
	for _, n := range q.graph.Node {
		for i, in := range n.GetInput() {
			if before, ok := same[in]; ok {
				n.Input[i] = before
			}
		}
		isFloat := slices.ContainsFunc(n.GetInput(), func(in string) bool { return floats[in] }) && !notFloat[n.GetOpType()]
		for _, a := range n.GetAttribute() {
			if a.GetT() != nil {
				if err := q.single(a.T); err != nil {
					return fmt.Errorf("node %s (%.60q): %w", n.OpType, n.Name, err)
				}
				isFloat = isFloat || a.T.DataType == int32(protos.TensorProto_FLOAT)
			}
			if n.OpType == "Cast" && a.GetName() == "to" {
				if narrowed[protos.TensorProto_DataType(a.I)] != 0 {
					a.I = int64(protos.TensorProto_FLOAT)
				}
				if a.I == int64(protos.TensorProto_FLOAT) && isFloat && len(n.Input) == 1 && len(n.Output) == 1 {
					same[n.Output[0]] = n.Input[0]
				}
				isFloat = a.I == int64(protos.TensorProto_FLOAT)
			}
		}
		if len(n.GetOutput()) == 1 && same[n.Output[0]] != "" {
			continue
		}
		nodes = append(nodes, n)
		for _, out := range n.GetOutput() {
			floats[out] = isFloat
		}
	}
	for _, o := range q.graph.Output {
		if before, ok := same[o.GetName()]; ok {
			o.Name = before
		}
	}
	q.graph.Node = nodes
	return nil
}

// single converts a tensor of another type of floats to float32 in place.
func (q *quantised) single(t *protos.TensorProto) error {
	if narrowed[protos.TensorProto_DataType(t.DataType)] == 0 {
		return nil
	}
	values, err := q.halfValues(t)
	if err != nil {
		return err
	}
	t.DataType, t.RawData, t.Int32Data, t.DoubleData, t.ExternalData, t.DataLocation = int32(protos.TensorProto_FLOAT), nil, nil, nil, nil, protos.TensorProto_DEFAULT
	t.FloatData = values
	return nil
}

// halfValues returns the values of a tensor of another type of floats.
func (q *quantised) halfValues(t *protos.TensorProto) ([]float32, error) {
	shape, size, err := dims(t)
	if err != nil {
		return nil, err
	}
	kind := protos.TensorProto_DataType(t.DataType)
	each := bytesOf[kind]
	raw, err := stored(t, each*size, q.open)
	if err != nil {
		return nil, err
	}
	if len(raw) == 0 && len(t.DoubleData) == size {
		for _, v := range t.DoubleData {
			raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(v))
		}
	}
	if len(raw) == 0 && len(t.Int32Data) == size { // bits in whole numbers
		for _, v := range t.Int32Data {
			raw = binary.LittleEndian.AppendUint16(raw, uint16(v))
		}
	}
	if len(raw) != each*size {
		return nil, fmt.Errorf("shape %v has %d values of %d bits, but there are %d bytes", shape, size, 8*each, len(raw))
	}
	if err := q.spend(size); err != nil {
		return nil, err
	}
	values, err := weights.TensorAt(shape, narrowed[kind], bytes.NewReader(raw), 0)
	if err != nil {
		return nil, err
	}
	return values.Float32()
}
