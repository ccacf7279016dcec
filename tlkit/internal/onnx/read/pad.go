package read

import (
	. "github.com/gomlx/gomlx/core/graph"
)

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
