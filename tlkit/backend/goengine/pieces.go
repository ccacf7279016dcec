package goengine

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/pkg/errors"
)

// piece makes the steps that compute the wanted values: a step for each native node, and one piece of GoMLX's engine
// for all other nodes.
func (p *planner) piece(wanted []*value) error {
	if err := p.emitBefore(wanted); err != nil {
		return err
	}
	nodes := p.missing(wanted)
	if len(nodes) == 0 {
		return nil
	}
	s, err := p.foreign(nodes, p.results(nodes, wanted))
	if err != nil {
		return err
	}
	p.plan.steps = append(p.plan.steps, s)
	for _, n := range nodes {
		if !free(n) || slices.ContainsFunc(n.outputs, func(v *value) bool { _, ok := p.slot[v]; return ok }) {
			p.done[n] = true
		}
	}
	return nil
}

// emitBefore makes the steps of the native nodes on which the wanted values depend. Those that are free are built again
// in the pieces that read them, unless they are wanted themselves.
func (p *planner) emitBefore(wanted []*value) error {
	seen := map[*node]bool{}
	var visit func(n *node, top bool) error
	visit = func(n *node, top bool) error {
		if seen[n] || p.done[n] {
			return nil
		}
		seen[n] = true
		if p.native[n] && (top || !free(n)) || p.attached[n] != nil {
			return p.emit(n)
		}
		for _, v := range inputsOf(n) {
			if err := visit(v.node, false); err != nil {
				return err
			}
		}
		return nil
	}
	for _, v := range wanted {
		if err := visit(root(v).node, true); err != nil {
			return err
		}
	}
	return nil
}

// missing lists the nodes, in the recorded order, that the wanted values need and that no step computes yet. Wanted
// constants get their slots.
func (p *planner) missing(wanted []*value) []*node {
	need := map[*node]bool{}
	var visit func(n *node)
	visit = func(n *node) {
		if need[n] || p.done[n] {
			return
		}
		need[n] = true
		for _, v := range inputsOf(n) {
			visit(v.node)
		}
	}
	for _, v := range wanted {
		r := root(v)
		if r.node.op == compute.OpTypeConstant {
			p.slotOf(r)
			continue
		}
		visit(r.node)
	}
	if len(need) == 0 {
		return nil
	}
	var list []*node
	for _, n := range p.nodes {
		if need[n] {
			list = append(list, n)
		}
	}
	return list
}

// results lists the values that a piece of the given nodes hands on: outputs, and what nodes outside the piece read.
// Cheap nodes are built again instead.
func (p *planner) results(nodes []*node, wanted []*value) []*value {
	inPiece := map[*node]bool{}
	for _, n := range nodes {
		inPiece[n] = true
	}
	var results []*value
	for _, n := range nodes {
		if free(n) && !slices.ContainsFunc(n.outputs, func(v *value) bool { return p.isOutput[v] || isRootOf(v, wanted) }) {
			continue
		}
		if alias(n) {
			continue // its root is the result
		}
		for _, v := range n.outputs {
			if p.readLater(v, inPiece) {
				results = append(results, v)
			}
		}
	}
	return results
}

// isRootOf reports whether v is one of the wanted values, or the root of one.
func isRootOf(v *value, wanted []*value) bool {
	return slices.ContainsFunc(wanted, func(w *value) bool { return root(w) == v })
}

// readLater reports whether v or an alias of it is an output, or is read by a node outside the piece.
func (p *planner) readLater(v *value, piece map[*node]bool) bool {
	if p.isOutput[v] {
		return true
	}
	for _, u := range p.userNodes[v] {
		if alias(u) && p.readLater(u.outputs[0], piece) {
			return true
		}
		if !piece[u] && !alias(u) {
			return true
		}
	}
	return false
}

