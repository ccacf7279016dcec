package read

import (
	"fmt"

	"github.com/gomlx/compute-onnx/support/protos"
)

// parts describes a SplitToSequence: what it divides, along which axis, and into pieces of which lengths.
type parts struct {
	node *protos.NodeProto
	axis int64
	// lengths are those of all pieces, or of each but the last if there is one only (each).
	lengths []int64
	each    bool
	// dropped: pieces have length 1, and the axis is dropped.
	dropped bool
	// left counts the uses that no Slice stands for.
	left int
}

// slicedSequences puts a Slice, or a Gather, in the place of each piece that is taken from a SplitToSequence by a
// constant number, as PyTorch's exporter writes chunk, split and unbind without optimisation. Other sequences stay, and
// are refused later.
func slicedSequences(g *protos.GraphProto) {
	numbers := wholeConstants(g)
	sequences := map[string]*parts{}
	for _, n := range g.Node {
		if p := partsOf(n, numbers); p != nil {
			sequences[n.Output[0]] = p
		}
	}
	if len(sequences) == 0 {
		return
	}
	for _, n := range g.Node {
		for i, in := range n.GetInput() {
			p := sequences[in]
			if p == nil {
				continue
			}
			if at := numbers[last(n.Input)]; i > 0 || n.OpType != "SequenceAt" || len(n.Input) != 2 || len(at) != 1 || !p.take(g, n, at[0]) {
				p.left++
			}
		}
	}
	var nodes []*protos.NodeProto
	for _, n := range g.Node {
		if p := sequences[last(n.GetOutput())]; p == nil || p.node != n || p.left > 0 {
			nodes = append(nodes, n)
		}
	}
	g.Node = nodes
}

// last returns the last of some names, "" if there are none.
func last(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[len(names)-1]
}

// wholeConstants returns the constants of whole numbers, at most some, by their names.
func wholeConstants(g *protos.GraphProto) map[string][]int {
	found := map[string][]int{}
	add := func(name string, t *protos.TensorProto) {
		if kind := protos.TensorProto_DataType(t.GetDataType()); kind != protos.TensorProto_INT64 && kind != protos.TensorProto_INT32 ||
			len(t.Dims) > 1 || len(t.Dims) == 1 && t.Dims[0] > maxWhole {
			return
		}
		if c, err := constant(t); err == nil {
			if list, ok := ints(c); ok {
				found[name] = list
			}
		}
	}
	for _, t := range g.Initializer {
		add(t.GetName(), t)
	}
	for _, n := range g.Node {
		if n.GetOpType() != "Constant" || len(n.Output) != 1 {
			continue
		}
		for _, a := range n.Attribute {
			switch {
			case a.GetT() != nil:
				add(n.Output[0], a.T)
			case a.GetName() == "value_int":
				found[n.Output[0]] = []int{int(a.I)}
			}
		}
	}
	return found
}

// partsOf reads a SplitToSequence with constant lengths, nil for other nodes.
func partsOf(n *protos.NodeProto, numbers map[string][]int) *parts {
	if n.GetOpType() != "SplitToSequence" || len(n.Input) == 0 || len(n.Output) != 1 {
		return nil
	}
	p, keep := &parts{node: n, lengths: []int64{1}, each: true}, int64(1)
	for _, a := range n.Attribute {
		switch a.GetName() {
		case "axis":
			p.axis = a.I
		case "keepdims":
			keep = a.I
		}
	}
	if len(n.Input) == 1 || n.Input[1] == "" {
		p.dropped = keep == 0
		return p
	}
	list := numbers[n.Input[1]]
	p.lengths, p.each = nil, len(list) == 1
	for _, length := range list {
		if length < 1 || length > maxNumber {
			return nil
		}
		p.lengths = append(p.lengths, int64(length))
	}
	if len(list) == 0 {
		return nil
	}
	return p
}

// take makes n the piece at a place; it reports whether that is known.
func (p *parts) take(g *protos.GraphProto, n *protos.NodeProto, at int) bool {
	if p.dropped {
		n.OpType, n.Input = "Gather", []string{p.node.Input[0], n.Input[1]}
		n.Attribute = []*protos.AttributeProto{{Name: "axis", Type: protos.AttributeProto_INT, I: p.axis}}
		return true
	}
	if !p.each && at < 0 {
		at += len(p.lengths)
	}
	if at < 0 || at > maxNumber || !p.each && at >= len(p.lengths) {
		return false
	}
	begin, end := p.lengths[0]*int64(at), p.lengths[0]*int64(at+1)
	if !p.each {
		begin = 0
		for _, length := range p.lengths[:at] {
			begin += length
		}
		end = begin + p.lengths[at]
	}
	input := []string{p.node.Input[0]}
	for i, number := range []int64{begin, end, p.axis} {
		name := fmt.Sprintf("%s.%s", n.Output[0], [3]string{"begin", "end", "axis"}[i])
		g.Initializer = append(g.Initializer, &protos.TensorProto{Name: name, Dims: []int64{1}, DataType: int32(protos.TensorProto_INT64), Int64Data: []int64{number}})
		input = append(input, name)
	}
	n.OpType, n.Input = "Slice", input
	return true
}
