package read

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gomlx/compute-onnx/support/protos"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// OpenBeside opens a file beside the .onnx file: torch.onnx.export stores large weights in one.
type OpenBeside func(name string) (r io.ReaderAt, size int64, err error)

// maxElements is more than any network has in one tensor.
const maxElements = 1 << 31

// dims returns the shape of an initializer.
func dims(t *protos.TensorProto) (shape []int, n int, err error) {
	n = 1
	for _, d := range t.Dims {
		if d < 0 || d > maxElements || (d > 0 && n > maxElements/int(d)) {
			return nil, 0, fmt.Errorf("shape %v is none", t.Dims)
		}
		shape = append(shape, int(d))
		n *= int(d)
	}
	return shape, n, nil
}

// hasData reports whether an initializer's values are in the file or beside it.
func hasData(t *protos.TensorProto) bool {
	return t.DataLocation == protos.TensorProto_EXTERNAL || len(t.RawData) > 0 || len(t.FloatData) > 0 || len(t.Int32Data) > 0 ||
		len(t.Int64Data) > 0 || len(t.DoubleData) > 0
}

// floats returns the values of a float32 initializer as a tensor, which is read on demand.
func floats(t *protos.TensorProto, shape []int, n int, open OpenBeside) (weights.Tensor, error) {
	switch {
	case t.DataLocation == protos.TensorProto_EXTERNAL:
		return external(t, shape, n, open)
	case len(t.RawData) == 4*n:
		return weights.TensorAt(shape, weights.F32, bytes.NewReader(t.RawData), 0)
	case len(t.RawData) == 0 && len(t.FloatData) == n:
		return weights.NewTensor(shape, t.FloatData)
	}
	return weights.Tensor{}, fmt.Errorf("shape %v has %d values, but there are %d bytes and %d numbers", shape, n, len(t.RawData), len(t.FloatData))
}

// external finds the values in a file beside the .onnx file: never elsewhere, whatever path the file names.
func external(t *protos.TensorProto, shape []int, n int, open OpenBeside) (weights.Tensor, error) {
	r, offset, err := externalBytes(t, 4*n, open)
	if err != nil {
		return weights.Tensor{}, err
	}
	return weights.TensorAt(shape, weights.F32, r, offset)
}

// externalBytes opens the file beside the .onnx file that has the size bytes of an initializer, and returns their
// offset in it.
func externalBytes(t *protos.TensorProto, size int, open OpenBeside) (r io.ReaderAt, offset int64, err error) {
	var location string
	length := int64(size)
	for _, e := range t.ExternalData {
		var err error
		switch e.Key {
		case "location":
			location = e.Value
		case "offset":
			offset, err = strconv.ParseInt(e.Value, 10, 64)
		case "length":
			length, err = strconv.ParseInt(e.Value, 10, 64)
		}
		if err != nil {
			return nil, 0, fmt.Errorf("its place in another file: %w", err)
		}
	}
	if location == "" || !filepath.IsLocal(location) || strings.ContainsAny(location, `\:`) {
		return nil, 0, fmt.Errorf("its values are in the file %.80q; only files in the folder of the .onnx file are read: export the network anew, with the values in the same file (torch.onnx.export with external_data=False)", location)
	}
	if open == nil {
		return nil, 0, fmt.Errorf("its values are in the file %s, which is not at hand", location)
	}
	r, have, err := open(location)
	if err != nil {
		return nil, 0, fmt.Errorf("its values are in the file %s: %w", location, err)
	}
	if length != int64(size) || offset < 0 || offset > have-length {
		return nil, 0, fmt.Errorf("its %d bytes would be %d at %d of %s, which has %d bytes; is it the right file?", size, length, offset, location, have)
	}
	return r, offset, nil
}

// stored returns the size bytes of an initializer, from the file or from one beside it; nil if its values are given as
// numbers.
func stored(t *protos.TensorProto, size int, open OpenBeside) ([]byte, error) {
	if t.DataLocation != protos.TensorProto_EXTERNAL {
		return t.RawData, nil
	}
	r, offset, err := externalBytes(t, size, open)
	if err != nil {
		return nil, err
	}
	raw := make([]byte, size)
	if _, err := r.ReadAt(raw, offset); err != nil {
		return nil, err
	}
	return raw, nil
}

// maxConstant is the largest number of elements of constants, which are kept with the graph and may be computed from
// one another.
const maxConstant = 1 << 22

