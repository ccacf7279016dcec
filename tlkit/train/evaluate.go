package train

import (
	"context"
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/traits"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// evaluation is the result of one pass over examples: for each, the predicted class and its probability.
type evaluation struct {
	loss, accuracy float64
	predicted      []int
	confidence     []float64
}

// evaluate runs the network in inference mode on all examples; head names the head whose logits count.
func (t *trainer) evaluate(ctx context.Context, head string, s source, batchSize int) (evaluation, error) {
	if err := t.evaluated.update(t.params()); err != nil {
		return evaluation{}, err
	}
	if head == "" {
		return evaluateWith(ctx, t.evals[head], t.plan.classify(), s, batchSize)
	}
	return evaluateWith(ctx, t.evals[head], nil, s, batchSize)
}

// trainingExamples marks a source as the training images: Fit.Classify then gets their indices.
type trainingExamples struct{ source }

// evaluateWith compares the logits that exec computes with the labels of all examples. With classify, exec computes
// features, from which classify computes the logits.
func evaluateWith(ctx context.Context, exec *executor, classify func([]float32, int) []float32, s source, batchSize int) (evaluation, error) {
	_, own := s.(trainingExamples)
	var o evaluation
	for b := range batches(ctx, s, ascending(s.len()), batchSize, 0) {
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
			row := logits[k*width : (k+1)*width]
			if classify != nil {
				example := -1
				if own {
					example = len(o.predicted)
				}
				row = classify(row, example)
			}
			p := numbers.Softmax(row)
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

// network compiles another model, from bytes to logits. Its values do not change: they are constants where the engine
// gains from it.
func (t *trainer) network(m *zoo.Model) (*executor, error) {
	engine := t.engines.forward
	if traits.Of(engine).InferenceOnly && !m.Folds(engine) {
		general, err := backend.General(engine)
		if err != nil {
			return nil, err
		}
		engine = general.Backend
	}
	exec, err := newExecutor(engine, m.Store(), func(_ *model.Scope, x *Node) *Node {
		return m.Constant(x, func() *Node { return m.Forward(&nn.Pass{}, m.Normalize(x)) })
	})
	if err != nil {
		return nil, fmt.Errorf("tlkit: building the network %s: %w", m.Spec.Name, err)
	}
	return exec, nil
}
