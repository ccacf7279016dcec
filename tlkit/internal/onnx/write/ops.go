package write

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	onnx "github.com/gomlx/compute-onnx/support/protos"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// window is the geometry of a convolution or pooling: the window that it moves over an image.
type window struct {
	kernel, strides, dilations []int
	paddings                   [][2]int
}

// attributes returns the ONNX attributes of the window for the n spatial axes, from axis first on.
func (c window) attributes(first, n int) []*onnx.AttributeProto {
	part := func(v []int) []int {
		out := make([]int, n)
		for i := range out {
			out[i] = 1
			if v != nil {
				out[i] = v[first+i]
			}
		}
		return out
	}
	pads := make([]int, 2*n)
	for i := range n {
		if c.paddings != nil {
			pads[i], pads[n+i] = c.paddings[first+i][0], c.paddings[first+i][1]
		}
	}
	list := []*onnx.AttributeProto{ints("strides", part(c.strides)), ints("pads", pads)}
	if c.kernel != nil {
		list = append(list, ints("kernel_shape", part(c.kernel)))
	}
	if c.dilations != nil {
		list = append(list, ints("dilations", part(c.dilations)))
	}
	return list
}

// elementwise writes an operation of ONNX's broadcasting kind. All operands get the axis order of the largest one.
func (w *writer) elementwise(op string, shape shapes.Shape, in ...value) (value, error) {
	lead := 0
	for i, v := range in {
		if size(v.dims) > size(in[lead].dims) || len(v.at) > len(in[lead].at) || (in[lead].data != nil && v.data == nil && size(v.dims) == size(in[lead].dims)) {
			lead = i
		}
	}
	if op == "Add" && len(in) == 2 {
		if v, ok := w.bias(in[lead], in[1-lead]); ok {
			return v, nil
		}
	}
	at := in[lead].at
	dims := make([]int, len(at))
	names := make([]string, len(in))
	for i, v := range in {
		var err error
		if len(v.at) == len(at) {
			if v, err = w.arranged(v, at); err != nil {
				return value{}, err
			}
			for a, d := range v.dims {
				dims[a] = max(dims[a], d)
			}
		}
		if names[i], err = w.tensor(v); err != nil {
			return value{}, err
		}
	}
	n := w.emit(op, "", names)
	return value{shape: shape, at: at, dims: dims, name: n.Output[0]}, nil
}

