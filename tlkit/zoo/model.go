package zoo

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	_ "github.com/gomlx/compute/gobackend" // traces networks: shapes are inferred, nothing is computed
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// Model is a network with values, to be trained, saved and used for prediction. It is not safe for use from several
// goroutines at once.
type Model struct {
	// Spec is the architecture.
	Spec Spec
	// Weights names where the values came from: a weight set, a file, or "random".
	Weights string
	// Classes are the names of the logits, in order.
	Classes []string
	// Preprocess is the evaluation transform that the values were trained with.
	Preprocess vision.Preprocess
	// Calibration adjusts the probabilities of predictions; the zero value leaves the softmax of the logits.
	Calibration Calibration
	// Bits is the number of bits that 16-bit image files are read with, as in [vision.DecodeOptions]: that of the
	// training images, so that no image comes out brighter than in training. 0 is the number that each image needs.
	Bits int
	// Notes list the changes made when a file of another origin was loaded: a prefix left out, a new output layer.
	Notes []string

	arch Architecture
	// fresh is true if the output layer was made with random values, drawn from freshSeed. Others may have replaced
	// them.
	fresh     bool
	freshSeed uint64
	params    []nn.Param
	fixed     []nn.Fixed
	store     *model.Store
	exec      *model.Exec // see predictor
	// compiled are the tensors whose values exec was made with.
	compiled []*tensors.Tensor
	// general is true if the engine of backend.Inference can't compute the network.
	general bool
}

