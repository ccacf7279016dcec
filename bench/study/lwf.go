package main

import (
	"context"
	"fmt"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// lwf trains the embedded ResNet-20, which was trained on the built-in shapes, on the built-in sketches by each of the
// paper's methods (Li and Hoiem 2016, arXiv 1606.09282, table 1), and by EWC, at equal learning rates and epochs, each
// with its default weight. All are measured after the last epoch.
func lwf(ctx context.Context, e env) error {
	shapes, err := datasets.Load("shapes")
	if err != nil {
		return err
	}
	sketches, m, err := builtIn()
	if err != nil {
		return err
	}
	// Half of the validation images of each task: both are evaluated after every epoch.
	shapes.Val, sketches.Val = shapes.Val.FirstPerClass(32), sketches.Val.FirstPerClass(30)
	before, err := e.measure(ctx, "lwf-before", m, shapes, shapes.Val)
	if err != nil {
		return err
	}
	const rate = 0.01
	run, err := e.recipe(train.Recipe{Epochs: 10, Schedule: train.Schedule{Cosine: true}}).Compare(ctx, "lwf", sketches, m,
		strategy.LwF{Old: shapes, LearningRate: rate},
		strategy.FineTune{Old: shapes, LearningRate: rate},
		strategy.FineTune{Label: "finetune-warm", Old: shapes, LearningRate: rate, HeadFirst: 2},
		strategy.Transfer{Old: shapes},
		strategy.Joint{Old: shapes, LearningRate: rate},
		strategy.EWC{Old: shapes, LearningRate: rate})
	if err != nil {
		return err
	}
	var rows [][]string
	for _, res := range run.Results {
		var old []float64
		for _, one := range res.Seeds() {
			if last, ok := one.Last(); ok {
				old = append(old, last.Also[strategy.OldAccuracy])
			}
		}
		rows = append(rows, []string{res.Strategy, band(old), band(lasts(res))})
	}
	markdown(e.table, fmt.Sprintf("Shapes (old, %d validation images, %.3f before) and sketches (new, %d) with resnet20.shapes, %d seeds: mean ± standard deviation (extremes)",
		shapes.Val.Len(), before, sketches.Val.Len(), e.seeds), []string{"method", "old task", "new task"}, rows)
	return nil
}
