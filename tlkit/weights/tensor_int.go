package weights

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// NewInt64Tensor returns an I64 tensor of values in memory; len(values) must be the product of shape. The values are
// copied.
func NewInt64Tensor(shape []int, values []int64) (Tensor, error) {
	n, err := elements(shape)
	if err != nil {
		return Tensor{}, fmt.Errorf("weights: %w", err)
	}
	if n != len(values) {
		return Tensor{}, fmt.Errorf("weights: shape %v has %d elements, but %d values were given", shape, n, len(values))
	}
	data := make([]byte, 0, 8*n)
	for _, v := range values {
		data = binary.LittleEndian.AppendUint64(data, uint64(v))
	}
	return Tensor{Shape: append([]int{}, shape...), DType: I64, src: bytes.NewReader(data)}, nil
}
