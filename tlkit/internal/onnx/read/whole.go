package read

import (
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
)

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
