package read

import (
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

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
