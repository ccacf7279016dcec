package nn

import (
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"
)

// Layout relates the axes of a variable in a graph to those of the same tensor in a PyTorch file.
type Layout int

const (
	// Plain variables have the same axes in both: vectors, tables, scalars.
	Plain Layout = iota
	// ConvKernel is [out, in/groups, height, width] in a file and [height, width, in/groups, out] in a graph.
	ConvKernel
	// LinearWeight is [out, in] in a file and [in, out] in a graph.
	LinearWeight
)

// Param describes one variable of a model.
type Param struct {
	// Key is the state-dict key, such as "layer1.0.conv1.weight".
	Key string
	// Shape is the shape in a PyTorch file.
	Shape []int
	// Layout relates Shape to the variable's own axes.
	Layout Layout
	// Init sets the starting values, in the file's axis order.
	Init Init
	// Buffer marks running statistics: saved with the model, never trained.
	Buffer bool
	// Stage is the name of the stage of the model that made the variable.
	Stage string
}

// VarShape returns the shape that the variable has in a graph.
func (p Param) VarShape() []int {
	s := p.Shape
	switch p.Layout {
	case ConvKernel:
		return []int{s[2], s[3], s[1], s[0]}
	case LinearWeight:
		return []int{s[1], s[0]}
	}
	return s
}

// Path returns the path of the variable in a GoMLX store: "/layer1/0/conv1/weight".
func (p Param) Path() string { return "/" + strings.ReplaceAll(p.Key, ".", "/") }

// Size returns the number of values.
func (p Param) Size() int {
	n := 1
	for _, d := range p.Shape {
		n *= d
	}
	return n
}

// Pass has the settings and the state that all layers of one forward pass share.
type Pass struct {
	// Training selects the training behaviour: batch statistics in BatchNorm, dropout active.
	Training bool
	// BatchStatsWhenFrozen makes a frozen BatchNorm use and update batch statistics in training, as in PyTorch's
	// transfer-learning tutorial (there model.train() applies to frozen layers, too). By default a BatchNorm whose
	// scale is not trainable runs in inference mode and its running statistics stay as they are.
	BatchStatsWhenFrozen bool
	// Momentum, when set, replaces that of every BatchNorm: with 1 the running statistics become those of the batch.
	Momentum float64
	// RNG is the state of the random generator for dropout; nil where no layer needs it.
	RNG *Node
	// Double makes inference compute in double precision; the images must be float64. Weights stay float32. It is slow,
	// and meant for distinguishing rounding errors from mistakes in an ill-conditioned network.
	Double bool
	// Record, when set, is called once for each variable that a layer uses, in order.
	Record func(Param)
	// RecordFixed, when set, is called once for each entry of the state dict that the model computes itself.
	RecordFixed func(Fixed)
	// RecordLayer, when set, is called for each layer that has weights, in order.
	RecordLayer func(Layer)
	// Stage is put into each recorded [Param].
	Stage string
	// Aux collects, in training, the outputs of the auxiliary heads of a network.
	Aux []Aux
}

// Aux are the Logits [batch, classes] of an auxiliary head, and the Weight by which its loss is multiplied.
type Aux struct {
	Logits *Node
	Weight float64
}

// Scope is the namespace of a layer's variables: a prefix of state-dict keys, together with the current [Pass].
type Scope struct {
	store *model.Store
	key   string
	names map[string]string // see Named
	// Pass is shared by all scopes of one forward pass.
	Pass *Pass
}

// NewScope returns the root scope of a forward pass over the variables of store.
func NewScope(store *model.Store, pass *Pass) *Scope { return &Scope{store: store, Pass: pass} }

// In returns the scope of the part with the given name; dots may join several names.
func (s *Scope) In(name string) *Scope {
	sub := *s
	sub.key, sub.names = s.join(name), nil
	return &sub
}

// Named returns a scope in which a layer's variables have the given full keys, by their names in the layer ("weight":
// "onnx::Conv_63"). It is for networks whose keys follow no scheme.
func (s *Scope) Named(keys map[string]string) *Scope {
	sub := *s
	sub.names = keys
	return &sub
}

// Silent returns a scope whose variables are not recorded (see Pass.Record). It is for further uses of the same
// variables.
func (s *Scope) Silent() *Scope {
	sub, pass := *s, *s.Pass
	pass.Record = nil
	sub.Pass = &pass
	return &sub
}

// Key returns the state-dict prefix of the scope, without a dot at its end.
func (s *Scope) Key() string { return s.key }

