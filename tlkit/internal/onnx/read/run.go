package read

import (
	"slices"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// run builds a part of the network.
type run struct {
	net     *Net
	s       *nn.Scope
	g       *Graph
	stage   int // -1: all at once, to find the shapes
	batches int // file batches in this pass
	vals    map[string]value
	taken   map[*variable]bool
}

// Stage builds stage i: x is the images [batch, height, width, 3], or what the stage before it returned. Images between
// stages have their channels last.
func (n *Net) Stage(i int, s *nn.Scope, x *Node) *Node {
	sp := n.stages[i]
	batch, size := x.Shape().Dimensions[0], n.fileBatch()
	r := &run{net: n, s: s, g: x.Graph(), stage: i, batches: (batch + size - 1) / size, vals: map[string]value{}, taken: map[*variable]bool{}}
	r.vals[sp.in] = r.entered(sp.in, x)
	for _, v := range n.nodes[sp.from:sp.to] {
		if n.depends[v.out[0]].image {
			r.eval(v)
		}
	}
	out := r.get(sp.out)
	if n.head.conv && i == len(n.stages)-1 {
		out = r.imageMean(r.channelsLast(out), false)
	}
	return r.leave(out, batch)
}

// fileBatch is the number of images that the file's graph is written for.
func (n *Net) fileBatch() int { return max(n.batch, 1) }

// enter splits the value between two stages, [batch, ...], into file batches; the last is filled up with zeros.
func (r *run) enter(x *Node) value {
	d, size := slices.Clone(x.Shape().Dimensions), r.net.fileBatch()
	if missing := r.batches*size - d[0]; missing > 0 {
		fill := slices.Clone(d)
		fill[0] = missing
		x = Concatenate([]*Node{x, Zeros(r.g, shapes.Make(x.DType(), fill...))}, 0)
	}
	if x.Rank() == 4 {
		return value{n: x, batched: true, last: true, rows: size}
	}
	return value{n: Reshape(x, slices.Concat([]int{r.batches, size}, d[1:])...), batched: true}
}

// entered is enter for a value by its name: the file may have the images' channels last, or one alone.
func (r *run) entered(name string, x *Node) value {
	if name == r.net.image && r.net.grey {
		x = ReduceAndKeep(x, ReduceMean, -1)
	}
	v := r.enter(x)
	if name != r.net.image || !r.net.nhwc {
		return v
	}
	d := v.n.Shape().Dimensions
	return value{n: Reshape(v.n, r.batches, v.rows, d[1], d[2], d[3]), batched: true}
}

// leave is the inverse of enter; it drops the zeros.
func (r *run) leave(v value, batch int) *Node {
	var n *Node
	if len(v.dims()) == 4 {
		n = r.channelsLast(v).n
	} else {
		n = r.batchedNode(v)
		d := n.Shape().Dimensions
		n = Reshape(n, slices.Concat([]int{d[0] * d[1]}, d[2:])...)
	}
	if n.Shape().Dimensions[0] > batch {
		n = SliceAxis(n, 0, AxisRange(0, batch))
	}
	return n
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
	name = r.net.original(name)
	if v, ok := r.vals[name]; ok {
		return v
	}
	if c := r.net.consts[name]; c != nil {
		return value{c: c}
	}
	if x := r.net.vars[name]; x != nil {
		return value{n: r.inFileLayout(x)}
	}
	if c := r.net.known(name); c != nil {
		return value{c: c}
	}
	v := r.net.byOutput[name]
	if v == nil || r.net.depends[name].image {
		exceptions.Panicf("value %.80q is not at hand", name)
	}
	r.eval(v) // of variables only: it is built on first use
	return r.vals[name]
}

// take returns the scope in which a layer makes its variables. Each variable is recorded once, by the first stage that
// uses it. Exporters store equal tensors once, so some variables of a layer may be recorded already. The others are
// then recorded here, and the scope records nothing.
func (r *run) take(vars ...*variable) *nn.Scope {
	var fresh []*variable
	for _, x := range vars {
		if !r.taken[x] && (r.stage < 0 || x.stage == r.stage) && !slices.Contains(fresh, x) {
			fresh = append(fresh, x)
		}
	}
	if len(fresh) == len(vars) {
		for _, x := range vars {
			r.taken[x] = true
		}
		return r.s
	}
	for _, x := range fresh {
		r.inFileLayout(x)
	}
	return r.s.Silent()
}

// inFileLayout returns a variable with the axes it has in the file.
func (r *run) inFileLayout(x *variable) *Node {
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
	case x.layout == nn.LinearWeight && !x.transposed:
		return TransposeAllAxes(n, 1, 0)
	}
	return n
}

// fileShape returns the shape of a variable in the file.
func (x *variable) fileShape() []int {
	if x.transposed {
		return []int{x.shape[1], x.shape[0]}
	}
	return x.shape
}

// variable returns the variable behind an input of a node, nil if it is none.
func (r *run) variable(v *node, i int) *variable {
	if i >= len(v.in) || v.in[i] == "" {
		return nil
	}
	return r.net.vars[r.net.original(v.in[i])]
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

// maxValue is the largest number of elements of a node's output: no image classifier comes near it with the small
// batches of a check.
const maxValue = 1 << 30

// eval builds a node and keeps its outputs.
func (r *run) eval(v *node) {
	if _, done := r.vals[v.out[0]]; done {
		return
	}
	if c := r.net.foldedFor(v.out[0]); c != nil {
		r.vals[v.out[0]] = value{c: c}
		return
	}
	var out []value
	err := nn.Try(func() {
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
		if r.net.Observe != nil && y.batched {
			r.net.Observe(v.out[i], y.n)
		}
		if y.c != nil {
			r.net.keep(v.out[i], y.c)
		}
	}
}
