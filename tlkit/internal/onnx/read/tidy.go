package read

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute-onnx/support/protos"
)

// tidy brings a graph into the form that exporters of today write: weights in nodes become initializers, and outputs
// and inputs that nothing uses are left out.
func tidy(g *protos.GraphProto) {
	used := map[string]bool{}
	for _, n := range g.Node {
		for _, in := range n.GetInput() {
			used[in] = true
		}
	}
	for _, o := range g.Output {
		used[o.GetName()] = true
	}
	for _, n := range g.Node {
		if n.GetOpType() == "Dropout" && len(n.Output) == 2 && !used[n.Output[1]] {
			n.Output = n.Output[:1] // without the mask
		}
	}
	inits := map[string]bool{}
	for _, t := range g.Initializer {
		inits[t.GetName()] = true
	}
	isImage := func(in *protos.ValueInfoProto) bool { return used[in.GetName()] && !inits[in.GetName()] }
	if slices.ContainsFunc(g.Input, isImage) {
		g.Input = slices.DeleteFunc(g.Input, func(in *protos.ValueInfoProto) bool { return !isImage(in) && !inits[in.GetName()] })
	}
	weightsOfNodes(g, inits)
}

// weightPlaces are the inputs of operators that are weights.
var weightPlaces = map[string][]int{"Conv": {1, 2}, "Gemm": {1, 2}, "MatMul": {1}, "BatchNormalization": {1, 2, 3, 4}, "LayerNormalization": {1, 2}, "PRelu": {1}}

// weightsOfNodes makes initializers of the Constants that are weights, as some converters write all of them. Where a
// weight is an initializer, Constants are what they say.
func weightsOfNodes(g *protos.GraphProto, inits map[string]bool) {
	makers, places := map[string]*protos.NodeProto{}, map[string]int{}
	for _, n := range g.Node {
		for _, out := range n.GetOutput() {
			makers[out] = n
		}
		for _, in := range n.GetInput() {
			places[in]++ // those that are left
		}
	}
	isWeight := func(n *protos.NodeProto, place int) bool {
		if n.OpType == "Add" && len(n.Input) == 2 { // the bias of a MatMul
			return makers[n.Input[1-place]].GetOpType() == "MatMul"
		}
		return slices.Contains(weightPlaces[n.OpType], place)
	}
	for _, n := range g.Node {
		for i, in := range n.GetInput() {
			if isWeight(n, i) {
				if inits[in] {
					return
				}
				places[in]--
			}
		}
	}
	g.Node = slices.DeleteFunc(g.Node, func(n *protos.NodeProto) bool {
		if n.GetOpType() != "Constant" || len(n.Output) != 1 || places[n.Output[0]] != 0 {
			return false
		}
		for _, a := range n.Attribute {
			t := a.GetT()
			if a.GetName() != "value" || t == nil || !isFloatKind(protos.TensorProto_DataType(t.DataType)) || len(t.Dims) == 0 {
				continue
			}
			if slices.ContainsFunc(g.Output, func(o *protos.ValueInfoProto) bool { return o.GetName() == n.Output[0] }) {
				continue
			}
			t.Name = n.Output[0]
			g.Initializer = append(g.Initializer, t)
			return true
		}
		return false
	})
}

// isFloatKind reports whether elements are floats that singlePrecision makes float32 of.
func isFloatKind(kind protos.TensorProto_DataType) bool {
	return kind == protos.TensorProto_FLOAT || narrowed[kind] != 0
}

// noteTraining says that the network was exported as it is in training. Batch normalisations of weights are so in
// inference, too.
func (n *Net) noteTraining(inits map[string]*protos.TensorProto) {
	training := func(v *node) bool {
		switch v.op {
		case "BatchNormalization":
			return v.int("training_mode", 0) != 0 && len(v.in) > 0 && n.depends[v.in[0]].image
		case "Dropout":
			return len(v.in) > 2 && n.isTrue(v.in[2], inits)
		}
		return false
	}
	if i := slices.IndexFunc(n.nodes, training); i >= 0 {
		note := fmt.Sprintf("it was exported as it is in training (%s): dropout is left out, and outside of training batch normalisations use their running statistics", n.nodes[i])
		n.Notes = append(n.Notes, note)
	}
}

// isTrue reports whether a value is a constant that is true.
func (n *Net) isTrue(name string, inits map[string]*protos.TensorProto) bool {
	t := inits[n.original(name)]
	if v := n.byOutput[name]; v != nil && v.op == "Constant" && v.attrs["value"] != nil {
		t = v.attrs["value"].T
	}
	return t != nil && (slices.Contains(t.RawData, 1) || slices.Contains(t.Int32Data, 1))
}
