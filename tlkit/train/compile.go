package train

import (
	"fmt"
	"math/rand/v2"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/traits"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// frozenApart reports whether a training step computes the frozen stages in a graph of their own; a test replaces it.
var frozenApart = func(engine compute.Backend) bool { return traits.Of(engine).FrozenApart }

// compile makes the executors. Training inputs enter the network at stage trainFrom, evaluation inputs at stage
// evalFrom.
func (t *trainer) compile(trainFrom, evalFrom int) error {
	store := t.model.Store()
	if err := t.toDevice(); err != nil {
		return err
	}
	var err error
	// Mixed images are mixed before the first stage, which is within the step.
	if t.apart = trainFrom == 0 && t.frozen > 0 && !t.mixes && frozenApart(t.engines.forward); t.apart {
		if err := t.readyFeature(); err != nil {
			return err
		}
		trainFrom = t.frozen
	}
	t.step, err = newStep(t.engines, store, t.perImage(), func(in []*Node) []*Node { return t.stepGraph(in, trainFrom, true) })
	if err == nil && t.opt.accumulate > 1 {
		t.accumulate, err = newStep(t.engines, store, t.perImage(), func(in []*Node) []*Node { return t.stepGraph(in, trainFrom, false) })
	}
	if err != nil {
		return fmt.Errorf("tlkit: building the training step of %s: %w", t.model.Spec.Name, err)
	}
	if err := t.compileEvals(evalFrom); err != nil {
		return fmt.Errorf("tlkit: building the evaluation of %s: %w", t.model.Spec.Name, err)
	}
	return nil
}

// compileEvals makes the executors of evaluations, one for each head.
func (t *trainer) compileEvals(from int) error {
	m := t.evaluated.copy
	store := m.Store()
	t.evals = map[string]*executor{}
	for _, h := range append([]Head{{}}, t.plan.Heads...) {
		exec, err := newExecutor(t.engines.forward, store, func(_ *model.Scope, x *Node) *Node {
			// "Training" here only keeps the weights inputs of the graph: as constants they would be those of the first
			// epoch.
			store.SetTraining(x.Graph(), true)
			pass := &nn.Pass{}
			features := m.ForwardFeatures(pass, t.enter(x, from), from, len(m.Stages()))
			if h.Name == "" && t.plan.classify() != nil {
				return features
			}
			if h.Name == "" {
				return m.ForwardHead(pass, features)
			}
			return h.build(m, pass, features)
		})
		if err != nil {
			return err
		}
		t.evals[h.Name] = exec
	}
	return nil
}

// readyFeature makes the executor of the frozen stages: forward only, in inference mode. Where the engine gains from
// it, their values are constants of the graph, since no step of the phase changes them.
func (t *trainer) readyFeature() error {
	if t.feature != nil {
		return nil
	}
	if err := t.evaluated.update(t.params()); err != nil {
		return err
	}
	var err error
	m := t.evaluated.copy
	t.feature, err = newExecutor(t.engines.forward, m.Store(), func(_ *model.Scope, x *Node) *Node {
		build := func() *Node { return m.ForwardFeatures(&nn.Pass{}, m.Normalize(x), 0, t.frozen) }
		if traits.Of(t.engines.forward).FoldsConstants {
			return m.Constant(x, build)
		}
		return build()
	})
	if err != nil {
		return fmt.Errorf("tlkit: building the frozen part of %s: %w", t.model.Spec.Name, err)
	}
	return nil
}

// stepInfo is the place of a step in the training.
type stepInfo struct {
	// rate is the learning rate.
	rate float64
	// progress is the share of the training that is done.
	progress float64
	// step counts the batches, update the optimizer's steps, both from 1.
	step, update int
	// seen is the number of images whose gradients are accumulated, this batch's included; whole is true for the last
	// batch before an update of the optimizer.
	seen  int
	whole bool
	// weight is the mean class weight of the images of all batches of the update; see weighsUpdates.
	weight float64
	// mixture is how the batch's images are mixed; it is the zero value where they are not.
	mixture mixture
}

// stepFigures are the figures of a batch: the mean loss of its labels, the number of hits, and the loss of the
// strategy, 0 for one without a loss of its own.
type stepFigures struct{ loss, hits, total float64 }

// trainStep runs one step. teacher has the teacher's logits for the batch; it is nil without a teacher.
func (t *trainer) trainStep(b batch, at stepInfo, teacher *tensors.Tensor) (f stepFigures, err error) {
	defer b.release()
	// enter returns the input of the step for a batch: its images, or the output of the frozen stages.
	enter := func(b batch) (*tensors.Tensor, error) { return b.inputs, nil }
	if t.apart {
		var outputs []*tensors.Tensor
		defer func() {
			for _, o := range outputs {
				o.MustFinalizeAll()
			}
		}()
		enter = func(b batch) (*tensors.Tensor, error) {
			out, err := t.feature.Call1(b.inputs)
			if err == nil {
				outputs = append(outputs, out)
			}
			return out, err
		}
	}
	x, err := enter(b)
	if err != nil {
		return f, err
	}
	values := stepInputs[any]{x: x, labels: b.labels, rate: float32(at.rate), step: float32(at.update), progress: float32(at.progress),
		random: t.random(at.step), mask: at.mixture.tensor(), share: float32(at.mixture.share), seen: float32(at.seen),
		weight: float32(at.weight), teacher: teacher}
	for _, other := range b.extra {
		if x, err = enter(other); err != nil {
			return f, err
		}
		values.extra = append(values.extra, extra[any]{x, other.labels})
	}
	if teacher != nil {
		defer teacher.MustFinalizeAll()
	}
	var in []any
	for _, input := range values.of(t) {
		in = append(in, *input.field)
	}
	exec := t.step
	if !at.whole {
		exec = t.accumulate
	}
	out, err := exec.Call(in...)
	if err != nil {
		return f, err
	}
	for i, figure := range []*float64{&f.loss, &f.hits, &f.total}[:len(out)] {
		*figure = float64(tensors.ToScalar[float32](out[i]))
	}
	return f, nil
}

// random is the state of the random generator for a step. It depends on the seed and the step alone, so that dropout in
// a resumed run is the same as in an uninterrupted one.
func (t *trainer) random(step int) []uint64 {
	rng := rand.New(rand.NewPCG(t.seed, uint64(step)))
	return []uint64{rng.Uint64(), rng.Uint64(), rng.Uint64()}
}
