package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"sync"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// ants returns ants and bees with MobileNetV1 x0.25 of ImageNet. Images are decoded once, and made ready for the network
// once where they are not to be varied.
func (e env) ants() (*datasets.Dataset, *zoo.Model, error) {
	ds, err := datasets.Load("hymenoptera", datasets.Options{Dir: e.data("hymenoptera_data.zip"), SkipCheck: true})
	if err != nil {
		return nil, nil, err
	}
	for _, split := range []**datasets.Split{&ds.Train, &ds.Val} {
		if *split, err = remembered(*split, len(ds.Classes)); err != nil {
			return nil, nil, err
		}
	}
	m, err := zoo.Load("mobilenet_v1_025", zoo.LoadOptions{Weights: e.data("mobilenetV1X0.25_pretrain.tar")})
	return ds, m, err
}

// ready returns a split of prepared images, each prepared once, and lets the model take them as they are.
func ready(s *datasets.Split, classes int, pre vision.Preprocess) (*datasets.Split, error) {
	var names []string
	for i := range s.Len() {
		names = append(names, s.Name(i))
	}
	prepared, err := datasets.NewSplit(classes, names, s.Labels(), func(i int) (*vision.Image, error) {
		m, err := s.Image(i)
		if err != nil {
			return nil, err
		}
		return pre.Apply(m), nil
	})
	if err != nil {
		return nil, err
	}
	return remembered(prepared, classes)
}

// remembered keeps the decoded images of a split: many runs read them.
func remembered(s *datasets.Split, classes int) (*datasets.Split, error) {
	var names []string
	images := make([]func() (*vision.Image, error), s.Len())
	for i := range images {
		names = append(names, s.Name(i))
		images[i] = sync.OnceValues(func() (*vision.Image, error) { return s.Image(i) })
	}
	return datasets.NewSplit(classes, names, s.Labels(), func(i int) (*vision.Image, error) { return images[i]() })
}

// varied returns a split with further copies of every image, each cut out and flipped at random once and for all: unlike
// augmentation that differs in every epoch, the output of frozen layers for them can be computed once.
func varied(s *datasets.Split, classes, copies, size int) (*datasets.Split, error) {
	augment := vision.Augment{ResizedCrop: true, Scale: [2]float64{0.25, 1}, HorizontalFlip: 0.5}
	var names []string
	var labels []int
	for k := range copies + 1 {
		for i := range s.Len() {
			names, labels = append(names, fmt.Sprintf("%s#%d", s.Name(i), k)), append(labels, s.Label(i))
		}
	}
	return datasets.NewSplit(classes, names, labels, func(i int) (*vision.Image, error) {
		m, err := s.Image(i % s.Len())
		if k := i / s.Len(); err == nil && k > 0 {
			m = augment.Apply(vision.NewRand(uint64(k), 0x766172, hash(s.Name(i%s.Len()))), m, size, vision.Bilinear)
		}
		return m, err
	})
}

func hash(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64()
}

// candidates are ways to train on the same images by the same recipe, of which cross-validation may choose one.
type candidates struct {
	about      string
	copies     int // of every training image; see varied
	recipe     train.Recipe
	strategies []train.Strategy
}

// antCandidates are compared on the training images alone. The stages before the last one stay frozen, and the copies
// the same in every epoch, so that what they give is computed once.
func antCandidates() []candidates {
	late := train.Recipe{Epochs: 5, LabelSmoothing: 0.1, Average: 0.98, WeightDecay: 1e-4, Schedule: train.Schedule{Cosine: true}}
	return []candidates{
		{"last stage and output layer, 3 varied copies, 5 epochs", 3, late, []train.Strategy{
			train.FineTune{Label: "rate-0.003", From: "stage3", LearningRate: 0.003}, train.FineTune{Label: "rate-0.01", From: "stage3", LearningRate: 0.01}}},
		{"output layer, 3 varied copies", 3, train.Recipe{Epochs: 1}, []train.Strategy{train.LogisticRegression{L2: 1, Label: "logistic-1"}}},
	}
}

