package write

import (
	"cmp"
	"fmt"
	"slices"

	onnx "github.com/gomlx/compute-onnx/support/protos"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// Tensor gives the name and the layout that a parameter of the graph has in the model.
type Tensor struct {
	// Name in the model.
	Name string
	// Dims are its dimensions in the model.
	Dims []int
	// Axes are the places in Dims of the axes in the graph: Axes[0] is the place of the first one.
	Axes []int
	// fed is true for an input, false for a weight.
	fed bool
}

// Options are the options for writing a recorded graph.
type Options struct {
	// Input and Output name the model's input and its output.
	Input, Output string
	// Parameter describes a parameter of the graph: a weight, or the input.
	Parameter func(name string, dims []int) (Tensor, error)
}

// opset is the version of ONNX's operators that models are written in, and irVersion that of the file format.
const (
	opset     = 18
	irVersion = 8
)

// Model writes the recorded graph as an ONNX model and returns it with the names of the weights that it uses. The
// weights are to be added as initializers.
func (r *Recorder) Model(o Options) (*onnx.ModelProto, []string, error) {
	if r.fn == nil || len(r.fn.outputs) != 1 {
		return nil, nil, fmt.Errorf("onnx: no graph with one output was recorded")
	}
	w := r.newWriter(o, Batch)
	w.count(r.fn.outputs[0])
	out, err := w.value(r.fn.outputs[0])
	if err == nil {
		out, err = w.plain(out)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("onnx: %w", err)
	}
	last := w.graph.Node[len(w.graph.Node)-1]
	if last.Output[0] == out.name {
		last.Output[0] = o.Output
	} else {
		w.graph.Node = append(w.graph.Node, &onnx.NodeProto{OpType: "Identity", Name: o.Output, Input: []string{out.name}, Output: []string{o.Output}})
	}
	w.graph.Output = []*onnx.ValueInfoProto{w.valueInfo(o.Output, out.shape.DType, out.dims)}
	return w.model(), w.weights, nil
}

// newWriter returns a writer of the recorded graph. Dimensions that are multiples of batch are free in the model; with
// 0, none is.
func (r *Recorder) newWriter(o Options, batch int) *writer {
	return &writer{options: o, batch: batch, done: map[*node]value{}, uses: map[*node]int{}, made: map[string]string{}, names: map[string]int{},
		graph: &onnx.GraphProto{Name: r.fn.builder.name}, shared: map[string]string{}}
}

func (w *writer) model() *onnx.ModelProto {
	return &onnx.ModelProto{IrVersion: irVersion, Graph: w.graph, OpsetImport: []*onnx.OperatorSetIdProto{{Version: opset}}}
}

// value is an ONNX tensor that stands for a value of the graph.
type value struct {
	// shape is the graph's.
	shape shapes.Shape
	// at[i] is the axis of the tensor that holds axis i of shape.
	at []int
	// dims are the tensor's dimensions. Where one is 1 and shape's is not, the value is yet to be broadcast; ONNX's
	// elementwise operations broadcast by themselves.
	dims []int
	// name is the tensor's name; for a constant or weight it is the name of the data, which have dimensions of their
	// own.
	name string
	// data are the dimensions of a constant's or weight's data, whose order is that of dims; nil for a computed value.
	// weight is true for a weight; flat holds a constant's values.
	data   []int
	weight bool
	flat   any
	// open is the Conv or Gemm that made the value, if nothing else uses the value and a bias may still be added to it.
	open *onnx.NodeProto
}

type writer struct {
	options Options
	// batch is the number whose multiples are dimensions that depend on the batch; 0 for none.
	batch   int
	graph   *onnx.GraphProto
	done    map[*node]value
	uses    map[*node]int
	weights []string
	// made holds reshaped and transposed tensors by their source and operation; shared holds small constants by their
	// content.
	made, shared map[string]string
	names        map[string]int
}

// count counts the uses of each node.
func (w *writer) count(n *node) {
	if w.uses[n]++; w.uses[n] > 1 {
		return
	}
	for _, in := range n.inputs {
		w.count(in)
	}
}

// value writes n and all nodes that it needs.
func (w *writer) value(n *node) (value, error) {
	if v, ok := w.done[n]; ok {
		return v, nil
	}
	in := make([]value, len(n.inputs))
	for i, input := range n.inputs {
		v, err := w.value(input)
		if err != nil {
			return value{}, err
		}
		if w.uses[input] > 1 {
			v.open = nil
		}
		in[i] = v
	}
	v, err := n.write(w, in)
	if err != nil {
		return value{}, fmt.Errorf("%s %s: %w", n.op, n.shape, err)
	}
	w.done[n] = v
	return v, nil
}

// unique returns a name that no tensor has yet.
func (w *writer) unique(name string) string {
	w.names[name]++
	if n := w.names[name]; n > 1 {
		return fmt.Sprintf("%s_%d", name, n)
	}
	return name
}

// emit adds a node of one output and returns it.
func (w *writer) emit(op, name string, inputs []string, attributes ...*onnx.AttributeProto) *onnx.NodeProto {
	name = cmp.Or(name, op)
	name = w.unique(name)
	n := &onnx.NodeProto{OpType: op, Name: name, Input: inputs, Output: []string{name + ":out"}, Attribute: attributes}
	w.graph.Node = append(w.graph.Node, n)
	return n
}

func ints(name string, values []int) *onnx.AttributeProto {
	return &onnx.AttributeProto{Name: name, Type: onnx.AttributeProto_INTS, Ints: int64s(values)}
}

func integer(name string, v int) *onnx.AttributeProto {
	return &onnx.AttributeProto{Name: name, Type: onnx.AttributeProto_INT, I: int64(v)}
}

func int64s(values []int) []int64 {
	out := make([]int64, len(values))
	for i, v := range values {
		out[i] = int64(v)
	}
	return out
}

var types = map[dtypes.DType]onnx.TensorProto_DataType{
	dtypes.Float32: onnx.TensorProto_FLOAT, dtypes.Int32: onnx.TensorProto_INT32,
	dtypes.Int64: onnx.TensorProto_INT64, dtypes.Bool: onnx.TensorProto_BOOL, dtypes.Uint8: onnx.TensorProto_UINT8,
}

// free reports whether a dimension depends on the batch.
func (w *writer) free(d int) bool { return w.batch > 0 && d > 0 && d%w.batch == 0 }

func (w *writer) valueInfo(name string, dtype dtypes.DType, dims []int) *onnx.ValueInfoProto {
	shape := &onnx.TensorShapeProto{}
	for _, d := range dims {
		dim := &onnx.TensorShapeProto_Dimension{Value: &onnx.TensorShapeProto_Dimension_DimValue{DimValue: int64(d)}}
		if w.free(d) {
			dim.Value = &onnx.TensorShapeProto_Dimension_DimParam{DimParam: "batch"}
		}
		shape.Dim = append(shape.Dim, dim)
	}
	return &onnx.ValueInfoProto{Name: name, Type: &onnx.TypeProto{Value: &onnx.TypeProto_TensorType{
		TensorType: &onnx.TypeProto_Tensor{ElemType: int32(types[dtype]), Shape: shape}}}}
}

// parameter returns the model's input or one of its weights.
func (w *writer) parameter(name string, shape shapes.Shape) (value, error) {
	t, err := w.options.Parameter(name, shape.Dimensions)
	if err != nil {
		return value{}, err
	}
	v := value{shape: shape, at: t.Axes, dims: t.Dims, name: t.Name}
	if t.fed || t.Name == w.options.Input {
		w.graph.Input = append(w.graph.Input, w.valueInfo(t.Name, shape.DType, t.Dims))
		return v, nil
	}
	w.weights = append(w.weights, t.Name)
	v.data, v.weight = append([]int{}, t.Dims...), true
	return v, nil
}

func (w *writer) constant(flat any, shape shapes.Shape) (value, error) {
	if slices.ContainsFunc(shape.Dimensions, w.free) {
		return value{}, fmt.Errorf("a constant of the size of the batch")
	}
	dims := append([]int{}, shape.Dimensions...) // not nil, even for a single number
	return value{shape: shape, at: inOrder(shape.Rank()), dims: dims, data: dims, flat: flat}, nil
}

// initializer adds data to the model and returns their name. Equal data of up to 256 bytes are added once.
func (w *writer) initializer(flat any, dtype dtypes.DType, dims []int) string {
	key := ""
	if raw := dtypes.UnsafeByteSliceFromAny(flat); len(raw) <= 256 {
		key = fmt.Sprint(dtype, dims, raw)
		if name, ok := w.shared[key]; ok {
			return name
		}
	}
	name := w.unique("constant")
	w.graph.Initializer = append(w.graph.Initializer, &onnx.TensorProto{Name: name, DataType: int32(types[dtype]),
		Dims: int64s(dims), RawData: slices.Clone(dtypes.UnsafeByteSliceFromAny(flat))})
	if key != "" {
		w.shared[key] = name
	}
	return name
}

// vector adds a constant of whole numbers, as Reshape and others require, and returns its name.
func (w *writer) vector(values []int) string {
	return w.initializer(int64s(values), dtypes.Int64, []int{len(values)})
}

// tensor returns the name of a tensor that has v.dims.
func (w *writer) tensor(v value) (string, error) {
	switch {
	case v.data == nil:
		return v.name, nil
	case !v.weight:
		return w.initializer(v.flat, v.shape.DType, v.dims), nil
	case slices.Equal(v.data, v.dims):
		return v.name, nil
	}
	return w.reshaped(v.name, v.dims)
}

// reshaped returns the tensor of the given name in other dimensions.
func (w *writer) reshaped(name string, dims []int) (string, error) {
	to, free := slices.Clone(dims), 0
	for i, d := range to {
		if w.free(d) {
			to[i] = -1
			free++
		}
	}
	if free > 1 {
		return "", fmt.Errorf("dimensions %v depend on the batch in several places", dims)
	}
	key := fmt.Sprint("reshape", name, to)
	if made, ok := w.made[key]; ok {
		return made, nil
	}
	n := w.emit("Reshape", "", []string{name, w.vector(to)})
	w.made[key] = n.Output[0]
	return n.Output[0], nil
}

func inOrder(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	return order
}

// arranged returns v with axis i of its shape on axis at[i] of the tensor.
func (w *writer) arranged(v value, at []int) (value, error) {
	if slices.Equal(v.at, at) {
		return v, nil
	}
	perm, dims := make([]int, len(at)), make([]int, len(at))
	for i := range at {
		perm[at[i]] = v.at[i]
		dims[at[i]] = v.dims[v.at[i]]
	}
	if slices.Equal(unequalOne(v.dims, inOrder(len(at))), unequalOne(v.dims, perm)) { // only axes of length 1 move
		return w.relabelled(v, dims, at)
	}
	name, err := w.tensor(v)
	if err != nil {
		return v, err
	}
	key := fmt.Sprint("transpose", name, perm)
	made, ok := w.made[key]
	if !ok {
		made = w.emit("Transpose", "", []string{name}, ints("perm", perm)).Output[0]
		w.made[key] = made
	}
	return value{shape: v.shape, at: slices.Clone(at), dims: dims, name: made}, nil
}

// unequalOne lists those of the axes, in their order, whose dimension is not 1.
func unequalOne(dims, axes []int) []int {
	var out []int
	for _, a := range axes {
		if dims[a] != 1 {
			out = append(out, a)
		}
	}
	return out
}

// relabelled returns v in other dimensions without moving any data.
func (w *writer) relabelled(v value, dims, at []int) (value, error) {
	v.open = nil
	if v.data == nil && !slices.Equal(dims, v.dims) {
		name, err := w.reshaped(v.name, dims)
		if err != nil {
			return v, err
		}
		v.name = name
	}
	v.dims, v.at = slices.Clone(dims), slices.Clone(at)
	return v, nil
}

// full returns v with everything broadcast.
func (w *writer) full(v value) (value, error) {
	dims := make([]int, len(v.at))
	for i, a := range v.at {
		dims[a] = v.shape.Dimensions[i]
	}
	if slices.Equal(dims, v.dims) {
		return v, nil
	}
	name, err := w.tensor(v)
	if err != nil {
		return v, err
	}
	n := w.emit("Expand", "", []string{name, w.sizes(dims)})
	return value{shape: v.shape, at: v.at, dims: dims, name: n.Output[0]}, nil
}

// sizes returns a vector of dimensions, with those that depend on the batch computed from the input's.
func (w *writer) sizes(dims []int) string {
	if !slices.ContainsFunc(dims, w.free) {
		return w.vector(dims)
	}
	batch, ok := w.made["batch"]
	if !ok {
		batch = w.emit("Shape", "batch", []string{w.options.Input}, integer("start", 0), integer("end", 1)).Output[0]
		w.made["batch"] = batch
	}
	var parts []string
	for _, d := range dims {
		switch {
		case !w.free(d):
			parts = append(parts, w.vector([]int{d}))
		case d == w.batch:
			parts = append(parts, batch)
		default:
			parts = append(parts, w.emit("Mul", "", []string{batch, w.vector([]int{d / w.batch})}).Output[0])
		}
	}
	return w.emit("Concat", "", parts, integer("axis", 0)).Output[0]
}

// plain returns v in the graph's own order of axes, everything broadcast.
func (w *writer) plain(v value) (value, error) {
	v, err := w.full(v)
	if err != nil {
		return v, err
	}
	if v, err = w.arranged(v, inOrder(len(v.at))); err != nil {
		return v, err
	}
	v.name, err = w.tensor(v)
	v.data = nil
	return v, err
}

// result returns the output of a node, with the dimensions that shape gives it in the order at.
func result(n *onnx.NodeProto, shape shapes.Shape, at []int) value {
	dims := make([]int, len(at))
	for i, a := range at {
		dims[a] = shape.Dimensions[i]
	}
	return value{shape: shape, at: at, dims: dims, name: n.Output[0]}
}

// channelsFirst is the order in which ONNX has the axes (batch, ..., channels) of images.
func channelsFirst(rank int) []int {
	at := make([]int, rank)
	for i := range at {
		at[i] = i + 1
	}
	at[0], at[rank-1] = 0, 1
	return at
}
