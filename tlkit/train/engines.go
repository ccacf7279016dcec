package train

import (
	"errors"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/traits"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// enginePair has the engines of a training. One may be faster in inference, another in training steps.
type enginePair struct {
	// steps computes training steps, and what a strategy prepares. forward computes the network in inference mode:
	// evaluations, frozen stages, teachers.
	steps, forward compute.Backend
	// devices are those of the engine of steps that share each step; nil for one.
	devices *devices
}

// alone returns one engine for both.
func alone(e compute.Backend) enginePair { return enginePair{steps: e, forward: e} }

// check returns an error if an engine does not compute in the precision of a recipe: a run says in which one it was
// computed.
func (e enginePair) check(p Precision) error {
	for _, engine := range []compute.Backend{e.steps, e.forward} {
		switch in := traits.Of(engine).Bfloat16; {
		case p == Bfloat16 && !in:
			return fmt.Errorf("tlkit: Recipe.Precision is %q, which engine %q does not compute in; take those of backend.InBfloat16, or leave Precision out for float32", p, engine.Name())
		case p == "" && in:
			return fmt.Errorf("tlkit: engine %q computes in bfloat16, and the recipe is in float32; set Recipe.Precision to train.Bfloat16, or GOMLX_BACKEND to an engine in float32, such as onednn", engine.Name())
		}
	}
	return nil
}

// executor is a compiled graph. Its inputs may come from another engine.
type executor struct {
	*model.Exec
	engine compute.Backend
	// general makes the same on another engine; nil for an engine that computes everything.
	general func(compute.Backend) (*executor, error)
	store   *model.Store
	// divided is the same on several devices; nil for one.
	divided *divided
}

// newExecutor compiles build for an engine; see [nn.NewModelExec]. A graph that an engine for inference alone can't
// compute moves to the engine of backend.General at its first call.
func newExecutor[F model.ExecGraphFn](engine compute.Backend, store *model.Store, build F) (*executor, error) {
	exec, err := nn.NewModelExec(engine, store, build)
	if err != nil {
		return nil, err
	}
	e := &executor{Exec: exec, engine: engine, store: store}
	if traits.Of(engine).InferenceOnly {
		e.general = func(other compute.Backend) (*executor, error) { return newExecutor(other, store, build) }
	}
	return e, nil
}

// graphError means that a graph can't be built or computed.
type graphError struct{ error }

func (e *graphError) Unwrap() error { return e.error }

// Call runs the graph. An error is a *graphError.
func (e *executor) Call(in ...any) ([]*tensors.Tensor, error) {
	out, err := e.call(in)
	if err != nil {
		return nil, &graphError{err}
	}
	return out, nil
}

func (e *executor) call(in []any) ([]*tensors.Tensor, error) {
	if e.divided != nil {
		return e.divided.call(in)
	}
	for _, one := range in {
		if t, ok := one.(*tensors.Tensor); ok {
			if err := moveFrom(t, e.engine); err != nil {
				return nil, err
			}
		}
	}
	out, err := e.Exec.Call(in...)
	if err == nil || e.general == nil || !errors.Is(err, compute.ErrNotImplemented) {
		return out, err
	}
	from := e.engine
	if failed := e.generalise(); failed != nil {
		return nil, errors.Join(err, failed)
	}
	backend.NotifyMoved("the network", from, err)
	return e.call(in)
}

// Finalize frees the graph.
func (e *executor) Finalize() {
	if e.divided != nil {
		e.divided.finalize()
		return
	}
	e.Exec.Finalize()
}

// generalise moves the graph to the engine of backend.General.
func (e *executor) generalise() error {
	engine, err := backend.General(e.engine)
	if err != nil {
		return err
	}
	for v := range e.store.IterVariables() {
		if value, err := v.Value(); err == nil {
			if err := moveFrom(value, engine.Backend); err != nil {
				return err
			}
		}
	}
	other, err := e.general(engine.Backend)
	if err != nil {
		return err
	}
	e.Exec.Finalize()
	*e = *other
	return nil
}

// moveFrom makes a tensor of another engine one of the host, so that engine can take it: a tensor belongs to one engine
// at a time.
func moveFrom(t *tensors.Tensor, engine compute.Backend) error {
	owner, err := t.Backend()
	if err != nil || owner == engine {
		return nil // an error is that it belongs to none
	}
	if err := t.ToLocal(); err != nil {
		return fmt.Errorf("tlkit: a tensor from the engine %s to %s: %w", owner.Name(), engine.Name(), err)
	}
	return nil
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
