package goengine

import (
	"maps"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/goengine/kernels"
)

// This file saves batch norms passes over memory.
//
// The result of a batch norm is x*gain + shift, with two values for each channel. Where several chains read it, such as
// an activation function and the gradient of that, each computes it from x, which the norm's own gradient keeps in
// memory anyway: the result is never written. And the gradient of a batch norm adds up its adjoint while that is
// computed.

// spreadNorms finds the norms whose result is read by elementwise operations alone, in more than one chain, and reports
// whether there are any.
func (p *planner) spreadNorms() bool {
	chains := map[*value]int{}
	for _, g := range p.group {
		for _, l := range g.leavesOf {
			chains[l.v]++
		}
	}
	for _, n := range p.nodes {
		if n.op != compute.OpTypeBatchNormForTraining || p.stepFor(n) == nil {
			continue
		}
		y := n.outputs[0]
		other := func(u *node) bool { return !elementwise(u) || !slices.Equal(dims(u.outputs[0]), dims(y)) }
		if chains[y] < 2 || p.isOutput[y] || slices.ContainsFunc(p.userNodes[y], other) {
			continue
		}
		channels := shapes.Make(y.shape.DType, n.outputs[1].shape.Size())
		p.spread[n] = []*value{{fn: y.fn, node: n, index: len(n.outputs), shape: channels}, {fn: y.fn, node: n, index: len(n.outputs) + 1, shape: channels}}
	}
	return len(p.spread) > 0
}

// gatherNorms takes back what spreadNorms found for norms that operations outside of chains would read, and reports
// whether there was one.
func (p *planner) gatherNorms() bool {
	found := len(p.spread)
	maps.DeleteFunc(p.spread, func(n *node, _ []*value) bool {
		return slices.ContainsFunc(p.userNodes[n.outputs[0]], func(u *node) bool { return !p.inChains(u) })
	})
	return len(p.spread) < found
}

// inChains reports whether chains alone compute the elementwise node.
func (p *planner) inChains(u *node) bool {
	if isFloat(u.outputs[0]) {
		return p.folded[u] || p.group[u] != nil
	}
	return !slices.ContainsFunc(p.userNodes[u.outputs[0]], func(w *node) bool { return !p.inChains(w) })
}

// normed adds the result of a spread norm, computed from the norm's input, and returns its index.
func (b *growth) normed(v *value, at place) int {
	if !slices.Equal(at, b.straight()) {
		b.failed = true
		return 0
	}
	affine := b.p.spread[v.node]
	channel := at[len(at)-1:]
	in := kernels.Instr{Op: kernels.MulAdd, Args: [3]int{
		b.operand(v.node.inputs[0], at), b.operand(affine[0], channel), b.operand(affine[1], channel)}}
	b.g.code = append(b.g.code, in)
	return -len(b.g.code)
}

// attachAdjoints joins a chain to the batch norm's gradient that alone reads its result: the gradient adds up each
// piece of it while that is in the cache.
func (p *planner) attachAdjoints() {
	for _, n := range p.nodes {
		if n.op != compute.OpTypeBatchNormGradient || !p.native[n] {
			continue
		}
		v := n.inputs[4]
		g := p.group[v.node]
		if g == nil || g.after != nil || g.sum != nil || p.isOutput[v] || p.leaf[v] || len(p.userNodes[v]) != 1 {
			continue
		}
		g.norm, p.adjoints[n], p.native[v.node] = n, g, false
	}
}

// adjointStep returns the maker of the common step of a chain and the batch norm's gradient that reads its result, and
// what it writes.
func (g *group) adjointStep() (*maker, []*value) {
	n := g.norm
	e := n.attrs.(normAttrs).epsilon
	size, c := n.outputs[0].shape.Size(), n.outputs[1].shape.Size()
	m := &maker{what: "chain and batch norm gradient", reads: append(slices.Clone(n.inputs[:4]), g.leaves()...)}
	m.run = func(r *run, in, out []int, _ func([]float32) kernels.After) {
		x, gain, mean, variance := r.floats(in[0]), r.floats(in[1]), r.floats(in[2]), r.floats(in[3])
		operands := g.operands(r, in[4:])
		// x is read again when all of the adjoint is written.
		inPlace := slices.DeleteFunc(g.whole(in[4:]), func(slot int) bool { return slot == in[0] })
		scale, offset, dx := r.output(out[1], c), r.output(out[2], c), r.output(out[0], size, inPlace...)
		write, end := g.chain.Begin(dx, operands)
		kernels.BatchNormGradient(r.team(), dx, scale, offset, x, gain, mean, variance, dx, e, write)
		end()
	}
	return m, n.outputs
}
