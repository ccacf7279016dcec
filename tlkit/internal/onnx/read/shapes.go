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

// gather picks entries of an axis by numbers that are known: a single one drops the axis.
func gather(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	c := r.constant(v, 1)
	if !ok || x.n == nil || c == nil {
		return value{}, false
	}
	d := x.dims()
	axis, ok := axisOf(v.int("axis", 0), len(d))
	at, ok2 := ints(c)
	if !ok || !ok2 || len(at) == 0 {
		return value{}, false
	}
	for i := range at {
		if at[i], ok = axisOf(at[i], d[axis]); !ok {
			return value{}, false
		}
	}
	n, where, back := r.along(x, axis)
	y := back(pick(n, where, at))
	if c.Rank() == 1 {
		return y, true
	}
	return r.reshaped(y, slices.Concat(d[:axis], c.Shape().Dimensions, d[axis+1:])...), true
}

// pick returns the numbered entries of an axis.
func pick(x *Node, axis int, at []int) *Node {
	run := true
	for i := range at {
		run = run && at[i] == at[0]+i
	}
	if run {
		return SliceAxis(x, axis, AxisRange(at[0], at[0]+len(at)))
	}
	front := []int{axis}
	for i := range x.Rank() {
		if i != axis {
			front = append(front, i)
		}
	}
	back := make([]int, len(front))
	for i, a := range front {
		back[a] = i
	}
	indices := make([]int32, len(at))
	for i, a := range at {
		indices[i] = int32(a)
	}
	rows := Const(x.Graph(), tensors.FromFlatDataAndDimensions(indices, len(at), 1))
	return TransposeAllAxes(Gather(TransposeAllAxes(x, front...), rows), back...)
}

// gatherND picks entries of the first axes by numbers that are known, as PyTorch's exporter writes x[:, [3, 1]]: the
// list has one number for each of these axes.
func gatherND(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	c := r.constant(v, 1)
	if !ok || x.n == nil || c == nil || v.int("batch_dims", 0) != 0 || c.Rank() == 0 {
		return value{}, false
	}
	d, list := x.dims(), c.Shape().Dimensions
	all, ok := ints(c)
	axes := list[len(list)-1]
	if !ok || axes < 1 || axes > len(d) || len(all) == 0 {
		return value{}, false
	}
	at := make([]int, 0, len(all)/axes) // numbers into the first axes, one behind the other
	for tuple := range slices.Chunk(all, axes) {
		flat := 0
		for a, i := range tuple {
			if i, ok = axisOf(i, d[a]); !ok {
				return value{}, false
			}
			flat = flat*d[a] + i
		}
		at = append(at, flat)
	}
	n, where, back := r.along(r.reshaped(x, slices.Concat([]int{sizeOfDims(d[:axes])}, d[axes:])...), 0)
	y := back(pick(n, where, at))
	return r.reshaped(y, slices.Concat(list[:len(list)-1], d[axes:])...), true
}

// slice along axes; a negative step turns them round.
func slice(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	if !ok || x.n == nil {
		return value{}, false
	}
	list := func(i int, name string, def []int) ([]int, bool) {
		if v.attrs[name] != nil { // before opset 10
			return v.ints(name, 0, 0), true
		}
		if i >= len(v.in) || v.in[i] == "" {
			return def, true
		}
		return r.whole(v, i)
	}
	starts, ok1 := list(1, "starts", nil)
	ends, ok2 := list(2, "ends", nil)
	every := make([]int, len(starts))
	for i := range every {
		every[i] = i
	}
	axes, ok3 := list(3, "axes", every)
	steps, ok4 := list(4, "steps", slices.Repeat([]int{1}, len(starts)))
	if !ok1 || !ok2 || !ok3 || !ok4 || len(ends) != len(starts) || len(axes) != len(starts) || len(steps) != len(starts) {
		return value{}, false
	}
	if axes, ok = axesFrom(axes, len(x.dims())); !ok {
		return value{}, false
	}
	for i, axis := range axes {
		if steps[i] < 0 {
			places := backwards(starts[i], ends[i], steps[i], x.dims()[axis])
			if len(places) == 0 {
				return value{}, false
			}
			n, at, back := r.along(x, axis)
			x = back(pick(n, at, places))
			continue
		}
		from, to := between(starts[i], ends[i], x.dims()[axis])
		if from >= to || steps[i] < 1 {
			return value{}, false
		}
		if from == 0 && to == x.dims()[axis] && steps[i] == 1 {
			continue
		}
		n, at, back := r.along(x, axis)
		x = back(SliceAxis(n, at, AxisRange(from, to).Stride(steps[i])))
	}
	return x, true
}

