package goengine

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/goengine/kernels"
)

// chainOps are the elementwise operations that are computed in chains.
var chainOps = map[compute.OpType]kernels.Op{
	compute.OpTypeAdd: kernels.Add, compute.OpTypeSub: kernels.Sub, compute.OpTypeMul: kernels.Mul, compute.OpTypeDiv: kernels.Div,
	compute.OpTypeMax: kernels.Max, compute.OpTypeMin: kernels.Min, compute.OpTypeNeg: kernels.Neg, compute.OpTypeAbs: kernels.Abs,
	compute.OpTypeSqrt: kernels.Sqrt, compute.OpTypeRsqrt: kernels.Rsqrt,
	compute.OpTypeExp: kernels.Exp, compute.OpTypeErf: kernels.Erf, compute.OpTypeWhere: kernels.Where,
	compute.OpTypeGreaterThan: kernels.Greater, compute.OpTypeGreaterOrEqual: kernels.GreaterEqual,
	compute.OpTypeLessThan: kernels.Less, compute.OpTypeLessOrEqual: kernels.LessEqual,
	compute.OpTypeEqual: kernels.Equal, compute.OpTypeNotEqual: kernels.NotEqual,
	compute.OpTypeLogicalAnd: kernels.And, compute.OpTypeLogicalOr: kernels.Or, compute.OpTypeLogicalNot: kernels.Not,
}

// longest is the largest number of steps of a chain.
const longest = 24

// group is a chain of elementwise nodes. Other nodes read the result of its last node only.
type group struct {
	root     *node
	leavesOf []leaf
	code     []kernels.Instr // operands: leaves, then results (-1, -2, ... while the chain is built)
	inside   []*node         // float nodes without the root
	again    []*node         // nodes that other chains compute, too
	all      []*node         // with the root and the nodes of truth values
	chain    *kernels.Chain
	// after, if set, is the node whose result the chain continues, piece by piece; from is the index of the leaf that
	// is that result.
	after *node
	from  int
	// sum, if set, is the node that adds up the result, which is kept nowhere else.
	sum *node
	// norm, if set, is the batch norm's gradient that reads the result, its adjoint, and nothing else does.
	norm *node
}

// leaf is an input of a chain: the value v, and the axes of the chain's result along which it varies.
type leaf struct {
	v      *value
	varies []bool
}

func (g *group) leaves() []*value {
	all := make([]*value, len(g.leavesOf))
	for i, l := range g.leavesOf {
		all[i] = l.v
	}
	return all
}

