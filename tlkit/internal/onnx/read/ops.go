package read

import (
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// natives are the operators that are built from tlkit/nn and GoMLX. Each returns false for a form that it leaves to
// onnx-gomlx. It is filled in init, since the functions refer to it.
var natives map[string]func(r *run, v *node) (value, bool)

func init() {
	natives = map[string]func(r *run, v *node) (value, bool){
		"Conv": conv, "BatchNormalization": batchNorm, "MaxPool": maxPool, "AveragePool": avgPool, "GlobalAveragePool": globalMean,
		"ReduceMean": reduceMean, "Gemm": gemm, "MatMul": matMul, "LayerNormalization": layerNorm, "Flatten": flatten,
		"Reshape": reshape, "Transpose": transpose, "Concat": concat, "Pad": pad, "Shape": shapeOf, "Dropout": identity, "Identity": identity,
		"Constant": constantNode, "ConstantOfShape": constantOfShape,
		"Add": elementwise(Add), "Sub": elementwise(Sub), "Mul": elementwise(Mul), "Div": elementwise(Div), "PRelu": elementwise(pRelu),
		"Relu": unary(nn.ReLU), "Sigmoid": unary(Sigmoid), "Tanh": unary(Tanh), "Sqrt": unary(Sqrt), "Erf": unary(Erf), "Exp": unary(Exp),
		"Neg": unary(Neg), "HardSwish": unary(nn.HardSwish), "HardSigmoid": hardSigmoid, "LeakyRelu": leakyRelu, "Clip": clip,
		"Elu": elu, "Softplus": unary(func(x *Node) *Node { return Log1P(Exp(x)) }),
	}
}

// unary applies a function to each value, whatever the layout. Constants are left to onnx-gomlx.
func unary(fn func(*Node) *Node) func(r *run, v *node) (value, bool) {
	return func(r *run, v *node) (value, bool) {
		x, ok := r.input(v, 0)
		if !ok || x.n == nil {
			return value{}, false
		}
		return value{n: fn(x.n), last: x.last}, true
	}
}

func identity(r *run, v *node) (value, bool) {
	if len(v.out) > 1 && v.out[1] != "" { // Dropout's mask
		return value{}, false
	}
	return r.input(v, 0)
}

func leakyRelu(r *run, v *node) (value, bool) {
	return unary(func(x *Node) *Node { return nn.LeakyReLU(x, v.float("alpha", 0.01)) })(r, v)
}

// hardSigmoid is min(max(alpha x + beta, 0), 1).
func hardSigmoid(r *run, v *node) (value, bool) {
	alpha, beta := v.float("alpha", 0.2), v.float("beta", 0.5)
	return unary(func(x *Node) *Node {
		return ClipScalar(AddScalar(MulScalar(x, alpha), beta), 0, 1)
	})(r, v)
}

// elu is x above 0 and alpha (exp(x) - 1) below.
func elu(r *run, v *node) (value, bool) {
	return unary(func(x *Node) *Node {
		zero := ScalarZero(x.Graph(), x.DType())
		return Where(GreaterThan(x, zero), x, MulScalar(SubScalar(Exp(Min(x, zero)), 1), v.float("alpha", 1)))
	})(r, v)
}

func pRelu(x, slope *Node) *Node {
	zero := ScalarZero(x.Graph(), x.DType())
	return Add(Max(x, zero), Mul(slope, Min(x, zero)))
}

func clip(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	if !ok || x.n == nil {
		return value{}, false
	}
	y := x.n
	bound := func(i int, attr string) (float64, bool, bool) { // value, given, understood
		if a := v.attrs[attr]; a != nil { // before opset 11
			return float64(a.F), true, true
		}
		if i >= len(v.in) || v.in[i] == "" {
			return 0, false, true
		}
		f, ok := number(r.constant(v, i))
		return f, true, ok
	}
	low, hasLow, ok1 := bound(1, "min")
	high, hasHigh, ok2 := bound(2, "max")
	switch {
	case !ok1 || !ok2:
		return value{}, false
	case hasLow && hasHigh && low == 0 && high == 6:
		y = nn.ReLU6(y)
	case hasLow && hasHigh:
		y = ClipScalar(y, low, high)
	case hasLow:
		y = MaxScalar(y, low)
	case hasHigh:
		y = MinScalar(y, high)
	}
	return value{n: y, last: x.last}, true
}

// elementwise applies a function with broadcasting, channels last where an operand has them so.
func elementwise(fn func(a, b *Node) *Node) func(r *run, v *node) (value, bool) {
	return func(r *run, v *node) (value, bool) {
		a, ok1 := r.input(v, 0)
		b, ok2 := r.input(v, 1)
		if !ok1 || !ok2 || (a.n == nil && b.n == nil) || a.dtype() != b.dtype() {
			return value{}, false
		}
		if (a.last || b.last) && len(a.dims()) <= 4 && len(b.dims()) <= 4 {
			return value{n: fn(r.spread(a), r.spread(b)), last: true}, true
		}
		x, y := r.node(a), r.node(b)
		rank := max(x.Rank(), y.Rank())
		return value{n: fn(withRank(x, rank), withRank(y, rank))}, true
	}
}

// spread returns an operand as [batch, height, width, channels], with axes of length 1 where it has none.
func (r *run) spread(v value) *Node {
	if v.last {
		return v.n
	}
	return TransposeAllAxes(withRank(r.node(v), 4), 0, 2, 3, 1)
}

// withRank puts axes of length 1 in front.
func withRank(x *Node, rank int) *Node {
	if x.Rank() == rank {
		return x
	}
	d := slices.Concat(slices.Repeat([]int{1}, rank-x.Rank()), x.Shape().Dimensions)
	return Reshape(x, d...)
}

// window reads the geometry that convolution and pooling share, if both axes have the same stride and both ends of an
// axis the same padding.
func (v *node) window(rank int) (kernel []int, stride int, pads [2]int, dilation int, ok bool) {
	kernel = v.ints("kernel_shape", 0, 0)
	strides, dilations, p := v.ints("strides", rank, 1), v.ints("dilations", rank, 1), v.ints("pads", 2*rank, 0)
	if rank != 2 || len(strides) != 2 || len(dilations) != 2 || len(p) != 4 {
		return
	}
	auto := v.str("auto_pad", "NOTSET")
	ok = strides[0] == strides[1] && dilations[0] == dilations[1] && p[0] == p[2] && p[1] == p[3] && p[0] >= 0 && p[1] >= 0 &&
		strides[0] > 0 && dilations[0] > 0 && (auto == "NOTSET" || auto == "VALID" && p[0] == 0 && p[1] == 0)
	return kernel, strides[0], [2]int{p[0], p[1]}, dilations[0], ok
}

// nativeConv reports whether nn's convolution has this form.
func (v *node) nativeConv() bool {
	_, _, _, _, ok := v.window(2)
	return ok
}

func conv(r *run, v *node) (value, bool) {
	x, _ := r.input(v, 0)
	w, b := r.variable(v, 1), r.variable(v, 2)
	hasBias := len(v.in) > 2 && v.in[2] != ""
	_, stride, pads, dilation, ok := v.window(len(x.dims()) - 2)
	if x.n == nil || !ok || w == nil || w.layout != nn.ConvKernel || hasBias && b == nil {
		return value{}, false
	}
	groups := v.int("group", 1)
	names, vars := map[string]string{"weight": w.key}, []*variable{w}
	if hasBias {
		names["bias"], vars = b.key, append(vars, b)
	}
	s := r.take(vars...)
	if s == nil {
		return value{}, false
	}
	c := nn.Conv2D(s.In(prefixOf(w.key)).Named(names), r.channelsLast(x), w.shape[0], w.shape[2]).Kernel(w.shape[2], w.shape[3]).
		Stride(stride).PadPerAxis(pads[0], pads[1]).Dilation(dilation).Groups(groups)
	if hasBias {
		c = c.Bias()
	}
	return value{n: c.Done(), last: true}, true
}

// prefixOf is the layer that a key belongs to, for summaries.
func prefixOf(key string) string {
	for i := len(key) - 1; i > 0; i-- {
		if key[i] == '.' {
			return key[:i]
		}
	}
	return key
}

func batchNorm(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	if !ok || x.n == nil || len(v.in) != 5 || (len(x.dims()) != 4 && len(x.dims()) != 2) || v.attrs["spatial"] != nil && v.int("spatial", 1) == 0 {
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
	s := r.take(vars...)
	if s == nil {
		return value{}, false
	}
	in := x.n
	if len(x.dims()) == 4 {
		in = r.channelsLast(x)
	}
	// ONNX's momentum is the share of the old statistics. training_mode, which some exports leave at 1, is no matter of
	// the graph here but of the pass.
	y := nn.BatchNorm(s.In(prefixOf(vars[0].key)).Named(names), in).Epsilon(v.float("epsilon", 1e-5)).Momentum(1 - v.float("momentum", 0.9)).Done()
	return value{n: y, last: len(x.dims()) == 4}, true
}

func layerNorm(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	w, b := r.variable(v, 1), r.variable(v, 2)
	if !ok || x.n == nil || w == nil || b == nil || len(w.shape) != 1 || len(b.shape) != 1 || len(v.out) > 1 {
		return value{}, false
	}
	axis := v.int("axis", -1)
	in := r.node(x)
	if axis != -1 && axis != in.Rank()-1 {
		return value{}, false
	}
	s := r.take(w, b)
	if s == nil {
		return value{}, false
	}
	return value{n: nn.LayerNorm(s.In(prefixOf(w.key)).Named(map[string]string{"weight": w.key, "bias": b.key}), in, v.float("epsilon", 1e-5))}, true
}

func maxPool(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	if !ok || x.n == nil {
		return value{}, false
	}
	k, stride, pads, dilation, ok := v.window(len(x.dims()) - 2)
	if !ok || len(k) != 2 || k[0] != k[1] || k[0] < 1 || pads[0] != pads[1] || 2*pads[0] > k[0] || dilation != 1 || len(v.out) > 1 && v.out[1] != "" {
		return value{}, false
	}
	p := nn.MaxPool2D(r.channelsLast(x), k[0]).Stride(stride).Pad(pads[0])
	if v.int("ceil_mode", 0) != 0 {
		p = p.Ceil()
	}
	return value{n: p.Done(), last: true}, true
}

func avgPool(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	if !ok || x.n == nil {
		return value{}, false
	}
	k, stride, pads, dilation, ok := v.window(len(x.dims()) - 2)
	if !ok || len(k) != 2 || k[0] != k[1] || k[0] < 1 || pads[0] != pads[1] || dilation != 1 || v.int("ceil_mode", 0) != 0 ||
		(pads[0] != 0 && v.int("count_include_pad", 0) == 0) {
		return value{}, false
	}
	return value{n: nn.AvgPool2D(r.channelsLast(x), k[0]).Stride(stride).Pad(pads[0]).Done(), last: true}, true
}

func globalMean(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	if !ok || x.n == nil || len(x.dims()) != 4 {
		return value{}, false
	}
	y := nn.GlobalMeanPool(r.channelsLast(x))
	d := y.Shape().Dimensions
	return value{n: Reshape(y, d[0], 1, 1, d[1]), last: true}, true
}

// reduceMean is the mean over height and width; other axes are left to onnx-gomlx.
func reduceMean(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	if !ok || x.n == nil || !x.last {
		return value{}, false
	}
	axes := v.ints("axes", 0, 0)
	if c := r.constant(v, 1); c != nil {
		axes, _ = ints(c)
	}
	for i, a := range axes {
		if a < 0 {
			axes[i] = a + 4
		}
	}
	slices.Sort(axes)
	if !slices.Equal(axes, []int{2, 3}) {
		return value{}, false
	}
	y := nn.GlobalMeanPool(x.n)
	if v.int("keepdims", 1) == 0 {
		return value{n: y}, true
	}
	d := y.Shape().Dimensions
	return value{n: Reshape(y, d[0], 1, 1, d[1]), last: true}, true
}

func gemm(r *run, v *node) (value, bool) {
	x, _ := r.input(v, 0)
	w, b := r.variable(v, 1), r.variable(v, 2)
	hasBias := len(v.in) > 2 && v.in[2] != ""
	if x.n == nil || len(x.dims()) != 2 || w == nil || w.layout != nn.LinearWeight || w.turned == (v.int("transB", 0) != 0) || !v.plainGemm() ||
		hasBias && (b == nil || len(b.shape) != 1 || b.shape[0] != w.shape[0]) {
		return value{}, false
	}
	if !hasBias {
		return value{n: nn.LinearWith(r.take(w).In(prefixOf(w.key)).Named(map[string]string{"weight": w.key}), r.node(x), w.shape[0], w.init, nil)}, true
	}
	s := r.take(w, b)
	if s == nil {
		return value{}, false
	}
	return value{n: nn.LinearWith(s.In(prefixOf(w.key)).Named(map[string]string{"weight": w.key, "bias": b.key}), r.node(x), w.shape[0], w.init, b.init)}, true
}

// matMul by a matrix of weights, over the last axis of any x.
func matMul(r *run, v *node) (value, bool) {
	x, _ := r.input(v, 0)
	w := r.variable(v, 1)
	if w == nil && x.n != nil {
		y, _ := r.input(v, 1)
		if y.n == nil || len(x.dims()) != len(y.dims()) || len(x.dims()) < 2 || x.dtype() != y.dtype() {
			return value{}, false
		}
		return value{n: MatMul(r.node(x), r.node(y))}, true
	}
	if x.n == nil || w == nil || w.layout != nn.LinearWeight || !w.turned || len(x.dims()) < 2 {
		return value{}, false
	}
	in := r.node(x)
	if in.Shape().Dimensions[in.Rank()-1] != w.shape[1] {
		exceptions.Panicf("a product of shapes %v and %v", in.Shape().Dimensions, []int{w.shape[1], w.shape[0]})
	}
	return value{n: nn.LinearWith(r.take(w).In(prefixOf(w.key)).Named(map[string]string{"weight": w.key}), in, w.shape[0], w.init, nil)}, true
}

func flatten(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	if !ok || x.n == nil || v.int("axis", 1) != 1 || len(x.dims()) < 2 {
		return value{}, false
	}
	return value{n: Reshape(r.node(x), x.dims()[0], -1)}, true
}

// reshape to a shape that is known. In a file of fixed batch size that size stands for the batch of this pass.
func reshape(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	c := r.constant(v, 1)
	if !ok || c == nil || x.n == nil || v.int("allowzero", 0) != 0 {
		return value{}, false
	}
	shape, ok := ints(c)
	if !ok {
		return value{}, false
	}
	shape = slices.Clone(shape)
	have := x.dims()
	if fixed := r.net.batch; fixed > 0 && fixed != r.batch && len(shape) > 0 && shape[0] == fixed && have[0] == r.batch && r.net.depends[v.in[0]].image {
		shape[0] = r.batch
	}
	for i, d := range shape {
		if d == 0 && i < len(have) {
			shape[i] = have[i]
		}
	}
	return value{n: Reshape(r.node(x), shape...)}, true
}

func transpose(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	if !ok || x.n == nil {
		return value{}, false
	}
	rank := len(x.dims())
	perm := v.ints("perm", 0, 0)
	if len(perm) == 0 {
		for i := range rank {
			perm = append(perm, rank-1-i)
		}
	}
	switch {
	case len(perm) != rank:
		return value{}, false
	case x.last && slices.Equal(perm, []int{0, 2, 3, 1}):
		return value{n: x.n}, true // it lies so already
	case !x.last && slices.Equal(perm, []int{0, 3, 1, 2}):
		return value{n: x.n, last: true}, true
	}
	return value{n: TransposeAllAxes(r.node(x), perm...)}, true
}

// concat of what depends on the image or on variables; images along the channels keep those last.
func concat(r *run, v *node) (value, bool) {
	var parts []value
	last := true
	for i := range v.in {
		x, ok := r.input(v, i)
		if !ok || len(parts) > 0 && (len(x.dims()) != len(parts[0].dims()) || x.dtype() != parts[0].dtype()) {
			return value{}, false
		}
		last = last && x.last
		parts = append(parts, x)
	}
	if len(parts) == 0 || !slices.ContainsFunc(parts, func(x value) bool { return x.n != nil }) {
		return value{}, false
	}
	axis, rank := v.int("axis", 1), len(parts[0].dims())
	if axis < 0 {
		axis += rank
	}
	if axis < 0 || axis >= rank {
		return value{}, false
	}
	if last && axis == 1 {
		nodes := make([]*Node, len(parts))
		for i, x := range parts {
			nodes[i] = x.n
		}
		return value{n: Concatenate(nodes, 3), last: true}, true
	}
	nodes := make([]*Node, len(parts))
	for i, x := range parts {
		nodes[i] = r.node(x)
	}
	return value{n: Concatenate(nodes, axis)}, true
}

// pad with a constant, at the edges of an image. It is written with Concatenate: GoMLX's Pad has no gradient.
func pad(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	if !ok || x.n == nil || v.str("mode", "constant") != "constant" || len(v.in) > 3 && v.in[3] != "" {
		return value{}, false
	}
	pads := v.ints("pads", 0, 0)
	if c := r.constant(v, 1); c != nil {
		if pads, ok = ints(c); !ok {
			return value{}, false
		}
	}
	fill := v.float("value", 0)
	if len(v.in) > 2 && v.in[2] != "" {
		if fill, ok = number(r.constant(v, 2)); !ok {
			return value{}, false
		}
	}
	rank := len(x.dims())
	if len(pads) != 2*rank {
		return value{}, false
	}
	y := x.n
	for axis := range rank {
		low, high := pads[axis], pads[rank+axis]
		if low < 0 || high < 0 || low > 1<<16 || high > 1<<16 {
			return value{}, false
		}
		at := axis
		if x.last {
			at = []int{0, 3, 1, 2}[axis]
		}
		strip := func(n int) *Node {
			d := slices.Clone(y.Shape().Dimensions)
			d[at] = n
			return BroadcastToDims(Scalar(y.Graph(), y.DType(), fill), d...)
		}
		parts := []*Node{y}
		if low > 0 {
			parts = append([]*Node{strip(low)}, parts...)
		}
		if high > 0 {
			parts = append(parts, strip(high))
		}
		if len(parts) > 1 {
			y = Concatenate(parts, at)
		}
	}
	return value{n: y, last: x.last}, true
}

// shapeOf is known when the graph is built.
func shapeOf(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	if !ok {
		return value{}, false
	}
	d := x.dims()
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
	if len(out) == 0 {
		return value{}, false
	}
	return value{c: tensors.FromFlatDataAndDimensions(out, len(out))}, true
}

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

// constantOfShape is made here because its size is the file's to say.
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
