package quantize

import (
	"encoding/binary"
	"math"

	onnx "github.com/gomlx/compute-onnx/support/protos"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"
)

// Smallest is the size, in values, from which on a tensor is worth storing in fewer bits.
const Smallest = 64

// Half stores each float32 initializer of [Smallest] values and more in 16 bits, as float16 or, with brain, as
// bfloat16, and casts it back to float32 in front of its uses: the file has half the size, and the network computes in
// float32 as before. It returns the number of tensors stored so. A value beyond float16's largest, 65504, keeps its
// tensor in 32 bits.
func Half(m *onnx.ModelProto, brain bool) int {
	g := index(m)
	kind := onnx.TensorProto_FLOAT16
	if brain {
		kind = onnx.TensorProto_BFLOAT16
	}
	var casts []*onnx.NodeProto
	for _, t := range g.Initializer {
		values := g.floats(t.Name)
		if len(values) < Smallest || len(g.users[t.Name]) == 0 {
			continue
		}
		raw, ok := Halves(values, brain)
		if !ok {
			continue
		}
		wide := t.Name + "#float32"
		g.rename(t.Name, wide)
		t.RawData, t.FloatData, t.DataType = raw, nil, int32(kind)
		casts = append(casts, &onnx.NodeProto{OpType: "Cast", Name: wide, Input: []string{t.Name}, Output: []string{wide},
			Attribute: []*onnx.AttributeProto{{Name: "to", Type: onnx.AttributeProto_INT, I: int64(onnx.TensorProto_FLOAT)}}})
	}
	g.Node = append(casts, g.Node...)
	return len(casts)
}

// Halves returns the bytes of numbers in float16 or, with brain, in bfloat16, each rounded to the nearest; false if one
// does not fit in float16.
func Halves(values []float32, brain bool) ([]byte, bool) {
	raw := make([]byte, 0, 2*len(values))
	for _, v := range values {
		if brain {
			raw = binary.LittleEndian.AppendUint16(raw, bfloat16.FromFloat32(v).Bits())
			continue
		}
		if !(math.Abs(float64(v)) <= 65504) {
			return nil, false
		}
		raw = binary.LittleEndian.AppendUint16(raw, float16.FromFloat32(v).Bits())
	}
	return raw, true
}
