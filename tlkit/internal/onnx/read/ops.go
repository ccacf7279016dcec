package read

import (
	"math"
	"slices"

	"github.com/gomlx/compute-onnx/support/protos"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// natives are the operators that are built from tlkit/nn and GoMLX. Each returns false for a form that it leaves to
// onnx-gomlx. It is filled in init, since the functions refer to it.
var natives map[string]func(r *run, v *node) (value, bool)

func init() {
	natives = map[string]func(r *run, v *node) (value, bool){
		"Conv": conv, "BatchNormalization": batchNorm, "MaxPool": maxPool, "AveragePool": avgPool, "GlobalAveragePool": globalMean,
		"Gemm": gemm, "MatMul": matMul, "Einsum": einsum, "Attention": attention, "LayerNormalization": layerNorm, "Softmax": softmax,
		"CumSum": cumSum, "InstanceNormalization": instanceNorm, "GroupNormalization": groupNorm, "LRN": localNorm, "GlobalMaxPool": globalMax,
		"Dropout": identity, "Identity": identity, "Sum": sum, "Mean": mean, "Upsample": resize, "Resize": resize, "DepthToSpace": depthToSpace, "SpaceToDepth": spaceToDepth,
		"Add": elementwise(Add), "Sub": elementwise(Sub), "Mul": elementwise(Mul), "Div": elementwise(Div), "PRelu": elementwise(pRelu),
		"Equal": elementwise(Equal), "Pow": elementwise(Pow), "Where": where, "Cast": cast, "Not": unary(LogicalNot),
		"Relu": unary(nn.ReLU), "Sigmoid": unary(Sigmoid), "Tanh": unary(Tanh), "Sqrt": unary(Sqrt), "Erf": unary(Erf), "Exp": unary(Exp), "Round": unary(Round),
		"Neg": unary(Neg), "HardSwish": unary(nn.HardSwish), "HardSigmoid": hardSigmoid, "LeakyRelu": leakyRelu, "Clip": clip,
		"Elu": elu, "Celu": celu, "Selu": selu, "ThresholdedRelu": thresholdedRelu, "Swish": swish, "Softsign": unary(softsign),
		"Gelu": gelu, "Mish": unary(mish), "Softplus": unary(softplus), "IsNaN": unary(func(x *Node) *Node { return NotEqual(x, x) }),
		"ReduceMean": reduce(ReduceMean), "ReduceSum": reduce(ReduceSum), "ReduceMax": reduce(ReduceMax), "ReduceMin": reduce(ReduceMin),
		"ReduceL1":        reduce(func(x *Node, axes ...int) *Node { return ReduceSum(Abs(x), axes...) }),
		"ReduceSumSquare": reduce(func(x *Node, axes ...int) *Node { return ReduceSum(Square(x), axes...) }),
		"ReduceLogSumExp": reduce(logSumExp),
		"ReduceL2":        reduce(func(x *Node, axes ...int) *Node { return Sqrt(ReduceSum(Square(x), axes...)) }),

		"Reshape": reshape, "Flatten": flatten, "Transpose": transpose, "Concat": concat, "Pad": pad, "Unsqueeze": unsqueeze, "Squeeze": squeeze,
		"Gather": gather, "GatherND": gatherND, "Slice": slice, "Expand": expand, "Tile": tile, "Shape": shapeOf, "Size": sizeOf, "CastLike": castLike,
		fakeQuantize: rounding,

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

// celu is x above 0 and alpha (exp(x/alpha) - 1) below.
func celu(r *run, v *node) (value, bool) {
	alpha := v.float("alpha", 1)
	return unary(func(x *Node) *Node {
		zero := ScalarZero(x.Graph(), x.DType())
		return Add(Max(x, zero), MulScalar(SubScalar(Exp(DivScalar(Min(x, zero), alpha)), 1), alpha))
	})(r, v)
}

// selu is gamma x above 0 and gamma alpha (exp(x) - 1) below.
func selu(r *run, v *node) (value, bool) {
	alpha, gamma := v.float("alpha", 1.67326319217681884765625), v.float("gamma", 1.05070102214813232421875)
	return unary(func(x *Node) *Node {
		zero := ScalarZero(x.Graph(), x.DType())
		return MulScalar(Add(Max(x, zero), MulScalar(SubScalar(Exp(Min(x, zero)), 1), alpha)), gamma)
	})(r, v)
}

// thresholdedRelu is x above alpha and 0 elsewhere.
func thresholdedRelu(r *run, v *node) (value, bool) {
	alpha := v.float("alpha", 1)
	return unary(func(x *Node) *Node {
		return Where(GreaterThan(x, Scalar(x.Graph(), x.DType(), alpha)), x, ZerosLike(x))
	})(r, v)
}

// swish is x sigmoid(alpha x), an operator since set 24.
func swish(r *run, v *node) (value, bool) {
	alpha := v.float("alpha", 1)
	return unary(func(x *Node) *Node { return Mul(x, Sigmoid(MulScalar(x, alpha))) })(r, v)
}

func softsign(x *Node) *Node { return Div(x, AddScalar(Abs(x), 1)) }

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
		if !ok1 || !ok2 {
			return value{}, false
		}
		return r.pointwise(fn, a, b)
	}
}

// pointwise is elementwise for two values.
func (r *run) pointwise(fn func(a, b *Node) *Node, a, b value) (value, bool) {
	if a.n == nil && b.n == nil || a.dtype() != b.dtype() {
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

// sum adds up any number of operands, with broadcasting.
func sum(r *run, v *node) (value, bool) {
	total, ok := r.input(v, 0)
	for i := 1; ok && i < len(v.in); i++ {
		var x value
		if x, ok = r.input(v, i); ok {
			total, ok = r.pointwise(Add, total, x)
		}
	}
	return total, ok && total.n != nil
}

// mean is sum divided by the number of operands.
func mean(r *run, v *node) (value, bool) {
	total, ok := sum(r, v)
	if !ok {
		return value{}, false
	}
	return total.with(DivScalar(total.n, float64(len(v.in)))), true
}

func globalMean(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	if !ok || !x.batched || len(x.dims()) != 4 {
		return value{}, false
	}
	return r.imageMean(r.channelsLast(x), true), true
}

// globalMax is the maximum over height and width.
func globalMax(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	if !ok || !x.batched || len(x.dims()) != 4 {
		return value{}, false
	}
	images := r.channelsLast(x)
	return imagesLike(images, ReduceAndKeep(images.n, ReduceMax, 1, 2)), true
}

// depthToSpace moves blocks of channels into positions; CRD has the blocks within each output channel.
func depthToSpace(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	b := v.int("blocksize", 0)
	if !ok || x.n == nil || len(x.dims()) != 4 || b < 1 || b > maxNumber || x.dims()[1]%(b*b) != 0 {
		return value{}, false
	}
	d := x.dims()
	c := d[1] / (b * b)
	split, perm := []int{d[0], b, b, c, d[2], d[3]}, []int{0, 3, 4, 1, 5, 2}
	if v.str("mode", "DCR") == "CRD" {
		split, perm = []int{d[0], c, b, b, d[2], d[3]}, []int{0, 1, 4, 2, 5, 3}
	}
	y := r.permuted(r.reshaped(x, split...), perm)
	return r.reshaped(y, d[0], c, d[2]*b, d[3]*b), true
}

// spaceToDepth moves blocks of positions into channels.
func spaceToDepth(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	b := v.int("blocksize", 0)
	if !ok || x.n == nil || len(x.dims()) != 4 || b < 1 || x.dims()[2]%b != 0 || x.dims()[3]%b != 0 {
		return value{}, false
	}
	d := x.dims()
	y := r.permuted(r.reshaped(x, d[0], d[1], d[2]/b, b, d[3]/b, b), []int{0, 3, 5, 1, 2, 4})
	return r.reshaped(y, d[0], d[1]*b*b, d[2]/b, d[3]/b), true
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

// logSumExp is log(sum(exp(x))), written so that large x do not overflow.
func logSumExp(x *Node, axes ...int) *Node {
	top := ReduceAndKeep(x, ReduceMax, axes...)
	sum := ReduceSum(Exp(Sub(x, top)), axes...)
	return Add(Log(sum), Reshape(top, sum.Shape().Dimensions...))
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