func size(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// bias makes an added weight vector the bias of the Conv or Gemm before it.
func (w *writer) bias(v, b value) (value, bool) {
	if v.open == nil || !b.weight || len(b.data) != 1 || len(b.at) != len(v.at) {
		return v, false
	}
	channels := len(v.at) - 1
	if b.dims[b.at[channels]] != b.data[0] || v.shape.Dimensions[channels] != b.data[0] {
		return v, false
	}
	v.open.Input = append(v.open.Input, b.name)
	v.open = nil
	return v, true
}

func (w *writer) cast(v value, shape shapes.Shape) (value, error) {
	name, err := w.tensor(v)
	if err != nil {
		return v, err
	}
	n := w.emit("Cast", "", []string{name}, integer("to", int(types[shape.DType])))
	return value{shape: shape, at: v.at, dims: v.dims, name: n.Output[0]}, nil
}

// reshape keeps the order of axes if only axes of length 1 are added or removed, and else changes to the graph's order
// first.
func (w *writer) reshape(v value, shape shapes.Shape) (value, error) {
	v, err := w.full(v)
	if err != nil {
		return v, err
	}
	old, dims := v.shape.Dimensions, shape.Dimensions
	at := inOrder(len(dims))
	if len(dims) == 4 && v.data == nil {
		at = channelsFirst(4)
	}
	before, after := unequalOne(old, inOrder(len(old))), unequalOne(dims, inOrder(len(dims)))
	kept := len(before) == len(after)
	for i := 0; kept && i < len(before); i++ {
		kept = old[before[i]] == dims[after[i]]
	}
	// The same axes, and in the same order on the tensor?
	for i := 1; kept && i < len(before); i++ {
		for j := range i {
			kept = kept && (v.at[before[i]] < v.at[before[j]]) == (at[after[i]] < at[after[j]])
		}
	}
	if !kept {
		at = inOrder(len(dims))
		if v, err = w.arranged(v, inOrder(len(old))); err != nil {
			return v, err
		}
	}
	to := make([]int, len(dims))
	for i, a := range at {
		to[a] = dims[i]
	}
	v, err = w.relabelled(v, to, at)
	v.shape = shape
	return v, err
}

// broadcast only records the new shape; see value.dims.
func (w *writer) broadcast(v value, shape shapes.Shape, axes []int) (value, error) {
	if len(v.at) == shape.Rank() {
		v.shape, v.open = shape, nil
		return v, nil
	}
	v, err := w.arranged(v, inOrder(len(v.at)))
	if err != nil {
		return v, err
	}
	dims := make([]int, shape.Rank())
	for i := range dims {
		dims[i] = 1
	}
	for i, a := range axes {
		dims[a] = v.dims[i]
	}
	v, err = w.relabelled(v, dims, inOrder(len(dims)))
	v.shape = shape
	return v, err
}

func (w *writer) concatenate(in []value, axis int, shape shapes.Shape) (value, error) {
	lead := 0
	for i, v := range in {
		if v.data == nil && (in[lead].data != nil || size(v.dims) > size(in[lead].dims)) {
			lead = i
		}
	}
	at, names := in[lead].at, make([]string, len(in))
	for i, v := range in {
		v, err := w.full(v)
		if err == nil {
			v, err = w.arranged(v, at)
		}
		if err == nil {
			names[i], err = w.tensor(v)
		}
		if err != nil {
			return v, err
		}
	}
	return result(w.emit("Concat", "", names, integer("axis", at[axis])), shape, at), nil
}

func (w *writer) slice(v value, starts, limits, strides []int, shape shapes.Shape) (value, error) {
	v, err := w.full(v)
	if err != nil {
		return v, err
	}
	var from, to, axes, steps []int
	for i, d := range v.shape.Dimensions {
		step := 1
		if strides != nil {
			step = strides[i]
		}
		if starts[i] == 0 && limits[i] == d && step == 1 {
			continue
		}
		from, to, axes, steps = append(from, starts[i]), append(to, limits[i]), append(axes, v.at[i]), append(steps, step)
	}
	if axes == nil {
		return v, nil
	}
	name, err := w.tensor(v)
	if err != nil {
		return v, err
	}
	n := w.emit("Slice", "", []string{name, w.vector(from), w.vector(to), w.vector(axes), w.vector(steps)})
	return result(n, shape, v.at), nil
}

func (w *writer) pad(v, fill value, axes []compute.PadAxis, shape shapes.Shape) (value, error) {
	v, err := w.full(v)
	if err != nil {
		return v, err
	}
	rank := len(v.at)
	pads := make([]int, 2*rank)
	for i, a := range axes {
		if a.Interior != 0 {
			return v, fmt.Errorf("padding between values")
		}
		pads[v.at[i]], pads[rank+v.at[i]] = a.Start, a.End
	}
	name, err := w.tensor(v)
	if err != nil {
		return v, err
	}
	with, err := w.tensor(fill)
	if err != nil {
		return v, err
	}
	return result(w.emit("Pad", "", []string{name, w.vector(pads), with}), shape, v.at), nil
}

func (w *writer) reduce(op string, v value, axes []int, shape shapes.Shape) (value, error) {
	v, err := w.full(v)
	if err != nil {
		return v, err
	}
	var gone []int
	for _, a := range axes {
		gone = append(gone, v.at[a])
	}
	slices.Sort(gone)
	var at []int
	for i, a := range v.at {
		if slices.Contains(axes, i) {
			continue
		}
		place := a
		for _, g := range gone {
			if g < a {
				place--
			}
		}
		at = append(at, place)
	}
	name, err := w.tensor(v)
	if err != nil {
		return v, err
	}
	return result(w.emit(op, "", []string{name, w.vector(gone)}, integer("keepdims", 0)), shape, at), nil
}

func (w *writer) iota(shape shapes.Shape, axis int) (value, error) {
	inner := size(shape.Dimensions[axis+1:])
	at := func(i int) int { return i / inner % shape.Dimensions[axis] }
	n := shape.Size()
	if slices.ContainsFunc(shape.Dimensions, w.free) {
		return value{}, fmt.Errorf("numbers counted along the batch")
	}
	switch shape.DType {
	case dtypes.Float32:
		return w.constant(fill(n, func(i int) float32 { return float32(at(i)) }), shape)
	case dtypes.Int32:
		return w.constant(fill(n, func(i int) int32 { return int32(at(i)) }), shape)
	case dtypes.Int64:
		return w.constant(fill(n, func(i int) int64 { return int64(at(i)) }), shape)
	}
	return value{}, fmt.Errorf("numbers of type %s", shape.DType)
}

func fill[T any](n int, f func(i int) T) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = f(i)
	}
	return out
}

