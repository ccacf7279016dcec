package write

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/notimplemented"
	"github.com/gomlx/compute/shapeinference"
	"github.com/gomlx/compute/shapes"
)

// Name is the name of the engine, also of its row in tlkit/backend/traits.
const Name = "ONNX export"

// Batch is the number of images that a network must be recorded with.
const Batch = 7919

// ErrRecorded is the error of every attempt to compile a graph on a [Recorder]: there is nothing to run.
var ErrRecorded = errors.New("onnx: the graph is recorded; nothing can be run")

// Recorder is an engine that records the graph built on it, one graph only.
type Recorder struct {
	notimplemented.Backend
	fn *function
}

// New returns a recorder for one graph.
func New() *Recorder { return &Recorder{} }

func (r *Recorder) Name() string        { return Name }
func (r *Recorder) String() string      { return Name }
func (r *Recorder) Description() string { return "records graphs to write them as ONNX models" }

// Capabilities lists the types that can be written, and no operations: an unsupported one fails when the graph is built
// or written.
func (r *Recorder) Capabilities() compute.Capabilities {
	all := compute.Capabilities{Operations: map[compute.OpType]bool{}, DTypes: map[dtypes.DType]bool{}}
	for _, t := range []dtypes.DType{dtypes.Float32, dtypes.Int32, dtypes.Int64, dtypes.Bool} {
		all.DTypes[t] = true
	}
	return all
}

// Builder starts the graph.
func (r *Recorder) Builder(name string) compute.Builder {
	b := &builder{name: name}
	b.fn = &function{builder: b, Function: notimplemented.Function{ErrFn: notSupported}}
	r.fn = b.fn
	return b
}

func notSupported(op compute.OpType) error {
	return fmt.Errorf("onnx: operation %s: %w", op, compute.ErrNotImplemented)
}

type builder struct {
	notimplemented.Builder
	name string
	fn   *function
}

func (b *builder) Name() string                         { return b.name }
func (b *builder) Main() compute.Function               { return b.fn }
func (b *builder) Compile() (compute.Executable, error) { return nil, ErrRecorded }
func (b *builder) OpShape(v compute.Value) (shapes.Shape, error) {
	return b.fn.Shape(v)
}

// node is one recorded operation. write is called after its inputs have been written, and returns its value.
type node struct {
	op     string
	inputs []*node
	shape  shapes.Shape
	write  func(w *writer, in []value) (value, error)
	// scalar is the value of a constant without axes.
	scalar *float64
	// name is the name of a parameter.
	name string
}

// function records operations. Shapes are inferred by GoMLX's own rules.
type function struct {
	notimplemented.Function
	builder *builder
	params  []*node
	outputs []*node
}

func (f *function) Builder() compute.Builder { return f.builder }

func (f *function) Shape(v compute.Value) (shapes.Shape, error) {
	n, ok := v.(*node)
	if !ok {
		return shapes.Invalid(), fmt.Errorf("onnx: a value of another engine (%T)", v)
	}
	return n.shape, nil
}

func (f *function) Return(outputs []compute.Value, _ []*compute.ShardingSpec) error {
	f.outputs = toNodes(outputs...)
	return nil
}

func toNodes(values ...compute.Value) []*node {
	nodes := make([]*node, len(values))
	for i, v := range values {
		nodes[i] = v.(*node)
	}
	return nodes
}

// add records an operation, unless its shapes did not fit.
func (f *function) add(op string, shape shapes.Shape, err error, write func(w *writer, in []value) (value, error), inputs ...compute.Value) (compute.Value, error) {
	if err != nil {
		return nil, err
	}
	return &node{op: op, inputs: toNodes(inputs...), shape: shape, write: write}, nil
}

func (f *function) Parameter(name string, shape shapes.Shape, _ *compute.ShardingSpec) (compute.Value, error) {
	n := &node{op: "Parameter", name: name, shape: shape, write: func(w *writer, _ []value) (value, error) { return w.parameter(name, shape) }}
	f.params = append(f.params, n)
	return n, nil
}

