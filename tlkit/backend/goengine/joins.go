package goengine

import (
	"slices"

	"github.com/gomlx/compute"
)

// The gradient of a slice is its adjoint among zeros, and where a value has several slices, such as the
// queries, keys and values of an attention, these are added. Slices that lie next to each other are put
// together instead, without the zeros.

// island is what a Pad puts among zeros along one axis.
type island struct {
	parts         []val // next to each other
	axis          int
	before, after int // zeros
	size          int // of the parts
	zero          val
}

// islandOf returns what a value has among zeros.
func islandOf(v val) (island, bool) {
	own, ok := v.(*value)
	if !ok || own.node.op != compute.OpTypePad {
		return island{}, false
	}
	x, fill := own.node.inputs[0], own.node.inputs[1]
	if zeros, ok := fill.node.attrs.([]float32); !ok || fill.node.op != compute.OpTypeConstant || len(zeros) != 1 || zeros[0] != 0 {
		return island{}, false
	}
	i := island{parts: []val{x}, axis: -1, zero: fill}
	for axis, p := range own.node.attrs.(padAttrs) {
		switch {
		case p == (compute.PadAxis{}):
		case i.axis >= 0 || p.Start < 0 || p.End < 0 || p.Interior != 0:
			return island{}, false
		default:
			i.axis, i.before, i.after, i.size = axis, p.Start, p.End, x.shape.Dimensions[axis]
		}
	}
	if x.node.op == compute.OpTypeConcatenate && x.node.attrs.(int) == i.axis {
		i.parts = nil
		for _, part := range x.node.inputs {
			i.parts = append(i.parts, part)
		}
	}
	return i, i.axis >= 0
}

// joined returns the sum of two values of which one begins where the other ends; otherwise nil.
func (f *Function) joined(a, b val) (val, error) {
	first, ok := islandOf(a)
	second, both := islandOf(b)
	if !ok || !both || first.axis != second.axis {
		return nil, nil
	}
	if second.before < first.before {
		first, second = second, first
	}
	if first.before+first.size != second.before {
		return nil, nil
	}
	whole, err := f.Concatenate(first.axis, slices.Concat(first.parts, second.parts)...)
	if err != nil || first.before == 0 && second.after == 0 {
		return whole, err
	}
	axes := make([]compute.PadAxis, whole.(*value).shape.Rank())
	axes[first.axis] = compute.PadAxis{Start: first.before, End: second.after}
	return f.Pad(whole, first.zero, axes...)
}
