package read

import (
	"math"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute-onnx/support/protos"
	"github.com/gomlx/compute/dtypes"
	_ "github.com/gomlx/compute/gobackend" // computes constants
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// Exporters write shapes as little programs (Shape, Gather, Concat, Reshape). onnx-gomlx computes them too, but
// collects garbage three times for each node, so the usual forms are computed here.

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

// constantOfShape is computed here, where the size that the file claims can be checked first.
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

// castLike gives a value the type of another.
func castLike(r *run, v *node) (value, bool) {
	x, ok := r.input(v, 0)
	like, ok2 := r.input(v, 1)
	if !ok || !ok2 {
		return value{}, false
	}
	switch {
	case x.dtype() == like.dtype():
		return x, true
	case x.n != nil:
		return x.with(ConvertDType(x.n, like.dtype())), true
	}
	to := map[dtypes.DType]protos.TensorProto_DataType{dtypes.Float32: protos.TensorProto_FLOAT, dtypes.Float64: protos.TensorProto_DOUBLE,
		dtypes.Int64: protos.TensorProto_INT64, dtypes.Int32: protos.TensorProto_INT32, dtypes.Bool: protos.TensorProto_BOOL}[like.dtype()]
	attr := &protos.AttributeProto{Name: "to", Type: protos.AttributeProto_INT, I: int64(to)}
	cast := &node{op: "Cast", in: v.in[:1], out: v.out, attrs: map[string]*protos.AttributeProto{"to": attr},
		proto: &protos.NodeProto{OpType: "Cast", Input: v.in[:1], Output: v.out, Attribute: []*protos.AttributeProto{attr}}}
	return r.fold(cast, []value{x})[0], true
}

// fold computes a node of constants on the pure-Go engine.
func (r *run) fold(v *node, in []value) []value {
	backend, err := compute.NewWithConfig("go")
	if err != nil {
		panic(err)
	}
	defer backend.Finalize()
	exec := MustNewExec(backend, func(g *Graph) (out []*Node) {
		// A panic with anything but an error would leave the compilation open, and Finalize would wait for its end.
		if err := nn.Try(func() { out = r.constants(g, v, in) }); err != nil {
			panic(err)
		}
		for _, n := range out {
			if n.Shape().Size() > maxConstant {
				exceptions.Panicf("a constant of shape %s", n.Shape())
			}
		}
		return out
	})
	defer exec.Finalize()
	results := exec.MustCall()
	out := make([]value, len(results))
	for i, t := range results {
		local, err := t.LocalClone()
		if err != nil {
			panic(err)
		}
		out[i] = value{c: local}
	}
	return out
}

// constants builds a node of constants: with the operators here if they have its form, which avoids onnx-gomlx's
// garbage collections, else with onnx-gomlx.
func (r *run) constants(g *Graph, v *node, in []value) []*Node {
	nodes := make([]*Node, len(in))
	sub := &run{net: r.net, g: g, batches: 1, vals: map[string]value{}, taken: map[*variable]bool{}}
	for i, x := range in {
		if x.c == nil {
			continue
		}
		nodes[i] = Const(g, x.c)
		if i == 0 || pointwise[v.op] || v.op == "Concat" || v.op == "MatMul" {
			x = value{n: nodes[i]} // the others are shapes and axes
		}
		sub.vals[r.net.original(v.in[i])] = x
	}
	if native := natives[v.op]; native != nil && len(v.out) == 1 {
		if y, ok := native(sub, v); ok && y.n != nil {
			return []*Node{y.n}
		}
	}
	return call(g, v, nodes, r.net.opset)
}

// foldNumber computes with single numbers, such as the scale of attention, and changes their type.
func foldNumber(v *node, in []value) (value, bool) {
	var x [2]float64
	if len(in) == 0 || len(in) > 2 || in[0].c == nil || in[0].c.Shape().Size() != 1 {
		return value{}, false
	}
	shape, dtype := in[0].c.Shape().Dimensions, in[0].c.DType()
	for i, one := range in {
		if one.c == nil || one.c.Shape().Size() != 1 || one.c.DType() != dtype {
			return value{}, false
		}
		if one.c.Rank() > len(shape) {
			shape = one.c.Shape().Dimensions
		}
		if list, ok := ints(one.c); ok && len(list) == 1 {
			x[i] = float64(list[0])
		} else if f, ok := number(one.c); ok {
			x[i] = f
		} else {
			return value{}, false
		}
	}
	if math.Abs(x[0]) > 1<<40 || math.Abs(x[1]) > 1<<40 {
		return value{}, false
	}
	whole := dtype != dtypes.Float32
	var y float64
	switch {
	case v.op == "Cast" && len(in) == 1:
		switch protos.TensorProto_DataType(v.int("to", 0)) {
		case protos.TensorProto_FLOAT:
			dtype = dtypes.Float32
		case protos.TensorProto_INT64:
			dtype = dtypes.Int64
		default:
			return value{}, false
		}
		y = x[0]
	case v.op == "Sqrt" && len(in) == 1 && !whole:
		y = math.Sqrt(x[0])
	case v.op == "Mul" && len(in) == 2 && !whole:
		y = x[0] * x[1]
	case v.op == "Div" && len(in) == 2 && (!whole || x[1] != 0):
		y = x[0] / x[1]
	default:
		return value{}, false
	}
	switch dtype {
	case dtypes.Float32:
		return value{c: tensors.FromFlatDataAndDimensions([]float32{float32(y)}, shape...)}, true
	case dtypes.Int64:
		return value{c: tensors.FromFlatDataAndDimensions([]int64{int64(y)}, shape...)}, true
	}
	return value{}, false
}
