package read

import (
	"math"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute-onnx/support/protos"
	"github.com/gomlx/compute/dtypes"
	_ "github.com/gomlx/compute/gobackend" // computes constants
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/support/exceptions"
)

// Exporters write shapes as little programs (Shape, Gather, Concat, Reshape). onnx-gomlx computes them too, but
// collects garbage three times for each node, so the usual forms are computed here.

func constantNode(r *run, v *node) (value, bool) {
	switch a := v.attrs["value"]; {
	case a != nil && a.T != nil:
		c, err := constant(a.T)
		if err != nil {
			panic(err)
		}
		return value{c: c}, true
	}
	if a := v.attrs["value_float"]; a != nil {
		return value{c: tensors.FromScalar(a.F)}, true
	}
	if a := v.attrs["value_int"]; a != nil {
		return value{c: tensors.FromScalar(a.I)}, true
	}
	if a := v.attrs["value_ints"]; a != nil && len(a.Ints) > 0 {
		return value{c: tensors.FromFlatDataAndDimensions(slices.Clone(a.Ints), len(a.Ints))}, true
	}
	if a := v.attrs["value_floats"]; a != nil && len(a.Floats) > 0 {
		return value{c: tensors.FromFlatDataAndDimensions(slices.Clone(a.Floats), len(a.Floats))}, true
	}
	exceptions.Panicf("a constant without a value that is a tensor or a number")
	return value{}, false
}

// constantOfShape is computed here, where the size that the file claims can be checked first.
func constantOfShape(r *run, v *node) (value, bool) {
	c := r.constant(v, 0)
	if c == nil {
		return value{}, false
	}
	shape, ok := ints(c)
	size := 1
	for _, d := range shape {
		if d < 0 || d > 0 && size > maxConstant/d {
			exceptions.Panicf("a constant of shape %v", shape)
		}
		size *= d
	}
	if !ok || size == 0 {
		return value{}, false
	}
	var of *tensors.Tensor
	if a := v.attrs["value"]; a != nil && a.T != nil {
		var err error
		if of, err = constant(a.T); err != nil {
			panic(err)
		}
		if of.Shape().Size() != 1 {
			exceptions.Panicf("a value of %d elements, expected one", of.Shape().Size())
		}
	}
	if of == nil {
		return value{c: filled(float32(0), size, shape)}, true
	}
	var out value
	of.MustConstFlatData(func(flat any) {
		switch flat := flat.(type) {
		case []float32:
			out.c = filled(flat[0], size, shape)
		case []int64:
			out.c = filled(flat[0], size, shape)
		case []int32:
			out.c = filled(flat[0], size, shape)
		case []bool:
			out.c = filled(flat[0], size, shape)
		}
	})
	return out, out.c != nil
}

func filled[T float32 | int64 | int32 | bool](v T, size int, shape []int) *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(slices.Repeat([]T{v}, size), shape...)
}

// castLike gives a value the type of another.
func castLike(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	like, ok2 := r.input(v, 1)
	if !ok || !ok2 {
		return value{}, false
	}
	switch {
	case x.dtype() == like.dtype():
		return x, true
	case x.n != nil:
		return x.with(ConvertDType(x.n, like.dtype())), true
	}
	to := map[dtypes.DType]protos.TensorProto_DataType{dtypes.Float32: protos.TensorProto_FLOAT, dtypes.Float64: protos.TensorProto_DOUBLE,
		dtypes.Int64: protos.TensorProto_INT64, dtypes.Int32: protos.TensorProto_INT32, dtypes.Bool: protos.TensorProto_BOOL}[like.dtype()]
	attr := &protos.AttributeProto{Name: "to", Type: protos.AttributeProto_INT, I: int64(to)}
	cast := &node{op: "Cast", in: v.in[:1], out: v.out, attrs: map[string]*protos.AttributeProto{"to": attr},
		proto: &protos.NodeProto{OpType: "Cast", Input: v.in[:1], Output: v.out, Attribute: []*protos.AttributeProto{attr}}}
	return r.fold(cast, []value{x})[0], true
}

