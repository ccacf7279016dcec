package strategy

import (
	"cmp"
	"context"
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/internal/logistic"
	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// LogisticRegression fits the new output layer on the frozen features to its optimum, by L-BFGS (Liu and Nocedal 1989),
// in place of some epochs of gradient descent. [Transfer] would reach about the same optimum in the end. The result is
// a model like that of other strategies.
type LogisticRegression struct {
	// L2 is the factor of half the squared weights of the standardised features, added to the mean loss; 0 chooses one
	// of 1e-4 to 1 by three-fold cross-validation on the training images.
	L2 float64 `json:"l2,omitempty"`
	// Label replaces the name, for a second LogisticRegression in one comparison.
	Label string `json:"label,omitempty"`
}

// Name is Label, or "logistic".
func (l LogisticRegression) Name() string { return cmp.Or(l.Label, "logistic") }

// Plan replaces the head; the new head is fitted before the first epoch. That fails if the head is not one linear layer
// on the output of all stages.
func (l LogisticRegression) Plan(m *zoo.Model, task train.Task) (train.Plan, error) {
	if !numbers.Finite(l.L2) || l.L2 < 0 {
		return train.Plan{}, fmt.Errorf("tlkit: LogisticRegression.L2 is %g; it must be a positive number such as 0.01, or 0 to choose by cross-validation", l.L2)
	}
	if err := m.ReplaceHead(task.Classes, task.Seed); err != nil {
		return train.Plan{}, err
	}
	return train.Plan{Fit: &train.Fit{Params: m.InHead}, Before: func(ctx context.Context, p *train.Preparation) error {
		f, err := p.Features(ctx)
		if err != nil {
			return err
		}
		weight, bias, err := linearHead(p.Model, f.Width())
		if err != nil {
			return err
		}
		fit, err := fitLogistic(ctx, f, len(task.Classes), l.L2)
		if err != nil {
			return err
		}
		if err := setValue(p.Model, weight, fit.Weight); err != nil {
			return err
		}
		return setValue(p.Model, bias, fit.Bias)
	}}, nil
}

// linearHead returns the variables of a head that is one linear layer.
func linearHead(m *zoo.Model, width int) (weight, bias nn.Param, err error) {
	var head []nn.Param
	for _, p := range m.Params() {
		if m.InHead(p) {
			head = append(head, p)
		}
	}
	if len(head) != 2 || head[0].Layout != nn.LinearWeight || head[0].Shape[1] != width || len(head[1].Shape) != 1 {
		return weight, bias, fmt.Errorf("the head of %s is not one linear layer on its %d features; use tlkit.Transfer{} or tlkit.KNN{}", m.Spec.Name, width)
	}
	return head[0], head[1], nil
}

func setValue(m *zoo.Model, p nn.Param, values []float32) error {
	return m.Variable(p).SetValue(tensors.FromFlatDataAndDimensions(values, p.VarShape()...))
}

var _ train.Strategy = LogisticRegression{}

// fitLogistic fits the regression to labelled features; l2 of 0 chooses the strength.
func fitLogistic(ctx context.Context, f *zoo.Features, classes int, l2 float64) (logistic.Fitted, error) {
	return logistic.Fit(ctx, f, f.Labels, classes, l2)
}
