package train

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime/debug"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/traits"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// trainer holds a model under training: which variables change, how, and the compiled steps.
type trainer struct {
	engine compute.Backend
	model  *zoo.Model
	plan   Plan
	opt    optimizer
	// heads are the variables of the plan's further heads.
	heads []nn.Param
	// trained are the variables that the plan trains at some time, now those of the phase under way.
	trained, now []nn.Param
	// late is the number of steps in which a variable of now was not trained.
	late map[string]int
	// frozen is the number of leading stages that no step of the phase changes: their output may be computed once.
	frozen int
	// seed determines what dropout drops.
	seed uint64
	// objective is the loss of the training images; mixes tells that the images of a batch are mixed.
	objective objective
	mixes     bool
	// average is the decay of the weights' moving average; 0 for none.
	average float64

	// apart tells that training images go through the frozen stages in a computation of its own, feature, before the step.
	apart bool
	// gather is a step that only adds to the gradients gathered for the next one.
	step, gather, feature *model.Exec
	// evals are the compiled networks from the inputs to each head's logits; "" is the model's own.
	evals map[string]*model.Exec
}

// newTrainer readies a planned model for training on an engine.
func newTrainer(engine compute.Backend, m *zoo.Model, plan Plan, r Recipe) (*trainer, error) {
	t := &trainer{engine: engine, model: m, plan: plan, seed: r.Seed, mixes: r.mixes(),
		objective: objective{smoothing: r.LabelSmoothing},
		opt:       optimizer{kind: r.Optimizer, momentum: r.Momentum, weightDecay: r.WeightDecay, accumulate: r.Accumulate, clipNorm: r.ClipNorm}}
	if plan.Fit == nil {
		t.average = r.Average
	}
	var err error
	if t.heads, err = addHeads(m, plan.Heads, r.Seed); err != nil {
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

func hits(logits, labels *Node) *Node {
	return ReduceAllSum(ConvertDType(Equal(ArgMax(logits, -1, dtypes.Int32), labels), dtypes.Float32))
}

// frozenApart reports whether a training step computes the frozen stages in a graph of their own; a test replaces it.
var frozenApart = func(engine compute.Backend) bool { return traits.Of(engine).FrozenApart }

// compile makes the executors; from tells at which stage the training and the evaluation inputs enter.
func (t *trainer) compile(trainFrom, evalFrom int) error {
	store := t.model.Store()
	if err := t.settle(); err != nil {
		return err
	}
	var err error
	// Mixed images are mixed before the first stage, which is within the step.
	if t.apart = trainFrom == 0 && t.frozen > 0 && !t.mixes && frozenApart(t.engine); t.apart {
		if err := t.readyFeature(); err != nil {
			return err
		}
		trainFrom = t.frozen
	}
	t.step, err = model.NewExec(t.engine, store, func(_ *model.Scope, in []*Node) []*Node { return t.stepGraph(in, trainFrom, true) })
	if err == nil && t.opt.accumulate > 1 {
		t.gather, err = model.NewExec(t.engine, store, func(_ *model.Scope, in []*Node) []*Node { return t.stepGraph(in, trainFrom, false) })
	}
	if err != nil {
		return fmt.Errorf("tlkit: building the training step of %s: %w", t.model.Spec.Name, err)
	}
	t.evals = map[string]*model.Exec{}
	for _, h := range append([]Head{{}}, t.plan.Heads...) {
		t.evals[h.Name], err = model.NewExec(t.engine, store, func(_ *model.Scope, x *Node) *Node {
			// "Training" here only keeps the weights inputs of the graph: as constants they would be those of the first epoch.
			store.SetTraining(x.Graph(), true)
			pass := &nn.Pass{}
			features := t.model.ForwardFeatures(pass, t.enter(x, evalFrom), evalFrom, len(t.model.Stages()))
			if h.Name == "" && t.plan.classify() != nil {
				return features
			}
			if h.Name == "" {
				return t.model.ForwardHead(pass, features)
			}
			return h.build(t.model, pass, features)
		})
		if err != nil {
			return fmt.Errorf("tlkit: building the evaluation of %s: %w", t.model.Spec.Name, err)
		}
	}
	return nil
}

// settle moves what training changes to the engine and leaves no second copy behind: the first step needs the most memory.
func (t *trainer) settle() error {
	store := t.model.Store()
	for _, p := range t.now {
		paths := []string{p.Path()}
		for _, slot := range t.opt.slots() {
			paths = append(paths, slotPath(p, slot))
		}
		for _, path := range paths {
			value, err := store.GetVariable(path).Value()
			if err == nil {
				err = value.ToDevice(t.engine, 0)
			}
			if err != nil {
				return fmt.Errorf("tlkit: %s to the engine %s: %w", path, t.engine.Name(), err)
			}
		}
	}
	debug.FreeOSMemory()
	return nil
}

func (t *trainer) close() {
	for _, e := range append(slices.Collect(maps.Values(t.evals)), t.step, t.gather, t.feature) {
		if e != nil {
			e.Finalize()
		}
	}
	t.evals, t.step, t.gather, t.feature = nil, nil, nil, nil
}

// moment says where in the training a step is.
type moment struct {
	// rate is the learning rate.
	rate float64
	// progress is the share of the training that is done.
	progress float64
	// step counts the batches, update the optimizer's steps, both from 1.
	step, update int
	// seen is the number of images whose gradients have been gathered, with this batch's; whole tells that the batch is
	// the last before a step of the optimizer.
	seen  int
	whole bool
	// mixture is how the batch's images are mixed, where they are.
	mixture mixture
}

// trainStep runs one step and returns the batch's mean loss and number of hits. teacher are the teacher's answers to the
// batch, nil without one.
func (t *trainer) trainStep(b batch, at moment, teacher *tensors.Tensor) (loss, hit float64, err error) {
	defer b.release()
	// enter is what of a batch enters the step.
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
		return 0, 0, err
	}
	in := []any{x, b.labels, float32(at.rate), float32(at.update), float32(at.progress), t.random(at.step)}
	if t.mixes {
		in = append(in, at.mixture.inputs()...)
	}
	if t.opt.accumulate > 1 {
		in = append(in, float32(at.seen))
	}
	for _, other := range b.extra {
		if x, err = enter(other); err != nil {
			return 0, 0, err
		}
		in = append(in, x, other.labels)
	}
	if teacher != nil {
		defer teacher.MustFinalizeAll()
		in = append(in, teacher)
	}
	exec := t.step
	if !at.whole {
		exec = t.gather
	}
	out, err := exec.Call(in...)
	if err != nil {
		return 0, 0, err
	}
	return float64(tensors.ToScalar[float32](out[0])), float64(tensors.ToScalar[float32](out[1])), nil
}

// random is the state of the random generator for a step. It depends on the seed and the step alone, so that a resumed
// run drops what an uninterrupted one would.
func (t *trainer) random(step int) []uint64 {
	rng := rand.New(rand.NewPCG(t.seed, uint64(step)))
	return []uint64{rng.Uint64(), rng.Uint64(), rng.Uint64()}
}

// readyFeature makes the computation of the frozen stages: forward only, in inference mode, and where the engine gains
// from it with their values as constants, which no step of the phase changes.
func (t *trainer) readyFeature() error {
	if t.feature != nil {
		return nil
	}
	var err error
	t.feature, err = model.NewExec(t.engine, t.model.Store(), func(_ *model.Scope, x *Node) *Node {
		build := func() *Node { return t.model.ForwardFeatures(&nn.Pass{}, t.model.Normalize(x), 0, t.frozen) }
		if traits.Of(t.engine).FoldsConstants {
			return t.model.Constant(x, build)
		}
		return build()
	})
	if err != nil {
		return fmt.Errorf("tlkit: building the frozen part of %s: %w", t.model.Spec.Name, err)
	}
	return nil
}

// cache computes the output of the frozen stages for every example, if the values fit into limit bytes; otherwise
// it returns nil.
func (t *trainer) cache(ctx context.Context, s source, batchSize int, limit int64, progress func(done int)) (*features, error) {
	if err := t.readyFeature(); err != nil {
		return nil, err
	}
	f := &features{}
	if im, ok := s.(*images); ok && !im.aug.IsZero() {
		f.views = im.views
	}
	views := max(1, f.views)
	for view := range views {
		if err := t.cacheView(ctx, f, s, view, batchSize, limit/int64(views), progress); err != nil {
			return nil, err
		}
		if f.values == nil {
			return nil, nil
		}
	}
	return f, nil
}

// cacheView appends the output of the frozen stages for one version of every example to f; values that do not fit into
// limit bytes leave f empty.
func (t *trainer) cacheView(ctx context.Context, f *features, s source, view, batchSize int, limit int64, progress func(done int)) error {
	done := 0
	for b := range batches(ctx, s, inTurn(s.len()), batchSize, view) {
		if b.err != nil {
			return b.err
		}
		out, err := t.feature.Call1(b.inputs)
		if err != nil {
			return err
		}
		dims := out.Shape().Dimensions
		f.dims = slices.Clone(dims[1:])
		if int64(out.Shape().Size()/dims[0])*int64(s.len())*4 > limit {
			f.values = nil
			return nil
		}
		f.values = append(f.values, tensors.MustCopyFlatData[float32](out)...)
		out.MustFinalizeAll()
		b.release()
		for range b.n {
			if view == 0 {
				f.labels = append(f.labels, s.label(done))
			}
			done++
		}
		progress(done)
	}
	return ctx.Err()
}

// outcome is what evaluation found: per example the probabilities' argmax and the probability of it.
type outcome struct {
	loss, accuracy float64
	predicted      []int
	confidence     []float64
}

// evaluate runs the network in inference mode on all examples; head is the name of the head that answers.
func (t *trainer) evaluate(ctx context.Context, head string, s source, batchSize int) (outcome, error) {
	if head == "" {
		return judge(ctx, t.evals[head], t.plan.classify(), s, batchSize)
	}
	return judge(ctx, t.evals[head], nil, s, batchSize)
}

// trainingExamples marks a source as that of the training images, for Fit.Classify.
type trainingExamples struct{ source }

// judge compares the logits that exec computes with the labels of all examples. With classify, exec computes features,
// and classify makes logits of them.
func judge(ctx context.Context, exec *model.Exec, classify func([]float32, int) []float32, s source, batchSize int) (outcome, error) {
	_, own := s.(trainingExamples)
	var o outcome
	for b := range batches(ctx, s, inTurn(s.len()), batchSize, 0) {
		if b.err != nil {
			return o, b.err
		}
		out, err := exec.Call1(b.inputs)
		if err != nil {
			return o, err
		}
		width := out.Shape().Size() / b.n
		logits := tensors.MustCopyFlatData[float32](out)
		out.MustFinalizeAll()
		b.release()
		for k := range b.n {
			label := s.label(len(o.predicted))
			answer := logits[k*width : (k+1)*width]
			if classify != nil {
				example := -1
				if own {
					example = len(o.predicted)
				}
				answer = classify(answer, example)
			}
			p := numbers.Softmax(answer)
			best := numbers.Argmax(p)
			o.loss += numbers.NegLog(p[label])
			if best == label {
				o.accuracy++
			}
			o.predicted = append(o.predicted, best)
			o.confidence = append(o.confidence, p[best])
		}
	}
	if n := float64(len(o.predicted)); n > 0 {
		o.loss /= n
		o.accuracy /= n
	}
	return o, ctx.Err()
}