func (f *function) Constant(flat any, dims ...int) (compute.Value, error) {
	dtype := dtypes.FromGoType(reflect.TypeOf(flat).Elem())
	shape := shapes.Make(dtype, dims...)
	n := &node{op: "Constant", shape: shape, write: func(w *writer, _ []value) (value, error) { return w.constant(flat, shape) }}
	if v, ok := flat.([]float32); ok && len(dims) == 0 {
		x := float64(v[0])
		n.scalar = &x
	}
	return n, nil
}

func (f *function) Identity(x compute.Value) (compute.Value, error) {
	return x, nil
}

func (f *function) unary(kind compute.OpType, op string, x compute.Value) (compute.Value, error) {
	shape, err := shapeinference.UnaryOp(kind, x.(*node).shape)
	return f.add(op, shape, err, func(w *writer, in []value) (value, error) { return w.elementwise(op, shape, in...) }, x)
}

func (f *function) binary(kind compute.OpType, op string, a, b compute.Value) (compute.Value, error) {
	shape, err := shapeinference.BinaryOp(kind, a.(*node).shape, b.(*node).shape)
	write := func(w *writer, in []value) (value, error) { return w.elementwise(op, shape, in...) }
	if kind == compute.OpTypeMax && isScalar(b, 0) {
		return f.add("Relu", shape, err, func(w *writer, in []value) (value, error) { return w.elementwise("Relu", shape, in[0]) }, a)
	}
	return f.add(op, shape, err, write, a, b)
}

func isScalar(v compute.Value, want float64) bool {
	n := v.(*node)
	return n.scalar != nil && *n.scalar == want
}

func (f *function) compare(kind compute.OpType, op string, a, b compute.Value) (compute.Value, error) {
	shape, err := shapeinference.ComparisonOp(kind, a.(*node).shape, b.(*node).shape)
	return f.add(op, shape, err, func(w *writer, in []value) (value, error) { return w.elementwise(op, shape, in...) }, a, b)
}

func (f *function) Abs(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeAbs, "Abs", x)
}
func (f *function) Neg(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeNeg, "Neg", x)
}
func (f *function) Exp(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeExp, "Exp", x)
}
func (f *function) Log(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeLog, "Log", x)
}
func (f *function) Erf(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeErf, "Erf", x)
}
func (f *function) Tanh(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeTanh, "Tanh", x)
}
func (f *function) Sqrt(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeSqrt, "Sqrt", x)
}
func (f *function) Floor(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeFloor, "Floor", x)
}
func (f *function) Ceil(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeCeil, "Ceil", x)
}
func (f *function) Round(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeRound, "Round", x)
}
func (f *function) Logistic(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeLogistic, "Sigmoid", x)
}
func (f *function) LogicalNot(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeLogicalNot, "Not", x)
}

func (f *function) Add(a, b compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeAdd, "Add", a, b)
}
func (f *function) Sub(a, b compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeSub, "Sub", a, b)
}
func (f *function) Mul(a, b compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeMul, "Mul", a, b)
}
func (f *function) Div(a, b compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeDiv, "Div", a, b)
}
func (f *function) Max(a, b compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeMax, "Max", a, b)
}
func (f *function) Min(a, b compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeMin, "Min", a, b)
}
func (f *function) Pow(a, b compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypePow, "Pow", a, b)
}
func (f *function) LogicalAnd(a, b compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeLogicalAnd, "And", a, b)
}
func (f *function) LogicalOr(a, b compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeLogicalOr, "Or", a, b)
}

func (f *function) Equal(a, b compute.Value) (compute.Value, error) {
	return f.compare(compute.OpTypeEqual, "Equal", a, b)
}
func (f *function) GreaterThan(a, b compute.Value) (compute.Value, error) {
	return f.compare(compute.OpTypeGreaterThan, "Greater", a, b)
}
func (f *function) GreaterOrEqual(a, b compute.Value) (compute.Value, error) {
	return f.compare(compute.OpTypeGreaterOrEqual, "GreaterOrEqual", a, b)
}
func (f *function) LessThan(a, b compute.Value) (compute.Value, error) {
	return f.compare(compute.OpTypeLessThan, "Less", a, b)
}
func (f *function) LessOrEqual(a, b compute.Value) (compute.Value, error) {
	return f.compare(compute.OpTypeLessOrEqual, "LessOrEqual", a, b)
}

