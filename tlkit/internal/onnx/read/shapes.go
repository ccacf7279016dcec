package read

import (
	"math"
	"slices"

	"github.com/gomlx/compute-onnx/support/protos"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// Exporters write shapes as little programs (Shape, Gather, Concat, Reshape), and attention as many rearrangements.
// onnx-gomlx knows all of them, but collects garbage three times for each node it is given; so the usual forms are here.

func init() {
	for op, fn := range map[string]func(r *run, v *node) (value, bool){
		"Unsqueeze": unsqueeze, "Squeeze": squeeze, "Softmax": softmax, "Gather": gather, "Slice": slice, "Expand": expand,
	} {
		natives[op] = fn
	}
}

// axesOf are the axes of a node: an attribute, or since opset 13 an input.
func (r *run) axesOf(v *node) ([]int, bool) {
	if a := v.attrs["axes"]; a != nil {
		return v.ints("axes", 0, 0), true
	}
	c := r.constant(v, 1)
	if c == nil {
		return nil, false
	}
	return ints(c)
}

func unsqueeze(r *run, v *node) (value, bool) {
	x, ok1 := r.input(v, 0)
	axes, ok2 := r.axesOf(v)
	if !ok1 || !ok2 || x.n == nil {
		return value{}, false
	}
	d := x.dims()
	rank := len(d) + len(axes)
	out := make([]int, 0, rank)
	for i := range rank {
		if slices.Contains(axes, i) || slices.Contains(axes, i-rank) {
			out = append(out, 1)
		} else if len(d) > 0 {
			out, d = append(out, d[0]), d[1:]
		}
	}
	if len(out) != rank || len(d) != 0 {
		return value{}, false
	}
	return value{n: Reshape(r.node(x), out...)}, true
}

func squeeze(r *run, v *node) (value, bool) {
	x, ok1 := r.input(v, 0)
	axes, ok2 := r.axesOf(v)
	if !ok1 || !ok2 || x.n == nil {
		return value{}, false
	}
	var out []int
	for i, d := range x.dims() {
		if slices.Contains(axes, i) || slices.Contains(axes, i-len(x.dims())) {
			if d != 1 {
				return value{}, false
			}
			continue
		}
		out = append(out, d)
	}
	if len(out) == 0 {
		return value{}, false
	}
	return value{n: Reshape(r.node(x), out...)}, true
}

func softmax(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	if !ok || x.n == nil || x.last {
		return value{}, false
	}
	if axis := v.int("axis", -1); axis != -1 && axis != x.n.Rank()-1 {
		return value{}, false
	}
	return value{n: Softmax(x.n, -1)}, true
}

// gather with one index: a slice without its axis.
func gather(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	c := r.constant(v, 1)
	if !ok || x.n == nil || c == nil || c.Rank() != 0 {
		return value{}, false
	}
	at, ok := ints(c)
	d := x.dims()
	axis := v.int("axis", 0)
	if axis < 0 {
		axis += len(d)
	}
	if !ok || len(d) < 2 || axis < 0 || axis >= len(d) {
		return value{}, false
	}
	i := at[0]
	if i < 0 {
		i += d[axis]
	}
	if i < 0 || i >= d[axis] {
		return value{}, false
	}
	y := SliceAxis(r.node(x), axis, AxisRange(i, i+1))
	return value{n: Reshape(y, slices.Delete(slices.Clone(d), axis, axis+1)...)}, true
}

// slice along axes with step 1.
func slice(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	if !ok || x.n == nil || len(v.in) < 3 {
		return value{}, false
	}
	d := x.dims()
	list := func(i int, def []int) ([]int, bool) {
		if i >= len(v.in) || v.in[i] == "" {
			return def, true
		}
		c := r.constant(v, i)
		if c == nil {
			return nil, false
		}
		return ints(c)
	}
	starts, ok1 := list(1, nil)
	ends, ok2 := list(2, nil)
	every := make([]int, len(starts))
	for i := range every {
		every[i] = i
	}
	axes, ok3 := list(3, every)
	steps, ok4 := list(4, slices.Repeat([]int{1}, len(starts)))
	if !ok1 || !ok2 || !ok3 || !ok4 || len(ends) != len(starts) || len(axes) != len(starts) || len(steps) != len(starts) {
		return value{}, false
	}
	y := r.node(x)
	for i, axis := range axes {
		if axis < 0 {
			axis += len(d)
		}
		if axis < 0 || axis >= len(d) || steps[i] != 1 {
			return value{}, false
		}
		clamp := func(at int) int {
			if at < 0 {
				at += d[axis]
			}
			return min(max(at, 0), d[axis])
		}
		from, to := clamp(starts[i]), clamp(ends[i])
		if from >= to {
			return value{}, false
		}
		y = SliceAxis(y, axis, AxisRange(from, to))
	}
	return value{n: y}, true
}

// expand to a shape that is known: each axis as in the shape, or kept where the shape has 1.
func expand(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	c := r.constant(v, 1)
	if !ok || x.n == nil || c == nil {
		return value{}, false
	}
	shape, ok := ints(c)
	if !ok || len(shape) < len(x.dims()) {
		return value{}, false
	}
	y := withRank(r.node(x), len(shape))
	out := slices.Clone(shape)
	size := 1
	for i, d := range y.Shape().Dimensions {
		if out[i] == 1 {
			out[i] = d
		}
		if d != 1 && d != out[i] || out[i] < 1 || size > maxValue/out[i] {
			return value{}, false
		}
		size *= out[i]
	}
	return value{n: BroadcastToDims(y, out...)}, true
}

// split along an axis, into parts that the file names or that are equal.
func (r *run) split(v *node) ([]value, bool) {
	x, ok := r.input(v, 0)
	if !ok || x.n == nil {
		return nil, false
	}
	d := x.dims()
	axis := v.int("axis", 0)
	if axis < 0 {
		axis += len(d)
	}
	if axis < 0 || axis >= len(d) {
		return nil, false
	}
	sizes := v.ints("split", 0, 0)
	if len(v.in) > 1 && v.in[1] != "" {
		c := r.constant(v, 1)
		if c == nil {
			return nil, false
		}
		if sizes, ok = ints(c); !ok {
			return nil, false
		}
	} else if len(sizes) == 0 {
		if d[axis]%len(v.out) != 0 {
			return nil, false
		}
		sizes = slices.Repeat([]int{d[axis] / len(v.out)}, len(v.out))
	}
	in := r.node(x)
	var out []value
	at := 0
	for _, size := range sizes {
		if size < 1 || at+size > d[axis] {
			return nil, false
		}
		out = append(out, value{n: SliceAxis(in, axis, AxisRange(at, at+size))})
		at += size
	}
	return out, at == d[axis] && len(out) == len(v.out)
}

// whole is a constant of whole numbers: one, or a list of them.
type whole struct {
	v      []int64
	scalar bool
}

// smallWhole reads a constant of int64 with at most one axis.
func smallWhole(c *tensors.Tensor) (whole, bool) {
	var w whole
	if c == nil || c.Rank() > 1 || c.Shape().Size() > 64 {
		return w, false
	}
	err := tensors.ConstFlatData(c, func(flat []int64) { w.v = slices.Clone(flat) })
	w.scalar = c.Rank() == 0
	return w, err == nil && len(w.v) > 0
}

func (w whole) tensor() *tensors.Tensor {
	if w.scalar {
		return tensors.FromScalar(w.v[0])
	}
	return tensors.FromFlatDataAndDimensions(w.v, len(w.v))
}

// foldSmall computes what exporters do with shapes.
func foldSmall(v *node, in []value, r *run) (value, bool) {
	if y, ok := foldNumber(v, in); ok {
		return y, true
	}
	var w []whole
	for i, x := range in {
		if v.in[i] == "" || x.c.DType().String() != "Int64" {
			return value{}, false
		}
		one, ok := smallWhole(x.c)
		if !ok {
			return value{}, false
		}
		w = append(w, one)
	}
	answer := func(w whole) (value, bool) {
		if len(w.v) == 0 {
			return value{}, false
		}
		return value{c: w.tensor()}, true
	}
	arithmetic := map[string]func(a, b int64) int64{
		"Add": func(a, b int64) int64 { return a + b }, "Sub": func(a, b int64) int64 { return a - b }, "Mul": func(a, b int64) int64 { return a * b },
	}
	if v.op == "Range" && len(w) == 3 && len(w[0].v)*len(w[1].v)*len(w[2].v) == 1 && w[2].v[0] != 0 {
		var out whole
		for i := w[0].v[0]; (w[2].v[0] > 0) == (i < w[1].v[0]) && i != w[1].v[0]; i += w[2].v[0] {
			if len(out.v) == maxNumber || i > maxNumber || i < -maxNumber {
				return value{}, false
			}
			out.v = append(out.v, i)
		}
		return answer(out)
	}
	switch {
	case v.op == "Gather" && len(w) == 2 && v.int("axis", 0) == 0 && !w[0].scalar:
		out := whole{scalar: w[1].scalar}
		for _, i := range w[1].v {
			if i < 0 {
				i += int64(len(w[0].v))
			}
			if i < 0 || i >= int64(len(w[0].v)) {
				return value{}, false
			}
			out.v = append(out.v, w[0].v[i])
		}
		return answer(out)
	case v.op == "Concat" && v.int("axis", 0) == 0:
		var out whole
		for _, x := range w {
			if x.scalar {
				return value{}, false
			}
			out.v = append(out.v, x.v...)
		}
		return answer(out)
	case v.op == "Reshape" && len(w) == 2 && !w[1].scalar && len(w[1].v) == 1 && (w[1].v[0] == -1 || w[1].v[0] == int64(len(w[0].v))):
		return answer(whole{v: w[0].v})
	case v.op == "Unsqueeze" && len(w) >= 1 && w[0].scalar:
		if axes, ok := r.axesOf(v); ok && (slices.Equal(axes, []int{0}) || slices.Equal(axes, []int{-1})) {
			return answer(whole{v: w[0].v})
		}
	case v.op == "Squeeze" && len(w) >= 1 && !w[0].scalar && len(w[0].v) == 1:
		if axes, ok := r.axesOf(v); ok && (slices.Equal(axes, []int{0}) || slices.Equal(axes, []int{-1})) {
			return answer(whole{v: w[0].v, scalar: true})
		}
	case v.op == "Slice" && len(w) >= 3 && !w[0].scalar:
		n := int64(len(w[0].v))
		if len(w[1].v) != 1 || len(w[2].v) != 1 || len(w) > 3 && w[3].v[0] != 0 || len(w) > 4 && w[4].v[0] != 1 {
			return value{}, false
		}
		clamp := func(i int64) int64 {
			if i < 0 {
				i += n
			}
			return min(max(i, 0), n)
		}
		from, to := clamp(w[1].v[0]), clamp(w[2].v[0])
		if from < to {
			return answer(whole{v: w[0].v[from:to]})
		}
	case arithmetic[v.op] != nil && len(w) == 2:
		a, b := w[0], w[1]
		if len(a.v) != len(b.v) && len(a.v) != 1 && len(b.v) != 1 {
			return value{}, false
		}
		out := whole{scalar: a.scalar && b.scalar}
		for i := range max(len(a.v), len(b.v)) {
			out.v = append(out.v, arithmetic[v.op](a.v[min(i, len(a.v)-1)], b.v[min(i, len(b.v)-1)]))
		}
		return answer(out)
	}
	return value{}, false
}

// foldNumber computes with single numbers, such as the scale of attention, and changes their type.
func foldNumber(v *node, in []value) (value, bool) {
	var x [2]float64
	if len(in) == 0 || len(in) > 2 || in[0].c == nil || in[0].c.Shape().Size() != 1 {
		return value{}, false
	}
	shape, dtype := in[0].c.Shape().Dimensions, in[0].c.DType()
	for i, one := range in {
		if one.c == nil || one.c.Shape().Size() != 1 || one.c.DType() != dtype {
			return value{}, false
		}
		if one.c.Rank() > len(shape) {
			shape = one.c.Shape().Dimensions
		}
		if list, ok := ints(one.c); ok && len(list) == 1 {
			x[i] = float64(list[0])
		} else if f, ok := number(one.c); ok {
			x[i] = f
		} else {
			return value{}, false
		}
	}
	if math.Abs(x[0]) > 1<<40 || math.Abs(x[1]) > 1<<40 {
		return value{}, false
	}
	whole := dtype != dtypes.Float32
	var y float64
	switch {
	case v.op == "Cast" && len(in) == 1:
		switch protos.TensorProto_DataType(v.int("to", 0)) {
		case protos.TensorProto_FLOAT:
			dtype = dtypes.Float32
		case protos.TensorProto_INT64:
			dtype = dtypes.Int64
		default:
			return value{}, false
		}
		y = x[0]
	case v.op == "Sqrt" && len(in) == 1 && !whole:
		y = math.Sqrt(x[0])
	case v.op == "Mul" && len(in) == 2 && !whole:
		y = x[0] * x[1]
	case v.op == "Div" && len(in) == 2 && (!whole || x[1] != 0):
		y = x[0] / x[1]
	default:
		return value{}, false
	}
	switch dtype {
	case dtypes.Float32:
		return value{c: tensors.FromFlatDataAndDimensions([]float32{float32(y)}, shape...)}, true
	case dtypes.Int64:
		return value{c: tensors.FromFlatDataAndDimensions([]int64{int64(y)}, shape...)}, true
	}
	return value{}, false
}
