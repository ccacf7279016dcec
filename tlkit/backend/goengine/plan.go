package goengine

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"
)

// plan is a compiled computation: steps in order, each reading and writing slots.
type plan struct {
	engine  *Engine
	steps   []step
	slots   int
	params  []int // slots
	outputs []int
	// release lists, for each step, the slots of which it is the last reader.
	release [][]int
	// constants are slots that are set before the first step.
	constants map[int]any
	names     []string
	inShapes  []shapes.Shape
	outShapes []shapes.Shape
	runner    func(run func()) // see Parts; nil runs a plan on the caller's goroutine
	profiled  bool             // each run prints where its time went
}

// step is a part of a plan. inputs and outputs are slots.
type step struct {
	inputs, outputs []int
	// run computes the outputs; see run.go.
	run  func(r *run) error
	what string
}

// planner makes a plan from the recorded nodes.
type planner struct {
	b         *Builder
	plan      *plan
	nodes     []*node // those that the outputs need, in order
	userNodes map[*value][]*node
	isOutput  map[*value]bool
	native    map[*node]bool  // computed by a step of its own here
	folded    map[*node]bool  // part of another node's step
	lazy      map[*node]bool  // its step is made only where another one reads its result
	leaf      map[*value]bool // read by a chain
	done      map[*node]bool
	slot      map[*value]int
	group     map[*node]*group   // by its last node, or by the sum of that one's result
	attached  map[*node]*group   // by the node that it is attached to
	adjoints  map[*node]*group   // by the gradient of a batch norm that reads it
	spread    map[*node][]*value // norms whose result is computed where it is read, with gain and shift: see spread.go
	makers    map[*node]*maker   // see stepFor
}

func newPlanner(b *Builder) *planner {
	return &planner{b: b, plan: &plan{engine: b.engine, constants: map[int]any{}}, userNodes: map[*value][]*node{},
		isOutput: map[*value]bool{}, native: map[*node]bool{}, folded: map[*node]bool{}, lazy: map[*node]bool{},
		leaf: map[*value]bool{}, done: map[*node]bool{},
		slot: map[*value]int{}, group: map[*node]*group{}, attached: map[*node]*group{}, makers: map[*node]*maker{},
		spread: map[*node][]*value{}, adjoints: map[*node]*group{}}
}

// Compile plans the computation.
func (b *Builder) Compile() (compute.Executable, error) {
	main := b.main
	if main.outputs == nil {
		return nil, errors.Errorf("computation %q: Return was not called", b.name)
	}
	p := newPlanner(b)
	for _, v := range main.params {
		p.plan.params = append(p.plan.params, p.newSlot(v))
		p.plan.names = append(p.plan.names, v.node.attrs.(string))
		p.plan.inShapes = append(p.plan.inShapes, v.shape)
		p.done[v.node] = true
	}
	p.reach()
	p.choose()
	if err := p.schedule(); err != nil {
		return nil, err
	}
	for _, v := range main.outputs {
		s := p.slotOf(v)
		p.plan.outputs = append(p.plan.outputs, s)
		p.plan.outShapes = append(p.plan.outShapes, v.shape)
	}
	p.plan.lifetimes()
	if f := b.engine.NewRunner; f != nil {
		p.plan.runner = f()
	}
	show := os.Getenv(planEnv)
	p.plan.profiled = show == "times"
	if show != "" {
		fmt.Fprintln(os.Stderr, p.plan.Describe())
	}
	b.drop()
	return p.plan, nil
}

func (p *planner) newSlot(v *value) int {
	s := p.plan.slots
	p.plan.slots++
	p.slot[v] = s
	return s
}

// inputsOf lists the values that a node reads, with those that its closures capture.
func inputsOf(n *node) []*value {
	all := n.inputs
	for _, c := range n.closures {
		if c.parent != nil {
			all = append(slices.Clip(all), c.captured()...)
		}
	}
	return all
}

// reach finds the nodes that the outputs need.
func (p *planner) reach() {
	need := map[*node]bool{}
	stack := []*node{}
	visit := func(v *value) {
		if !need[v.node] {
			need[v.node] = true
			stack = append(stack, v.node)
		}
	}
	for _, v := range p.b.main.outputs {
		p.isOutput[v] = true
		visit(v)
	}
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, v := range inputsOf(n) {
			visit(v)
		}
	}
	for _, n := range p.b.main.nodes {
		if !need[n] {
			continue
		}
		p.nodes = append(p.nodes, n)
		for _, v := range inputsOf(n) {
			if !slices.Contains(p.userNodes[v], n) {
				p.userNodes[v] = append(p.userNodes[v], n)
			}
		}
	}
}

