package read

import (
	"math"
	"slices"

	"github.com/gomlx/compute-onnx/support/protos"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// natives are the operators that are built from tlkit/nn and GoMLX. Each returns false for a form that it leaves to
// onnx-gomlx. It is filled in init, since the functions refer to it.
var natives map[string]func(r *run, v *node) (value, bool)

func init() {
	natives = map[string]func(r *run, v *node) (value, bool){
		"Conv": conv, "BatchNormalization": batchNorm, "MaxPool": maxPool, "AveragePool": avgPool, "GlobalAveragePool": globalMean,
		"Gemm": gemm, "MatMul": matMul, "Einsum": einsum, "Attention": attention, "LayerNormalization": layerNorm, "Softmax": softmax,
		"Dropout": identity, "Identity": identity,
		"Add": elementwise(Add), "Sub": elementwise(Sub), "Mul": elementwise(Mul), "Div": elementwise(Div), "PRelu": elementwise(pRelu),
		"Equal": elementwise(Equal), "Pow": elementwise(Pow), "Where": where, "Cast": cast, "Not": unary(LogicalNot),
		"Relu": unary(nn.ReLU), "Sigmoid": unary(Sigmoid), "Tanh": unary(Tanh), "Sqrt": unary(Sqrt), "Erf": unary(Erf), "Exp": unary(Exp),
		"Neg": unary(Neg), "HardSwish": unary(nn.HardSwish), "HardSigmoid": hardSigmoid, "LeakyRelu": leakyRelu, "Clip": clip,
		"Elu": elu, "Gelu": gelu, "Mish": unary(mish), "Softplus": unary(softplus), "IsNaN": unary(func(x *Node) *Node { return NotEqual(x, x) }),
		"ReduceMean": reduce(ReduceMean), "ReduceSum": reduce(ReduceSum), "ReduceMax": reduce(ReduceMax), "ReduceMin": reduce(ReduceMin),
		"ReduceL2": reduce(func(x *Node, axes ...int) *Node { return Sqrt(ReduceSum(Square(x), axes...)) }),

		"Reshape": reshape, "Flatten": flatten, "Transpose": transpose, "Concat": concat, "Pad": pad, "Unsqueeze": unsqueeze, "Squeeze": squeeze,
		"Gather": gather, "Slice": slice, "Expand": expand, "Tile": tile, "Shape": shapeOf, "Size": sizeOf, "CastLike": castLike,
		"Constant": constantNode, "ConstantOfShape": constantOfShape,
	}
}

// unary applies a function to each value, whatever the layout. Constants are left to onnx-gomlx.
func unary(fn func(*Node) *Node) func(r *run, v *node) (value, bool) {
	return func(r *run, v *node) (value, bool) {
		x, ok := r.input(v, 0)
		if !ok || x.n == nil {
			return value{}, false
		}
		return x.with(fn(x.n)), true
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

// where chooses between two operands position by position.
func where(r *run, v *node) (value, bool) {
	var in [3]value
	rank, lead := 0, 0
	for i := range in {
		var ok bool
		if in[i], ok = r.input(v, i); !ok {
			return value{}, false
		}
		rank, lead = max(rank, len(in[i].dims())), max(lead, in[i].lead())
	}
	if lead == 0 && (in[0].n == nil || in[1].n == nil || in[2].n == nil) || in[1].dtype() != in[2].dtype() {
		return value{}, false
	}
	shape := make([]int, rank+lead)
	var nodes [3]*Node
	for i, x := range in {
		nodes[i] = withRank(r.aligned(x, rank), rank+lead)
		for a, d := range nodes[i].Shape().Dimensions {
			shape[a] = max(shape[a], d)
		}
	}
	if sizeOfDims(shape) > maxValue {
		return value{}, false
	}
	for i := range nodes {
		nodes[i] = BroadcastToDims(nodes[i], shape...)
	}
	return value{n: Where(nodes[0], nodes[1], nodes[2]), batched: lead > 0}, true
}

// cast changes the type; fractions are cut off, as ONNX requires.
func cast(r *run, v *node) (value, bool) {
	to, ok := constantTypes[protos.TensorProto_DataType(v.int("to", 0))]
	x, ok2 := r.input(v, 0)
	if !ok || !ok2 || x.n == nil || to.dtype == dtypes.Bool || x.dtype() == dtypes.Bool && x.batched {
		return value{}, false
	}
	return x.with(ConvertDType(x.n, to.dtype)), true
}

// gelu is exact or, if the file has approximate = tanh, with the hyperbolic tangent.
func gelu(r *run, v *node) (value, bool) {
	if v.str("approximate", "none") == "none" {
		return unary(nn.GELU)(r, v)
	}
	return unary(func(x *Node) *Node {
		inner := MulScalar(Add(x, MulScalar(Mul(x, Square(x)), 0.044715)), math.Sqrt(2/math.Pi))
		return Mul(MulScalar(x, 0.5), AddScalar(Tanh(inner), 1))
	})(r, v)
}

func mish(x *Node) *Node { return Mul(x, Tanh(softplus(x))) }

// softplus is log(1 + exp(x)), written so that large x do not overflow.
func softplus(x *Node) *Node {
	zero := ScalarZero(x.Graph(), x.DType())
	return Add(Max(x, zero), Log1P(Exp(Neg(Abs(x)))))
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
	return x.with(y), true
}

// elementwise applies a function with broadcasting, channels last if an operand has them last.
func elementwise(fn func(a, b *Node) *Node) func(r *run, v *node) (value, bool) {
	return func(r *run, v *node) (value, bool) {
		a, ok1 := r.input(v, 0)
		b, ok2 := r.input(v, 1)
		if !ok1 || !ok2 || (a.n == nil && b.n == nil) || a.dtype() != b.dtype() {
			return value{}, false
		}
		if a.last || b.last {
			images := a
			if !a.last {
				images = b
			}
			x, ok1 := r.beside(a, images)
			y, ok2 := r.beside(b, images)
			if ok1 && ok2 {
				return imagesLike(images, fn(x, y)), true
			}
		}
		rank := max(len(a.dims()), len(b.dims()))
		x, y := r.aligned(a, rank), r.aligned(b, rank)
		rank = max(x.Rank(), y.Rank())
		return value{n: fn(withRank(x, rank), withRank(y, rank)), batched: a.batched || b.batched}, true
	}
}

// beside returns an operand as [file batches * rows, height, width, channels] or in a shape that broadcasts to it.
func (r *run) beside(v, images value) (*Node, bool) {
	d := v.dims()
	switch {
	case v.last:
		return v.n, v.rows == images.rows
	case len(d) > 4:
		return nil, false
	case !v.batched:
		n := withRank(r.node(v), 4)
		return TransposeAllAxes(n, 0, 2, 3, 1), n.Shape().Dimensions[0] == 1
	case len(d) == 4:
		return r.channelsLast(v).n, d[0] == images.rows
	}
	if images.rows != 1 {
		return nil, false
	}
	return r.channelsLast(value{n: r.aligned(v, 4), batched: true}).n, true
}

// withRank adds axes of length 1 in front.
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
	w := r.variable(v, 1)
	_, stride, pads, dilation, ok := v.window(len(x.dims()) - 2)
	if !x.batched || !ok || w == nil || w.layout != nn.ConvKernel {
		return value{}, false
	}
	groups := v.int("group", 1)
	names, vars := map[string]string{"weight": w.key}, []*variable{w}
	b := r.variable(v, 2)
	var constantBias *tensors.Tensor
	if b != nil {
		names["bias"], vars = b.key, append(vars, b)
	} else if len(v.in) > 2 && v.in[2] != "" {
		if constantBias = r.constant(v, 2); constantBias == nil {
			return value{}, false
		}
	}
	s := r.take(vars...)
	images := r.channelsLast(x)
	c := nn.Conv2D(s.In(prefixOf(w.key)).Named(names), images.n, w.shape[0], w.shape[2]).Kernel(w.shape[2], w.shape[3]).
		Stride(stride).PadPerAxis(pads[0], pads[1]).Dilation(dilation).Groups(groups)
	if b != nil {
		c = c.Bias()
	}
	y := c.Done()
	if constantBias != nil && !allZero(constantBias) { // exporters write zeros where there is no bias
		y = Add(y, Reshape(Const(r.g, constantBias), 1, 1, 1, -1))
	}
	return imagesLike(images, y), true
}

func allZero(c *tensors.Tensor) bool {
	zero := false
	err := tensors.ConstFlatData(c, func(flat []float32) {
		zero = !slices.ContainsFunc(flat, func(v float32) bool { return v != 0 })
	})
	return err == nil && zero
}

// prefixOf returns the layer that a key belongs to, for summaries.
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

func maxPool(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	if !ok || !x.batched {
		return value{}, false
	}
	k, stride, pads, dilation, ok := v.window(len(x.dims()) - 2)
	if !ok || len(k) != 2 || k[0] != k[1] || k[0] < 1 || pads[0] != pads[1] || 2*pads[0] > k[0] || dilation != 1 || len(v.out) > 1 && v.out[1] != "" {
		return value{}, false
	}
	images := r.channelsLast(x)
	p := nn.MaxPool2D(images.n, k[0]).Stride(stride).Pad(pads[0])
	if v.int("ceil_mode", 0) != 0 {
		p = p.Ceil()
	}
	return imagesLike(images, p.Done()), true
}

func avgPool(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	if !ok || !x.batched {
		return value{}, false
	}
	k, stride, pads, dilation, ok := v.window(len(x.dims()) - 2)
	if !ok || len(k) != 2 || k[0] != k[1] || k[0] < 1 || pads[0] != pads[1] || dilation != 1 ||
		(pads[0] != 0 && v.int("count_include_pad", 0) == 0) || v.int("ceil_mode", 0) != 0 && !tiles(x.dims(), k[0], stride, pads[0]) {
		return value{}, false
	}
	images := r.channelsLast(x)
	return imagesLike(images, nn.AvgPool2D(images.n, k[0]).Stride(stride).Pad(pads[0]).Done()), true
}

// tiles reports whether windows end at the edge of the images, so that rounding their number up changes nothing.
func tiles(dims []int, kernel, stride, pad int) bool {
	return (dims[2]+2*pad-kernel)%stride == 0 && (dims[3]+2*pad-kernel)%stride == 0
}

func globalMean(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	if !ok || !x.batched || len(x.dims()) != 4 {
		return value{}, false
	}
	return r.imageMean(r.channelsLast(x), true), true
}

// imageMean is the mean over height and width.
func (r *run) imageMean(images value, keep bool) value {
	y := nn.GlobalMeanPool(images.n)
	d := y.Shape().Dimensions
	if keep {
		return imagesLike(images, Reshape(y, d[0], 1, 1, d[1]))
	}
	return value{n: Reshape(y, r.batches, images.rows, d[1]), batched: true}
}

// reduce reduces several axes together; without axes all of them, or none if the file has noop_with_empty_axes.
func reduce(fn func(x *Node, axes ...int) *Node) func(r *run, v *node) (value, bool) {
	return func(r *run, v *node) (value, bool) {
		x, ok := r.input(v, 0)
		if !ok || x.n == nil {
			return value{}, false
		}
		given := v.ints("axes", 0, 0)
		if len(v.in) > 1 && v.in[1] != "" {
			c := r.constant(v, 1)
			if c == nil {
				return value{}, false
			}
			given, _ = ints(c)
		}
		axes, ok := axesFrom(given, len(x.dims()))
		if !ok {
			return value{}, false
		}
		if len(axes) == 0 {
			if v.int("noop_with_empty_axes", 0) != 0 {
				return x, true
			}
			for i := range x.dims() {
				axes = append(axes, i)
			}
		}
		slices.Sort(axes)
		keep := v.int("keepdims", 1) != 0
		if v.op == "ReduceMean" && x.last && slices.Equal(axes, []int{2, 3}) {
			return r.imageMean(x, keep), true
		}
		in := r.node(x)
		for i := range axes {
			axes[i] += x.lead()
		}
		if keep {
			return value{n: ReduceAndKeep(in, fn, axes...), batched: x.batched}, true
		}
		return value{n: fn(in, axes...), batched: x.batched}, true
	}
}
