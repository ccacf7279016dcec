package read

import (
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

func batchNorm(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	if ok && x.n != nil && !x.batched && v.int("training_mode", 0) != 0 {
		return r.standardised(v, x)
	}
	if ok && x.n != nil && len(v.in) == 5 && r.variable(v, 3) == nil && r.variable(v, 4) == nil {
		return r.normalised(v, x)
	}
	if !ok || !x.batched || len(v.in) != 5 || (len(x.dims()) != 4 && len(x.dims()) != 2) || v.attrs["spatial"] != nil && v.int("spatial", 1) == 0 {
		return value{}, false
	}
	names := map[string]string{}
	var vars []*variable
	for i, name := range []string{"weight", "bias", "running_mean", "running_var"} {
		p := r.variable(v, 1+i)
		if p == nil || p.layout != nn.Plain || p.buffer != (i >= 2) || len(p.shape) != 1 || p.shape[0] != x.dims()[1] {
			return value{}, false
		}
		names[name], vars = p.key, append(vars, p)
	}
	// ONNX's momentum is the share of the old statistics. training_mode, which some exports leave at 1, is ignored: the
	// pass determines it here.
	norm := func(in *Node) *Node {
		return nn.BatchNorm(r.take(vars...).In(prefixOf(vars[0].key)).Named(names), in).Epsilon(v.float("epsilon", 1e-5)).
			Momentum(1 - v.float("momentum", 0.9)).Done()
	}
	if len(x.dims()) == 4 {
		images := r.channelsLast(x)
		return imagesLike(images, norm(images.n)), true
	}
	d := x.dims()
	y := norm(Reshape(r.node(x), r.batches*d[0], d[1]))
	return value{n: Reshape(y, r.batches, d[0], d[1]), batched: true}, true
}

// normalised is batch normalisation by a mean and a variance that are computed in the graph, or constants.
func (r *run) normalised(v *node, x value) (value, bool) {
	d := x.dims()
	if len(d) < 2 {
		return value{}, false
	}
	channel := slices.Repeat([]int{1}, len(d)-1)
	channel[0] = d[1]
	var p [4]*Node // scale, offset, mean, variance
	for i := range p {
		in, ok := r.input(v, 1+i)
		if !ok || in.batched || sizeOfDims(in.dims()) != d[1] {
			return value{}, false
		}
		p[i] = Reshape(r.node(in), channel...)
	}
	in := r.node(x)
	for i := range p {
		p[i] = withRank(p[i], in.Rank())
	}
	y := Div(Sub(in, p[2]), Sqrt(AddScalar(p[3], v.float("epsilon", 1e-5))))
	return value{n: Add(Mul(y, p[0]), p[1]), batched: x.batched}, true
}

// standardised is batch normalisation of weights by their own mean and variance, as networks with weight
// standardisation have it in each pass (Qiao et al. 2019, section 3).
func (r *run) standardised(v *node, x value) (value, bool) {
	scale, ok1 := r.input(v, 1)
	offset, ok2 := r.input(v, 2)
	r.input(v, 3) // the statistics that the file has are variables that nothing needs
	r.input(v, 4)
	d := x.dims()
	if !ok1 || !ok2 || len(d) < 2 || sizeOfDims(scale.dims()) != d[1] || sizeOfDims(offset.dims()) != d[1] {
		return value{}, false
	}
	over, channel := []int{0}, slices.Repeat([]int{1}, len(d))
	channel[1] = d[1]
	for a := 2; a < len(d); a++ {
		over = append(over, a)
	}
	centred := Sub(x.n, ReduceAndKeep(x.n, ReduceMean, over...))
	y := Div(centred, Sqrt(AddScalar(ReduceAndKeep(Square(centred), ReduceMean, over...), v.float("epsilon", 1e-5))))
	y = Add(Mul(y, Reshape(r.node(scale), channel...)), Reshape(r.node(offset), channel...))
	return value{n: y}, true
}

// layerNorm is over the last axes, with a scale and perhaps an offset of their shape.
func layerNorm(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	scale, ok2 := r.input(v, 1)
	if !ok || !ok2 || x.n == nil || len(v.out) > 1 {
		return value{}, false
	}
	d := x.dims()
	axis, ok := axisOf(v.int("axis", -1), len(d))
	if !ok {
		return value{}, false
	}
	epsilon := v.float("epsilon", 1e-5)
	w, b := r.variable(v, 1), r.variable(v, 2)
	if axis == len(d)-1 && w != nil && b != nil && slices.Equal(w.shape, d[axis:]) && slices.Equal(b.shape, d[axis:]) {
		s := r.take(w, b).In(prefixOf(w.key)).Named(map[string]string{"weight": w.key, "bias": b.key})
		in := r.node(x)
		y := nn.LayerNorm(s, Reshape(in, -1, d[axis]), epsilon)
		return value{n: Reshape(y, in.Shape().Dimensions...), batched: x.batched}, true
	}
	in := r.node(x)
	var over []int
	for a := axis + x.lead(); a < in.Rank(); a++ {
		over = append(over, a)
	}
	centred := Sub(in, ReduceAndKeep(in, ReduceMean, over...))
	y := Div(centred, Sqrt(AddScalar(ReduceAndKeep(Square(centred), ReduceMean, over...), epsilon)))
	y = Mul(y, withRank(r.node(scale), y.Rank()))
	if offset, ok := r.input(v, 2); ok {
		y = Add(y, withRank(r.node(offset), y.Rank()))
	}
	return value{n: y, batched: x.batched}, true
}

// instanceNorm normalises each channel of each image, [batch, channels, ...], over its positions.
func instanceNorm(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	if !ok || x.n == nil || len(x.dims()) < 3 || len(v.in) != 3 {
		return value{}, false
	}
	return r.groupNorm(v, x, x.dims()[1])
}

// groupNorm normalises groups of channels of each image, [batch, channels, ...], over their positions.
func groupNorm(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	groups := v.int("num_groups", 0)
	if !ok || x.n == nil || len(x.dims()) < 3 || len(v.in) != 3 || groups < 1 || x.dims()[1]%groups != 0 || v.int("stash_type", 1) != 1 {
		return value{}, false
	}
	return r.groupNorm(v, x, groups)
}

// groupNorm scales each channel by the second input and adds the third. Operator set 18 has one of each for a group,
// the later ones for a channel.
func (r *run) groupNorm(v *node, x value, groups int) (value, bool) {
	d := x.dims()
	each := d[1] / groups
	affine := [2]*Node{}
	for i := range affine {
		p, ok := r.input(v, 1+i)
		if !ok || len(p.dims()) != 1 || p.batched {
			return value{}, false
		}
		n := r.node(p)
		switch p.dims()[0] {
		case d[1]:
		case groups:
			n = Reshape(BroadcastToDims(Reshape(n, groups, 1), groups, each), d[1])
		default:
			exceptions.Panicf("input %d is of length %d; expected %d channels", 1+i, p.dims()[0], d[1])
		}
		affine[i] = Reshape(n, slices.Concat([]int{1, d[1]}, slices.Repeat([]int{1}, len(d)-2))...)
	}
	in := r.node(r.reshaped(x, d[0], groups, each*sizeOfDims(d[2:])))
	centred := Sub(in, ReduceAndKeep(in, ReduceMean, -1))
	y := Div(centred, Sqrt(AddScalar(ReduceAndKeep(Square(centred), ReduceMean, -1), v.float("epsilon", 1e-5))))
	out := r.reshaped(value{n: y, batched: x.batched}, d...)
	rank := out.n.Rank()
	out.n = Add(Mul(out.n, withRank(affine[0], rank)), withRank(affine[1], rank))
	return out, true
}

// localNorm divides by a power of the mean square of neighbouring channels (Krizhevsky et al. 2012, section 3.3):
// x / (bias + alpha/size * sum of squares)^beta.
func localNorm(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	size := v.int("size", 0)
	if !ok || !x.batched || len(x.dims()) != 4 || size < 1 || size > maxNumber {
		return value{}, false
	}
	images := r.channelsLast(x)
	low, high := (size-1)/2, size-1-(size-1)/2
	d := images.n.Shape().Dimensions
	squares := surrounded(Square(images.n), 3, low, high, 0)
	var sum *Node
	for i := range size {
		one := SliceAxis(squares, 3, AxisRange(i, i+d[3]))
		if sum == nil {
			sum = one
		} else {
			sum = Add(sum, one)
		}
	}
	base := AddScalar(MulScalar(sum, v.float("alpha", 1e-4)/float64(size)), v.float("bias", 1))
	return imagesLike(images, Div(images.n, Pow(base, Scalar(r.g, images.n.DType(), v.float("beta", 0.75))))), true
}
