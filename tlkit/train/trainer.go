package train

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// trainer holds a model under training: which variables change, how, and the compiled steps.
type trainer struct {
	engine  compute.Backend
	model   *zoo.Model
	plan    Plan
	opt     optimizer
	trained []nn.Param
	// frozen is the number of leading stages that no step changes: their output may be computed once.
	frozen int
	// seed determines what dropout drops.
	seed uint64

	step, eval, feature *model.Exec
}

// newTrainer readies a planned model for training on an engine.
func newTrainer(engine compute.Backend, m *zoo.Model, plan Plan, r Recipe) (*trainer, error) {
	t := &trainer{engine: engine, model: m, plan: plan, seed: r.Seed,
		opt: optimizer{kind: r.Optimizer, momentum: r.Momentum, weightDecay: r.WeightDecay}}
	for _, p := range m.Params() {
		if m.Variable(p).Trainable {
			t.trained = append(t.trained, p)
			if err := t.opt.prepare(m.Store(), p); err != nil {
				return nil, fmt.Errorf("tlkit: optimizer state of %q: %w", p.Key, err)
			}
		}
	}
	if len(t.trained) == 0 {
		return nil, fmt.Errorf("tlkit: the strategy leaves nothing of %s to train; Plan must make at least one variable trainable (zoo.Model.SetTrainable)", m.Spec.Name)
	}
	t.frozen = t.frozenStages()
	return t, nil
}

// frozenStages counts the leading stages that training leaves as they are, to the bit.
func (t *trainer) frozenStages() int {
	if t.plan.BatchStatsWhenFrozen {
		return 0
	}
	for i, stage := range t.model.Stages() {
		if slices.ContainsFunc(t.trained, func(p nn.Param) bool { return p.Stage == stage }) {
			return i
		}
	}
	return len(t.model.Stages())
}

// forward builds the network from the output of the first "from" stages on; images are normalised first.
func (t *trainer) forward(pass *nn.Pass, x *Node, from int) *Node {
	if from == 0 {
		x = t.model.Normalize(x)
	}
	return t.model.ForwardHead(pass, t.model.ForwardFeatures(pass, x, from, len(t.model.Stages())))
}

// crossEntropy returns the loss of each example, [batch], for logits [batch, classes] and labels [batch].
func crossEntropy(logits, labels *Node) *Node {
	hot := OneHot(labels, logits.Shape().Dimensions[1], logits.DType())
	return Neg(ReduceSum(Mul(LogSoftmax(logits, -1), hot), -1))
}

func hits(logits, labels *Node) *Node {
	return ReduceAllSum(ConvertDType(Equal(ArgMax(logits, -1, dtypes.Int32), labels), dtypes.Float32))
}

// compile makes the executors; from tells at which stage the training and the evaluation inputs enter.
func (t *trainer) compile(trainFrom, evalFrom int) error {
	store := t.model.Store()
	var err error
	t.step, err = model.NewExec(t.engine, store, func(_ *model.Scope, in []*Node) []*Node {
		x, labels, rate, step, random := in[0], in[1], in[2], in[3], in[4]
		g := x.Graph()
		store.SetTraining(g, true)
		pass := &nn.Pass{Training: true, BatchStatsWhenFrozen: t.plan.BatchStatsWhenFrozen, RNG: random}
		logits := t.forward(pass, x, trainFrom)
		loss := ReduceAllMean(crossEntropy(logits, labels))
		// Auxiliary heads (zoo.AuxHead) shape the gradients; what is reported is the loss of the network's own output,
		// which can be compared with the validation loss.
		total := loss
		for _, aux := range pass.Aux {
			total = Add(total, MulScalar(ReduceAllMean(crossEntropy(aux.Logits, labels)), aux.Weight))
		}
		values := make([]*Node, len(t.trained))
		for i, p := range t.trained {
			values[i] = t.model.Variable(p).NodeValue(g)
		}
		for i, grad := range Gradient(total, values...) {
			own := rate
			if t.plan.Rate != nil {
				if f := t.plan.Rate(t.trained[i]); f != 1 {
					own = MulScalar(rate, f)
				}
			}
			t.opt.update(store, t.trained[i], grad, own, step)
		}
		return []*Node{loss, hits(logits, labels)}
	})
	if err != nil {
		return fmt.Errorf("tlkit: building the training step of %s: %w", t.model.Spec.Name, err)
	}
	t.eval, err = model.NewExec(t.engine, store, func(_ *model.Scope, x *Node) *Node {
		// "Training" here only keeps the weights inputs of the graph: as constants they would be those of the first epoch.
		store.SetTraining(x.Graph(), true)
		return t.forward(&nn.Pass{}, x, evalFrom)
	})
	if err != nil {
		return fmt.Errorf("tlkit: building the evaluation of %s: %w", t.model.Spec.Name, err)
	}
	return nil
}

func (t *trainer) close() {
	for _, e := range []*model.Exec{t.step, t.eval, t.feature} {
		if e != nil {
			e.Finalize()
		}
	}
}

// trainStep runs one step and returns the batch's mean loss and number of hits.
func (t *trainer) trainStep(b batch, rate float64, step int) (loss, hit float64, err error) {
	defer b.release()
	out, err := t.step.Call(b.inputs, b.labels, float32(rate), float32(step), t.random(step))
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

// cache computes the output of the frozen stages for every example, if the values fit into limit bytes; otherwise
// it returns nil. keepGoing is asked between batches.
func (t *trainer) cache(ctx context.Context, s source, batchSize int, limit int64, progress func(done int)) (*features, error) {
	store := t.model.Store()
	if t.feature == nil {
		var err error
		t.feature, err = model.NewExec(t.engine, store, func(_ *model.Scope, x *Node) *Node {
			return t.model.ForwardFeatures(&nn.Pass{}, t.model.Normalize(x), 0, t.frozen)
		})
		if err != nil {
			return nil, fmt.Errorf("tlkit: building the frozen part of %s: %w", t.model.Spec.Name, err)
		}
	}
	f := &features{}
	for b := range batches(ctx, s, inTurn(s.len()), batchSize, 0) {
		if b.err != nil {
			return nil, b.err
		}
		out, err := t.feature.Call1(b.inputs)
		b.release()
		if err != nil {
			return nil, err
		}
		dims := out.Shape().Dimensions
		f.dims = slices.Clone(dims[1:])
		if int64(out.Shape().Size()/dims[0])*int64(s.len())*4 > limit {
			return nil, nil
		}
		f.values = append(f.values, tensors.MustCopyFlatData[float32](out)...)
		out.MustFinalizeAll()
		for range b.n {
			f.labels = append(f.labels, s.label(len(f.labels)))
		}
		progress(len(f.labels))
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return f, nil
}

// outcome is what evaluation found: per example the probabilities' argmax and the probability of it.
type outcome struct {
	loss, accuracy float64
	predicted      []int
	confidence     []float64
}

// evaluate runs the network in inference mode on all examples.
func (t *trainer) evaluate(ctx context.Context, s source, batchSize int) (outcome, error) {
	var o outcome
	for b := range batches(ctx, s, inTurn(s.len()), batchSize, 0) {
		if b.err != nil {
			return o, b.err
		}
		out, err := t.eval.Call1(b.inputs)
		b.release()
		if err != nil {
			return o, err
		}
		classes := out.Shape().Dimensions[1]
		logits := tensors.MustCopyFlatData[float32](out)
		out.MustFinalizeAll()
		for k := range b.n {
			label := s.label(len(o.predicted))
			p := softmax(logits[k*classes : (k+1)*classes])
			best := argmax(p)
			o.loss += negLog(p[label])
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
