package strategy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Fitted is a baseline that [LogisticRegression.Fit] or [KNN.Fit] has fitted on features. Features computed once with
// [zoo.Model.Features] can be used for many baselines:
//
//	f, err := model.Features(data.Train, "")
//	c, err := strategy.LogisticRegression{}.Fit(f)
//	accuracy, loss, err := c.Accuracy(validation)
type Fitted struct {
	// L2 is the factor that a logistic regression was fitted with.
	L2 float64

	logits func(row []float32) []float32
	width  int
}

// Fit fits the regression on labelled features, of any stage. An interrupt ends it.
func (l LogisticRegression) Fit(f *zoo.Features) (*Fitted, error) {
	if err := labelled(f); err != nil {
		return nil, err
	}
	if !numbers.Finite(l.L2) || l.L2 < 0 {
		return nil, fmt.Errorf("tlkit: LogisticRegression.L2 is %g; it must be a positive number such as 0.01, or 0 to choose by cross-validation", l.L2)
	}
	classes := f.NumClasses
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	fit, err := fitLogistic(ctx, f, classes, l.L2)
	if err != nil {
		return nil, fmt.Errorf("tlkit: %w", err)
	}
	return &Fitted{L2: fit.L2, width: f.Width(), logits: func(row []float32) []float32 {
		logits := append([]float32(nil), fit.Bias...)
		for j, v := range row {
			for c := range logits {
				logits[c] += v * fit.Weight[j*classes+c]
			}
		}
		return logits
	}}, nil
}

// Fit stores labelled features, of any stage.
func (k KNN) Fit(f *zoo.Features) (*Fitted, error) {
	if err := labelled(f); err != nil {
		return nil, err
	}
	if k.K < 0 {
		return nil, fmt.Errorf("tlkit: KNN.K is %d; give the number of neighbours, or 0 for 5", k.K)
	}
	memory := &neighbours{k: k.neighbours(), classes: f.NumClasses}
	memory.learn(f)
	return &Fitted{width: f.Width(), logits: func(row []float32) []float32 { return memory.classify(row, -1) }}, nil
}

func labelled(f *zoo.Features) error {
	if f == nil || f.Len() == 0 || len(f.Labels) != f.Len() || f.NumClasses < 2 {
		return errors.New("tlkit: Fit needs features with labels of at least two classes; zoo.Model.Features of a split has them")
	}
	return nil
}

// Predict returns the most probable class of one row of features.
func (c *Fitted) Predict(row []float32) int { return numbers.Argmax(numbers.Softmax(c.logits(row))) }

// Accuracy returns the share of rows whose label is predicted, in [0, 1], and the mean cross-entropy of all rows.
func (c *Fitted) Accuracy(f *zoo.Features) (accuracy, loss float64, err error) {
	if err := labelled(f); err != nil {
		return 0, 0, err
	}
	if f.Width() != c.width {
		return 0, 0, fmt.Errorf("tlkit: features of width %d, the classifier was fitted on %d; read both at the same stage", f.Width(), c.width)
	}
	n := float64(f.Len())
	for i, label := range f.Labels {
		p := numbers.Softmax(c.logits(f.Row(i)))
		if numbers.Argmax(p) == label {
			accuracy += 1 / n
		}
		loss += numbers.NegLog(p[label]) / n
	}
	return accuracy, loss, nil
}