func (s *Scope) join(name string) string {
	if key, ok := s.names[name]; ok {
		return key
	}
	if s.key == "" {
		return name
	}
	return s.key + "." + name
}

// Param returns the value in g of a trainable variable, which is made on first use. shape is that in the PyTorch file;
// the node's shape follows from it by layout.
func (s *Scope) Param(g *Graph, name string, layout Layout, init Init, shape ...int) *Node {
	return s.value(g, s.variable(Param{Key: s.join(name), Shape: shape, Layout: layout, Init: init}))
}

// value returns a variable's value in the precision that the pass computes in.
func (s *Scope) value(g *Graph, v *model.Variable) *Node {
	x := v.NodeValue(g)
	if s.Pass.Double {
		x = ConvertDType(x, dtypes.Float64)
	}
	return x
}

// Trainable reports whether the named variable of this scope exists and is trained.
func (s *Scope) Trainable(name string) bool {
	v := s.store.GetVariable(Param{Key: s.join(name)}.Path())
	return v != nil && v.Trainable
}

// Buffer returns a variable that is saved with the model but not trained, such as a running mean.
func (s *Scope) Buffer(name string, init Init, shape ...int) *model.Variable {
	return s.variable(Param{Key: s.join(name), Shape: shape, Init: init, Buffer: true})
}

func (s *Scope) variable(p Param) *model.Variable {
	p.Stage = s.Pass.Stage
	if s.Pass.Record != nil {
		s.Pass.Record(p)
	}
	want := shapes.Make(dtypes.Float32, p.VarShape()...)
	if v := s.store.GetVariable(p.Path()); v != nil {
		if !v.Shape().Equal(want) {
			exceptions.Panicf("nn: variable %q has shape %s, this layer needs %s", p.Key, v.Shape(), want)
		}
		return v
	}
	// Values are set from Go (loaded or by Param.Init) before a graph runs; the values of this initialiser are never
	// used.
	v := s.store.VariableWithShape(p.Path(), want, func(g *Graph, shape shapes.Shape) *Node { return Zeros(g, shape) })
	if p.Buffer {
		v.SetTrainable(false)
	}
	return v
}

// RandomNode returns uniform values in [0, 1) and advances the pass's random state. It panics if the pass has none,
// which is an error of the model's caller.
func (s *Scope) RandomNode(shape shapes.Shape) *Node {
	if s.Pass.RNG == nil {
		exceptions.Panicf("nn: layer %q needs random numbers, but Pass.RNG is nil", s.key)
	}
	var values *Node
	s.Pass.RNG, values = RandomUniform(s.Pass.RNG, shape)
	return values
}

// Init fills values (in the file's axis order) with the starting values of a variable of the given shape.
type Init func(rng *rand.Rand, shape []int, values []float32)

// Fixed is an entry of a model's state dict that is no variable: integers that follow from the architecture, such as
// the index table of relative positions. PyTorch files have it, and PyTorch's strict loading requires it. So it is
// ignored when a file is read, and written on export.
type Fixed struct {
	// Key is the state-dict key.
	Key string
	// Shape is the shape in a PyTorch file.
	Shape []int
	// Values in row-major order; 64-bit integers in a PyTorch file.
	Values []int64
}

// Fixed reports an entry of the state dict that the layer computes itself; see the type [Fixed].
func (s *Scope) Fixed(name string, values []int64, shape ...int) {
	if s.Pass.RecordFixed != nil {
		s.Pass.RecordFixed(Fixed{Key: s.join(name), Shape: shape, Values: values})
	}
}

// Layer describes a layer with weights; see Pass.RecordLayer.
type Layer struct {
	// Key is the layer's prefix in the state dict, and Stage the stage of the model that it belongs to.
	Key, Stage string
	// Kind is its name in PyTorch: "Conv2d", "Linear", "BatchNorm2d", "LayerNorm", "Attention".
	Kind string
	// Out is the shape of its output, the batch first: [batch, height, width, channels] for images.
	Out []int
	// Kernel and Stride are those of a convolution, height and width; Groups its number of groups.
	Kernel, Stride [2]int
	Groups         int
	// MACs is the number of multiply-adds of its convolution or matrix products.
	MACs int64
}

// layer reports a layer with output y to the pass.
func (s *Scope) layer(l Layer, y *Node) {
	if s.Pass.RecordLayer == nil {
		return
	}
	l.Key, l.Stage, l.Out = s.key, s.Pass.Stage, slices.Clone(y.Shape().Dimensions)
	s.Pass.RecordLayer(l)
}