// rows picks rows of a table by index [n, 1].
func (w *writer) rows(table, index value, shape shapes.Shape) (value, error) {
	table, err := w.plain(table)
	if err != nil {
		return table, err
	}
	if index, err = w.full(index); err != nil {
		return index, err
	}
	if index, err = w.relabelled(index, index.shape.Dimensions[:1], []int{0}); err != nil {
		return index, err
	}
	name, err := w.tensor(index)
	if err != nil {
		return index, err
	}
	return result(w.emit("Gather", "", []string{table.name, name}, integer("axis", 0)), shape, inOrder(shape.Rank())), nil
}

// layerName returns the layer that a weight belongs to: "layer1.0.conv1" of "layer1.0.conv1.weight".
func layerName(v value) string {
	if !v.weight {
		return ""
	}
	return v.name[:max(0, strings.LastIndexByte(v.name, '.'))]
}

func (w *writer) conv(x, kernel value, axes compute.ConvolveAxesConfig, c window, groups int, shape shapes.Shape) (value, error) {
	rank := len(x.at)
	order := func(first, second int, spatial []int) []int {
		at := make([]int, rank)
		at[first], at[second] = 0, 1
		for i, s := range spatial {
			at[s] = 2 + i
		}
		return at
	}
	x, err := w.full(x)
	if err != nil {
		return x, err
	}
	if x, err = w.arranged(x, order(axes.InputBatch, axes.InputChannels, axes.InputSpatial)); err != nil {
		return x, err
	}
	layer := layerName(kernel)
	if kernel, err = w.arranged(kernel, order(axes.KernelOutputChannels, axes.KernelInputChannels, axes.KernelSpatial)); err != nil {
		return x, err
	}
	c.kernel = kernel.dims[2:]
	image, err := w.tensor(x)
	if err != nil {
		return x, err
	}
	weights, err := w.tensor(kernel)
	if err != nil {
		return x, err
	}
	attributes := append(c.attributes(0, rank-2), integer("group", groups))
	n := w.emit("Conv", layer, []string{image, weights}, attributes...)
	v := result(n, shape, order(axes.OutputBatch, axes.OutputChannels, axes.OutputSpatial))
	if axes.OutputChannels == rank-1 {
		v.open = n
	}
	return v, nil
}

