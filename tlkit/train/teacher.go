package train

import (
	"context"
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// teacher answers for training images with the logits of another model.
type teacher struct {
	exec    *model.Exec
	classes int
	// recorded are the logits of all training images, where they are the same in every epoch; else nil.
	recorded []float32
}

// hireTeacher readies the plan's teacher, and records its answers where they are always the same.
func (l *loop) hireTeacher(ctx context.Context) error {
	m := l.t.plan.Teacher
	if m.ImageSize() != l.t.model.ImageSize() {
		return fmt.Errorf("tlkit: the teacher %s takes images of %d pixels, the model those of %d; they must agree",
			m.Spec.Name, m.ImageSize(), l.t.model.ImageSize())
	}
	exec, err := l.t.network(m)
	if err != nil {
		return err
	}
	t := &teacher{exec: exec, classes: len(m.Classes)}
	l.teacher = t // closed with the loop, whatever comes
	if !l.recipe.same() {
		return nil
	}
	s := l.data.trainImages
	t.recorded = make([]float32, 0, s.len()*t.classes)
	for b := range batches(ctx, s, inTurn(s.len()), l.evalBatch(), 0) {
		if b.err != nil {
			return b.err
		}
		out, err := t.exec.Call1(b.inputs)
		if err != nil {
			return err
		}
		t.recorded = append(t.recorded, tensors.MustCopyFlatData[float32](out)...)
		out.MustFinalizeAll()
		b.release()
		l.show.features(l.res, len(t.recorded)/t.classes, s.len())
	}
	return ctx.Err()
}

// answers returns the teacher's logits for a batch, [batch, classes]; nil for no teacher.
func (t *teacher) answers(b batch) (*tensors.Tensor, error) {
	if t == nil {
		return nil, nil
	}
	if t.recorded == nil {
		return t.exec.Call1(b.inputs)
	}
	logits := make([]float32, 0, b.n*t.classes)
	for _, i := range b.examples {
		logits = append(logits, t.recorded[i*t.classes:(i+1)*t.classes]...)
	}
	return tensors.FromFlatDataAndDimensions(logits, b.n, t.classes), nil
}

func (t *teacher) close() {
	if t != nil {
		t.exec.Finalize()
	}
}

// network compiles another model, from bytes to logits.
func (t *trainer) network(m *zoo.Model) (*model.Exec, error) {
	exec, err := model.NewExec(t.engine, m.Store(), func(_ *model.Scope, x *Node) *Node {
		m.Store().SetTraining(x.Graph(), true) // keeps the weights inputs of the graph
		return m.Forward(&nn.Pass{}, m.Normalize(x))
	})
	if err != nil {
		return nil, fmt.Errorf("tlkit: building the network %s: %w", m.Spec.Name, err)
	}
	return exec, nil
}