func (f *function) Where(condition, yes, no compute.Value) (compute.Value, error) {
	shape, err := shapeinference.Where(condition.(*node).shape, yes.(*node).shape, no.(*node).shape)
	return f.add("Where", shape, err, func(w *writer, in []value) (value, error) { return w.elementwise("Where", shape, in...) }, condition, yes, no)
}

func (f *function) ConvertDType(x compute.Value, dtype dtypes.DType) (compute.Value, error) {
	shape := x.(*node).shape.Clone()
	shape.DType = dtype
	return f.add("Cast", shape, nil, func(w *writer, in []value) (value, error) { return w.cast(in[0], shape) }, x)
}

func (f *function) Reshape(x compute.Value, dims ...int) (compute.Value, error) {
	shape, err := shapeinference.Reshape(x.(*node).shape, dims)
	return f.add("Reshape", shape, err, func(w *writer, in []value) (value, error) { return w.reshape(in[0], shape) }, x)
}

func (f *function) Transpose(x compute.Value, permutation ...int) (compute.Value, error) {
	shape, err := shapeinference.Transpose(x.(*node).shape, permutation)
	return f.add("Transpose", shape, err, func(_ *writer, in []value) (value, error) {
		v, at := in[0], make([]int, len(permutation))
		for i, p := range permutation {
			at[i] = v.at[p]
		}
		v.shape, v.at = shape, at
		return v, nil
	}, x)
}

func (f *function) BroadcastInDim(x compute.Value, shape shapes.Shape, axes []int) (compute.Value, error) {
	axes = slices.Clone(axes)
	return f.add("Expand", shape, nil, func(w *writer, in []value) (value, error) { return w.broadcast(in[0], shape, axes) }, x)
}

func (f *function) Concatenate(axis int, operands ...compute.Value) (compute.Value, error) {
	var in []shapes.Shape
	for _, n := range toNodes(operands...) {
		in = append(in, n.shape)
	}
	shape, err := shapeinference.Concatenate(in, axis)
	return f.add("Concat", shape, err, func(w *writer, in []value) (value, error) { return w.concatenate(in, axis, shape) }, operands...)
}

func (f *function) Slice(x compute.Value, starts, limits, strides []int) (compute.Value, error) {
	shape, err := shapeinference.Slice(x.(*node).shape, starts, limits, strides)
	starts, limits, strides = slices.Clone(starts), slices.Clone(limits), slices.Clone(strides)
	return f.add("Slice", shape, err, func(w *writer, in []value) (value, error) { return w.slice(in[0], starts, limits, strides, shape) }, x)
}

func (f *function) Pad(x, fill compute.Value, axes ...compute.PadAxis) (compute.Value, error) {
	shape, err := shapeinference.Pad(x.(*node).shape, axes...)
	axes = slices.Clone(axes)
	return f.add("Pad", shape, err, func(w *writer, in []value) (value, error) { return w.pad(in[0], in[1], axes, shape) }, x, fill)
}

func (f *function) Iota(shape shapes.Shape, axis int) (compute.Value, error) {
	return f.add("Iota", shape, nil, func(w *writer, _ []value) (value, error) { return w.iota(shape, axis) })
}

func (f *function) reduce(op string, x compute.Value, axes []int) (compute.Value, error) {
	if axes = slices.Clone(axes); len(axes) == 0 {
		axes = inOrder(x.(*node).shape.Rank()) // as compute.StandardOps has it; shapeinference takes it as none
	}
	shape, err := shapeinference.Reduce(x.(*node).shape, axes)
	return f.add(op, shape, err, func(w *writer, in []value) (value, error) { return w.reduce(op, in[0], axes, shape) }, x)
}

func (f *function) ReduceSum(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce("ReduceSum", x, axes)
}
func (f *function) ReduceMax(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce("ReduceMax", x, axes)
}
func (f *function) ReduceMin(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce("ReduceMin", x, axes)
}

