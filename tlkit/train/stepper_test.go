package train

import (
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// extras is a strategy whose steps have extra images.
type extras struct {
	stagesFrom
	extra []ExtraBatch
}

func (s extras) Plan(m *zoo.Model, task Task) (Plan, error) {
	p, err := s.stagesFrom.Plan(m, task)
	p.Extra = s.extra
	return p, err
}

// TestStepper: a step can be measured with every recipe and with a strategy's extra images.
func TestStepper(t *testing.T) {
	split := drawings(t, 12)
	for name, tt := range map[string]struct {
		recipe Recipe
		extra  []ExtraBatch
	}{
		"plain":           {},
		"mixed":           {recipe: Recipe{Mixup: 0.2, CutMix: 1}},
		"accumulated":     {recipe: Recipe{Accumulate: 2}},
		"extra":           {extra: []ExtraBatch{{Split: split}}},
		"extra and mixed": {recipe: Recipe{CutMix: 1}, extra: []ExtraBatch{{Split: split, Batch: 3}, {Split: split}}},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := zoo.Load("resnet20", zoo.LoadOptions{Weights: zoo.Random, Seed: 3})
			if err != nil {
				t.Fatal(err)
			}
			tt.recipe.BatchSize = 2
			s, err := tt.recipe.NewStepper(engines(t)[0].Backend, m, extras{stagesFrom{rate: 0.1}, tt.extra})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			for range 2 {
				if loss, err := s.Step(); err != nil || !numbers.Finite(loss) {
					t.Fatalf("loss %g, %v", loss, err)
				}
			}
		})
	}
}