// fold computes a node of constants on the pure-Go engine.
func (r *run) fold(v *node, in []value) []value {
	backend, err := compute.NewWithConfig("go")
	if err != nil {
		panic(err)
	}
	defer backend.Finalize()
	exec := MustNewExec(backend, func(g *Graph) []*Node {
		out := r.constants(g, v, in)
		for _, n := range out {
			if n.Shape().Size() > maxConstant {
				exceptions.Panicf("a constant of shape %s", n.Shape())
			}
		}
		return out
	})
	defer exec.Finalize()
	results := exec.MustCall()
	out := make([]value, len(results))
	for i, t := range results {
		local, err := t.LocalClone()
		if err != nil {
			panic(err)
		}
		out[i] = value{c: local}
	}
	return out
}

// constants builds a node of constants: with the operators here if they have its form, which avoids onnx-gomlx's
// garbage collections, else with onnx-gomlx.
func (r *run) constants(g *Graph, v *node, in []value) []*Node {
	nodes := make([]*Node, len(in))
	sub := &run{net: r.net, g: g, batches: 1, vals: map[string]value{}, taken: map[*variable]bool{}}
	for i, x := range in {
		if x.c == nil {
			continue
		}
		nodes[i] = Const(g, x.c)
		if i == 0 || pointwise[v.op] || v.op == "Concat" || v.op == "MatMul" {
			x = value{n: nodes[i]} // the others are shapes and axes
		}
		sub.vals[r.net.original(v.in[i])] = x
	}
	if native := natives[v.op]; native != nil && len(v.out) == 1 {
		if y, ok := native(sub, v); ok && y.n != nil {
			return []*Node{y.n}
		}
	}
	return call(g, v, nodes, r.net.opset)
}

// whole is a small constant of whole numbers.
type whole struct {
	v    []int64
	dims []int
}

// maxWhole is the largest number of elements of a constant that is computed here.
const maxWhole = 64

// smallWhole reads a constant of int64.
func smallWhole(c *tensors.Tensor) (whole, bool) {
	if c == nil || c.DType() != dtypes.Int64 || c.Shape().Size() > maxWhole {
		return whole{}, false
	}
	w := whole{dims: slices.Clone(c.Shape().Dimensions)}
	err := tensors.ConstFlatData(c, func(flat []int64) { w.v = slices.Clone(flat) })
	return w, err == nil && len(w.v) > 0
}

func (w whole) tensor() *tensors.Tensor {
	if len(w.dims) == 0 {
		return tensors.FromScalar(w.v[0])
	}
	return tensors.FromFlatDataAndDimensions(w.v, w.dims...)
}

// isList reports whether there is one axis.
func (w whole) isList() bool { return len(w.dims) == 1 }

// pick returns the entries of an axis by their numbers, which are valid.
func (w whole) pick(axis int, at []int) whole {
	inner := sizeOfDims(w.dims[axis+1:])
	out := whole{dims: slices.Clone(w.dims)}
	out.dims[axis] = len(at)
	for begin := 0; begin < len(w.v); begin += w.dims[axis] * inner {
		for _, i := range at {
			out.v = append(out.v, w.v[begin+i*inner:][:inner]...)
		}
	}
	return out
}

// transposed changes the axes; perm is a permutation.
func (w whole) transposed(perm []int) whole {
	strides := make([]int, len(w.dims))
	for i, stride := len(w.dims)-1, 1; i >= 0; i-- {
		strides[i] = stride
		stride *= w.dims[i]
	}
	out := whole{v: make([]int64, len(w.v))}
	for _, a := range perm {
		out.dims = append(out.dims, w.dims[a])
	}
	for i := range out.v {
		from, rest := 0, i
		for a := len(perm) - 1; a >= 0; a-- {
			from += rest % out.dims[a] * strides[perm[a]]
			rest /= out.dims[a]
		}
		out.v[i] = w.v[from]
	}
	return out
}

