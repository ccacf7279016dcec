package train

import (
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// stepInputs are the inputs of the training step: the nodes of its graph, or the values of one step.
type stepInputs[T any] struct {
	x, labels                    T
	rate, step, progress, random T
	mask, share                  T          // of mixed images
	seen                         T          // the images whose gradients are accumulated
	weight                       T          // their mean class weight, if they have weights
	extra                        []extra[T] // one for each of Plan.Extra
	teacher                      T          // the teacher's logits
}

// extra is a further batch of images.
type extra[T any] struct{ x, labels T }

// stepInput is one of the step's inputs.
type stepInput[T any] struct {
	field *T
	// perImage is true if it has a row for each image.
	perImage bool
}

// of lists those inputs that the steps of t have, in the order of the graph's parameters.
func (s *stepInputs[T]) of(t *trainer) (all []stepInput[T]) {
	add := func(perImage bool, fields ...*T) {
		for _, f := range fields {
			all = append(all, stepInput[T]{f, perImage})
		}
	}
	add(true, &s.x, &s.labels)
	add(false, &s.rate, &s.step, &s.progress, &s.random)
	if t.mixes {
		add(false, &s.mask, &s.share)
	}
	if t.opt.accumulate > 1 {
		add(false, &s.seen)
	}
	if t.weighsUpdates() {
		add(false, &s.weight)
	}
	for i := range s.extra {
		add(true, &s.extra[i].x, &s.extra[i].labels)
	}
	if t.plan.Teacher != nil {
		add(true, &s.teacher)
	}
	return all
}

// nodes names the nodes of the step's inputs.
func (t *trainer) nodes(in []*Node) stepInputs[*Node] {
	s := stepInputs[*Node]{extra: make([]extra[*Node], len(t.plan.Extra))}
	for i, input := range s.of(t) {
		*input.field = in[i]
	}
	if s.teacher != nil {
		s.teacher = StopGradient(s.teacher)
	}
	return s
}

// perImage reports which of the step's inputs have a row for each image.
func (t *trainer) perImage() (has []bool) {
	s := stepInputs[any]{extra: make([]extra[any], len(t.plan.Extra))}
	for _, input := range s.of(t) {
		has = append(has, input.perImage)
	}
	return has
}

// weighsUpdates reports whether the loss of a batch depends on the class weights of the other batches of its update.
func (t *trainer) weighsUpdates() bool { return t.opt.accumulate > 1 && t.objective.weights != nil }

// stepGraph builds a whole training step: forward, loss, gradients and updates; whole is false where the gradients are
// only accumulated.
func (t *trainer) stepGraph(nodes []*Node, from int, whole bool) []*Node {
	in := t.nodes(nodes)
	t.model.Store().SetTraining(in.x.Graph(), true)
	s := &Step{Labels: in.labels, Progress: in.progress, Teacher: in.teacher, model: t.model, heads: t.plan.Heads, params: t.now,
		pass: &nn.Pass{Training: true, BatchStatsWhenFrozen: t.plan.BatchStatsWhenFrozen, RNG: in.random}}
	aux := t.forward(s, in, from)

	targets := OneHot(in.labels, s.Logits.Shape().Dimensions[1], s.Logits.DType())
	counted := in.labels // what a hit is
	if t.mixes {
		targets = mix(targets, in.share)
		counted = ArgMax(targets, -1, in.labels.DType())
	}
	loss, goal := objective{}.loss(s.Logits, targets), t.objective
	goal.mean = in.weight
	// Auxiliary heads (zoo.AuxHead) count for the gradients only. The reported loss is that of the network's own
	// output, so that it can be compared with the validation loss.
	s.Loss = loss
	if !goal.plain() {
		s.Loss = goal.loss(s.Logits, targets)
	}
	for _, a := range aux {
		s.Loss = Add(s.Loss, MulScalar(goal.loss(a.Logits, targets), a.Weight))
	}
	total := s.Loss
	if t.plan.Loss != nil {
		total = t.plan.Loss(s)
	}
	total.AssertScalar()
	t.descend(total, in.rate, in.step, in.seen, in.labels.Shape().Dimensions[0], whole)
	if t.average > 0 && whole {
		t.updateAverage(in.step)
	}
	figures := []*Node{loss, hits(s.Logits, counted)}
	if t.plan.Loss != nil {
		figures = append(figures, total)
	}
	return figures
}

// forward sets the step's features and logits, and those of its extra batches. It returns the outputs of the model's
// auxiliary heads for the training images. All images go through the network as one batch: BatchNorm's statistics are
// those of the mixture.
func (t *trainer) forward(s *Step, in stepInputs[*Node], from int) []nn.Aux {
	batches := []*Node{t.enter(in.x, from)}
	if t.mixes {
		batches[0] = mix(batches[0], in.mask)
	}
	for _, e := range in.extra {
		batches = append(batches, t.enter(e.x, from))
	}
	x := batches[0]
	if len(batches) > 1 {
		x = Concatenate(batches, 0)
	}
	features := t.model.ForwardFeatures(s.pass, x, from, len(t.model.Stages()))
	logits := t.model.ForwardHead(s.pass, features)

	first := 0
	rows := func(all *Node, n int) *Node { // of the batch that begins at first
		if len(batches) == 1 {
			return all
		}
		return Slice(all, AxisRange(first, first+n))
	}
	n := in.labels.Shape().Dimensions[0]
	s.Features, s.Logits = rows(features, n), rows(logits, n)
	var aux []nn.Aux
	for _, a := range s.pass.Aux {
		a.Logits = rows(a.Logits, n)
		aux = append(aux, a)
	}
	for _, e := range in.extra {
		first += n
		n = e.labels.Shape().Dimensions[0]
		s.Extra = append(s.Extra, Drawn{Labels: e.labels, Features: rows(features, n), Logits: rows(logits, n)})
	}
	return aux
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
		if f := t.plan.factor(t.phase, p); f != 1 {
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
