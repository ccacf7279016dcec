package weights

import (
	"fmt"
	"io"
	"math"

	onnx "github.com/gomlx/compute-onnx/support/protos"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// Field numbers of ONNX's messages (onnx.proto).
const (
	onnxModelGraph    protowire.Number = 7
	onnxModelMetadata protowire.Number = 14
	onnxGraphTensor   protowire.Number = 5
	onnxTensorDims    protowire.Number = 1
	onnxTensorType    protowire.Number = 2
	onnxTensorFloats  protowire.Number = 4
	onnxTensorName    protowire.Number = 8
	onnxTensorRaw     protowire.Number = 9
	onnxTensorPlace   protowire.Number = 14
)

// onnxTypes are the element types that both formats have.
var onnxTypes = map[DType]onnx.TensorProto_DataType{
	F32: onnx.TensorProto_FLOAT, F64: onnx.TensorProto_DOUBLE, F16: onnx.TensorProto_FLOAT16, BF16: onnx.TensorProto_BFLOAT16,
	I64: onnx.TensorProto_INT64, I32: onnx.TensorProto_INT32, I16: onnx.TensorProto_INT16, I8: onnx.TensorProto_INT8,
	U8: onnx.TensorProto_UINT8, Bool: onnx.TensorProto_BOOL,
}

// WriteONNX writes an ONNX model with the entries as its initializers, in addition to those that it has already. The
// values are streamed: no copy of them is made in memory. As with WriteSafetensors, the file appears whole or not at
// all. A model of 2 GiB or more is an error: protocol buffers are limited to that.
func WriteONNX(path string, model *onnx.ModelProto, entries []Entry) error {
	if err := checkEntries(entries, func(d DType) bool { _, ok := onnxTypes[d]; return ok }); err != nil {
		return fmt.Errorf("weights: writing %s: %w", path, err)
	}
	graph, err := proto.Marshal(model.Graph)
	if err != nil {
		return fmt.Errorf("weights: writing %s: %w", path, err)
	}
	heads := make([][]byte, len(entries))
	total := len(graph)
	for i, e := range entries {
		if heads[i], err = tensorHead(e); err != nil {
			return fmt.Errorf("weights: writing %s: %w", path, err)
		}
		total += len(heads[i]) + e.NumBytes()
	}
	rest := proto.CloneOf(model)
	rest.Graph = nil
	head, err := proto.Marshal(rest)
	if err != nil {
		return fmt.Errorf("weights: writing %s: %w", path, err)
	}
	if total+len(head) > math.MaxInt32 {
		return fmt.Errorf("weights: writing %s: an ONNX file holds less than 2 GiB, this model needs %.1f; write .safetensors or .pth",
			path, float64(total)/(1<<30))
	}
	head = protowire.AppendTag(head, onnxModelGraph, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(total))
	return writeAtomic(path, func(w io.Writer) error {
		for _, part := range [][]byte{head, graph} {
			if _, err := w.Write(part); err != nil {
				return err
			}
		}
		for i, e := range entries {
			if _, err := w.Write(heads[i]); err != nil {
				return err
			}
			if err := e.chunks(writer(w)); err != nil {
				return fmt.Errorf("tensor %q: %w", e.Key, err)
			}
		}
		return nil
	})
}

// tensorHead returns all of an initializer except its values, which follow it.
func tensorHead(e Entry) ([]byte, error) {
	t := &onnx.TensorProto{Name: e.Key, DataType: int32(onnxTypes[e.DType])}
	for _, d := range e.Shape {
		t.Dims = append(t.Dims, int64(d))
	}
	body, err := proto.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("tensor %q: %w", e.Key, err)
	}
	body = protowire.AppendTag(body, onnxTensorRaw, protowire.BytesType)
	body = protowire.AppendVarint(body, uint64(e.NumBytes()))
	head := protowire.AppendTag(nil, onnxGraphTensor, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(len(body)+e.NumBytes()))
	return append(head, body...), nil
}
