package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/insight"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// contestant is a model to rank, at a size at which many can be fine-tuned on a processor.
type contestant struct {
	title, name string
	size        int // of the input, in pixels
	weights     string
}

// contestants returns seven small models, from networks of photographs to random values.
func (e env) contestants() []contestant {
	return []contestant{
		{"efficientnet_lite0, ImageNet", "efficientnet_lite0", 64, ""},
		{"mobilenet_v1_025, ImageNet", "mobilenet_v1_025", 64, e.data("mobilenetV1X0.25_pretrain.tar")},
		{"resnet32, CIFAR-10", "resnet32", 32, e.data("resnet32-d509ac18.th")},
		{"resnet20, CIFAR-10", "resnet20", 32, e.data("resnet20-12fca82f.th")},
		{"resnet20, shapes", "resnet20.shapes", 32, ""},
		{"resnet20, random", "resnet20", 32, zoo.Random},
		{"mobilenet_v1_025, random", "mobilenet_v1_025", 64, zoo.Random},
	}
}

// ranks estimates how well seven models suit two data sets, fine-tunes each, and compares the orders by Kendall's tau
// (1 is the same order, 0 none, -1 the opposite).
func ranks(ctx context.Context, e env) error {
	sketches, err := datasets.Load("sketches")
	if err != nil {
		return err
	}
	ants, _, err := e.ants()
	if err != nil {
		return err
	}
	ants.Train = ants.Train.FirstPerClass(60)
	for _, d := range []*datasets.Dataset{sketches, ants} {
		if err := e.rank(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// rates are the fine-tunings of each model, of which the best one counts.
func rates() []train.Strategy {
	var list []train.Strategy
	for _, rate := range []float64{0.001, 0.003, 0.01} {
		list = append(list, strategy.FineTune{Label: fmt.Sprint("rate-", rate), LearningRate: rate, HeadFirst: 2})
	}
	return list
}

// rank is the study on one data set.
func (e env) rank(ctx context.Context, d *datasets.Dataset) error {
	var rows [][]string
	var all tlkit.Ranking
	var tuned []insight.Trained
	names := []string{"regression", "LogME", "H-score", "NCE"}
	estimates := make([][]float64, len(names)) // of each name, one a model
	for i, c := range e.contestants() {
		m, err := zoo.Load(c.name, zoo.LoadOptions{Weights: c.weights, Seed: 1})
		if err != nil {
			return err
		}
		m.Preprocess.Resize, m.Preprocess.Crop = c.size, c.size
		ranking, err := tlkit.Rank(d, m)
		if err != nil {
			return err
		}
		r := ranking[0]
		row := []string{c.title}
		for i, v := range []float64{r.Accuracy, r.LogME, r.HScore, r.NCE} {
			estimates[i] = append(estimates[i], v)
			row = append(row, strings.Replace(fmt.Sprintf("%.3f", v), "NaN", "-", 1))
		}
		recipe := e.recipe(train.Recipe{Epochs: 8, Schedule: train.Schedule{Cosine: true}})
		run, err := recipe.Compare(ctx, fmt.Sprintf("rank-%s-%d", d.Name, i), d, m, rates()...)
		if err != nil {
			return err
		}
		// As in the papers, a network is judged at the rate that suits it.
		accuracies := slices.MaxFunc([][]float64{lasts(run.Results[0]), lasts(run.Results[1]), lasts(run.Results[2])},
			func(a, b []float64) int { return cmp.Compare(stat.Mean(a, nil), stat.Mean(b, nil)) })
		all, tuned = append(all, r), append(tuned, insight.Outcome{Model: r.Model, Accuracy: stat.Mean(accuracies, nil)})
		rows = append(rows, append(row, band(accuracies)))
		m.Release()
	}
	last := []string{"**Kendall's tau**"}
	check, err := all.Against(tuned...)
	if err != nil {
		return err
	}
	for i, tau := range []float64{check.Accuracy, check.LogME, check.HScore, check.NCE} {
		last = append(last, agreement(tau, estimates[i]))
	}
	markdown(e.table, fmt.Sprintf("%s, %d training and %d validation images, %d classes; fine-tuning of 8 epochs, the output layer alone in the first 2, at the best of three rates, %d seeds: mean ± standard deviation (extremes)",
		d.Name, d.Train.Len(), d.Val.Len(), len(d.Classes), e.seeds), append(append([]string{"model"}, names...), "fine-tuned"), append(rows, append(last, "")))
	return nil
}

// agreement is Kendall's tau of an estimate as the table has it, with the number of models if some lack the estimate.
func agreement(tau float64, estimates []float64) string {
	have := 0
	for _, v := range estimates {
		if !math.IsNaN(v) {
			have++
		}
	}
	if have == len(estimates) {
		return fmt.Sprintf("%.2f", tau)
	}
	return fmt.Sprintf("%.2f (of %d)", tau, have)
}
