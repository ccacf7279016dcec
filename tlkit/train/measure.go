package train

import (
	"fmt"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// StepSeconds trains a copy of m with strategy s on one batch of blank images, r.BatchSize of them, and returns how
// long each step took, in seconds: what an epoch will cost, before it is begun. The first step includes compiling.
func (r Recipe) StepSeconds(engine compute.Backend, m *zoo.Model, s Strategy, steps int) ([]float64, error) {
	r, err := r.withDefaults()
	if err != nil {
		return nil, err
	}
	if steps < 1 {
		return nil, fmt.Errorf("tlkit: StepSeconds was asked for %d steps; give at least 1", steps)
	}
	if m, err = m.Clone(); err != nil {
		return nil, err
	}
	plan, err := s.Plan(m, Task{Classes: m.Classes, Seed: r.Seed, Recipe: r})
	if err != nil {
		return nil, err
	}
	if err := plan.check(s.Name()); err != nil {
		return nil, err
	}
	t, err := newTrainer(engine, m, plan, r)
	if err != nil {
		return nil, err
	}
	defer t.close()
	if err := t.compile(0, 0); err != nil {
		return nil, err
	}
	size, n := m.ImageSize(), r.BatchSize
	pix := make([]uint8, n*size*size*3)
	seconds := make([]float64, steps)
	for i := range seconds {
		b := batch{n: n, inputs: tensors.FromFlatDataAndDimensions(pix, n, size, size, 3),
			labels: tensors.FromFlatDataAndDimensions(make([]int32, n), n)}
		began := time.Now()
		if _, _, err := t.trainStep(b, plan.LearningRate, i+1); err != nil {
			return nil, err
		}
		seconds[i] = time.Since(began).Seconds()
	}
	return seconds, nil
}
