package train

import (
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// stagesFrom is a strategy for tests inside the package: it trains a new head, and the stages from the named one on.
type stagesFrom struct {
	stage string // "" trains the head alone
	rate  float64
}

func (s stagesFrom) Name() string { return "from-" + s.stage }

func (s stagesFrom) Plan(m *zoo.Model, task Task) (Plan, error) {
	if err := m.ReplaceHead(task.Classes, task.Seed); err != nil {
		return Plan{}, err
	}
	first := slices.Index(m.Stages(), s.stage)
	m.SetTrainable(func(p nn.Param) bool {
		return m.InHead(p) || first >= 0 && slices.Index(m.Stages(), p.Stage) >= first
	})
	return Plan{LearningRate: s.rate}, nil
}
