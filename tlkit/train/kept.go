package train

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Kept are values that a strategy keeps for a model's variables, each of its variable's shape: starting values, or
// measurements. They are variables of the model's store that no step trains. They are not part of the checkpoint:
// Strategy.Plan and Plan.Before make them again when a training is resumed.
type Kept struct {
	m    *zoo.Model
	name string
}

// NewKept returns an empty set of kept values of m, under a name that no other set of m has. [Kept.Set] fills it.
func NewKept(m *zoo.Model, name string) Kept { return Kept{m, name} }

// Keep returns copies of the current values of the given variables of m, under a name that no other set of m has.
func Keep(m *zoo.Model, name string, params []nn.Param) (Kept, error) {
	k := NewKept(m, name)
	for _, p := range params {
		value, err := m.Variable(p).Value()
		if err == nil {
			value, err = value.LocalClone()
		}
		if err != nil {
			return k, fmt.Errorf("tlkit: keeping the value of %q: %w", p.Key, err)
		}
		if err := k.Set(p, value); err != nil {
			return k, err
		}
	}
	return k, nil
}

// Set keeps a value for a variable: a tensor of its shape and type, in the variable's own axes ([nn.Param.VarShape]).
// nil means zeros. Set replaces a value kept before, and fails for a tensor of another shape.
func (k Kept) Set(p nn.Param, value *tensors.Tensor) error {
	own := k.m.Variable(p).Shape()
	if value == nil {
		value = tensors.FromShape(own)
	}
	if !value.Shape().Equal(own) {
		return fmt.Errorf("tlkit: keeping a value for %q: it has shape %s; expected the variable's, %s", p.Key, value.Shape(), own)
	}
	v, err := k.m.Store().CreateVariable(k.path(p), value)
	if err != nil {
		return fmt.Errorf("tlkit: keeping the value of %q: %w", p.Key, err)
	}
	v.SetTrainable(false)
	return nil
}

// Value returns the kept value of a variable as a node of in's graph; in is a *Step or any node. ok is false if there
// is none.
func (k Kept) Value(in interface{ Graph() *Graph }, p nn.Param) (value *Node, ok bool) {
	v := k.m.Store().GetVariable(k.path(p))
	if v == nil {
		return nil, false
	}
	return v.NodeValue(in.Graph()), true
}

// Update replaces the kept value of a variable by a node, whenever the node's graph is run. There must be a value.
func (k Kept) Update(p nn.Param, value *Node) {
	k.m.Store().GetVariable(k.path(p)).SetNodeValue(value)
}

func (k Kept) path(p nn.Param) string { return "/#kept/" + k.name + p.Path() }