func isFloat(v *value) bool { return v.shape.DType == dtypes.Float32 && v.shape.Size() > 0 }

// alias reports whether a node's result has its input's values, under another shape or name.
func alias(n *node) bool {
	return n.op == compute.OpTypeReshape && isFloat(n.outputs[0])
}

// root returns the value of which v is an alias; v itself if it is none.
func root(v *value) *value {
	for alias(v.node) {
		v = v.node.inputs[0]
	}
	return v
}

// free reports whether a node costs so little that it may be built again wherever it is needed.
func free(n *node) bool {
	switch n.op {
	case compute.OpTypeConstant:
		return n.outputs[0].shape.Size() <= 1024
	case compute.OpTypeIota:
		return true
	case compute.OpTypeBroadcastInDim:
		return free(n.inputs[0].node)
	}
	return false
}

// choose decides which nodes become steps of this engine.
func (p *planner) choose() {
	p.groups()
	for again := p.spreadNorms(); again; again = p.gatherNorms() {
		p.groups()
	}
	p.attach()
	for n := range p.attached {
		p.native[n] = false
	}
	p.attachAdjoints()
}

// schedule makes the steps: each native node in the recorded order, and before it the nodes that it needs, those that
// are lazy among them. Nodes that no native node needs come last.
func (p *planner) schedule() error {
	for _, n := range p.nodes {
		if p.native[n] && !p.lazy[n] {
			if err := p.emit(n); err != nil {
				return err
			}
		}
	}
	return p.piece(p.b.main.outputs)
}

// emit makes the step of a native node, after the steps that it needs.
func (p *planner) emit(n *node) error {
	if g := p.attached[n]; g != nil {
		n = g.root
	}
	if p.done[n] {
		return nil
	}
	m, outputs := p.makerOf(n)
	if err := p.piece(m.reads); err != nil {
		return err
	}
	p.plan.steps = append(p.plan.steps, p.step(m, outputs))
	p.done[n] = true
	if g := p.group[n]; g != nil && g.after != nil {
		p.done[g.after] = true
	}
	return nil
}

// makerOf returns the maker of the step that computes a native node, and what the step writes.
func (p *planner) makerOf(n *node) (*maker, []*value) {
	g := cmp.Or(p.group[n], p.adjoints[n])
	switch {
	case p.spread[n] != nil:
		return p.spreadStep(n)
	case g == nil:
		return p.stepFor(n), n.outputs
	case g.sum != nil:
		return g.sumStep()
	case g.norm != nil:
		return g.adjointStep()
	case g.after != nil:
		return p.attachedStep(g)
	}
	return g.step()
}

// slotOf returns the slot of a value or of its root. It makes one if there is none, and with it the entry of a
// constant.
func (p *planner) slotOf(v *value) int {
	r := root(v)
	if s, ok := p.slot[r]; ok {
		return s
	}
	s := p.newSlot(r)
	if r.node.op == compute.OpTypeConstant {
		p.plan.constants[s] = r.node.attrs
		p.done[r.node] = true
	}
	return s
}

// lifetimes finds the last step that reads each slot.
func (p *plan) lifetimes() {
	last := make([]int, p.slots)
	for i := range last {
		last[i] = -1
	}
	for i, s := range p.steps {
		for _, slot := range s.outputs {
			last[slot] = i // a result without readers is released at once
		}
		for _, slot := range s.inputs {
			last[slot] = i
		}
	}
	for _, slot := range p.outputs {
		last[slot] = len(p.steps)
	}
	p.release = make([][]int, len(p.steps))
	for slot, i := range last {
		if i >= 0 && i < len(p.steps) {
			p.release[i] = append(p.release[i], slot)
		}
	}
}

// Describe lists the steps, to find out where time is spent.
func (p *plan) Describe() string {
	var b strings.Builder
	for i, s := range p.steps {
		fmt.Fprintf(&b, "%3d %s %v -> %v\n", i, s.what, s.inputs, s.outputs)
	}
	return b.String()
}
