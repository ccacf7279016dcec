package train

import (
	"fmt"
	"math"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Strategy is a way to get from a pretrained model to a classifier of other images. A plain struct whose zero value
// is a good default; anything that implements the two methods can stand beside [Transfer], [FineTune] and [Scratch].
type Strategy interface {
	// Name labels curves and rows, and names the folder: letters, digits, dots and dashes.
	Name() string
	// Plan readies the model, a copy that is the strategy's own, for the task, and says how it is trained.
	Plan(m *zoo.Model, task Task) (Plan, error)
}

// Task is what a strategy is to learn.
type Task struct {
	// Classes are the names of the new classes, in order.
	Classes []string
	// Seed determines the random values of a new head.
	Seed uint64
	// Recipe is what all strategies share.
	Recipe Recipe
}

// Plan is how one strategy trains: all in which it differs from another.
type Plan struct {
	// LearningRate is the base rate, before the schedule; it must be positive.
	LearningRate float64
	// Rate, when set, gives each variable a factor on LearningRate; nil means 1 for all.
	Rate func(p nn.Param) float64
	// BatchStatsWhenFrozen lets frozen BatchNorm layers use and update batch statistics, as PyTorch's tutorial does.
	BatchStatsWhenFrozen bool
}

func (p Plan) check(name string) error {
	if !(p.LearningRate > 0) || math.IsInf(p.LearningRate, 0) {
		return fmt.Errorf("tlkit: strategy %q has learning rate %g; it must be a positive number, such as 0.01", name, p.LearningRate)
	}
	return nil
}

// or returns v, or the default for the zero value.
func or(v, def float64) float64 {
	if v == 0 {
		return def
	}
	return v
}
