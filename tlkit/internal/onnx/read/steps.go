package read

import (
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute-onnx/support/protos"
)

// steps are the scales and zero points of a node, and the type of its whole numbers.
type steps struct {
	scale []float32
	zero  []int64
	kind  protos.TensorProto_DataType
	shape []int // of scale
	block int   // the number of values along the axis that have one scale; 0: all of a channel
}

// axisAndBlock returns two attributes of a node, with ONNX's defaults.
func axisAndBlock(n *protos.NodeProto) (axis, block int) {
	axis = 1
	for _, a := range n.Attribute {
		switch a.GetName() {
		case "axis":
			axis = int(a.I)
		case "block_size":
			block = int(a.I)
		}
	}
	return axis, block
}

func (q *quantised) steps(n *protos.NodeProto) (s steps, err error) {
	t := q.inits[n.Input[1]]
	_, s.block = axisAndBlock(n)
	if t == nil || protos.TensorProto_DataType(t.DataType) != protos.TensorProto_FLOAT || len(t.Dims) > 1 && s.block == 0 {
		return s, fmt.Errorf("its scale %.60q is no float initializer: one number, one per channel, or one per block of block_size", n.Input[1])
	}
	if s.shape, _, err = dims(t); err != nil {
		return s, err
	}
	if s.scale, err = q.floats(t); err != nil {
		return s, err
	}
	for _, v := range s.scale {
		if !(v > 0) && n.OpType == "QuantizeLinear" || math.IsInf(float64(v), 0) || v != v {
			return s, fmt.Errorf("a scale of %v; expected a positive number", v) // quantisers of weights write negative ones, too
		}
	}
	s.kind, s.zero = protos.TensorProto_UINT8, make([]int64, len(s.scale))
	for _, a := range n.Attribute {
		if a.GetName() == "output_dtype" && a.I != 0 && n.OpType == "QuantizeLinear" {
			s.kind = protos.TensorProto_DataType(a.I)
		}
	}
	if w := q.inits[n.Input[0]]; w != nil && n.OpType == "DequantizeLinear" {
		s.kind = protos.TensorProto_DataType(w.DataType)
	}
	if len(n.Input) == 3 && n.Input[2] != "" {
		z := q.inits[n.Input[2]]
		if z == nil {
			return s, fmt.Errorf("its zero point %.60q is no initializer", n.Input[2])
		}
		s.kind = protos.TensorProto_DataType(z.DataType)
		if s.zero, err = q.whole(z); err != nil {
			return s, err
		}
	}
	if _, ok := wholeTypes[s.kind]; !ok {
		return s, fmt.Errorf("numbers of type %v; expected whole ones of 4, 8, 16 or 32 bits", s.kind)
	}
	if len(s.zero) != len(s.scale) || len(s.scale) == 0 {
		return s, fmt.Errorf("%d zero points for %d scales", len(s.zero), len(s.scale))
	}
	return s, nil
}

// channels returns a function from the place of a value to that of its scale.
func (s steps) channels(n *protos.NodeProto, shape []int) (func(i int) int, error) {
	if len(s.scale) == 1 {
		return func(int) int { return 0 }, nil
	}
	axis, _ := axisAndBlock(n)
	if axis < 0 {
		axis += len(shape)
	}
	block := max(s.block, 1)
	if axis < 0 || axis >= len(shape) || s.block < 0 {
		return nil, fmt.Errorf("scales along axis %d of shape %v in blocks of %d", axis, shape, s.block)
	}
	length, scales := shape[axis], (shape[axis]+block-1)/block
	expected := []int{scales}
	if s.block > 0 {
		expected = slices.Clone(shape)
		expected[axis] = scales
	}
	if !slices.Equal(s.shape, expected) {
		return nil, fmt.Errorf("scales of shape %v for values of shape %v; expected %v", s.shape, shape, expected)
	}
	inner := 1
	for _, d := range shape[axis+1:] {
		inner *= d
	}
	if s.block == 0 {
		return func(i int) int { return i / inner % length }, nil
	}
	return func(i int) int { return (i/(inner*length)*scales+i/inner%length/block)*inner + i%inner }, nil
}

// stepsOf returns the steps of an initializer's values, and the function of channels.
func (q *quantised) stepsOf(n *protos.NodeProto, t *protos.TensorProto) (steps, func(i int) int, error) {
	s, err := q.steps(n)
	if err != nil {
		return s, nil, err
	}
	shape, _, err := dims(t)
	if err != nil {
		return s, nil, err
	}
	at, err := s.channels(n, shape)
	return s, at, err
}
