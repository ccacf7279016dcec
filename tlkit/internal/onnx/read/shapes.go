package read

import (
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/support/exceptions"
)

// shapeOf is known when the graph is built.
func shapeOf(r *run, v *node) (value, bool) {
	d, ok := r.dimsOf(v)
	if !ok {
		return value{}, false
	}
	start, end := v.int("start", 0), v.int("end", len(d))
	clamp := func(i int) int {
		if i < 0 {
			i += len(d)
		}
		return min(max(i, 0), len(d))
	}
	start, end = clamp(start), clamp(end)
	if start > end {
		return value{}, false
	}
	out := make([]int64, 0, len(d))
	for _, n := range d[start:end] {
		out = append(out, int64(n))
	}
	return value{c: tensors.FromFlatDataAndDimensions(out, len(out))}, true // also of a single number, which has no axes
}

// sizeOf is known when the graph is built.
func sizeOf(r *run, v *node) (value, bool) {
	d, ok := r.dimsOf(v)
	return value{c: tensors.FromScalar(int64(sizeOfDims(d)))}, ok
}

// dimsOf returns the shape of the first input. A variable is not built for it.
func (r *run) dimsOf(v *node) ([]int, bool) {
	if x := r.variable(v, 0); x != nil {
		return x.fileShape(), true
	}
	x, ok := r.input(v, 0)
	if !ok {
		return nil, false
	}
	return x.dims(), true
}

func sizeOfDims(dims []int) int {
	size := 1
	for _, d := range dims {
		size *= d
	}
	return size
}

// axesOf returns the axes of a node: an attribute, or since opset 13 an input.
func (r *run) axesOf(v *node) ([]int, bool) {
	if a := v.attrs["axes"]; a != nil {
		return v.ints("axes", 0, 0), true
	}
	return r.whole(v, 1)
}

// whole returns an input that is a constant of whole numbers.
func (r *run) whole(v *node, i int) ([]int, bool) {
	c := r.constant(v, i)
	if c == nil {
		return nil, false
	}
	return ints(c)
}

func flatten(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	if !ok || x.n == nil {
		return value{}, false
	}
	d := x.dims()
	axis := v.int("axis", 1)
	if axis < 0 {
		axis += len(d)
	}
	if axis < 0 || axis > len(d) {
		return value{}, false
	}
	return r.reshaped(x, sizeOfDims(d[:axis]), sizeOfDims(d[axis:])), true
}

// reshape to a shape that is known. A length of 0 means that of the input. With allowzero it means 0, which is an error
// here: no image classifier has values without elements.
func reshape(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	shape, ok2 := r.whole(v, 1)
	if !ok || !ok2 || x.n == nil {
		return value{}, false
	}
	have := x.dims()
	out, open, known := slices.Clone(shape), -1, 1
	for i, d := range shape {
		switch {
		case d == -1 && open < 0:
			open = i
			continue
		case d == 0 && i < len(have) && v.int("allowzero", 0) == 0:
			out[i] = have[i]
		case d < 1:
			exceptions.Panicf("a shape %v for values of shape %v", shape, have)
		}
		if out[i] > maxValue/known {
			exceptions.Panicf("a shape %v for values of shape %v", shape, have)
		}
		known *= out[i]
	}
	size := sizeOfDims(have)
	if open >= 0 && known > 0 && size%known == 0 {
		out[open] = size / known
		known = size
	}
	if known != size {
		exceptions.Panicf("a shape %v for values of shape %v", shape, have)
	}
	return r.reshaped(x, out...), true
}

func transpose(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	if !ok || x.n == nil {
		return value{}, false
	}
	d := x.dims()
	perm := v.ints("perm", 0, 0)
	if len(perm) == 0 {
		for i := range d {
			perm = append(perm, len(d)-1-i)
		}
	}
	if perm, ok = axesFrom(perm, len(d)); !ok || len(perm) != len(d) {
		return value{}, false
	}
	switch {
	case x.last && slices.Equal(perm, []int{0, 2, 3, 1}): // its layout is this one already
		return value{n: Reshape(x.n, r.batches, d[0], d[2], d[3], d[1]), batched: true}, true
	case x.batched && slices.Equal(perm, []int{0, 3, 1, 2}):
		return value{n: Reshape(r.node(x), r.batches*d[0], d[1], d[2], d[3]), batched: true, last: true, rows: d[0]}, true
	}
	return r.permuted(x, perm), true
}