// batchNorm normalises; in holds x, scale, offset, mean and variance.
func (w *writer) batchNorm(in []value, epsilon float32, axis int) (value, error) {
	x := in[0]
	rank := len(x.at)
	if axis != rank-1 {
		return x, fmt.Errorf("a normalisation of axis %d", axis)
	}
	x, err := w.full(x)
	if err != nil {
		return x, err
	}
	if x, err = w.arranged(x, channelsFirst(rank)); err != nil {
		return x, err
	}
	names := make([]string, len(in))
	if names[0], err = w.tensor(x); err != nil {
		return x, err
	}
	for i, v := range in[1:] {
		if names[1+i], err = w.tensor(v); err != nil {
			return x, err
		}
	}
	n := w.emit("BatchNormalization", layerName(in[1]), names,
		&onnx.AttributeProto{Name: "epsilon", Type: onnx.AttributeProto_FLOAT, F: epsilon})
	return result(n, x.shape, x.at), nil
}

func (w *writer) pool(x value, kind compute.ReduceOpType, c window, shape shapes.Shape) (value, error) {
	if c.kernel[0] != 1 || c.kernel[3] != 1 {
		return x, fmt.Errorf("a window of %v", c.kernel)
	}
	x, err := w.full(x)
	if err != nil {
		return x, err
	}
	if x, err = w.arranged(x, channelsFirst(4)); err != nil {
		return x, err
	}
	name, err := w.tensor(x)
	if err != nil {
		return x, err
	}
	if c.strides == nil {
		c.strides = c.kernel
	}
	attributes := c.attributes(1, 2)
	if kind == compute.ReduceOpMax {
		return result(w.emit("MaxPool", "", []string{name}, attributes...), shape, x.at), nil
	}
	n := w.emit("AveragePool", "", []string{name}, append(attributes, integer("count_include_pad", 1))...)
	count := w.initializer([]float32{float32(c.kernel[1] * c.kernel[2])}, dtypes.Float32, nil)
	return result(w.emit("Mul", "", []string{n.Output[0], count}), shape, x.at), nil
}

// side is one operand of a product: the axis that is summed over, and those that both have.
type side struct{ contract, batch []int }

// cross lists the other axes.
func (s side) cross(rank int) []int {
	var axes []int
	for i := range rank {
		if !slices.Contains(s.contract, i) && !slices.Contains(s.batch, i) {
			axes = append(axes, i)
		}
	}
	return axes
}

// order returns the arrangement that puts the listed axes onto the tensor in the order given.
func order(axes ...[]int) []int {
	all := slices.Concat(axes...)
	at := make([]int, len(all))
	for place, axis := range all {
		at[axis] = place
	}
	return at
}

func (w *writer) dot(in []value, sides [2]side, shape shapes.Shape) (value, error) {
	a, err := w.full(in[0])
	if err != nil {
		return a, err
	}
	b, err := w.full(in[1])
	if err != nil {
		return b, err
	}
	layer := layerName(b)
	l, r := sides[0], sides[1]
	aCross, bCross := l.cross(len(a.at)), r.cross(len(b.at))
	if len(bCross) != 1 || (len(l.batch) > 0 && len(aCross) != 1) {
		return a, fmt.Errorf("a product over %d and %d free axes", len(aCross), len(bCross))
	}
	if a, err = w.arranged(a, order(l.batch, aCross, l.contract)); err != nil {
		return a, err
	}
	gemm := len(a.at) == 2 && len(b.at) == 2
	transposed := gemm && b.at[r.contract[0]] == 1 // PyTorch's linear layers have [out, in]
	if !transposed {
		if b, err = w.arranged(b, order(r.batch, r.contract, bCross)); err != nil {
			return b, err
		}
	}
	x, err := w.tensor(a)
	if err != nil {
		return a, err
	}
	y, err := w.tensor(b)
	if err != nil {
		return a, err
	}
	var n *onnx.NodeProto
	if gemm {
		flag := 0
		if transposed {
			flag = 1
		}
		n = w.emit("Gemm", layer, []string{x, y}, integer("transB", flag))
	} else {
		n = w.emit("MatMul", layer, []string{x, y})
	}
	v := result(n, shape, inOrder(shape.Rank()))
	if gemm {
		v.open = n
	}
	return v, nil
}