// hymenoptera chooses a recipe by three-fold cross-validation on the 244 training images, by the accuracy after the last
// epoch, and judges it, by several seeds and after the last epoch, on the 153 validation images, which chose nothing.
func hymenoptera(ctx context.Context, e env) error {
	const folds = 3
	ds, m, err := e.ants()
	if err != nil {
		return err
	}
	classes := len(ds.Classes)
	n := float64(ds.Train.Len())
	// The copies are made of the images as they are; the k-th copies of a fold are those of the whole split.
	all, err := varied(ds.Train, classes, 3, m.Preprocess.Resize)
	if err != nil {
		return err
	}
	if all, err = ready(all, classes, m.Preprocess); err != nil {
		return err
	}
	if ds.Val, err = ready(ds.Val, classes, m.Preprocess); err != nil {
		return err
	}
	m.Preprocess.Resize = m.Preprocess.Crop
	copied := func(images []int, copies int) *datasets.Split {
		var at []int
		for k := range copies + 1 {
			for _, i := range images {
				at = append(at, k*ds.Train.Len()+i)
			}
		}
		return all.Subset(at)
	}
	var every []int
	for i := range ds.Train.Len() {
		every = append(every, i)
	}
	var rows [][]string
	var chosen candidates
	best, bestLoss := -1.0, 0.0
	for i, c := range antCandidates() {
		r := e.recipe(c.recipe)
		r.Seeds, r.Restore = 0, train.RestoreLast
		accuracy, loss, parts := make([]float64, len(c.strategies)), make([]float64, len(c.strategies)), make([][]float64, len(c.strategies))
		for k := range folds {
			inside, outside := fold(ds.Train, k, folds)
			in, out := copied(inside, c.copies), copied(outside, 0)
			run, err := r.Compare(ctx, fmt.Sprintf("bees-cv-%d-%d", i, k), with(ds, fmt.Sprintf("hymenoptera-fold-%d", k), in, out), m, c.strategies...)
			if err != nil {
				return err
			}
			for j, res := range run.Results {
				last, _ := res.Last()
				accuracy[j] += last.ValAccuracy * float64(out.Len()) / n
				loss[j] += last.ValLoss * float64(out.Len()) / n
				parts[j] = append(parts[j], last.ValAccuracy)
			}
		}
		for j, s := range c.strategies {
			rows = append(rows, []string{c.about, s.Name(), fmt.Sprintf("%.3f", accuracy[j]), each(parts[j]), fmt.Sprintf("%.3f", loss[j])})
			if accuracy[j] > best || (accuracy[j] == best && loss[j] < bestLoss) {
				best, bestLoss, chosen = accuracy[j], loss[j], c
				chosen.strategies = []train.Strategy{s}
			}
		}
	}
	markdown(e.table, fmt.Sprintf("MobileNetV1 x0.25 on the 244 training images of hymenoptera: %d-fold cross-validation, one seed, last epoch", folds),
		[]string{"what is trained", "strategy", "accuracy", "each fold", "loss"}, rows)

	rows = nil
	final := func(name string, c candidates, seeds int) error {
		many := *ds
		many.Train = copied(every, c.copies)
		r := e.recipe(c.recipe)
		r.Seeds, r.Restore = seeds, train.RestoreLast
		run, err := r.Compare(ctx, name, &many, m, c.strategies...)
		if err != nil {
			return err
		}
		for _, res := range run.Results {
			rows = append(rows, []string{c.about, res.Strategy, band(lasts(res)), each(lasts(res))})
		}
		return nil
	}
	chosen.about = "chosen: " + chosen.about
	if err := final("bees-final", chosen, e.seeds); err != nil {
		return err
	}
	markdown(e.table, fmt.Sprintf("The 153 validation images after training on all 244, %d seeds, last epoch: mean ± standard deviation (extremes); one image is 0.0065", e.seeds),
		[]string{"what is trained", "strategy", "accuracy", "each seed"}, rows)
	return nil
}

// fold returns the images of a split outside and inside part k of n parts; every class is spread evenly, in an order that
// does not follow the files' names.
func fold(s *datasets.Split, k, n int) (inside, outside []int) {
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
	return inside, outside
}
