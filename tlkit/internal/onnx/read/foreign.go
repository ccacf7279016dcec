package read

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute-onnx/support/protos"
	"github.com/gomlx/compute/dtypes"
	_ "github.com/gomlx/compute/gobackend" // computes constants
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/support/exceptions"
	"github.com/gomlx/onnx-gomlx/onnx/parser"
	"google.golang.org/protobuf/proto"
)

// foreignOps are the operators of onnx-gomlx v0.5.5 that make sense in an image classifier. NonZero, Loop, If and
// the like make shapes that depend on values, and quantised operators can't be trained.
var foreignOps = set("Abs", "Add", "And", "ArgMax", "ArgMin", "AveragePool", "BatchNormalization", "Cast", "Ceil", "Clip", "Concat", "Conv", "Cos",
	"Div", "Einsum", "Equal", "Erf", "Exp", "Expand", "FastGelu", "Flatten", "Floor", "Gather", "GatherElements", "GatherND", "Gelu", "Gemm",
	"GlobalAveragePool", "Greater", "GreaterOrEqual", "HardSwish", "Identity", "LayerNormalization", "Less", "LessOrEqual", "Log", "MatMul",
	"Max", "MaxPool", "Min", "Mod", "Mul", "Neg", "Not", "Or", "Pad", "Pow", "Reciprocal", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin",
	"ReduceProd", "ReduceSum", "Relu", "Reshape", "Resize", "Round", "ScatterND", "Shape", "Sigmoid", "Sign", "Sin", "Size", "Slice", "Softmax",
	"Split", "Sqrt", "Squeeze", "Sub", "Tanh", "Tile", "Transpose", "Trilu", "Unsqueeze", "Where", "Xor")

// constantOps are computed from constants here, and from nothing else.
var constantOps = set("Range")

// headOps may stand after the output layer only.
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
	return natives[p.OpType] != nil || foreignOps[p.OpType] || headOps[p.OpType] || constantOps[p.OpType]
}

// foreign builds a node with onnx-gomlx: a graph of this one node, whose inputs are what was built so far. Nodes of
// constants only are computed at once, on the pure-Go engine.
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
	if !foreignOps[v.op] {
		exceptions.Panicf("this form of the operator can't be imported")
	}
	if folds {
		checkNumbers(v, in)
		return fold(v, in, r.net.opset)
	}
	checkNumbers(v, in)
	nodes := make([]*Node, len(in))
	for i := range in {
		if v.in[i] != "" {
			nodes[i] = r.node(in[i])
		}
	}
	out := call(r.g, v, nodes, r.net.opset)
	values := make([]value, len(out))
	for i, n := range out {
		values[i] = value{n: n}
	}
	return values
}

// maxNumber bounds axes, sizes and counts: onnx-gomlx allocates what they say before it looks at the shapes.
const maxNumber = 1 << 14

// checkNumbers refuses whole numbers that no image classifier has. The ends of slices are often the largest int64.
func checkNumbers(v *node, in []value) {
	if v.op == "Slice" || v.op == "Gather" {
		in = nil
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
	for i, x := range in {
		if x.c == nil {
			continue
		}
		if list, ok := ints(x.c); ok {
			for _, n := range list {
				small(fmt.Sprintf("input %d", i), int64(n))
			}
		}
	}
}

// call hands one node to onnx-gomlx.
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
	return m.CallGraph(nil, g, inputs, outputs...)
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

// fold computes a node of constants.
func fold(v *node, in []value, opset int64) []value {
	backend, err := compute.NewWithConfig("go")
	if err != nil {
		panic(err)
	}
	defer backend.Finalize()
	exec := MustNewExec(backend, func(g *Graph) []*Node {
		nodes := make([]*Node, len(in))
		for i, x := range in {
			if x.c != nil {
				nodes[i] = Const(g, x.c)
			}
		}
		out := call(g, v, nodes, opset)
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

// folding is a constant that was computed. What follows from the shape of the images holds for one batch size only.
type folding struct {
	name  string
	batch int
}

// foldedFor returns a constant that was computed before, for that batch size; nil if none was.
func (n *Net) foldedFor(name string, batch int) *tensors.Tensor {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.folded[folding{name, batch}]
}

// maxFoldings bounds what is kept over many batch sizes; all of it can be computed again.
const maxFoldings = 100_000

func (n *Net) keep(name string, batch int, c *tensors.Tensor) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.folded) < maxFoldings {
		n.folded[folding{name, batch}] = c
	}
}

// known returns the value of a name that depends on constants only, computed once; nil if it depends on more.
func (n *Net) known(name string) *tensors.Tensor {
	v := n.byOutput[name]
	if d, ok := n.depends[name]; !ok || d.image || d.variable || v == nil {
		return nil
	}
	if c := n.foldedFor(name, 0); c != nil {
		return c
	}
	r := &run{net: n, vals: map[string]value{}, taken: map[*variable]bool{}, stage: -1}
	r.eval(v)
	return r.vals[name].c
}