func (f *function) Gather(x, starts compute.Value, vectorAxis int, offsetAxes, collapsed, startMap, sizes []int, _ bool) (compute.Value, error) {
	xs, ss := x.(*node).shape, starts.(*node).shape
	shape, err := shapeinference.Gather(xs, ss, vectorAxis, offsetAxes, collapsed, startMap, sizes, false)
	// Rows of a table by their index: nn.Lookup builds this form.
	rows := ss.Rank() == 2 && vectorAxis == 1 && ss.Dimensions[1] == 1 && slices.Equal(startMap, []int{0}) &&
		slices.Equal(collapsed, []int{0}) && slices.Equal(sizes[1:], xs.Dimensions[1:])
	if err == nil && !rows {
		return nil, notSupported(compute.OpTypeGather)
	}
	return f.add("Gather", shape, err, func(w *writer, in []value) (value, error) { return w.rows(in[0], in[1], shape) }, x, starts)
}

func (f *function) ConvGeneral(x, kernel compute.Value, axes compute.ConvolveAxesConfig, strides []int, paddings [][2]int,
	inputDilations, kernelDilations []int, groups, batchGroups int) (compute.Value, error) {
	groups, batchGroups = max(1, groups), max(1, batchGroups)
	shape, err := shapeinference.ConvGeneral(x.(*node).shape, kernel.(*node).shape, axes, strides, paddings, inputDilations, kernelDilations, groups, batchGroups)
	if batchGroups > 1 || slices.ContainsFunc(inputDilations, func(d int) bool { return d > 1 }) {
		return nil, notSupported(compute.OpTypeConvGeneral)
	}
	c := window{kernel: nil, strides: slices.Clone(strides), paddings: slices.Clone(paddings), dilations: slices.Clone(kernelDilations)}
	axes = axes.Clone()
	return f.add("Conv", shape, err, func(w *writer, in []value) (value, error) { return w.conv(in[0], in[1], axes, c, groups, shape) }, x, kernel)
}

func (f *function) BatchNormForInference(x, scale, offset, mean, variance compute.Value, epsilon float32, axis int) (compute.Value, error) {
	shape := x.(*node).shape
	return f.add("BatchNormalization", shape, nil, func(w *writer, in []value) (value, error) { return w.batchNorm(in, epsilon, axis) },
		x, scale, offset, mean, variance)
}

func (f *function) ReduceWindow(x compute.Value, kind compute.ReduceOpType, dims, strides, inputDilations, dilations []int, paddings [][2]int) (compute.Value, error) {
	shape, err := shapeinference.ReduceWindow(x.(*node).shape, dims, strides, inputDilations, dilations, paddings)
	ones := func(v []int) bool { return !slices.ContainsFunc(v, func(d int) bool { return d != 1 }) }
	if (kind != compute.ReduceOpMax && kind != compute.ReduceOpSum) || !ones(inputDilations) || !ones(dilations) || len(dims) != 4 {
		return nil, notSupported(compute.OpTypeReduceWindow)
	}
	c := window{kernel: slices.Clone(dims), strides: slices.Clone(strides), paddings: slices.Clone(paddings)}
	return f.add("ReduceWindow", shape, err, func(w *writer, in []value) (value, error) { return w.pool(in[0], kind, c, shape) }, x)
}

func (f *function) DotGeneral(a compute.Value, aContract, aBatch []int, b compute.Value, bContract, bBatch []int, config compute.DotGeneralConfig) (compute.Value, error) {
	shape, err := shapeinference.DotGeneral(a.(*node).shape, aContract, aBatch, b.(*node).shape, bContract, bBatch, config)
	if err == nil && len(aContract) != 1 {
		return nil, notSupported(compute.OpTypeDotGeneral)
	}
	sides := [2]side{{aContract, slices.Clone(aBatch)}, {bContract, slices.Clone(bBatch)}}
	return f.add("MatMul", shape, err, func(w *writer, in []value) (value, error) { return w.dot(in, sides, shape) }, a, b)
}
