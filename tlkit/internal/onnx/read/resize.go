package read

import (
	"math"
	"slices"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// resize changes height and width: to the nearest position, linearly between two, or by cubic convolution of four. Each
// axis is a product with a constant matrix, which has a gradient on every engine.
func resize(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	if !ok || x.n == nil || len(x.dims()) != 4 || v.attrs["axes"] != nil || v.str("keep_aspect_ratio_policy", "stretch") != "stretch" {
		return value{}, false
	}
	shape := x.dims()
	scales, sizes, ok := r.enlarged(v, shape)
	if !ok || sizes[0] != shape[0] || sizes[1] != shape[1] {
		return value{}, false
	}
	y, equations := r.node(x), [2]string{"oh,bchw->bcow", "ow,bchw->bcho"} // of position embeddings, which no image is in
	if x.batched {
		x = r.channelsLast(x)
		y, equations = x.n, [2]string{"oh,bhwc->bowc", "ow,bhwc->bhoc"}
	}
	for a := 2; a < 4; a++ {
		m := interpolation{mode: v.str("mode", "nearest"), at: "asymmetric", round: "floor", scale: scales[a], from: shape[a], to: sizes[a],
			coefficient: float64(v.float("cubic_coeff_a", -0.75)), inside: v.int("exclude_outside", 0) != 0, wide: v.int("antialias", 0) != 0}
		if v.op == "Resize" && r.net.opset >= 11 {
			m.at, m.round = v.str("coordinate_transformation_mode", "half_pixel"), v.str("nearest_mode", "round_prefer_floor")
		}
		matrix := m.matrix()
		if matrix == nil {
			return value{}, false
		}
		y = Einsum(equations[a-2], Const(r.g, tensors.FromFlatDataAndDimensions(matrix, m.to, m.from)), y)
	}
	if !x.batched {
		return value{n: y}, true
	}
	return imagesLike(x, y), true
}

// enlarged returns the scale and the new length of each axis of shape.
func (r *run) enlarged(v *node, shape []int) (scales []float64, sizes []int, ok bool) {
	if given, ok := r.whole(v, 3); ok && len(given) == len(shape) {
		for i, size := range given {
			scales = append(scales, float64(size)/float64(shape[i]))
		}
		return scales, given, slices.Min(given) > 0 && slices.Max(given) <= maxNumber
	}
	var list []float32
	if a := v.attrs["scales"]; a != nil { // before opset 9
		list = a.Floats
	} else {
		place := 2
		if v.op == "Upsample" || r.net.opset < 11 {
			place = 1
		}
		c := r.constant(v, place)
		if c == nil || c.DType() != dtypes.Float32 {
			return nil, nil, false
		}
		c.MustConstFlatData(func(flat any) { list = slices.Clone(flat.([]float32)) })
	}
	if len(list) != len(shape) {
		return nil, nil, false
	}
	for i, f := range list {
		size := math.Floor(float64(f) * float64(shape[i]))
		if !(size >= 1 && size <= maxNumber) {
			return nil, nil, false
		}
		scales, sizes = append(scales, float64(f)), append(sizes, int(size))
	}
	return scales, sizes, true
}

// interpolation describes one axis of a Resize, in the operator's words.
type interpolation struct {
	mode, at, round string
	scale           float64
	from, to        int
	coefficient     float64 // of the cubic kernel
	inside          bool    // positions outside have no share; else the edge's value stands for theirs
	wide            bool    // antialias: where the axis gets shorter, the kernel is as much wider
}

// matrix returns the share of each old position, [to, from], in each new one; nil for a mode that is not known.
func (m interpolation) matrix() []float32 {
	out := make([]float32, m.to*m.from)
	for i := range m.to {
		var at float64
		switch m.at {
		case "half_pixel":
			at = (float64(i)+0.5)/m.scale - 0.5
		case "pytorch_half_pixel":
			if m.to > 1 {
				at = (float64(i)+0.5)/m.scale - 0.5
			}
		case "asymmetric":
			at = float64(i) / m.scale
		case "align_corners":
			if m.to > 1 {
				at = float64(i) * float64(m.from-1) / float64(m.to-1)
			}
		default:
			return nil
		}
		row := out[i*m.from:][:m.from]
		switch m.mode {
		case "nearest":
			round := map[string]func(float64) float64{"floor": math.Floor, "ceil": math.Ceil,
				"round_prefer_floor": func(x float64) float64 { return math.Ceil(x - 0.5) },
				"round_prefer_ceil":  func(x float64) float64 { return math.Floor(x + 0.5) }}[m.round]
			if round == nil {
				return nil
			}
			row[int(min(max(round(at), 0), float64(m.from-1)))] = 1
		case "linear", "bilinear", "cubic":
			m.enter(row, at)
		default:
			return nil
		}
	}
	return out
}

// enter enters the shares of the positions around at under the kernel, which with antialias is stretched where the axis
// gets shorter.
func (m interpolation) enter(row []float32, at float64) {
	kernel, reach, narrow := m.kernel, 2., 1.
	if m.mode != "cubic" {
		kernel, reach = func(d float64) float64 { return max(0, 1-d) }, 1
	}
	if m.wide {
		narrow = min(m.scale, 1)
	}
	first, last := int(math.Ceil(at-reach/narrow)), int(math.Floor(at+reach/narrow))
	shares, sum := make([]float64, last-first+1), 0.0
	for i := range shares {
		if m.inside && (first+i < 0 || first+i >= m.from) {
			continue
		}
		shares[i] = kernel(math.Abs(at-float64(first+i)) * narrow)
		sum += shares[i]
	}
	for i, share := range shares {
		row[min(max(first+i, 0), m.from-1)] += float32(share / sum)
	}
}

// kernel is the share of a position at a distance (Keys 1981, Cubic convolution interpolation, equation 4, with a
// coefficient in place of -1/2).
func (m interpolation) kernel(d float64) float64 {
	a := m.coefficient
	switch {
	case d <= 1:
		return ((a+2)*d-(a+3))*d*d + 1
	case d < 2:
		return ((a*d-5*a)*d+8*a)*d - 4*a
	}
	return 0
}