// constantTypes are the types of tensors that are no variables, with the bytes of an element.
var constantTypes = map[protos.TensorProto_DataType]struct {
	dtype dtypes.DType
	size  int
}{
	protos.TensorProto_FLOAT: {dtypes.Float32, 4}, protos.TensorProto_INT64: {dtypes.Int64, 8}, protos.TensorProto_INT32: {dtypes.Int32, 4},
	protos.TensorProto_BOOL: {dtypes.Bool, 1}, protos.TensorProto_DOUBLE: {dtypes.Float64, 8},
}

// inline copies the values of a constant into the graph, if they are in another file, and decodes it.
func (n *Net) inline(t *protos.TensorProto, open OpenBeside) (*tensors.Tensor, error) {
	if t.DataLocation == protos.TensorProto_EXTERNAL {
		_, size, err := dims(t)
		if err != nil {
			return nil, err
		}
		if size > maxConstant {
			return nil, fmt.Errorf("a constant of %d values; at most %d are expected", size, maxConstant)
		}
		raw, err := stored(t, size*constantTypes[protos.TensorProto_DataType(t.DataType)].size, open)
		if err != nil {
			return nil, err
		}
		t.RawData, t.ExternalData, t.DataLocation = raw, nil, protos.TensorProto_DEFAULT
	}
	return constant(t)
}

// constant decodes a tensor that is no variable: shapes, axes, factors.
func constant(t *protos.TensorProto) (*tensors.Tensor, error) {
	shape, n, err := dims(t)
	if err != nil {
		return nil, err
	}
	if t.DataLocation == protos.TensorProto_EXTERNAL {
		return nil, errors.New("a constant in another file; expected it in the .onnx file")
	}
	if n > maxConstant {
		return nil, fmt.Errorf("a constant of %d values; at most %d are expected", n, maxConstant)
	}
	kind, ok := constantTypes[protos.TensorProto_DataType(t.DataType)]
	if !ok {
		return nil, fmt.Errorf("elements of type %v; expected FLOAT, INT64, INT32, DOUBLE or BOOL", protos.TensorProto_DataType(t.DataType))
	}
	raw, size, dtype := t.RawData, kind.size, kind.dtype
	given := map[dtypes.DType]int{dtypes.Float32: len(t.FloatData), dtypes.Int64: len(t.Int64Data), dtypes.Int32: len(t.Int32Data),
		dtypes.Bool: len(t.Int32Data), dtypes.Float64: len(t.DoubleData)}[dtype]
	if len(raw) != n*size && !(len(raw) == 0 && given == n) {
		return nil, fmt.Errorf("shape %v has %d values, but there are %d bytes and %d numbers", shape, n, len(raw), given)
	}
	out := tensors.FromShape(shapes.Make(dtype, shape...))
	out.MustMutableFlatData(func(flat any) {
		le := binary.LittleEndian
		switch flat := flat.(type) {
		case []float32:
			decode(flat, raw, t.FloatData, func(b []byte) float32 { return math.Float32frombits(le.Uint32(b)) })
		case []float64:
			decode(flat, raw, t.DoubleData, func(b []byte) float64 { return math.Float64frombits(le.Uint64(b)) })
		case []int64:
			decode(flat, raw, t.Int64Data, func(b []byte) int64 { return int64(le.Uint64(b)) })
		case []int32:
			decode(flat, raw, t.Int32Data, func(b []byte) int32 { return int32(le.Uint32(b)) })
		case []bool:
			for i := range flat {
				flat[i] = len(raw) > 0 && raw[i] != 0 || len(raw) == 0 && t.Int32Data[i] != 0
			}
		}
	})
	return out, nil
}

// decode fills a list of numbers from raw bytes, or from given numbers if there are none.
func decode[T any](out []T, raw []byte, given []T, number func([]byte) T) {
	if len(raw) == 0 {
		copy(out, given)
		return
	}
	size := len(raw) / len(out)
	for i := range out {
		out[i] = number(raw[i*size:])
	}
}

// ints returns the values of a constant of whole numbers.
func ints(t *tensors.Tensor) ([]int, bool) {
	var out []int
	ok := false
	err := t.ConstFlatData(func(flat any) {
		switch flat := flat.(type) {
		case []int64:
			ok = true
			for _, v := range flat {
				out = append(out, int(v))
			}
		case []int32:
			ok = true
			for _, v := range flat {
				out = append(out, int(v))
			}
		}
	})
	return out, ok && err == nil
}

// number returns the value of a constant float32 with one value.
func number(t *tensors.Tensor) (float64, bool) {
	if t == nil || t.Shape().Size() != 1 || t.DType() != dtypes.Float32 {
		return 0, false
	}
	var v float32
	err := tensors.ConstFlatData(t, func(flat []float32) { v = flat[0] })
	return float64(v), err == nil
}