// New returns a model of the given architecture with random values for the classes named. Equal seeds give equal
// values on every machine and engine.
func New(spec Spec, classes []string, seed uint64) (*Model, error) {
	m, err := newModel(spec, classes)
	if err != nil {
		return nil, err
	}
	m.fresh, m.freshSeed = true, seed
	for _, p := range m.params {
		if err := m.Initialise(p, seed); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// FromStateDict returns a model of the given architecture with the values of a state dict, which [Model.LoadStateDict]
// reads. Its preprocessing is that of the architecture's default weights.
func FromStateDict(spec Spec, classes []string, sd *weights.StateDict) (*Model, error) {
	m, err := newModel(spec, classes)
	if err != nil {
		return nil, err
	}
	if err := m.LoadStateDict(sd); err != nil {
		return nil, err
	}
	m.Weights = cmp.Or(sd.Source, "values in memory")
	return m, nil
}

// newModel returns a model whose variables have no values yet. A weight file sets them; random values made before would
// cost time and as much memory again.
func newModel(spec Spec, classes []string) (*Model, error) {
	if len(classes) < 1 {
		return nil, fmt.Errorf("zoo: model %q needs at least one class name, got none", spec.Name)
	}
	m := &Model{Spec: spec, Weights: Random, Classes: slices.Clone(classes), arch: spec.Build(), store: model.NewStore()}
	m.Preprocess = spec.preprocess()
	return m, m.trace()
}

// trace builds the network once, without computing anything, to list its variables.
func (m *Model) trace() error {
	m.params, m.fixed = nil, nil
	return m.build(m.Spec.InputSize, &nn.Pass{
		Record:      func(p nn.Param) { m.params = append(m.params, p) },
		RecordFixed: func(f nn.Fixed) { m.fixed = append(m.fixed, f) },
	}, nil)
}

// build builds the network's graph for one image of size x size pixels, without computing anything. seen, when set,
// is called with the shape of each stage's output.
func (m *Model) build(size int, pass *nn.Pass, seen func(stage string, shape []int)) error {
	backend, err := compute.NewWithConfig("go")
	if err != nil {
		return fmt.Errorf("zoo: the pure-Go engine, which checks the network's shapes: %w", err)
	}
	defer backend.Finalize()
	err = nn.Try(func() {
		g := NewGraph(backend, m.Spec.Name)
		m.store.SetTraining(g, true) // else the pure-Go engine would make the values constants
		x := Parameter(g, "images", shapes.Make(dtypes.Float32, 1, size, size, 3))
		for i, stage := range m.arch.Stages {
			x = m.ForwardFeatures(pass, x, i, i+1)
			if seen != nil {
				seen(stage.Name, slices.Clone(x.Shape().Dimensions))
			}
		}
		x = m.ForwardHead(pass, x)
		if seen != nil {
			seen(headStage, slices.Clone(x.Shape().Dimensions))
		}
	})
	if err != nil {
		return fmt.Errorf("zoo: building model %q for images of %dx%d: %w", m.Spec.Name, size, size, err)
	}
	return nil
}

// Initialise sets the starting values of one variable, one of the model's or an additional one in its store. Each
// variable has its own random stream, drawn from the seed and its key: a new head does not depend on what was built
// before it.
func (m *Model) Initialise(p nn.Param, seed uint64) error {
	values, err := initial(p, seed)
	if err != nil {
		return err
	}
	return m.setValue(p, values)
}

// initial returns the starting values of a variable.
func initial(p nn.Param, seed uint64) ([]float32, error) {
	h := fnv.New64a()
	h.Write([]byte(p.Key))
	values := make([]float32, p.Size())
	if err := nn.Try(func() { p.Init(rand.New(rand.NewPCG(seed, h.Sum64())), p.Shape, values) }); err != nil {
		return nil, fmt.Errorf("zoo: starting values of %q: %w", p.Key, err)
	}
	return values, nil
}

// HeadUntrained reports whether the output layer still has the random values that it began with, so that its logits
// mean nothing: in a new model, and after ReplaceHead until the model is trained or reads values.
func (m *Model) HeadUntrained() (bool, error) {
	if !m.fresh {
		return false, nil
	}
	for _, p := range m.params {
		if !m.InHead(p) {
			continue
		}
		values, err := m.Values(p)
		if err != nil {
			return false, err
		}
		start, err := initial(p, m.freshSeed)
		if err != nil {
			return false, err
		}
		if !slices.Equal(values, start) {
			return false, nil
		}
	}
	return true, nil
}

// Params lists the variables of the model in the order of the network.
func (m *Model) Params() []nn.Param { return slices.Clone(m.params) }

// Param returns the variable of the given state-dict key.
func (m *Model) Param(key string) (nn.Param, bool) {
	i := slices.IndexFunc(m.params, func(p nn.Param) bool { return p.Key == key })
	if i < 0 {
		return nn.Param{}, false
	}
	return m.params[i], true
}

// Variable returns the GoMLX variable behind p.
func (m *Model) Variable(p nn.Param) *model.Variable { return m.store.GetVariable(p.Path()) }

// Store returns the GoMLX store that holds the model's variables, under their state-dict keys with slashes for dots.
func (m *Model) Store() *model.Store { return m.store }

// Stages returns the names of the stages from the image on; the head, which comes after them, is not among them.
func (m *Model) Stages() []string {
	var names []string
	for _, s := range m.arch.Stages {
		names = append(names, s.Name)
	}
	return names
}

// HeadKey returns the state-dict prefix of the output layer.
func (m *Model) HeadKey() string { return m.arch.Head.Key }

// Head returns the output layer. It can build a second layer like it under another prefix.
func (m *Model) Head() Head { return m.arch.Head }

// headStage is the stage name that the variables of the head carry.
const headStage = "head"

// InHead reports whether p belongs to the output layer.
func (m *Model) InHead(p nn.Param) bool { return p.Stage == headStage }

// SetTrainable marks each variable as trained or frozen; buffers are never trained.
func (m *Model) SetTrainable(trained func(p nn.Param) bool) {
	for _, p := range m.params {
		m.Variable(p).SetTrainable(!p.Buffer && trained(p))
	}
}

// NumParams returns the number of values that training may change: total counts all of them, trainable those that are
// not frozen.
func (m *Model) NumParams() (total, trainable int) {
	for _, p := range m.params {
		if p.Buffer {
			continue
		}
		total += p.Size()
		if m.Variable(p).Trainable {
			trainable += p.Size()
		}
	}
	return total, trainable
}

// Forward builds the network on images x [batch, height, width, 3], normalised with the model's mean and deviation,
// and returns the logits [batch, classes]. It is graph-building code and panics on misuse.
func (m *Model) Forward(pass *nn.Pass, x *Node) *Node {
	return m.ForwardHead(pass, m.ForwardFeatures(pass, x, 0, len(m.arch.Stages)))
}

// ForwardFeatures builds the stages from (inclusive) to (exclusive) on the output of the stage before from, or on
// images if from is 0. All stages together return [batch, features].
func (m *Model) ForwardFeatures(pass *nn.Pass, x *Node, from, to int) *Node {
	root := nn.NewScope(m.store, pass)
	for _, stage := range m.arch.Stages[from:to] {
		pass.Stage = stage.Name
		x = stage.Forward(root, x)
		m.auxiliary(pass, root, x)
	}
	return x
}

// auxiliary builds the auxiliary heads of the stage that pass is at, where they are of use: in training, unless their
// output layer is frozen, and to record their variables.
func (m *Model) auxiliary(pass *nn.Pass, root *nn.Scope, x *Node) {
	for _, a := range m.arch.Aux {
		s := root.In(a.Key)
		if a.After == pass.Stage && (pass.Record != nil || (pass.Training && s.In(a.Output).Trainable("weight"))) {
			pass.Aux = append(pass.Aux, nn.Aux{Logits: a.Forward(s, x, len(m.Classes)), Weight: a.Weight})
		}
	}
}

// inAuxOutput reports whether p belongs to the output layer of an auxiliary head.
func (m *Model) inAuxOutput(p nn.Param) bool {
	return slices.ContainsFunc(m.arch.Aux, func(a AuxHead) bool { return strings.HasPrefix(p.Key, a.Key+"."+a.Output+".") })
}

// ForwardHead builds the output layer on the features of all stages and returns the logits [batch, classes].
func (m *Model) ForwardHead(pass *nn.Pass, features *Node) *Node {
	pass.Stage = headStage
	logits := m.arch.Head.Forward(nn.NewScope(m.store, pass).In(m.arch.Head.Key), features, len(m.Classes))
	logits.AssertDims(features.Shape().Dimensions[0], len(m.Classes))
	return logits
}

// ReplaceHead gives the model a new, randomly initialised output layer for other classes, and one for each of its
// auxiliary heads, which are trained or frozen as before; everything else stays.
func (m *Model) ReplaceHead(classes []string, seed uint64) error {
	if len(classes) < 1 {
		return fmt.Errorf("zoo: model %q needs at least one class name for its new head, got none", m.Spec.Name)
	}
	frozen := map[string]bool{}
	for _, p := range m.params {
		if m.InHead(p) || m.inAuxOutput(p) {
			frozen[p.Key] = m.inAuxOutput(p) && !m.Variable(p).Trainable
			if err := m.store.DeleteVariable(p.Path()); err != nil {
				return fmt.Errorf("zoo: replacing the head of %q: %w", m.Spec.Name, err)
			}
		}
	}
	m.Classes, m.exec, m.Calibration = slices.Clone(classes), nil, Calibration{}
	m.fresh, m.freshSeed = true, seed
	if err := m.trace(); err != nil {
		return err
	}
	for _, p := range m.params {
		if m.InHead(p) || m.inAuxOutput(p) {
			if err := m.Initialise(p, seed); err != nil {
				return err
			}
			if frozen[p.Key] {
				m.Variable(p).SetTrainable(false)
			}
		}
	}
	return nil
}

// Clone returns a copy that shares no values with m. The copy is detached from any engine.
func (m *Model) Clone() (*Model, error) {
	c := *m
	c.Classes, c.exec = slices.Clone(m.Classes), nil
	c.store = model.NewStore()
	if err := c.trace(); err != nil {
		return nil, err
	}
	for _, p := range m.params {
		t, err := m.value(p)
		if err != nil {
			return nil, err
		}
		v := c.Variable(p)
		if err := v.SetValue(t); err != nil {
			return nil, fmt.Errorf("zoo: copying %q: %w", p.Key, err)
		}
		v.SetTrainable(m.Variable(p).Trainable)
	}
	return &c, nil
}

// value returns a local copy of a variable's tensor.
func (m *Model) value(p nn.Param) (*tensors.Tensor, error) {
	t, err := m.Variable(p).Value()
	if err == nil {
		t, err = t.LocalClone()
	}
	if err != nil {
		return nil, fmt.Errorf("zoo: reading variable %q of %q: %w", p.Key, m.Spec.Name, err)
	}
	return t, nil
}

// Reset gives every variable of the model new random values, for the classes named.
func (m *Model) Reset(classes []string, seed uint64) error {
	if err := m.ReplaceHead(classes, seed); err != nil {
		return err
	}
	m.Weights = "random"
	for _, p := range m.params {
		if err := m.Initialise(p, seed); err != nil {
			return err
		}
	}
	return nil
}
