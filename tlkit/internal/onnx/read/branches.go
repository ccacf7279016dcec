package read

import (
	"slices"

	"github.com/gomlx/compute-onnx/support/protos"
)

// inlineBranches puts the branch that is taken in the place of each If whose condition is a constant, as exporters
// leave them for options that were fixed at the export. ONNX has no two values of one name in a graph and the graphs
// within it, so no name changes. Other Ifs stay, and are refused later.
func inlineBranches(g *protos.GraphProto) {
	constants := map[string]*protos.TensorProto{}
	for again := true; again; { // a branch may have such an If itself
		again = false
		for _, t := range g.Initializer {
			constants[t.GetName()] = t
		}
		var nodes []*protos.NodeProto
		for _, n := range g.Node {
			if t := n.GetAttribute(); n.GetOpType() == "Constant" && len(n.Output) == 1 && len(t) == 1 && t[0].GetT() != nil {
				constants[n.Output[0]] = t[0].GetT()
			}
			branch := takenBranch(n, constants)
			if branch == nil {
				nodes = append(nodes, n)
				continue
			}
			again = true
			nodes = append(nodes, branch.Node...)
			g.Initializer = append(g.Initializer, branch.Initializer...)
			for i, out := range n.Output {
				nodes = append(nodes, &protos.NodeProto{OpType: "Identity", Name: n.Name, Input: []string{branch.Output[i].GetName()}, Output: []string{out}})
			}
		}
		g.Node = nodes
	}
}

// takenBranch returns the graph that an If with a constant condition computes, nil for other nodes.
func takenBranch(n *protos.NodeProto, constants map[string]*protos.TensorProto) *protos.GraphProto {
	if n.GetOpType() != "If" || len(n.Input) != 1 {
		return nil
	}
	t := constants[n.Input[0]]
	if t == nil || protos.TensorProto_DataType(t.DataType) != protos.TensorProto_BOOL || len(t.RawData)+len(t.Int32Data) != 1 {
		return nil
	}
	name := "else_branch"
	if slices.Contains(t.RawData, 1) || slices.Contains(t.Int32Data, 1) {
		name = "then_branch"
	}
	for _, a := range n.Attribute {
		if branch := a.GetG(); a.GetName() == name && len(branch.GetOutput()) == len(n.Output) {
			return branch
		}
	}
	return nil
}
