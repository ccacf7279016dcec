package train

import (
	"fmt"
	"maps"
	"runtime/debug"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// trainer holds a model under training: which variables change, how, and the compiled steps.
type trainer struct {
	engines enginePair
	model   *zoo.Model
	// evaluated is the model as the engine of evaluations has it.
	evaluated *mirror
	plan      Plan
	opt       optimizer
	// heads are the variables of the plan's further heads.
	heads []nn.Param
	// trained are the variables that the plan trains in some phase, now those of the current phase.
	trained, now []nn.Param
	phase        int // the current one
	// late is the number of earlier steps in which a variable of now was not trained, by key.
	late map[string]int
	// frozen is the number of leading stages that no step of the phase changes: their output may be computed once.
	frozen int
	// seed determines what dropout drops.
	seed uint64
	// objective computes the loss of the training images; mixes is true if the images of a batch are mixed.
	objective objective
	mixes     bool
	// average is the decay of the weights' moving average; 0 for none.
	average float64

	// apart is true if a separate computation, feature, runs the frozen stages on the training images before the step.
	apart bool
	// step is a whole training step, accumulate one that only adds to the gradients for the next update.
	step, accumulate, feature *executor
	// evals are the compiled networks from the inputs to each head's logits; "" is the model's own.
	evals map[string]*executor
}

// newTrainer readies a planned model for training.
func newTrainer(e enginePair, m *zoo.Model, plan Plan, r Recipe) (*trainer, error) {
	if err := e.check(r.Precision); err != nil {
		return nil, err
	}
	t := &trainer{engines: e, model: m, plan: plan, seed: r.Seed, mixes: r.mixes(),
		objective: objective{smoothing: r.LabelSmoothing},
		opt:       optimizer{kind: r.Optimizer, momentum: r.Momentum, weightDecay: r.WeightDecay, accumulate: r.Accumulate, clipNorm: r.ClipNorm}}
	if plan.Fit == nil {
		t.average = r.Average
	}
	var err error
	if t.heads, err = addHeads(m, plan.Heads, r.Seed); err != nil {
		return nil, err
	}
	if t.evaluated, err = newMirror(e, m, plan.Heads, r.Seed); err != nil {
		return nil, err
	}
	if plan.Fit != nil {
		m.SetTrainable(func(nn.Param) bool { return false })
	}
	for _, p := range t.params() {
		if m.Variable(p).Trainable && slices.ContainsFunc(plan.phases(), func(f Phase) bool { return f.trains(p) }) {
			t.trained = append(t.trained, p)
			if err := t.opt.prepare(m.Store(), p); err != nil {
				return nil, fmt.Errorf("tlkit: optimizer state of %q: %w", p.Key, err)
			}
		}
	}
	if len(t.trained) == 0 && plan.Fit == nil {
		return nil, fmt.Errorf("tlkit: the strategy leaves nothing of %s to train; Plan must make at least one variable trainable (zoo.Model.SetTrainable)", m.Spec.Name)
	}
	return t, nil
}

// params lists the variables of the model and of the further heads.
func (t *trainer) params() []nn.Param { return append(t.model.Params(), t.heads...) }

// counts returns the number of values that training may change, all of them (with those of a second network that the
// strategy keeps) and those that the plan trains.
func (t *trainer) counts() (total, trained int) {
	for _, p := range t.params() {
		if !p.Buffer {
			total += p.Size()
		}
	}
	for _, p := range t.trained {
		trained += p.Size()
	}
	for _, w := range t.plan.Watch {
		if w.Model != nil {
			second, _ := w.Model.NumParams()
			total += second
		}
	}
	for _, p := range t.model.Params() {
		if t.plan.Fit.fits(p) {
			trained += p.Size()
		}
	}
	return total, trained
}

// begin sets what the given phase trains and freezes; perEpoch is the number of steps of an epoch.
func (t *trainer) begin(phase, perEpoch int) {
	t.close()
	t.phase = phase
	t.now, t.late = nil, map[string]int{}
	phases := t.plan.phases()
	for _, p := range t.trained {
		on := phases[phase].trains(p)
		t.model.Variable(p).SetTrainable(on)
		if !on {
			continue
		}
		t.now = append(t.now, p)
		for _, before := range phases[:phase] {
			if !before.trains(p) {
				t.late[p.Key] += before.Epochs * perEpoch
			}
		}
	}
	t.frozen = t.frozenStages()
}

// frozenStages counts the leading stages that training leaves as they are, to the bit.
func (t *trainer) frozenStages() int {
	if t.plan.BatchStatsWhenFrozen {
		return 0
	}
	for i, stage := range t.model.Stages() {
		if slices.ContainsFunc(t.now, func(p nn.Param) bool { return p.Stage == stage }) {
			return i
		}
	}
	return len(t.model.Stages())
}

// toDevice moves the variables that training changes to the engine and leaves no second copy on the host, because the
// first step needs the most memory.
func (t *trainer) toDevice() error {
	store := t.model.Store()
	for _, p := range t.now {
		paths := []string{p.Path()}
		for _, slot := range t.opt.slots() {
			paths = append(paths, slotPath(p, slot))
		}
		for _, path := range paths {
			value, err := store.GetVariable(path).Value()
			if err == nil {
				err = value.ToDevice(t.engines.steps, 0)
			}
			if err != nil {
				return fmt.Errorf("tlkit: %s to the engine %s: %w", path, t.engines.steps.Name(), err)
			}
		}
	}
	debug.FreeOSMemory()
	return nil
}

func (t *trainer) close() {
	for _, e := range append(slices.Collect(maps.Values(t.evals)), t.step, t.accumulate, t.feature) {
		if e != nil {
			e.Finalize()
		}
	}
	t.evals, t.step, t.accumulate, t.feature = nil, nil, nil, nil
}