// foreign builds nodes in GoMLX's engine. The inputs of the step are the values that the nodes read from outside the
// list.
func (p *planner) foreign(list []*node, results []*value) (step, error) {
	builder := p.b.engine.inner.Builder(p.b.name)
	main := builder.Main()
	in := map[*node]bool{}
	for _, n := range list {
		in[n] = true
	}
	s := step{what: "GoMLX"}
	built := map[*value]val{}
	named := map[*Function]compute.Function{}
	var get func(v *value) (val, error)
	get = func(v *value) (val, error) {
		if b, ok := built[v]; ok {
			return b, nil
		}
		if in[v.node] || v.fn != p.b.main {
			return nil, errors.Errorf("value of %s read before it is there", v.node.op)
		}
		var b val
		var err error
		if alias(v.node) || free(v.node) { // with its own shape, built from its root
			err = buildNode(main, builder, v.node, get, built, named)
			b = built[v]
		} else {
			slot := p.slotOf(v)
			b, err = main.Parameter("", v.shape, nil)
			s.inputs = append(s.inputs, slot)
		}
		if err != nil {
			return nil, err
		}
		built[v] = b
		return b, nil
	}
	for _, n := range list {
		s.what += " " + n.op.String()
		if err := buildNode(main, builder, n, get, built, named); err != nil {
			return s, err
		}
	}
	outs := make([]val, len(results))
	for i, v := range results {
		outs[i] = built[v]
		s.outputs = append(s.outputs, p.newSlot(v))
	}
	if err := main.Return(outs, nil); err != nil {
		return s, err
	}
	exec, err := builder.Compile()
	if err != nil {
		return s, err
	}
	_, shapesIn := exec.Inputs()
	inputs, outputs := s.inputs, s.outputs
	s.run = func(r *run) error { return r.foreign(exec, shapesIn, inputs, outputs) }
	return s, nil
}

// buildNode builds a node, and the functions that it calls, in a function of GoMLX's engine.
func buildNode(f compute.Function, b compute.Builder, n *node, get func(*value) (val, error), built map[*value]val,
	named map[*Function]compute.Function) error {
	if n.build == nil {
		return notImplemented(n.op)
	}
	ins := make([]val, len(n.inputs))
	for i, v := range n.inputs {
		x, err := get(v)
		if err != nil {
			return err
		}
		ins[i] = x
	}
	functions := make([]fn, len(n.closures))
	for i, c := range n.closures {
		g, err := buildFunction(f, b, c, get, built, named)
		if err != nil {
			return err
		}
		functions[i] = g
	}
	outs, err := n.build(f, ins, functions)
	if err != nil {
		return err
	}
	for i, v := range n.outputs {
		built[v] = outs[i]
	}
	return nil
}

func buildFunction(parent compute.Function, b compute.Builder, c *Function, get func(*value) (val, error), built map[*value]val,
	named map[*Function]compute.Function) (compute.Function, error) {
	if g, ok := named[c]; ok {
		return g, nil
	}
	var g compute.Function
	var err error
	if c.parent != nil {
		// Captured values must exist before the closure is made: they become parameters of the piece.
		for _, v := range c.captured() {
			if _, err := get(v); err != nil {
				return nil, err
			}
		}
		g, err = parent.Closure()
	} else {
		g, err = b.NewFunction(c.name)
	}
	if err != nil {
		return nil, err
	}
	for _, v := range c.params {
		if built[v], err = g.Parameter(v.node.attrs.(string), v.shape, nil); err != nil {
			return nil, err
		}
	}
	for _, n := range c.nodes {
		if n.op == compute.OpTypeParameter {
			continue
		}
		if err := buildNode(g, b, n, get, built, named); err != nil {
			return nil, err
		}
	}
	outs := make([]val, len(c.outputs))
	for i, v := range c.outputs {
		if outs[i], err = get(v); err != nil {
			return nil, err
		}
	}
	if err := g.Return(outs, nil); err != nil {
		return nil, err
	}
	if c.parent == nil {
		named[c] = g
	}
	return g, nil
}
