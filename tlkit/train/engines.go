package train

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// enginePair has the engines of a training. One may be faster in inference, another in training steps.
type enginePair struct {
	// steps computes training steps, and what a strategy prepares. forward computes the network in inference mode:
	// evaluations, frozen stages, teachers.
	steps, forward compute.Backend
}

// alone returns one engine for both.
func alone(e compute.Backend) enginePair { return enginePair{e, e} }

// executor is a compiled graph. Its inputs may come from another engine.
type executor struct {
	*model.Exec
	engine compute.Backend
}

// newExecutor compiles build for an engine; see [model.NewExec].
func newExecutor[F model.ExecGraphFn](engine compute.Backend, store *model.Store, build F) (*executor, error) {
	exec, err := model.NewExec(engine, store, build)
	if err != nil {
		return nil, err
	}
	return &executor{exec, engine}, nil
}

// Call runs the graph.
func (e *executor) Call(in ...any) ([]*tensors.Tensor, error) {
	for _, one := range in {
		t, ok := one.(*tensors.Tensor)
		if !ok {
			continue
		}
		// A tensor belongs to one engine at a time. Backend has an error for a tensor that belongs to none.
		if owner, err := t.Backend(); err == nil && owner != e.engine {
			if err := t.ToLocal(); err != nil {
				return nil, fmt.Errorf("tlkit: a tensor from the engine %s to %s: %w", owner.Name(), e.engine.Name(), err)
			}
		}
	}
	return e.Exec.Call(in...)
}

// Call1 runs a graph with one output.
func (e *executor) Call1(in ...any) (*tensors.Tensor, error) {
	out, err := e.Call(in...)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// mirror is the copy of a model under training that another engine evaluates.
type mirror struct {
	of, copy *zoo.Model
	// copied has, by the path of a variable, the tensor whose value the copy has. A step that changes a variable gives
	// it another tensor.
	copied map[string]*tensors.Tensor
}

// newMirror returns the mirror of a model with further heads. The mirror of a model that the same engine evaluates is
// the model itself.
func newMirror(e enginePair, m *zoo.Model, heads []Head, seed uint64) (*mirror, error) {
	if e.steps == e.forward {
		return &mirror{of: m, copy: m}, nil
	}
	copied, err := m.Clone()
	if err != nil {
		return nil, err
	}
	if _, err := addHeads(copied, heads, seed); err != nil {
		return nil, err
	}
	return &mirror{of: m, copy: copied, copied: map[string]*tensors.Tensor{}}, nil
}

// update copies the variables that have changed since the last call.
func (r *mirror) update(params []nn.Param) error {
	if r.of == r.copy {
		return nil
	}
	for _, p := range params {
		value, err := r.of.Variable(p).Value()
		if err == nil && r.copied[p.Path()] == value {
			continue
		}
		var clone *tensors.Tensor
		if err == nil {
			clone, err = value.LocalClone()
		}
		if err == nil {
			err = r.copy.Variable(p).SetValue(clone)
		}
		if err != nil {
			return fmt.Errorf("tlkit: copying %q for evaluation: %w", p.Key, err)
		}
		r.copied[p.Path()] = value
	}
	return nil
}
