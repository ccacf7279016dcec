package train

import (
	"cmp"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Stepper trains on one batch of blank images, again and again, to measure the time and the memory of a step before a
// training. Make one with [Recipe.NewStepper].
type Stepper struct {
	t      *trainer
	recipe Recipe
	pix    []uint8 // of the largest batch so far, blank
	rate   float64
	done   int
}

// NewStepper readies a copy of m for training with strategy s, in its last phase, in batches of r.BatchSize.
func (r Recipe) NewStepper(engine compute.Backend, m *zoo.Model, s Strategy) (*Stepper, error) {
	r, err := r.withDefaults()
	if err != nil {
		return nil, err
	}
	if m, err = start(m); err != nil {
		return nil, err
	}
	task := Task{Classes: m.Classes, Seed: r.Seed, Recipe: r}
	plan, err := s.Plan(m, task)
	if err != nil {
		return nil, err
	}
	if plan.Fit != nil || plan.Teacher != nil {
		return nil, fmt.Errorf("tlkit: strategy %q has no step of its own that could be measured", s.Name())
	}
	if err := plan.check(s.Name(), task); err != nil {
		return nil, err
	}
	return newStepper(engine, m, plan.withLastPhase(), r)
}

// newStepper readies m itself; r has its defaults.
func newStepper(engine compute.Backend, m *zoo.Model, plan Plan, r Recipe) (*Stepper, error) {
	t, err := newTrainer(alone(engine), m, plan, r)
	if err != nil {
		return nil, err
	}
	t.begin(0, 1)
	if err := t.compile(0, 0); err != nil {
		t.close()
		return nil, err
	}
	size := m.ImageSize()
	return &Stepper{t: t, recipe: r, pix: make([]uint8, r.BatchSize*size*size*3), rate: plan.rate(0)}, nil
}

// Step trains one step and returns the batch's loss. The first one compiles the step.
func (s *Stepper) Step() (loss float64, err error) {
	b := s.blank(s.recipe.BatchSize)
	for _, e := range s.t.plan.Extra {
		b.extra = append(b.extra, s.blank(cmp.Or(e.Batch, b.n)))
	}
	s.done++
	at := stepInfo{rate: s.rate, step: s.done, update: s.done, seen: b.n, whole: true}
	if s.recipe.mixes() {
		at.mixture = s.recipe.mixture(at.step, s.t.model.ImageSize())
	}
	f, err := s.t.trainStep(b, at, nil)
	return f.loss, err
}

// blank returns a batch of n blank images of the first class.
func (s *Stepper) blank(n int) batch {
	size := s.t.model.ImageSize()
	if need := n * size * size * 3; need > len(s.pix) {
		s.pix = make([]uint8, need)
	}
	return batch{n: n, inputs: tensors.FromFlatDataAndDimensions(s.pix[:n*size*size*3], n, size, size, 3),
		labels: tensors.FromFlatDataAndDimensions(make([]int32, n), n)}
}

// Close frees what the engine holds.
func (s *Stepper) Close() { s.t.close() }
