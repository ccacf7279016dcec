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
	limit   int64 // bytes of recorded logits
	// recorded are the logits of all training images, by view, where other epochs have the same images.
	recorded map[int][]float32
	// current are those of the epoch under way; nil where its images are new.
	current []float32
}

// newTeacher compiles the plan's teacher for images of the trainer's model.
func newTeacher(t *trainer, limit int64) (*teacher, error) {
	m := t.plan.Teacher
	if m.ImageSize() != t.model.ImageSize() {
		return nil, fmt.Errorf("tlkit: the teacher %s takes images of %d pixels, the model those of %d; they must agree",
			m.Spec.Name, m.ImageSize(), t.model.ImageSize())
	}
	exec, err := t.network(m)
	if err != nil {
		return nil, err
	}
	return &teacher{exec: exec, classes: len(m.Classes), limit: limit, recorded: map[int][]float32{}}, nil
}

// begin readies the logits of an epoch's images. Where other epochs have the same images, all are recorded before the
// first step: the steps may then have the output of the frozen stages in place of the images.
func (t *teacher) begin(ctx context.Context, s *images, epoch, batchSize int, report func(done, total int)) error {
	if t == nil {
		return nil
	}
	view, again := s.view(epoch)
	if !again {
		t.current = nil
		return nil
	}
	if t.recorded[view] == nil {
		logits, err := t.record(ctx, s, view, batchSize, report)
		if err != nil {
			return err
		}
		if bytes := int64(len(logits)) * 4; int64(len(t.recorded)+1)*bytes > t.limit {
			clear(t.recorded)
		}
		t.recorded[view] = logits
	}
	t.current = t.recorded[view]
	return nil
}

// record computes the logits of one version of all training images.
func (t *teacher) record(ctx context.Context, s *images, view, batchSize int, report func(done, total int)) ([]float32, error) {
	logits := make([]float32, 0, s.len()*t.classes)
	for b := range batches(ctx, s, ascending(s.len()), batchSize, view) {
		if b.err != nil {
			return nil, b.err
		}
		out, err := t.exec.Call1(b.inputs)
		if err != nil {
			return nil, err
		}
		logits = append(logits, tensors.MustCopyFlatData[float32](out)...)
		out.MustFinalizeAll()
		b.release()
		report(len(logits)/t.classes, s.len())
	}
	return logits, ctx.Err()
}

// logits returns the teacher's logits for a batch, [batch, classes]; nil without a teacher.
func (t *teacher) logits(b batch) (*tensors.Tensor, error) {
	if t == nil {
		return nil, nil
	}
	if t.current == nil {
		return t.exec.Call1(b.inputs)
	}
	logits := make([]float32, 0, b.n*t.classes)
	for _, i := range b.examples {
		at := i * t.classes % len(t.current) // a further pass has the logits of the first
		logits = append(logits, t.current[at:at+t.classes]...)
	}
	return tensors.FromFlatDataAndDimensions(logits, b.n, t.classes), nil
}

func (t *teacher) close() {
	if t != nil {
		t.exec.Finalize()
	}
}
