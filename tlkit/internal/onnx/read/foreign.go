package read

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute-onnx/support/protos"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/support/exceptions"
	"github.com/gomlx/onnx-gomlx/onnx/parser"
	"google.golang.org/protobuf/proto"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// pointwise are operators of onnx-gomlx v0.5.5 that treat each position by itself, with broadcasting.
var pointwise = set("Abs", "Add", "And", "Cast", "Ceil", "Clip", "Cos", "Div", "Equal", "Erf", "Exp", "FastGelu", "Floor", "Gelu", "Greater",
	"GreaterOrEqual", "HardSwish", "Less", "LessOrEqual", "Log", "Max", "Min", "Mod", "Mul", "Neg", "Not", "Or", "Pow", "Reciprocal", "Relu",
	"Round", "Sigmoid", "Sign", "Sin", "Sqrt", "Sub", "Tanh", "Where", "Xor")

// perImage are operators of onnx-gomlx that treat each entry of the first axis by itself, with parameters that do not
// depend on the images.
var perImage = set("AveragePool", "BatchNormalization", "Conv", "GlobalAveragePool", "MaxPool", "Resize")

// otherOps are the further operators of onnx-gomlx that make sense in an image classifier. NonZero, Loop, If and
// similar ones make shapes that depend on values, and quantised operators can't be trained.
var otherOps = set("ArgMax", "ArgMin", "Concat", "CumSum", "Einsum", "Expand", "Flatten", "Gather", "GatherElements", "GatherND", "Gemm", "Identity",
	"LayerNormalization", "MatMul", "Pad", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "Reshape",
	"ScatterND", "Shape", "Size", "Slice", "Softmax", "Split", "Squeeze", "Tile", "Transpose", "Trilu", "Unsqueeze")

// unread is the error for a form of an operator that is read in others.
const unread = "this form of %s can't be imported. In Python, write that module with other operations (of fixed shapes, with weights and indices that are no results), and export the network again"

func isForeign(op string) bool { return pointwise[op] || perImage[op] || otherOps[op] }

// constantOps are computed here from constants only.
var constantOps = set("Range")

// headOps may only follow the output layer.
var headOps = set("LogSoftmax")

func set(names ...string) map[string]bool {
	m := map[string]bool{}
	for _, n := range names {
		m[n] = true
	}
	return m
}

func supported(p *protos.NodeProto) bool {
	if d := p.Domain; d != "" && d != "ai.onnx" {
		return false
	}
	return natives[p.OpType] != nil || isForeign(p.OpType) || headOps[p.OpType] || constantOps[p.OpType]
}

// foreign builds a node with onnx-gomlx: a graph of this one node, whose inputs are the values built so far. Nodes of
// constants only are computed immediately, on the pure-Go engine.
func (r *run) foreign(v *node) []value {
	in := make([]value, len(v.in))
	folds := true
	for i := range v.in {
		if v.in[i] == "" {
			continue
		}
		in[i] = r.get(v.in[i])
		folds = folds && in[i].n == nil
	}
	if folds {
		if y, ok := foldSmall(v, in, r); ok {
			return []value{y}
		}
	}
	if !isForeign(v.op) && (!folds || natives[v.op] == nil) {
		exceptions.Panicf(unread, v.op)
	}
	if folds {
		checkNumbers(v, in)
		return r.fold(v, in)
	}
	checkNumbers(v, in)
	if slices.ContainsFunc(in, func(x value) bool { return x.batched }) {
		return r.foreignBatched(v, in)
	}
	return unbatched(call(r.g, v, r.nodes(v, in, r.node), r.net.opset))
}

// nodes returns the inputs of a node as nodes of the graph, nil for those left out.
func (r *run) nodes(v *node, in []value, of func(value) *Node) []*Node {
	nodes := make([]*Node, len(in))
	for i := range in {
		if v.in[i] != "" {
			nodes[i] = of(in[i])
		}
	}
	return nodes
}

func unbatched(nodes []*Node) []value {
	values := make([]value, len(nodes))
	for i, n := range nodes {
		values[i] = value{n: n}
	}
	return values
}

// foreignBatched builds a node that depends on images with onnx-gomlx, which has no axis over file batches.
func (r *run) foreignBatched(v *node, in []value) []value {
	var out []*Node
	switch {
	case pointwise[v.op]:
		rank := 0
		for i, x := range in {
			if v.in[i] != "" {
				rank = max(rank, len(x.dims()))
			}
		}
		out = call(r.g, v, r.nodes(v, in, func(x value) *Node {
			if !x.batched {
				return r.node(x) // its axes already are the last ones
			}
			return r.aligned(x, rank)
		}), r.net.opset)
	case perImage[v.op] && in[0].batched && !slices.ContainsFunc(in[1:], func(x value) bool { return x.batched }):
		nodes := r.nodes(v, in, r.node)
		d := nodes[0].Shape().Dimensions
		nodes[0] = Reshape(nodes[0], slices.Concat([]int{d[0] * d[1]}, d[2:])...)
		for _, n := range call(r.g, v, nodes, r.net.opset) {
			e := n.Shape().Dimensions
			out = append(out, Reshape(n, slices.Concat(d[:2], e[1:])...))
		}
	default:
		exceptions.Panicf(unread, v.op)
	}
	values := unbatched(out)
	for i := range values {
		values[i].batched = true
	}
	return values
}

