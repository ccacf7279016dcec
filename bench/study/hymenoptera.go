package main

import (
	"context"
	"fmt"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// ants returns ants and bees with MobileNetV1 x0.25 of ImageNet, on images of the given size in pixels.
func (e env) ants(size int) (*datasets.Dataset, *zoo.Model, error) {
	ds, err := datasets.Load("hymenoptera", datasets.Options{Dir: e.data("hymenoptera_data.zip"), SkipCheck: true})
	if err != nil {
		return nil, nil, err
	}
	m, err := zoo.Load("mobilenet_v1_025", zoo.LoadOptions{Weights: e.data("mobilenetV1X0.25_pretrain.tar")})
	if err != nil {
		return nil, nil, err
	}
	m.Preprocess.Resize, m.Preprocess.Crop = size*8/7, size
	return ds, m, nil
}

// candidate is a way to train that cross-validation may choose.
type candidate struct {
	name     string
	size     int // of the images, in pixels
	recipe   train.Recipe
	strategy train.Strategy
}

// antCandidates are compared on the training images alone.
func antCandidates() []candidate {
	still := train.Recipe{Epochs: 1}
	tuned := train.Recipe{Epochs: 12, BatchSize: 16, LabelSmoothing: 0.1, Average: 0.98, WeightDecay: 1e-4,
		Schedule: train.Schedule{Cosine: true, Warmup: 1},
		Augment:  vision.Augment{ResizedCrop: true, Scale: [2]float64{0.25, 1}, HorizontalFlip: 0.5}}
	return []candidate{
		{"k-NN", 224, still, train.KNN{}},
		{"logistic regression", 224, still, train.LogisticRegression{}},
		{"logistic regression, 256 pixels", 256, still, train.LogisticRegression{}},
		{"logistic regression, 288 pixels", 288, still, train.LogisticRegression{}},
		{"fine-tuning at 0.003", 224, tuned, train.FineTune{LearningRate: 0.003}},
		{"fine-tuning at 0.01", 224, tuned, train.FineTune{LearningRate: 0.01}},
		{"head first, then all at 0.003", 224, tuned, train.FineTune{LearningRate: 0.003, HeadFirst: 3}},
	}
}

// hymenoptera chooses a recipe by three-fold cross-validation on the 244 training images, by the accuracy after the last
// epoch, and judges it, by several seeds and after the last epoch, on the 153 validation images, which chose nothing.
func hymenoptera(ctx context.Context, e env) error {
	const folds = 3
	var rows [][]string
	var chosen candidate
	best, bestLoss := -1.0, 0.0
	for i, c := range antCandidates() {
		ds, m, err := e.ants(c.size)
		if err != nil {
			return err
		}
		r := e.recipe(c.recipe)
		r.Seeds, r.Restore = 0, train.RestoreLast
		hits, loss := 0.0, 0.0
		var each []string
		for k := range folds {
			in, out := fold(ds.Train, k, folds)
			run, err := r.Compare(ctx, fmt.Sprintf("ants-cv-%d-%d", i, k), with(ds, fmt.Sprintf("hymenoptera-fold-%d", k), in, out), m, c.strategy)
			if err != nil {
				return err
			}
			last, _ := run.Results[0].Last()
			hits += last.ValAccuracy * float64(out.Len())
			loss += last.ValLoss * float64(out.Len())
			each = append(each, fmt.Sprintf("%.3f", last.ValAccuracy))
		}
		n := float64(ds.Train.Len())
		accuracy := hits / n
		rows = append(rows, []string{c.name, fmt.Sprintf("%.3f", accuracy), fmt.Sprint(each), fmt.Sprintf("%.3f", loss/n)})
		if accuracy > best || (accuracy == best && loss < bestLoss) {
			best, bestLoss, chosen = accuracy, loss, c
		}
	}
	markdown(e.table, fmt.Sprintf("MobileNetV1 x0.25 on the 244 training images of hymenoptera, %d-fold cross-validation, one seed, last epoch", folds),
		[]string{"recipe", "accuracy", "each fold", "loss"}, rows)

	rows = nil
	for _, c := range append(antCandidates()[:2], chosen) {
		ds, m, err := e.ants(c.size)
		if err != nil {
			return err
		}
		r := e.recipe(c.recipe)
		r.Restore = train.RestoreLast
		name := "ants-final"
		if c.name != chosen.name {
			name, r.Seeds = "ants-final-"+c.strategy.Name(), 0 // the baselines draw nothing at random
		}
		run, err := r.Compare(ctx, name, ds, m, c.strategy)
		if err != nil {
			return err
		}
		what := c.name
		if name == "ants-final" {
			what += " (chosen)"
		}
		rows = append(rows, []string{what, band(lasts(run.Results[0])), each(lasts(run.Results[0]))})
	}
	markdown(e.table, fmt.Sprintf("The 153 validation images after training on all 244, %d seeds, last epoch: mean ± standard deviation (extremes); one image is 0.0065", e.seeds),
		[]string{"recipe", "accuracy", "each seed"}, rows)
	return nil
}

// fold returns the images of a split outside and inside part k of n parts; every class is spread evenly, in an order that
// does not follow the files' names.
func fold(s *datasets.Split, k, n int) (in, out *datasets.Split) {
	var inside, outside []int
	seen := map[int]int{}
	for _, i := range vision.NewRand(0, 0x666f6c6473).Perm(s.Len()) {
		c := s.Label(i)
		if seen[c]%n == k {
			outside = append(outside, i)
		} else {
			inside = append(inside, i)
		}
		seen[c]++
	}
	return s.Subset(inside), s.Subset(outside)
}