// foldSmall computes exporters' operations on shapes; it returns false for all others.
func foldSmall(v *node, in []value, r *run) (value, bool) {
	if y, ok := foldNumber(v, in); ok {
		return y, true
	}
	fn := wholeOps[v.op]
	if fn == nil || len(in) == 0 {
		return value{}, false
	}
	var w []whole
	for i, x := range in {
		one, ok := smallWhole(x.c)
		if v.in[i] == "" || !ok {
			return value{}, false
		}
		w = append(w, one)
	}
	out, ok := fn(r, v, w)
	if !ok || len(out.v) == 0 || len(out.v) != sizeOfDims(out.dims) {
		return value{}, false
	}
	return value{c: out.tensor()}, true
}

// wholeOps compute with whole numbers. It is filled in init, since the functions refer to it.
var wholeOps map[string]func(r *run, v *node, in []whole) (whole, bool)

func init() {
	wholeOps = map[string]func(r *run, v *node, in []whole) (whole, bool){
		"Add":   wholeArithmetic(func(a, b int64) int64 { return a + b }),
		"Sub":   wholeArithmetic(func(a, b int64) int64 { return a - b }),
		"Mul":   wholeArithmetic(func(a, b int64) int64 { return a * b }),
		"Range": wholeRange, "Gather": wholeGather, "Concat": wholeConcat, "Reshape": wholeReshape, "Unsqueeze": wholeUnsqueeze,
		"Squeeze": wholeSqueeze, "Slice": wholeSlice, "Transpose": wholeTranspose,
	}
}

// wholeArithmetic computes on lists of one length, or a single number and a list.
func wholeArithmetic(fn func(a, b int64) int64) func(r *run, v *node, in []whole) (whole, bool) {
	return func(_ *run, _ *node, in []whole) (whole, bool) {
		if len(in) != 2 || len(in[0].dims) > 1 || len(in[1].dims) > 1 {
			return whole{}, false
		}
		a, b := in[0], in[1]
		if len(a.v) != len(b.v) && len(a.v) != 1 && len(b.v) != 1 {
			return whole{}, false
		}
		var out whole
		for i := range max(len(a.v), len(b.v)) {
			out.v = append(out.v, fn(a.v[min(i, len(a.v)-1)], b.v[min(i, len(b.v)-1)]))
		}
		if a.isList() || b.isList() {
			out.dims = []int{len(out.v)}
		}
		return out, true
	}
}

func wholeRange(_ *run, _ *node, in []whole) (whole, bool) {
	if len(in) != 3 || len(in[0].v)*len(in[1].v)*len(in[2].v) != 1 || in[2].v[0] == 0 {
		return whole{}, false
	}
	start, end, step := in[0].v[0], in[1].v[0], in[2].v[0]
	var out whole
	for i := start; (step > 0) == (i < end) && i != end; i += step {
		if len(out.v) == maxNumber || i > maxNumber || i < -maxNumber {
			return whole{}, false
		}
		out.v = append(out.v, i)
	}
	out.dims = []int{len(out.v)}
	return out, true
}

func wholeGather(_ *run, v *node, in []whole) (whole, bool) {
	if len(in) != 2 || len(in[0].dims) == 0 {
		return whole{}, false
	}
	w := in[0]
	axis, ok := axisOf(v.int("axis", 0), len(w.dims))
	if !ok {
		return whole{}, false
	}
	at := make([]int, len(in[1].v))
	for i, n := range in[1].v {
		if at[i], ok = axisOf(int(n), w.dims[axis]); !ok {
			return whole{}, false
		}
	}
	out := w.pick(axis, at)
	out.dims = slices.Concat(w.dims[:axis], in[1].dims, w.dims[axis+1:])
	return out, true
}