// maxNumber is the largest axis, size or count: onnx-gomlx allocates by them before it checks the shapes.
const maxNumber = 1 << 14

// checkNumbers refuses whole numbers that no image classifier has. The ends of slices are often the largest int64, and
// so are the values that become ends: nothing is allocated by those that an operator only passes on.
func checkNumbers(v *node, in []value) {
	passed := min(1, len(in))
	if v.op == "Slice" || v.op == "Gather" || v.op == "Concat" || pointwise[v.op] {
		passed = len(in)
	}
	small := func(what string, n int64) {
		if n > maxNumber || n < -maxNumber {
			exceptions.Panicf("%s is %d; at most %d is expected", what, n, maxNumber)
		}
	}
	for name, a := range v.attrs {
		if name == "ends" {
			continue
		}
		small("attribute "+name, a.I)
		for _, n := range a.Ints {
			small("attribute "+name, n)
		}
	}
	for i, x := range in[passed:] {
		if x.c == nil {
			continue
		}
		if list, ok := ints(x.c); ok {
			for _, n := range list {
				small(fmt.Sprintf("input %d", passed+i), int64(n))
			}
		}
	}
}

// call builds one node with onnx-gomlx.
func call(g *Graph, v *node, in []*Node, opset int64) []*Node {
	graph := &protos.GraphProto{Name: v.name}
	p := proto.Clone(v.proto).(*protos.NodeProto)
	inputs := map[string]*Node{}
	for i, n := range in {
		if n == nil {
			continue
		}
		name := fmt.Sprintf("in%d", i)
		p.Input[i] = name
		inputs[name] = n
		graph.Input = append(graph.Input, valueInfo(name, n))
	}
	var outputs []string
	for i := range p.Output {
		if p.Output[i] == "" {
			break
		}
		p.Output[i] = fmt.Sprintf("out%d", i)
		outputs = append(outputs, p.Output[i])
		graph.Output = append(graph.Output, &protos.ValueInfoProto{Name: p.Output[i],
			Type: &protos.TypeProto{Value: &protos.TypeProto_TensorType{TensorType: &protos.TypeProto_Tensor{ElemType: int32(protos.TensorProto_FLOAT)}}}})
	}
	graph.Node = []*protos.NodeProto{p}
	data, err := proto.Marshal(&protos.ModelProto{Graph: graph, OpsetImport: []*protos.OperatorSetIdProto{{Version: opset}}})
	if err != nil {
		panic(err)
	}
	m, err := parser.Parse(data)
	if err != nil {
		panic(err)
	}
	defer m.Close()
	var nodes []*Node
	if err := nn.Try(func() { nodes = m.CallGraph(nil, g, inputs, outputs...) }); err != nil {
		exceptions.Panicf(unread+" (onnx-gomlx: %v)", v.op, err)
	}
	return nodes
}

func valueInfo(name string, n *Node) *protos.ValueInfoProto {
	t := &protos.TypeProto_Tensor{Shape: &protos.TensorShapeProto{}}
	switch n.DType() {
	case dtypes.Float32:
		t.ElemType = int32(protos.TensorProto_FLOAT)
	case dtypes.Float64:
		t.ElemType = int32(protos.TensorProto_DOUBLE)
	case dtypes.Int64:
		t.ElemType = int32(protos.TensorProto_INT64)
	case dtypes.Int32:
		t.ElemType = int32(protos.TensorProto_INT32)
	case dtypes.Bool:
		t.ElemType = int32(protos.TensorProto_BOOL)
	default:
		exceptions.Panicf("elements of type %s", n.DType())
	}
	for _, d := range n.Shape().Dimensions {
		t.Shape.Dim = append(t.Shape.Dim, &protos.TensorShapeProto_Dimension{Value: &protos.TensorShapeProto_Dimension_DimValue{DimValue: int64(d)}})
	}
	return &protos.ValueInfoProto{Name: name, Type: &protos.TypeProto{Value: &protos.TypeProto_TensorType{TensorType: t}}}
}

// foldedFor returns a constant that was computed before; nil if none was.
func (n *Net) foldedFor(name string) *tensors.Tensor {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.folded[name]
}

func (n *Net) keep(name string, c *tensors.Tensor) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.folded[name] = c
}

// known returns the value of a name that depends on constants only, computed once; nil if it depends on more. The sizes
// of values that depend on the image are constants, too: the trial finds them.
func (n *Net) known(name string) *tensors.Tensor {
	if c := n.foldedFor(name); c != nil {
		return c
	}
	v := n.byOutput[name]
	if d, ok := n.depends[name]; !ok || d.image || d.variable || v == nil {
		return nil
	}
	r := &run{net: n, vals: map[string]value{}, taken: map[*variable]bool{}, stage: -1}
	r.eval(v)
	return r.vals[name].c
}
