package goengine

import (
	"reflect"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/notimplemented"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"
)

// Builder records a computation; Compile decides which engine computes which part.
//
// In addition it builds the same graph in GoMLX's engine, the shadow: shapes are inferred and errors found there, as
// they would be without this engine. Compile drops the shadow.
type Builder struct {
	notimplemented.Builder
	engine *Engine
	name   string
	shadow compute.Builder
	main   *Function
	nextID int
}

// Function records the operations of a function or closure.
type Function struct {
	notimplemented.Function
	builder *Builder
	parent  *Function
	name    string
	shadow  compute.Function
	nodes   []*node
	// known has the values by their shadows: GoMLX's engine returns the same value for equal operations, and so does
	// this one.
	known   map[val]*value
	params  []*value
	outputs []*value
}

// node is a recorded operation.
type node struct {
	id      int
	op      compute.OpType
	inputs  []*value
	outputs []*value
	// attrs has the operation's parameters, for operations that this engine computes itself: see the type for each op.
	attrs any
	// closures are the functions that the operation calls.
	closures []*Function
	// build adds the operation to a graph of GoMLX's engine; nil for parameters and for operations that only this
	// engine has.
	build func(g fn, in []val, functions []fn) ([]val, error)
}

// value is a result of a node.
type value struct {
	node   *node
	index  int
	shape  shapes.Shape
	fn     *Function
	shadow val
}

type convAttrs struct {
	axes                         compute.ConvolveAxesConfig
	strides                      []int
	paddings                     [][2]int
	inDilations, kernelDilations []int
	groups, batchGroups          int
}

type dotAttrs struct {
	lhsContracting, lhsBatch, rhsContracting, rhsBatch []int
	config                                             compute.DotGeneralConfig
}

type poolAttrs struct {
	window, strides []int
	paddings        [][2]int
	kind            compute.ReduceOpType
}

type normAttrs struct {
	epsilon float32
}

func notImplemented(op compute.OpType) error {
	return errors.Wrapf(notimplemented.NotImplementedError, "the pure-Go engine has no operation %q", op)
}

func newBuilder(e *Engine, name string) *Builder {
	b := &Builder{Builder: notimplemented.Builder{ErrFn: notImplemented}, engine: e, name: name, shadow: e.inner.Builder(name)}
	b.main = b.function(nil, compute.MainName, b.shadow.Main())
	return b
}

func (b *Builder) function(parent *Function, name string, shadow compute.Function) *Function {
	return &Function{Function: notimplemented.Function{ErrFn: notImplemented}, builder: b, parent: parent, name: name, shadow: shadow,
		known: map[val]*value{}}
}

// drop forgets the shadow. Callers may keep the values, as GoMLX's graph does, and these would keep all of it.
func (b *Builder) drop() {
	b.main.drop()
	b.shadow, b.main = nil, nil
}

// drop forgets the shadows of a function's values, and of the closures that it calls.
func (f *Function) drop() {
	f.shadow, f.known = nil, nil
	for _, n := range f.nodes {
		for _, v := range n.outputs {
			v.shadow = nil
		}
		for _, c := range n.closures {
			c.drop()
		}
	}
}

// Name of the computation.
func (b *Builder) Name() string { return b.name }

// Main returns the function that is compiled.
func (b *Builder) Main() compute.Function { return b.main }

// NewFunction starts a function that others can call.
func (b *Builder) NewFunction(name string) (compute.Function, error) {
	shadow, err := b.shadow.NewFunction(name)
	if err != nil {
		return nil, err
	}
	return b.function(nil, name, shadow), nil
}

// OpShape returns the shape of a value.
func (b *Builder) OpShape(op val) (shapes.Shape, error) { return b.main.Shape(op) }

// Name of the function.
func (f *Function) Name() string { return f.name }

// Builder that the function belongs to.
func (f *Function) Builder() compute.Builder { return f.builder }

// Parent of a closure, nil for other functions.
func (f *Function) Parent() compute.Function {
	if f.parent == nil {
		return nil
	}
	return f.parent
}

// Shape of a value.
func (f *Function) Shape(v val) (shapes.Shape, error) {
	own, err := cast("Shape", v)
	if err != nil {
		return shapes.Invalid(), err
	}
	return own[0].shape, nil
}

// Closure starts a function that may use the values of this one.
func (f *Function) Closure() (compute.Function, error) {
	shadow, err := f.shadow.Closure()
	if err != nil {
		return nil, err
	}
	return f.builder.function(f, "", shadow), nil
}

