package train

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// headsPrefix starts the keys of the variables of further heads; no state-dict key of a model can start like this.
const headsPrefix = "#heads."

// build adds the head to a graph, on features [batch, features], and returns its output, [batch, outputs].
func (h Head) build(m *zoo.Model, pass *nn.Pass, features *Node) *Node {
	pass.Stage = headsPrefix + h.Name
	scope := nn.NewScope(m.Store(), pass).In(headsPrefix + h.Name)
	switch {
	case h.Forward != nil:
		return h.Forward(scope, features)
	case h.From != nil:
		return h.From.Head().Forward(scope.In(h.From.HeadKey()), features, len(h.From.Classes))
	}
	plain := m.Spec.Build().Head
	return plain.Forward(scope.In(plain.Key), features, h.Classes)
}

// headNamed returns the head of the given name. It panics if there is none, as errors during the building of a graph
// are panics.
func headNamed(heads []Head, name string) Head {
	i := slices.IndexFunc(heads, func(h Head) bool { return h.Name == name })
	if i < 0 {
		exceptions.Panicf("tlkit: there is no head %q in Plan.Heads", name)
	}
	return heads[i]
}

// addHeads makes the variables of the heads in the model's store, with their starting values, and returns them.
func addHeads(m *zoo.Model, heads []Head, seed uint64) ([]nn.Param, error) {
	if len(heads) == 0 {
		return nil, nil
	}
	backend, err := compute.NewWithConfig("go") // only traces
	if err != nil {
		return nil, fmt.Errorf("tlkit: the pure-Go engine, which checks the shapes of heads: %w", err)
	}
	defer backend.Finalize()
	var params []nn.Param
	err = nn.Try(func() {
		g := NewGraph(backend, "heads")
		m.Store().SetTraining(g, true) // else the engine would take the values over as constants
		x := Parameter(g, "images", shapes.Make(dtypes.Float32, 1, m.ImageSize(), m.ImageSize(), 3))
		features := m.ForwardFeatures(&nn.Pass{}, x, 0, len(m.Stages()))
		for _, h := range heads {
			h.build(m, &nn.Pass{Record: func(p nn.Param) { params = append(params, p) }}, features)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("tlkit: building the further heads of %s: %w", m.Spec.Name, err)
	}
	for _, h := range heads {
		for _, p := range params {
			own, ok := strings.CutPrefix(p.Key, headsPrefix+h.Name+".")
			if !ok || p.Stage != headsPrefix+h.Name {
				continue
			}
			if err := h.start(m, p, own, seed); err != nil {
				return nil, err
			}
			m.Variable(p).SetTrainable(!p.Buffer && !h.Frozen)
		}
	}
	return params, nil
}

// start sets the starting values of a head's variable, whose key within the head is own.
func (h Head) start(m *zoo.Model, p nn.Param, own string, seed uint64) error {
	if h.From == nil {
		return m.Initialise(p, seed)
	}
	from, ok := h.From.Param(own)
	if !ok {
		return fmt.Errorf("tlkit: head %q: %s has no variable %q to copy", h.Name, h.From.Spec.Name, own)
	}
	value, err := h.From.Variable(from).Value()
	if err == nil {
		value, err = value.LocalClone()
	}
	if err == nil {
		err = m.Variable(p).SetValue(value)
	}
	if err != nil {
		return fmt.Errorf("tlkit: head %q: copying %q: %w", h.Name, own, err)
	}
	return nil
}

// Head is a further output layer on the model's features.
type Head struct {
	// Name makes its state-dict prefix "#heads.NAME"; Step.Head, Preparation.Head and Watch.Head refer to it.
	Name string
	// From, when set, is a model of the same architecture: the head begins as a copy of its output layer.
	From *zoo.Model
	// Classes is the number of outputs; ignored if From is set.
	Classes int
	// Forward, when set, builds the layer; nil means one like the model's own output layer.
	Forward func(s *nn.Scope, features *Node) *Node
	// Frozen leaves the head's variables as they are.
	Frozen bool
}
