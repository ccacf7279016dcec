package train

import (
	"context"
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"
)

// teacher is a compiled model whose logits for the training images the loss uses.
type teacher struct {
	exec    *executor
	classes int
	// recorded are the logits of all training images, where these are the same in every epoch; else nil.
	recorded []float32
}

// newTeacher compiles the plan's teacher for images of the trainer's model.
func newTeacher(t *trainer) (*teacher, error) {
	m := t.plan.Teacher
	if m.ImageSize() != t.model.ImageSize() {
		return nil, fmt.Errorf("tlkit: the teacher %s takes images of %d pixels, the model those of %d; they must agree",
			m.Spec.Name, m.ImageSize(), t.model.ImageSize())
	}
	exec, err := t.network(m)
	if err != nil {
		return nil, err
	}
	return &teacher{exec: exec, classes: len(m.Classes)}, nil
}

// record computes the logits of all training images, for recipes in which these are the same in every epoch.
func (t *teacher) record(ctx context.Context, s *images, batchSize int, report func(done, total int)) error {
	t.recorded = make([]float32, 0, s.len()*t.classes)
	for b := range batches(ctx, s, ascending(s.len()), batchSize, 0) {
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
		report(len(t.recorded)/t.classes, s.len())
	}
	return ctx.Err()
}

// logits returns the teacher's logits for a batch, [batch, classes]; nil without a teacher.
func (t *teacher) logits(b batch) (*tensors.Tensor, error) {
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