func cast(op string, values ...val) ([]*value, error) {
	own := make([]*value, len(values))
	for i, v := range values {
		o, ok := v.(*value)
		if !ok || o == nil {
			return nil, errors.Errorf("%s: operand #%d is a %T, which is no value of this engine", op, i, v)
		}
		own[i] = o
	}
	return own, nil
}

// one records an operation with one result.
func (f *Function) one(op compute.OpType, attrs any, build func(g fn, in []val) (val, error), inputs ...val) (val, error) {
	out, err := f.many(op, attrs, nil, func(g fn, in []val) ([]val, error) {
		v, err := build(g, in)
		return []val{v}, err
	}, inputs...)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// many records an operation with any number of results.
func (f *Function) many(op compute.OpType, attrs any, closures []*Function, build func(g fn, in []val) ([]val, error),
	inputs ...val) ([]val, error) {
	return f.calling(op, attrs, closures, func(g fn, in []val, _ []fn) ([]val, error) { return build(g, in) }, inputs...)
}

func (f *Function) calling(op compute.OpType, attrs any, closures []*Function,
	build func(g fn, in []val, functions []fn) ([]val, error), inputs ...val) ([]val, error) {
	in, err := cast(op.String(), inputs...)
	if err != nil {
		return nil, err
	}
	shadowIn := make([]val, len(in))
	for i, v := range in {
		shadowIn[i] = v.shadow
	}
	functions := make([]fn, len(closures))
	for i, c := range closures {
		functions[i] = c.shadow
	}
	shadows, err := build(f.shadow, shadowIn, functions)
	if err != nil {
		return nil, err
	}
	if len(shadows) == 1 && f.known[shadows[0]] != nil {
		return []val{f.known[shadows[0]]}, nil
	}
	n := f.note(op, attrs, in, build)
	n.closures = closures
	out := make([]val, len(shadows))
	for i, s := range shadows {
		shape, err := f.shadow.Shape(s)
		if err != nil {
			return nil, err
		}
		out[i] = f.result(n, shape, s)
	}
	return out, nil
}

func (f *Function) note(op compute.OpType, attrs any, in []*value, build func(g fn, in []val, functions []fn) ([]val, error)) *node {
	n := &node{id: f.builder.nextID, op: op, inputs: in, attrs: attrs, build: build}
	f.builder.nextID++
	f.nodes = append(f.nodes, n)
	return n
}

func (f *Function) result(n *node, shape shapes.Shape, shadow val) *value {
	v := &value{node: n, index: len(n.outputs), shape: shape, fn: f, shadow: shadow}
	n.outputs = append(n.outputs, v)
	f.known[shadow] = v
	return v
}

// Parameter adds an input.
func (f *Function) Parameter(name string, shape shapes.Shape, sharding *compute.ShardingSpec) (val, error) {
	s, err := f.shadow.Parameter(name, shape, sharding)
	if err != nil {
		return nil, err
	}
	v := f.result(f.note(compute.OpTypeParameter, name, nil, nil), shape, s)
	f.params = append(f.params, v)
	return v, nil
}

// Return sets the results.
func (f *Function) Return(outputs []val, shardings []*compute.ShardingSpec) error {
	own, err := cast("Return", outputs...)
	if err != nil {
		return err
	}
	shadows := make([]val, len(own))
	for i, o := range own {
		shadows[i] = o.shadow
	}
	if err := f.shadow.Return(shadows, shardings); err != nil {
		return err
	}
	f.outputs = own
	return nil
}

// only records an operation that GoMLX's engine lacks; in the shadow, parameters take the place of the results.
func (f *Function) only(op compute.OpType, attrs any, results []shapes.Shape, inputs ...val) ([]val, error) {
	if f != f.builder.main {
		return nil, notImplemented(op)
	}
	in, err := cast(op.String(), inputs...)
	if err != nil {
		return nil, err
	}
	n := f.note(op, attrs, in, nil)
	out := make([]val, len(results))
	for i, shape := range results {
		s, err := f.shadow.Parameter("", shape, nil)
		if err != nil {
			return nil, err
		}
		out[i] = f.result(n, shape, s)
	}
	return out, nil
}

// BatchNormForTraining normalises float32 images over all axes but the last one.
func (f *Function) BatchNormForTraining(x, scale, offset val, epsilon float32, axis int) (val, val, val, error) {
	in, err := cast("BatchNormForTraining", x, scale, offset)
	if err != nil {
		return nil, nil, nil, err
	}
	s := in[0].shape
	if s.DType != dtypes.Float32 || axis != s.Rank()-1 || s.Size() == 0 {
		return nil, nil, nil, notImplemented(compute.OpTypeBatchNormForTraining)
	}
	channels := shapes.Make(s.DType, s.Dimensions[axis])
	out, err := f.only(compute.OpTypeBatchNormForTraining, normAttrs{epsilon}, []shapes.Shape{s, channels, channels}, x, scale, offset)
	if err != nil {
		return nil, nil, nil, err
	}
	return out[0], out[1], out[2], nil
}

// BatchNormGradient is the gradient of BatchNormForTraining, under the same conditions.
func (f *Function) BatchNormGradient(x, scale, mean, variance, v val, epsilon float32, axis int) (val, val, val, error) {
	in, err := cast("BatchNormGradient", x)
	if err != nil {
		return nil, nil, nil, err
	}
	s := in[0].shape
	if s.DType != dtypes.Float32 || axis != s.Rank()-1 || s.Size() == 0 {
		return nil, nil, nil, notImplemented(compute.OpTypeBatchNormGradient)
	}
	channels := shapes.Make(s.DType, s.Dimensions[axis])
	out, err := f.only(compute.OpTypeBatchNormGradient, normAttrs{epsilon}, []shapes.Shape{s, channels, channels},
		x, scale, mean, variance, v)
	if err != nil {
		return nil, nil, nil, err
	}
	return out[0], out[1], out[2], nil
}

func functionsOf(op string, list ...compute.Function) ([]*Function, error) {
	own := make([]*Function, len(list))
	for i, f := range list {
		o, ok := f.(*Function)
		if !ok {
			return nil, errors.Errorf("%s: function #%d is a %T, which is no function of this engine", op, i, f)
		}
		own[i] = o
	}
	return own, nil
}

// Call runs another function of the builder.
func (f *Function) Call(target compute.Function, inputs ...val) ([]val, error) {
	fs, err := functionsOf("Call", target)
	if err != nil {
		return nil, err
	}
	return f.calling(compute.OpTypeCall, nil, fs, func(g fn, in []val, fs []fn) ([]val, error) { return g.Call(fs[0], in...) }, inputs...)
}

// Sort orders values along an axis by a comparing closure.
func (f *Function) Sort(comparator compute.Function, axis int, isStable bool, inputs ...val) ([]val, error) {
	fs, err := functionsOf("Sort", comparator)
	if err != nil {
		return nil, err
	}
	return f.calling(compute.OpTypeSort, nil, fs, func(g fn, in []val, fs []fn) ([]val, error) {
		return g.Sort(fs[0], axis, isStable, in...)
	}, inputs...)
}

// While repeats a closure.
func (f *Function) While(cond, body compute.Function, state ...val) ([]val, error) {
	fs, err := functionsOf("While", cond, body)
	if err != nil {
		return nil, err
	}
	return f.calling(compute.OpTypeWhile, nil, fs, func(g fn, in []val, fs []fn) ([]val, error) {
		return g.While(fs[0], fs[1], in...)
	}, state...)
}

// If runs one of two closures.
func (f *Function) If(pred val, onTrue, onFalse compute.Function) ([]val, error) {
	fs, err := functionsOf("If", onTrue, onFalse)
	if err != nil {
		return nil, err
	}
	return f.calling(compute.OpTypeIf, nil, fs, func(g fn, in []val, fs []fn) ([]val, error) {
		return g.If(in[0], fs[0], fs[1])
	}, pred)
}

// optional stores operands that may be nil, with their positions.
type optional struct {
	values []val
	at     []int // index in values, or -1
}

func (o *optional) add(values ...val) {
	for _, v := range values {
		if v == nil {
			o.at = append(o.at, -1)
			continue
		}
		o.at = append(o.at, len(o.values))
		o.values = append(o.values, v)
	}
}

func (o *optional) spread(in []val) []val {
	all := make([]val, len(o.at))
	for i, at := range o.at {
		if at >= 0 {
			all[i] = in[at]
		}
	}
	return all
}

// cloneFlat copies a slice of any type.
func cloneFlat(flat any) any {
	v := reflect.ValueOf(flat)
	if v.Kind() != reflect.Slice {
		return flat
	}
	c := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
	reflect.Copy(c, v)
	return c.Interface()
}

// captured lists the values of outer functions that a function and its closures use.
func (f *Function) captured() []*value {
	var list []*value
	inside := map[*Function]bool{f: true}
	var visit func(f *Function)
	note := func(v *value) {
		if !inside[v.fn] && !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	visit = func(f *Function) {
		for _, n := range f.nodes {
			for _, c := range n.closures {
				if c.parent != nil {
					inside[c] = true
					visit(c)
				}
			}
			for _, v := range n.inputs {
				note(v)
			}
		}
		for _, v := range f.outputs {
			note(v)
		}
	}
	visit(f)
	return list
}