// backwards lists the positions of a slice with a negative step of an axis of length n, as torch.flip is exported.
func backwards(start, end, step, n int) (places []int) {
	clamp := func(at int) int {
		if at < 0 {
			at += n
		}
		return min(max(at, -1), n-1)
	}
	for at := clamp(start); at > clamp(end); at += step {
		places = append(places, at)
	}
	return places
}

// between returns the bounds of a slice of an axis of length n.
func between(start, end, n int) (from, to int) {
	clamp := func(at int) int {
		if at < 0 {
			at += n
		}
		return min(max(at, 0), n)
	}
	return clamp(start), clamp(end)
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

// pad with a constant, or with the values at the edge or near it; negative lengths cut off.
func pad(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	if !ok || x.n == nil {
		return value{}, false
	}
	mode := v.str("mode", "constant")
	pads, ok := r.pads(v, len(x.dims()))
	if !ok {
		return value{}, false
	}
	fill := v.float("value", 0)
	if mode == "constant" && len(v.in) > 2 && v.in[2] != "" {
		if fill, ok = number(r.constant(v, 2)); !ok {
			return value{}, false
		}
	}
	for axis := range x.dims() {
		low, high, length := pads[axis], pads[len(x.dims())+axis], x.dims()[axis]
		if max(low, high) > maxNumber || max(-low, 0)+max(-high, 0) >= length {
			return value{}, false
		}
		if low == 0 && high == 0 {
			continue
		}
		n, at, back := r.along(x, axis)
		if low < 0 || high < 0 {
			n = SliceAxis(n, at, AxisRange(max(-low, 0), length-max(-high, 0)))
			low, high, length = max(low, 0), max(high, 0), n.Shape().Dimensions[at]
		}
		if mode == "constant" {
			x = back(surrounded(n, at, low, high, fill))
			continue
		}
		places, ok := outside(mode, low, high, length)
		if !ok {
			return value{}, false
		}
		x = back(pick(n, at, places))
	}
	return x, true
}

// outside lists the positions of an axis from which a padding takes its values; ok is false for an unknown mode, or a
// padding that goes beyond the mirrored axis.
func outside(mode string, low, high, length int) (places []int, ok bool) {
	if mode == "reflect" && max(low, high) >= length || mode == "wrap" && max(low, high) > length {
		return nil, false
	}
	for i := -low; i < length+high; i++ {
		at := i
		switch mode {
		case "edge":
			at = min(max(i, 0), length-1)
		case "reflect":
			if at = max(i, -i); at >= length {
				at = 2*(length-1) - at
			}
		case "wrap":
			at = (i + length) % length
		default:
			return nil, false
		}
		places = append(places, at)
	}
	return places, true
}

// pads returns the lengths before and after each axis: an attribute, or an input that may be for some axes only.
func (r *run) pads(v *node, rank int) ([]int, bool) {
	if v.attrs["pads"] != nil {
		pads := v.ints("pads", 0, 0)
		return pads, len(pads) == 2*rank
	}
	given, ok := r.whole(v, 1)
	if !ok || len(v.in) <= 3 || v.in[3] == "" {
		return given, ok && len(given) == 2*rank
	}
	axes, ok := r.whole(v, 3)
	if !ok || len(given) != 2*len(axes) {
		return nil, false
	}
	if axes, ok = axesFrom(axes, rank); !ok {
		return nil, false
	}
	pads := make([]int, 2*rank)
	for i, axis := range axes {
		pads[axis], pads[rank+axis] = given[i], given[len(axes)+i]
	}
	return pads, true
}

// split along an axis, into parts of the sizes in the file, or of equal size except the last.
func (r *run) split(v *node) ([]value, bool) {
	x, ok := r.input(v, 0)
	if !ok || x.n == nil {
		return nil, false
	}
	axis, ok := axisOf(v.int("axis", 0), len(x.dims()))
	if !ok {
		return nil, false
	}
	length := x.dims()[axis]
	sizes := v.ints("split", 0, 0)
	if len(v.in) > 1 && v.in[1] != "" {
		if sizes, ok = r.whole(v, 1); !ok {
			return nil, false
		}
	} else if len(sizes) == 0 {
		each := (length + len(v.out) - 1) / len(v.out)
		sizes = slices.Repeat([]int{each}, len(v.out))
		sizes[len(sizes)-1] = length - each*(len(sizes)-1)
	}
	n, where, back := r.along(x, axis)
	var out []value
	at := 0
	for _, size := range sizes {
		if size < 1 || size > length-at {
			return nil, false
		}
		out = append(out, back(SliceAxis(n, where, AxisRange(at, at+size))))
		at += size
	}
	return out, at == length && len(out) == len(v.out)
}
