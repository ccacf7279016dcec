package train

import (
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// stepGraph builds a whole training step: forward, loss, gradients and updates; whole is false where the gradients are
// only accumulated. trainStep passes the inputs.
func (t *trainer) stepGraph(in []*Node, from int, whole bool) []*Node {
	next := func() *Node {
		n := in[0]
		in = in[1:]
		return n
	}
	x, labels, rate, step, progress, random := next(), next(), next(), next(), next(), next()
	var mask, share, seen *Node
	if t.mixes {
		mask, share = next(), next()
	}
	if t.opt.accumulate > 1 {
		seen = next()
	}
	g := x.Graph()
	t.model.Store().SetTraining(g, true)
	s := &Step{Labels: labels, Progress: progress, model: t.model, heads: t.plan.Heads, params: t.now,
		pass: &nn.Pass{Training: true, BatchStatsWhenFrozen: t.plan.BatchStatsWhenFrozen, RNG: random}}
	parts := []*Node{t.enter(x, from)}
	if t.mixes {
		parts[0] = mix(parts[0], mask)
	}
	for range t.plan.Extra {
		parts = append(parts, t.enter(next(), from))
		s.Extra = append(s.Extra, Drawn{Labels: next()})
	}
	if t.plan.Teacher != nil {
		s.Teacher = StopGradient(next())
	}
	// All images go through the network as one batch: BatchNorm's statistics are those of the mixture.
	x = parts[0]
	if len(parts) > 1 {
		x = Concatenate(parts, 0)
	}
	features := t.model.ForwardFeatures(s.pass, x, from, len(t.model.Stages()))
	logits := t.model.ForwardHead(s.pass, features)
	rows := 0
	part := func(all *Node, n int) *Node {
		if len(parts) == 1 {
			return all
		}
		return Slice(all, AxisRange(rows, rows+n))
	}
	n := labels.Shape().Dimensions[0]
	s.Features, s.Logits = part(features, n), part(logits, n)
	targets := OneHot(labels, s.Logits.Shape().Dimensions[1], s.Logits.DType())
	counted := labels // what a hit is
	if t.mixes {
		targets = mix(targets, share)
		counted = ArgMax(targets, -1, labels.DType())
	}
	loss := objective{}.loss(s.Logits, targets)
	// Auxiliary heads (zoo.AuxHead) count for the gradients only. The reported loss is that of the network's own
	// output, so that it can be compared with the validation loss.
	s.Loss = loss
	if !t.objective.plain() {
		s.Loss = t.objective.loss(s.Logits, targets)
	}
	for _, aux := range s.pass.Aux {
		s.Loss = Add(s.Loss, MulScalar(t.objective.loss(part(aux.Logits, n), targets), aux.Weight))
	}
	for i := range s.Extra {
		rows += n
		n = s.Extra[i].Labels.Shape().Dimensions[0]
		s.Extra[i].Features, s.Extra[i].Logits = part(features, n), part(logits, n)
	}
	total := s.Loss
	if t.plan.Loss != nil {
		total = t.plan.Loss(s)
	}
	total.AssertScalar()
	t.descend(total, rate, step, seen, labels.Shape().Dimensions[0], whole)
	if t.average > 0 && whole {
		t.updateAverage(step)
	}
	return []*Node{loss, hits(s.Logits, counted)}
}

// enter converts a batch of a source to the input of stage from.
func (t *trainer) enter(x *Node, from int) *Node {
	if from == 0 {
		return t.model.Normalize(x)
	}
	return x
}

// descend updates the variables that this phase trains. If the step is not whole, it only accumulates their gradients.
func (t *trainer) descend(total, rate, step, seen *Node, images int, whole bool) {
	values := make([]*Node, len(t.now))
	for i, p := range t.now {
		values[i] = t.model.Variable(p).NodeValue(total.Graph())
	}
	gradients := Gradient(total, values...)
	if seen != nil {
		n := Scalar(total.Graph(), total.DType(), images)
		for i, p := range t.now {
			gradients[i] = t.opt.accumulated(t.model.Store(), p, gradients[i], n, seen, whole)
		}
	}
	if !whole {
		return
	}
	if t.opt.clipNorm > 0 {
		clip(gradients, t.opt.clipNorm)
	}
	for i, grad := range gradients {
		p := t.now[i]
		own := rate
		if f := t.plan.factor(p); f != 1 {
			own = MulScalar(rate, f)
		}
		at := step
		if late := t.late[p.Key]; late > 0 {
			at = AddScalar(step, float64(-late)) // Adam counts the steps of each variable by itself
		}
		t.opt.update(t.model.Store(), p, grad, own, at)
	}
}

func hits(logits, labels *Node) *Node {
	return ReduceAllSum(ConvertDType(Equal(ArgMax(logits, -1, dtypes.Int32), labels), dtypes.Float32))
}