// permuted changes the order of the file's axes; perm is a permutation of them.
func (r *run) permuted(x value, perm []int) value {
	n, all := r.node(x), make([]int, 0, len(perm)+1)
	if x.batched {
		all = append(all, 0)
	}
	for _, a := range perm {
		all = append(all, a+x.lead())
	}
	return value{n: TransposeAllAxes(n, all...), batched: x.batched}
}

func unsqueeze(r *run, v *node) (value, bool) {
	x, ok1 := r.input(v, 0)
	axes, ok2 := r.axesOf(v)
	if !ok1 || !ok2 || x.n == nil {
		return value{}, false
	}
	d := x.dims()
	rank := len(d) + len(axes)
	if axes, ok1 = axesFrom(axes, rank); !ok1 {
		return value{}, false
	}
	out := make([]int, 0, rank)
	for i := range rank {
		if slices.Contains(axes, i) {
			out = append(out, 1)
		} else {
			out, d = append(out, d[0]), d[1:]
		}
	}
	return r.reshaped(x, out...), true
}

// squeeze drops axes of length 1: those given, or all.
func squeeze(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	if !ok || x.n == nil {
		return value{}, false
	}
	d := x.dims()
	var axes []int
	if v.attrs["axes"] == nil && (len(v.in) < 2 || v.in[1] == "") {
		for i, n := range d {
			if n == 1 {
				axes = append(axes, i)
			}
		}
	} else if axes, ok = r.axesOf(v); !ok {
		return value{}, false
	}
	if axes, ok = axesFrom(axes, len(d)); !ok {
		return value{}, false
	}
	var out []int
	for i, n := range d {
		if !slices.Contains(axes, i) {
			out = append(out, n)
		} else if n != 1 {
			return value{}, false
		}
	}
	return r.reshaped(x, out...), true
}

// expand to a shape that is known: each axis as in the shape, or kept where the shape has 1.
func expand(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	shape, ok2 := r.whole(v, 1)
	if !ok || !ok2 || x.n == nil {
		return value{}, false
	}
	rank := max(len(shape), len(x.dims()))
	n := r.aligned(x, rank)
	have := n.Shape().Dimensions
	out := slices.Concat(have[:x.lead()], slices.Repeat([]int{1}, rank-len(shape)), shape)
	size := 1
	for i, d := range have {
		if out[i] == 1 {
			out[i] = d
		}
		if d != 1 && d != out[i] || out[i] < 1 || size > maxValue/out[i] {
			return value{}, false
		}
		size *= out[i]
	}
	return value{n: BroadcastToDims(n, out...), batched: x.batched}, true
}

// tile repeats the whole value along each axis.
func tile(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	repeats, ok2 := r.whole(v, 1)
	if !ok || !ok2 || x.n == nil || len(repeats) != len(x.dims()) {
		return value{}, false
	}
	for axis, times := range repeats {
		if times < 1 || times > maxNumber || sizeOfDims(x.dims()) > maxValue/times {
			return value{}, false
		}
		if times > 1 {
			n, at, back := r.along(x, axis)
			x = back(Concatenate(slices.Repeat([]*Node{n}, times), at))
		}
	}
	return x, true
}

// concat of values of which some depend on the images or on variables.
func concat(r *run, v *node) (value, bool) {
	var parts []value
	last, batched := true, false
	for i := range v.in {
		x, ok := r.input(v, i)
		if !ok || len(parts) > 0 && (len(x.dims()) != len(parts[0].dims()) || x.dtype() != parts[0].dtype()) {
			return value{}, false
		}
		last, batched = last && x.last && (len(parts) == 0 || x.rows == parts[0].rows), batched || x.batched
		parts = append(parts, x)
	}
	if len(parts) == 0 || !slices.ContainsFunc(parts, func(x value) bool { return x.n != nil }) {
		return value{}, false
	}
	axis, ok := axisOf(v.int("axis", 1), len(parts[0].dims()))
	if !ok {
		return value{}, false
	}
	nodes := make([]*Node, len(parts))
	for i, x := range parts {
		switch {
		case last && axis > 0:
			nodes[i] = x.n
		case batched:
			nodes[i] = r.batchedNode(x)
		default:
			nodes[i] = r.node(x)
		}
	}
	switch {
	case last && axis > 0:
		return parts[0].with(Concatenate(nodes, []int{0, 3, 1, 2}[axis])), true
	case batched:
		return value{n: Concatenate(nodes, axis+1), batched: true}, true
	}
	return value{n: Concatenate(nodes, axis)}, true
}
