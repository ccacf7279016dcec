package read

import (
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// value is what flows between nodes: a constant, or a node of the graph. Images may have their channels last, which
// every operator in tlkit/nn wants; last says so, and the axes are then those of NCHW in the order 0, 2, 3, 1.
type value struct {
	c    *tensors.Tensor
	n    *Node
	last bool
}

// run builds a part of the network.
type run struct {
	net   *Net
	s     *nn.Scope
	g     *Graph
	stage int // -1: all at once, to learn the shapes
	batch int // of this pass; 0 if not known
	vals  map[string]value
	taken map[*variable]bool
}

// Stage builds stage i: x is the image [batch, height, width, 3], or what the stage before it returned, and images
// between stages have their channels last.
func (n *Net) Stage(i int, s *nn.Scope, x *Node) *Node {
	sp := n.stages[i]
	r := &run{net: n, s: s, g: x.Graph(), stage: i, batch: x.Shape().Dimensions[0], vals: map[string]value{}, taken: map[*variable]bool{}}
	r.vals[sp.in] = value{n: x, last: x.Rank() == 4}
	for _, v := range n.nodes[sp.from:sp.to] {
		if n.depends[v.out[0]].image {
			r.eval(v)
		}
	}
	out := r.get(sp.out)
	if out.n != nil && out.n.Rank() == 4 {
		return r.channelsLast(out)
	}
	return r.node(out)
}

// Head builds the output layer on features [batch, features].
func (n *Net) Head(s *nn.Scope, features *Node, classes int) *Node {
	if n.head.bias == "" {
		return nn.LinearWith(s, features, classes, nn.FanInUniform, nil)
	}
	return nn.Linear(s, features, classes)
}

// get returns a value by its name in the graph.
func (r *run) get(name string) value {
	if a, ok := r.net.alias[name]; ok {
		name = a
	}
	if v, ok := r.vals[name]; ok {
		return v
	}
	if c := r.net.consts[name]; c != nil {
		return value{c: c}
	}
	if x := r.net.vars[name]; x != nil {
		return value{n: r.plain(x)}
	}
	if c := r.net.known(name); c != nil {
		return value{c: c}
	}
	v := r.net.byOutput[name]
	if v == nil || r.net.depends[name].image {
		exceptions.Panicf("value %.80q is not at hand", name)
	}
	r.eval(v) // of variables only: whoever needs it makes it
	return r.vals[name]
}

// take returns the scope in which a layer may ask for its variables: each is recorded once, by the first stage that
// uses it. nil means that some are to be recorded and others not, and the layer must do without.
func (r *run) take(vars ...*variable) *nn.Scope {
	fresh := 0
	for _, x := range vars {
		if !r.taken[x] && (r.stage < 0 || x.stage == r.stage) {
			fresh++
		}
	}
	switch fresh {
	case 0:
		return r.s.Silent()
	case len(vars):
		for _, x := range vars {
			r.taken[x] = true
		}
		return r.s
	}
	return nil
}

// plain returns a variable with the axes it has in the file.
func (r *run) plain(x *variable) *Node {
	s := r.take(x)
	var n *Node
	if x.buffer {
		n = s.Named(map[string]string{"v": x.key}).Buffer("v", x.init, x.shape...).NodeValue(r.g)
	} else {
		n = s.Named(map[string]string{"v": x.key}).Param(r.g, "v", x.layout, x.init, x.shape...)
	}
	switch {
	case x.layout == nn.ConvKernel:
		return TransposeAllAxes(n, 3, 2, 0, 1)
	case x.layout == nn.LinearWeight && !x.turned:
		return TransposeAllAxes(n, 1, 0)
	}
	return n
}

// variable returns the variable behind an input of a node, nil if it is none.
func (r *run) variable(v *node, i int) *variable {
	if i >= len(v.in) || v.in[i] == "" {
		return nil
	}
	name := v.in[i]
	if a, ok := r.net.alias[name]; ok {
		name = a
	}
	return r.net.vars[name]
}

// input returns an input of a node; ok is false if it was left out.
func (r *run) input(v *node, i int) (value, bool) {
	if i >= len(v.in) || v.in[i] == "" {
		return value{}, false
	}
	return r.get(v.in[i]), true
}

// constant returns an input that is a constant, nil if it is none.
func (r *run) constant(v *node, i int) *tensors.Tensor {
	x, ok := r.input(v, i)
	if !ok {
		return nil
	}
	return x.c
}

// node returns a value in the graph, with the axes of the file.
func (r *run) node(v value) *Node {
	if v.n == nil {
		return Const(r.g, v.c)
	}
	if !v.last {
		return v.n
	}
	d := v.n.Shape().Dimensions
	if d[1] == 1 && d[2] == 1 {
		return Reshape(v.n, d[0], d[3], 1, 1)
	}
	return TransposeAllAxes(v.n, 0, 3, 1, 2)
}

// channelsLast returns an image in the graph with its channels last.
func (r *run) channelsLast(v value) *Node {
	if v.last {
		return v.n
	}
	n := r.node(v)
	n.AssertRank(4)
	return TransposeAllAxes(n, 0, 2, 3, 1)
}

// dims returns the shape of a value as the file sees it.
func (v value) dims() []int {
	if v.n == nil {
		return v.c.Shape().Dimensions
	}
	d := v.n.Shape().Dimensions
	if v.last {
		return []int{d[0], d[3], d[1], d[2]}
	}
	return d
}

func (v value) dtype() dtypes.DType {
	if v.n == nil {
		return v.c.DType()
	}
	return v.n.DType()
}

// maxValue bounds what a node may produce: no image classifier comes near it with the small batches of a check.
const maxValue = 1 << 30

// eval builds a node and keeps its outputs.
func (r *run) eval(v *node) {
	if _, done := r.vals[v.out[0]]; done {
		return
	}
	if c := r.net.foldedFor(v.out[0], r.batch); c != nil {
		r.vals[v.out[0]] = value{c: c}
		return
	}
	var out []value
	err := exceptions.TryCatch[error](func() {
		if native := natives[v.op]; native != nil {
			if y, ok := native(r, v); ok {
				out = []value{y}
				return
			}
		}
		if v.op == "Split" {
			if parts, ok := r.split(v); ok {
				out = parts
				return
			}
		}
		out = r.foreign(v)
	})
	if err != nil {
		exceptions.Panicf("node %s: %v", v, err)
	}
	for i, y := range out {
		if i >= len(v.out) || v.out[i] == "" {
			continue
		}
		size := 1
		for _, d := range y.dims() {
			if d > 0 && size > maxValue/d {
				exceptions.Panicf("node %s makes a value of shape %v, larger than any image classifier's", v, y.dims())
			}
			size *= max(d, 0)
		}
		r.vals[v.out[i]] = y
		if y.c != nil && len(v.out) == 1 {
			r.net.keep(v.out[0], r.batch, y.c)
		}
	}
}