// wholeConcat joins lists.
func wholeConcat(_ *run, _ *node, in []whole) (out whole, ok bool) {
	for _, w := range in {
		if !w.isList() {
			return whole{}, false
		}
		out.v = append(out.v, w.v...)
	}
	out.dims = []int{len(out.v)}
	return out, true
}

func wholeReshape(_ *run, _ *node, in []whole) (whole, bool) {
	if len(in) != 2 || !in[1].isList() || len(in[1].v) > maxWhole {
		return whole{}, false
	}
	dims, open, known := make([]int, len(in[1].v)), -1, 1
	for i, d := range in[1].v {
		switch {
		case d == -1 && open < 0:
			open = i
		case d < 1 || d > maxWhole || known > maxWhole:
			return whole{}, false
		default:
			dims[i] = int(d)
			known *= dims[i]
		}
	}
	if open >= 0 {
		dims[open] = len(in[0].v) / known
	}
	return whole{in[0].v, dims}, true // foldSmall checks the size
}

func wholeUnsqueeze(r *run, v *node, in []whole) (whole, bool) {
	axes, ok := r.axesOf(v)
	if !ok {
		return whole{}, false
	}
	rank := len(in[0].dims) + len(axes)
	if axes, ok = axesFrom(axes, rank); !ok {
		return whole{}, false
	}
	dims := slices.Clone(in[0].dims)
	slices.Sort(axes)
	for _, a := range axes {
		dims = slices.Insert(dims, a, 1)
	}
	return whole{in[0].v, dims}, true
}

func wholeSqueeze(r *run, v *node, in []whole) (whole, bool) {
	axes, ok := r.axesOf(v)
	if !ok {
		return whole{}, false
	}
	if axes, ok = axesFrom(axes, len(in[0].dims)); !ok {
		return whole{}, false
	}
	var dims []int
	for i, d := range in[0].dims {
		if !slices.Contains(axes, i) {
			dims = append(dims, d)
		}
	}
	return whole{in[0].v, dims}, true // foldSmall checks the size
}

// wholeSlice is a slice with any steps, as in padding: PyTorch's pairs are reversed by a step of -1.
func wholeSlice(_ *run, _ *node, in []whole) (whole, bool) {
	if len(in) < 3 {
		return whole{}, false
	}
	out := in[0]
	for i := range in[1].v {
		axis, step := i, int64(1)
		var ok bool
		if len(in) > 3 && i < len(in[3].v) {
			axis = int(in[3].v[i])
		}
		if len(in) > 4 && i < len(in[4].v) {
			step = in[4].v[i]
		}
		if axis, ok = axisOf(axis, len(out.dims)); !ok || i >= len(in[2].v) || step == 0 {
			return whole{}, false
		}
		out = out.pick(axis, positions(in[1].v[i], in[2].v[i], step, int64(out.dims[axis])))
	}
	return out, true
}

// positions returns the positions in a slice of an axis with n entries, by ONNX's rules: negative bounds count from the
// end.
func positions(start, end, step, n int64) (at []int) {
	clamp := func(i, low, high int64) int64 {
		if i < 0 {
			i += n
		}
		return min(max(i, low), high)
	}
	if step > 0 {
		for i := clamp(start, 0, n); i < clamp(end, 0, n); i += min(step, n) {
			at = append(at, int(i))
		}
		return at
	}
	for i := clamp(start, 0, n-1); i > clamp(end, -1, n-1); i += max(step, -n) {
		at = append(at, int(i))
	}
	return at
}

func wholeTranspose(_ *run, v *node, in []whole) (whole, bool) {
	perm := v.ints("perm", 0, 0)
	if len(perm) == 0 {
		for i := range in[0].dims {
			perm = append(perm, len(in[0].dims)-1-i)
		}
	}
	perm, ok := axesFrom(perm, len(in[0].dims))
	if !ok || len(perm) != len(in[0].dims) {
		return whole{}, false
	}
	return in[0].transposed(perm), true
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