// elementwise reports whether a node can be part of a chain. Truth values exist only inside chains.
func elementwise(n *node) bool {
	if _, ok := chainOps[n.op]; !ok {
		return false
	}
	for _, v := range n.inputs {
		if v.shape.Size() == 0 {
			return false
		}
		switch v.shape.DType {
		case dtypes.Float32:
		case dtypes.Bool:
			if !elementwise(v.node) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// groups finds the native nodes, and the chains, last nodes first.
func (p *planner) groups() {
	for _, nodes := range []map[*node]bool{p.native, p.folded, p.lazy} {
		clear(nodes)
	}
	clear(p.leaf)
	clear(p.group)
	for n := range p.spread { // the norm reads it, too
		p.leaf[root(n.inputs[0])] = true
	}
	for _, n := range p.nodes {
		if p.stepFor(n) != nil {
			p.native[n] = true
			// Convolutions read a kernel backwards, and chains repeat their operands, without such steps.
			p.lazy[n] = moves[n.op]
		}
	}
	for _, n := range slices.Backward(p.nodes) {
		last := n
		switch {
		case p.folded[n]:
			continue
		case p.addsUp(n) && p.summed(n.inputs[0]):
			last = n.inputs[0].node
		case !elementwise(n) || !isFloat(n.outputs[0]):
			continue
		}
		g := p.grow(last, p.within(last))
		if g == nil {
			g = p.grow(last, map[*node]bool{})
		}
		if g == nil && last == n {
			g = p.grow(last, nil)
		}
		if g == nil {
			continue
		}
		if last != n {
			g.sum, g.again = n, append(g.again, last)
		}
		p.settle(g)
		p.native[n] = true
		p.group[n] = g
	}
}

// settle records which nodes the chain computes alone, and which it computes beside others.
func (p *planner) settle(g *group) {
	for _, m := range g.inside {
		p.folded[m] = true
	}
	// Readers come later in the graph than what they read, and are settled first.
	slices.SortFunc(g.again, func(a, b *node) int { return b.id - a.id })
	for _, m := range g.again {
		if !p.readInside(m, g) {
			p.lazy[m] = true
		}
	}
	for _, l := range g.leavesOf {
		p.leaf[root(l.v)] = true
	}
}

// addsUp reports whether a node is a sum whose values a chain can compute piece by piece.
func (p *planner) addsUp(n *node) bool {
	if n.op != compute.OpTypeReduceSum || p.stepFor(n) == nil {
		return false
	}
	_, middle, inner, _ := sumSizes(n)
	return kernels.Summable(middle, inner)
}

// summed reports whether v is an elementwise result that a sum of it computes itself, so that it takes no memory.
func (p *planner) summed(v *value) bool {
	return elementwise(v.node) && isFloat(v) && !p.isOutput[v] && !p.leaf[v] && (len(p.userNodes[v]) == 1 || p.cheapAgain(v))
}

// within returns the elementwise nodes of n's size that n alone needs, by one way or by several: what is multiplied by
// two values, whose products are added up again, is computed once in n's chain.
func (p *planner) within(n *node) map[*node]bool {
	in, list := map[*node]bool{n: true}, []*node{n}
	outside := func(m *node) bool { return !in[m] }
	for grown := true; grown; {
		grown = false
		for _, m := range list {
			for _, v := range m.inputs {
				if !in[v.node] && elementwise(v.node) && slices.Equal(dims(v), dims(n.outputs[0])) && !p.isOutput[v] &&
					!slices.ContainsFunc(p.userNodes[v], outside) {
					in[v.node], list, grown = true, append(list, v.node), true
				}
			}
		}
	}
	return in
}

// readInside reports whether only nodes of the chain read m, which is part of it, and makes m belong to it alone.
func (p *planner) readInside(m *node, g *group) bool {
	for _, u := range p.userNodes[m.outputs[0]] {
		if u != g.root && u != g.sum && !slices.Contains(g.inside, u) {
			return false
		}
	}
	g.inside = append(g.inside, m)
	p.folded[m] = true
	return true
}

// attach joins a chain to the convolution, product or norm whose result it reads, if no other node reads that result.
// So bias, batch norm with fixed statistics and activation cost no further pass over memory.
func (p *planner) attach() {
	readers := map[*value]int{}
	for _, g := range p.group {
		for _, l := range g.leavesOf {
			readers[root(l.v)]++
		}
	}
	for _, n := range p.nodes {
		g := p.group[n]
		if g == nil || g.sum != nil {
			continue
		}
		out := dims(g.root.outputs[0])
		for i, l := range g.leavesOf {
			v := root(l.v)
			m := p.stepFor(v.node)
			if m == nil || !m.rows || v.index != 0 || !p.native[v.node] || p.attached[v.node] != nil ||
				!slices.Equal(dims(v), out) || v.shape.Size() < 2 || readers[v] != 1 || !p.only(v, g) {
				continue
			}
			// Pieces are whole rows of the last axis: the chain's inner axis must consist of whole rows.
			if g.chain.Inner%out[len(out)-1] != 0 || p.depends(g, v.node) {
				continue
			}
			g.after, g.from = v.node, i
			p.attached[v.node] = g
			break
		}
	}
}

// only reports whether only the group reads v or an alias of it.
func (p *planner) only(v *value, g *group) bool {
	if p.isOutput[v] {
		return false
	}
	for _, u := range p.userNodes[v] {
		if !slices.Contains(g.all, u) && !(alias(u) && p.only(u.outputs[0], g)) {
			return false
		}
	}
	return true
}

// depends reports whether the group reads a value that depends on another result of the node, such as a norm's
// statistics.
func (p *planner) depends(g *group, on *node) bool {
	if len(on.outputs) == 1 {
		return false
	}
	seen := map[*node]bool{}
	var visit func(v *value) bool
	visit = func(v *value) bool {
		if v.node == on {
			return v.index != 0
		}
		if v.node.id < on.id || seen[v.node] {
			return false
		}
		seen[v.node] = true
		return slices.ContainsFunc(inputsOf(v.node), visit)
	}
	return slices.ContainsFunc(g.leavesOf, func(l leaf) bool { return visit(l.v) })
}

// cheapAgain reports whether the chains that read v should compute it each, instead of reading it from memory: it is an
// elementwise function of one value of its size, beside smaller ones, and only elementwise operations and sums read it.
// So the derivative of an activation function does not keep a tensor from the forward pass beside the one that it needs
// anyway.
func (p *planner) cheapAgain(v *value) bool {
	most := cheap
	for _, u := range p.userNodes[v] {
		switch {
		case elementwise(u) && slices.Equal(dims(u.outputs[0]), dims(v)):
		case p.addsUp(u):
			most = cheapSummed
		default:
			return false
		}
	}
	sources, cost := map[*value]bool{}, 0
	var visit func(v *value)
	visit = func(w *value) {
		if cost > most || len(sources) > 1 {
			return
		}
		for w.node.op == compute.OpTypeBroadcastInDim {
			w = w.node.inputs[0]
		}
		if w.shape.Size() < v.shape.Size() {
			return
		}
		if !elementwise(w.node) || p.isOutput[w] {
			sources[w] = true
			return
		}
		cost += max(1, costs[w.node.op])
		for _, in := range w.node.inputs {
			visit(in)
		}
	}
	visit(v)
	return len(sources) == 1 && cost <= most
}

// cheap is the cost of computing a value again that is less than that of keeping it in memory, in additions.
const cheap = 8

// cheapSummed is the same for a value that is also added up: a sum reads it but once, and writes nothing.
const cheapSummed = 3

// costs are those of operations that take longer than an addition.
var costs = map[compute.OpType]int{
	compute.OpTypeDiv: 2, compute.OpTypeSqrt: 2, compute.OpTypeRsqrt: 3, compute.OpTypeExp: 3, compute.OpTypeErf: 9,
}

// attachedStep returns the maker of the common step of a chain and the node that it is attached to, and what it writes.
func (p *planner) attachedStep(g *group) (*maker, []*value) {
	m := p.stepFor(g.after)
	own := len(m.reads)
	all := &maker{what: m.what + " and chain", reads: append(slices.Clone(m.reads), g.leaves()...)}
	all.reads = slices.Delete(all.reads, own+g.from, own+g.from+1)
	all.run = func(r *run, in, out []int, _ func([]float32) kernels.After) {
		var end func()
		m.run(r, in[:own], out, func(y []float32) (after kernels.After) {
			others := in[own:]
			operands := make([]kernels.Operand, 0, len(g.leavesOf))
			for i, l := range g.leavesOf {
				data := y
				if i != g.from {
					data = r.floats(others[0])
					others = others[1:]
				}
				operands = append(operands, l.operand(data))
			}
			after, end = g.chain.Begin(y, operands)
			return after
		})
		end()
	}
	return all, append(slices.Clone(g.root.outputs), g.after.outputs[1:]...)
}

// operand returns the chain's operand with the leaf's values.
func (l leaf) operand(data []float32) kernels.Operand {
	return kernels.Operand{Data: data, Outer: l.varies[0], Middle: l.varies[1], Inner: l.varies[2]}
}

// operands returns the operands of a chain that reads the slots in.
func (g *group) operands(r *run, in []int) []kernels.Operand {
	list := make([]kernels.Operand, len(in))
	for i, slot := range in {
		list[i] = g.leavesOf[i].operand(r.floats(slot))
	}
	return list
}

// whole lists those of the slots in that have as many values as the result, which may take the place of one.
func (g *group) whole(in []int) []int {
	var slots []int
	size := g.root.outputs[0].shape.Size()
	for i, l := range g.leavesOf {
		if l.v.shape.Size() == size && size > 1 {
			slots = append(slots, in[i])
		}
	}
	return slots
}

// sumStep returns the maker of the common step of a chain and the sum of its result, and what it writes.
func (g *group) sumStep() (*maker, []*value) {
	outer, middle, inner, _ := sumSizes(g.sum)
	m := &maker{what: "chain and sum", reads: g.leaves()}
	m.run = func(r *run, in, out []int, _ func([]float32) kernels.After) {
		g.chain.Sum(r.team(), r.output(out[0], outer*inner), g.operands(r, in), outer, middle, inner)
	}
	return m, g.sum.outputs
}

// step returns the maker of a chain's step, and what it writes.
func (g *group) step() (*maker, []*value) {
	size := g.root.outputs[0].shape.Size()
	m := &maker{what: "chain", reads: g.leaves()}
	m.run = func(r *run, in, out []int, _ func([]float32) kernels.After) {
		operands := g.operands(r, in)
		g.chain.Run(r.team(), r.output(out[0], size, g.whole(in)...), operands)
	}
	return m, g.root.outputs
}
