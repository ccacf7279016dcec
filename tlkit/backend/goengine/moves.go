package goengine

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/goengine/kernels"
)

// sliceAttrs are the parameters of a slice; padAttrs those of a padding.
type (
	sliceAttrs struct{ starts, strides []int }
	padAttrs   []compute.PadAxis
)

// moves are operations that copy values to other places.
var moves = map[compute.OpType]bool{
	compute.OpTypeTranspose: true, compute.OpTypeSlice: true, compute.OpTypeConcatenate: true, compute.OpTypePad: true,
	compute.OpTypeReverse: true, compute.OpTypeBroadcastInDim: true,
}

// moveStep copies values to other places.
func moveStep(n *node) *maker {
	x := n.inputs[0]
	out := dims(n.outputs[0])
	m := kernels.Move{Dims: out, To: kernels.Strides(out), From: make([]int, len(out))}
	in := kernels.Strides(dims(x))
	switch n.op {
	case compute.OpTypeConcatenate:
		return concatenateStep(n)
	case compute.OpTypePad:
		return padStep(n)
	case compute.OpTypeTranspose:
		for i, axis := range n.attrs.([]int) {
			m.From[i] = in[axis]
		}
	case compute.OpTypeReverse:
		copy(m.From, in)
		for _, axis := range n.attrs.([]int) {
			m.FromStart += (out[axis] - 1) * in[axis]
			m.From[axis] = -in[axis]
		}
	case compute.OpTypeSlice:
		a := n.attrs.(sliceAttrs)
		for i, stride := range in {
			m.FromStart += a.starts[i] * stride
			m.From[i] = stride
			if len(a.strides) > 0 && a.strides[i] > 0 {
				m.From[i] *= a.strides[i]
			}
		}
	case compute.OpTypeBroadcastInDim:
		for i, axis := range n.attrs.([]int) {
			if dims(x)[i] > 1 {
				m.From[axis] = in[i]
			}
		}
	}
	plan, size := m.Plan(), n.outputs[0].shape.Size()
	return &maker{what: n.op.String(), reads: n.inputs, run: func(r *run, in, out []int, _ func(y []float32) kernels.After) {
		plan.Run(r.team(), r.output(out[0], size), r.floats(in[0]))
	}}
}

func concatenateStep(n *node) *maker {
	axis, out := n.attrs.(int), dims(n.outputs[0])
	if axis < 0 || axis >= len(out) { // one operand, whose axis nobody has checked
		return nil
	}
	to := kernels.Strides(out)
	plans := make([]*kernels.Planned, len(n.inputs))
	at := 0
	for i, x := range n.inputs {
		plans[i] = kernels.Move{Dims: dims(x), To: to, From: kernels.Strides(dims(x)), ToStart: at * to[axis]}.Plan()
		at += dims(x)[axis]
	}
	size := n.outputs[0].shape.Size()
	return &maker{what: n.op.String(), reads: n.inputs, run: func(r *run, in, out []int, _ func(y []float32) kernels.After) {
		y := r.output(out[0], size)
		for i, p := range plans {
			p.Run(r.team(), y, r.floats(in[i]))
		}
	}}
}

// padStep fills the result, and copies what is not cropped.
func padStep(n *node) *maker {
	x, out := n.inputs[0], dims(n.outputs[0])
	from, to := kernels.Strides(dims(x)), kernels.Strides(out)
	m := kernels.Move{Dims: slices.Clone(dims(x)), From: from, To: slices.Clone(to)}
	for i, a := range n.attrs.(padAttrs) {
		step := a.Interior + 1
		first := max(0, (-a.Start+step-1)/step) // values before it are cropped
		last := min(m.Dims[i]-1, floorDiv(out[i]-1-a.Start, step))
		m.Dims[i] = max(0, last-first+1)
		m.FromStart += first * from[i]
		m.ToStart += (a.Start + first*step) * to[i]
		m.To[i] *= step
	}
	plan, size := m.Plan(), n.outputs[0].shape.Size()
	return &maker{what: n.op.String(), reads: n.inputs, run: func(r *run, in, out []int, _ func(y []float32) kernels.After) {
		y := r.output(out[0], size)
		if plan.Size() < size {
			kernels.Fill(r.team(), y, r.floats(in[1])[0])
		}
		plan.Run(r.team(), y, r.floats(in[0]))
	}}
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// bytesStep converts bytes, such as those of images, to numbers.
func bytesStep(n *node) *maker {
	x, y := n.inputs[0], n.outputs[0]
	if x.shape.DType != dtypes.Uint8 || !isFloat(y) {
		return nil
	}
	size := y.shape.Size()
	return &maker{what: "numbers of bytes", reads: n.inputs, run: func(r *run, in, out []int, _ func(y []float32) kernels.After) {
		kernels.FromBytes(r.team(), r.output(out[0], size), r.slots[in[0]].flat.([]uint8))
	}}
}

// maxStep computes the largest values along the last axes.
func maxStep(n *node) *maker {
	d := dims(n.inputs[0])
	axes := slices.Sorted(slices.Values(n.attrs.([]int)))
	if len(axes) == 0 || axes[0]+len(axes) != len(d) || axes[len(axes)-1] != len(d)-1 {
		return nil
	}
	size := n.outputs[0].shape.Size()
	row := n.inputs[0].shape.Size() / size
	return &maker{what: "largest", reads: n.inputs, run: func(r *run, in, out []int, _ func(y []float32) kernels.After) {
		kernels.MaxRows(r.team(), r.output(out[0], size), r.floats(in[0]), row)
	}}
}
