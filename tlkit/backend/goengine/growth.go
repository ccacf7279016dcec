package goengine

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/goengine/kernels"
)

// place is the position of a value over the chain's result: for each axis of the value, an axis of the result.
type place []int

// growth is a chain while it is built.
type growth struct {
	p      *planner
	g      *group
	out    []int          // the axes of the chain's result
	within map[*node]bool // nodes that only the chain reads, by any number of ways; nil has each operation read all it needs
	seen   map[operandKey]int
	failed bool // the operands broadcast in a way that a chain can't
}

// operandKey is a value at a place.
type operandKey struct {
	v  *value
	at string
}

// grow builds the chain that ends in n; nil if its operands broadcast in too many ways. Nodes with one reader, and
// those of within, become part of it; without within (nil), none do.
func (p *planner) grow(n *node, within map[*node]bool) *group {
	b := &growth{p: p, g: &group{root: n}, out: dims(n.outputs[0]), within: within, seen: map[operandKey]int{}}
	b.emit(n, b.straight())
	g := b.g
	if b.failed || len(g.code) > 2*longest {
		return nil
	}
	for i := range g.code { // results are numbered after the leaves
		for j, a := range g.code[i].Args {
			if a < 0 {
				g.code[i].Args[j] = len(g.leavesOf) - a - 1
			}
		}
	}
	if !g.layOut(b.out) {
		return nil
	}
	return g
}

// straight is the place of a value with the result's own axes.
func (b *growth) straight() place {
	at := make(place, len(b.out))
	for i := range at {
		at[i] = i
	}
	return at
}

// emit adds the operation of a node and returns its index: results are numbered -1, -2, ...
func (b *growth) emit(n *node, at place) int {
	b.g.all = append(b.g.all, n)
	in := kernels.Instr{Op: chainOps[n.op]}
	inputs := n.inputs
	if x, parts := b.sigmoid(n); x != nil {
		in.Op, inputs = kernels.Sigmoid, []*value{x}
		b.g.all, b.g.inside = append(b.g.all, parts...), append(b.g.inside, parts...)
	}
	for i, v := range inputs {
		where := at
		if len(dims(v)) == 0 {
			where = nil
		} else if len(dims(v)) != len(at) {
			b.failed = true
			return 0
		}
		in.Args[i] = b.operand(v, where)
	}
	b.g.code = append(b.g.code, in)
	return -len(b.g.code)
}

// sigmoid returns x if n is 1/(1+exp(-x)), with the nodes between, which nothing else reads; otherwise nil. It is
// computed in one pass.
func (b *growth) sigmoid(n *node) (x *value, parts []*node) {
	if b.within == nil || n.op != compute.OpTypeDiv || !isOne(n.inputs[0]) {
		return nil, nil
	}
	v := n.inputs[1]
	for _, op := range []compute.OpType{compute.OpTypeAdd, compute.OpTypeExp, compute.OpTypeNeg} {
		m := v.node
		if m.op != op || !isFloat(v) || b.p.isOutput[v] || b.p.leaf[v] || len(b.p.userNodes[v]) != 1 {
			return nil, nil
		}
		parts, v = append(parts, m), m.inputs[0]
		if op == compute.OpTypeAdd && isOne(v) {
			v = m.inputs[1]
		} else if op == compute.OpTypeAdd && !isOne(m.inputs[1]) {
			return nil, nil
		}
	}
	if !slices.Equal(dims(v), dims(n.outputs[0])) {
		return nil, nil
	}
	return v, parts
}

// isOne reports whether a value is the constant 1, repeated or not.
func isOne(v *value) bool {
	for v.node.op == compute.OpTypeBroadcastInDim {
		v = v.node.inputs[0]
	}
	ones, ok := v.node.attrs.([]float32)
	return ok && v.node.op == compute.OpTypeConstant && len(ones) == 1 && ones[0] == 1
}

// operand returns the index of a value at a place: that of an operation, if the value is computed inside the chain,
// else that of a leaf.
func (b *growth) operand(v *value, at place) int {
	for v.node.op == compute.OpTypeBroadcastInDim {
		axes := v.node.attrs.([]int)
		inner := make(place, len(axes))
		for i, a := range axes {
			inner[i] = at[a]
		}
		v, at = v.node.inputs[0], inner
	}
	key := operandKey{v, string(bytesOf(at))}
	if i, ok := b.seen[key]; ok {
		return i
	}
	i := 0
	switch {
	case b.p.spread[v.node] != nil && v.index == 0:
		i = b.normed(v, at)
	case v.shape.DType == dtypes.Bool: // truth values exist only inside chains
		i = b.emit(v.node, at)
	case b.absorbs(v, at):
		if len(b.p.userNodes[v]) == 1 {
			b.g.inside = append(b.g.inside, v.node)
		} else {
			b.g.again = append(b.g.again, v.node)
		}
		i = b.emit(v.node, at)
	default:
		i = b.leaf(v, at)
	}
	b.seen[key] = i
	return i
}

// absorbs reports whether the node of v becomes part of the chain.
func (b *growth) absorbs(v *value, at place) bool {
	whole := slices.Equal(at, b.straight()) && slices.Equal(dims(v), b.out)
	return b.within != nil && whole && !b.p.isOutput[v] && !b.p.leaf[v] && len(b.g.code) < longest && elementwise(v.node) &&
		(len(b.p.userNodes[v]) == 1 || b.within[v.node] || b.p.cheapAgain(v))
}

// leaf adds v as an input of the chain and returns its index.
func (b *growth) leaf(v *value, at place) int {
	l := leaf{v: v, varies: make([]bool, len(b.out))}
	last := -1
	for i, a := range at {
		if dims(v)[i] > 1 {
			l.varies[a] = true
			b.failed = b.failed || a <= last || dims(v)[i] != b.out[a]
			last = a
		}
	}
	b.g.leavesOf = append(b.g.leavesOf, l)
	return len(b.g.leavesOf) - 1
}

func bytesOf(at place) []byte {
	b := make([]byte, len(at))
	for i, a := range at {
		b[i] = byte(a)
	}
	return b
}

// layOut joins the result's axes to at most three, such that each operand varies along a whole joined axis or not at
// all. It returns false if more than three are needed.
func (g *group) layOut(out []int) bool {
	var sizes []int
	var firsts []int // an axis of the result for each
	for a, size := range out {
		if size == 1 {
			continue
		}
		same := len(firsts) > 0
		if same {
			for _, l := range g.leavesOf {
				same = same && l.varies[a] == l.varies[firsts[len(firsts)-1]]
			}
		}
		if same {
			sizes[len(sizes)-1] *= size
		} else {
			sizes, firsts = append(sizes, size), append(firsts, a)
		}
	}
	if len(sizes) > 3 {
		return false
	}
	for len(sizes) < 3 {
		sizes, firsts = slices.Insert(sizes, 0, 1), slices.Insert(firsts, 0, -1)
	}
	g.chain = &kernels.Chain{Operands: len(g.leavesOf), Code: g.code, Outer: sizes[0], Middle: sizes[1], Inner: sizes[2]}
	g.chain.Prepare()
	for i, l := range g.leavesOf {
		var v [3]bool
		for j, f := range firsts {
			v[j] = f >= 0 && l.varies[f]
		}
		g.leavesOf[i].varies = v[:]
	}
	return true
}
