package main

import (
	"bytes"
	"context"
	"fmt"
	"image/jpeg"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// jpegs are the CIFAR-10 JPEGs of the shared folder: 1,000 training images per class and 10,000 test images. The
// weights were trained on the uncompressed images, including those of the training split.
type jpegs struct {
	all   *datasets.Dataset
	model *zoo.Model
}

func (e env) jpegs() (j jpegs, err error) {
	if j.all, err = datasets.ImageFolder(e.data("cifar10_jpg.zip"), datasets.Options{SkipCheck: true, ValFraction: -1}); err != nil {
		return j, err
	}
	if j.all.Test == nil {
		return j, fmt.Errorf("%s has no test images", j.all.Source)
	}
	j.model, err = zoo.Load("resnet20", zoo.LoadOptions{Weights: e.data("resnet20-12fca82f.th")})
	return j, err
}

// part returns the images with the numbers from to to-1 of each class.
func part(s *datasets.Split, from, to int) *datasets.Split {
	seen := map[int]int{}
	var at []int
	for i := range s.Len() {
		c := s.Label(i)
		if seen[c] >= from && seen[c] < to {
			at = append(at, i)
		}
		seen[c]++
	}
	return s.Subset(at)
}

// with returns the data set with another name and other splits, without a test split.
func with(ds *datasets.Dataset, name string, train, val *datasets.Split) *datasets.Dataset {
	d := *ds
	d.Name, d.Train, d.Val, d.Test = name, train, val, nil
	return &d
}

// measure returns the accuracy of a model on a split, computed once and stored under the name.
func (e env) measure(ctx context.Context, name string, m *zoo.Model, ds *datasets.Dataset, test *datasets.Split) (float64, error) {
	r := train.Recipe{Epochs: 1, Dir: e.out, Quiet: true}
	one := ds.Train.Subset([]int{0}) // a run needs training images; nothing is trained on it
	run, err := r.Compare(ctx, name, with(ds, ds.Name, one, test), m, strategy.SourceOnly{})
	if err != nil {
		return 0, err
	}
	last, _ := run.Results[0].Last()
	return last.ValAccuracy, nil
}

// tested returns, for every strategy of a run, the accuracies of the seeds' models of the best epoch on a split.
func (e env) tested(ctx context.Context, run *train.Run, ds *datasets.Dataset, test *datasets.Split) (map[string][]float64, error) {
	found := map[string][]float64{}
	for _, res := range run.Results {
		for _, one := range res.Seeds() {
			m, err := one.Model()
			if err != nil {
				return nil, err
			}
			v, err := e.measure(ctx, fmt.Sprintf("%s-test-%s-%d", run.Name, res.Strategy, one.Seed), m, ds, test)
			if err != nil {
				return nil, err
			}
			found[res.Strategy] = append(found[res.Strategy], v)
		}
	}
	return found, nil
}

// cifarRows are the rows of the study's table.
type cifarRows [][]string

func (r *cifarRows) add(name, images string, values []float64) {
	*r = append(*r, []string{name, images, band(values), each(values)})
}

// cifar trains on 200 labelled images per class with the recipe of peer/cifar_jpg.py; the best epoch is chosen on 100
// others per class. Then it trains on 900 per class with the recipe that is best on those 100 when trained on the 200,
// by one seed.
func cifar(ctx context.Context, e env) error {
	j, err := e.jpegs()
	if err != nil {
		return err
	}
	var rows cifarRows
	val := part(j.all.Train, 900, 1000)
	few := with(j.all, "cifar-jpeg-200", part(j.all.Train, 0, 200), val)
	many := with(j.all, "cifar-jpeg-900", part(j.all.Train, 0, 900), val)
	for _, work := range []func() error{
		func() error { return e.cifarUnlabelled(ctx, j, &rows) },
		func() error { return e.cifarFew(ctx, j, few, &rows) },
		func() error { return e.cifarMany(ctx, j, few, many, &rows) },
	} {
		if err := work(); err != nil {
			return err
		}
	}
	markdown(e.table, fmt.Sprintf("ResNet-20 (CIFAR-10 weights) on the %d test JPEGs, %d seeds: mean ± standard deviation (extremes)", j.all.Test.Len(), e.seeds),
		[]string{"method", "target images", "test accuracy", "each seed"}, rows)
	return nil
}

// cifarUnlabelled measures the network as it is, and with the statistics of unlabelled images.
func (e env) cifarUnlabelled(ctx context.Context, j jpegs, rows *cifarRows) error {
	test := j.all.Test
	as, err := e.measure(ctx, "cifar-as-it-is", j.model, j.all, test)
	if err != nil {
		return err
	}
	rows.add("source only", "none", []float64{as})
	r := e.recipe(train.Recipe{Epochs: 1})
	r.Seeds = 0 // nothing is drawn at random
	adapted, err := r.Compare(ctx, "cifar-adabn", with(j.all, "cifar-jpeg", j.all.Train, test), j.model,
		strategy.AdaBN{Augment: vision.CIFARAugment()}, strategy.AdaBN{Label: "adabn-plain"})
	if err != nil {
		return err
	}
	for i, name := range []string{"AdaBN, images shifted and flipped as in the network's training", "AdaBN, images as they are"} {
		last, _ := adapted.Results[i].Last()
		rows.add(name, "1,000 per class, no labels", []float64{last.ValAccuracy})
	}
	return nil
}

// cifarFew trains on 200 images per class.
func (e env) cifarFew(ctx context.Context, j jpegs, few *datasets.Dataset, rows *cifarRows) error {
	run, err := e.recipe(train.Recipe{Epochs: 5}).Compare(ctx, "cifar-200", few, j.model,
		strategy.Transfer{LearningRate: 0.01}, strategy.FineTune{LearningRate: 0.01, KeepHead: true})
	if err != nil {
		return err
	}
	found, err := e.tested(ctx, run, j.all, j.all.Test)
	if err != nil {
		return err
	}
	rows.add("transfer (new output layer)", "200 per class", found["transfer"])
	rows.add("fine-tuning (output layer kept)", "200 per class", found["finetune"])
	return nil
}

// cifarMany trains on 900 images per class, with the recipe that has the best validation accuracy of one
// seed on the few images.
func (e env) cifarMany(ctx context.Context, j jpegs, few, many *datasets.Dataset, rows *cifarRows) error {
	schedule := train.Recipe{Epochs: 3, Schedule: train.Schedule{Cosine: true}, WeightDecay: 1e-4}
	schedule.Augment.HorizontalFlip = 0.5
	candidates := []train.Strategy{
		strategy.FineTune{Label: "rate-0.003", LearningRate: 0.003, KeepHead: true},
		strategy.FineTune{Label: "rate-0.01", LearningRate: 0.01, KeepHead: true},
		strategy.FineTune{Label: "rate-0.03", LearningRate: 0.03, KeepHead: true},
	}
	trial := e.recipe(schedule)
	trial.Seeds = 0
	run, err := trial.Compare(ctx, "cifar-choice", few, j.model, candidates...)
	if err != nil {
		return err
	}
	best := run.Best()
	for _, res := range run.Results {
		b, _ := res.Best()
		fmt.Fprintf(e.table, "choice of the recipe, one seed, validation: %s %.4f\n", res.Strategy, b.ValAccuracy)
	}
	chosen := candidates[slices.IndexFunc(candidates, func(c train.Strategy) bool { return c.Name() == best.Strategy })]
	if run, err = e.recipe(schedule).Compare(ctx, "cifar-900", many, j.model, chosen); err != nil {
		return err
	}
	found, err := e.tested(ctx, run, j.all, j.all.Test)
	if err != nil {
		return err
	}
	rows.add("best recipe ("+best.Strategy+", cosine, flips)", "900 per class + 100 to choose", found[best.Strategy])
	return nil
}

// degraded returns the images of a split after a further JPEG compression at the given quality.
func degraded(s *datasets.Split, classes, quality int) (*datasets.Split, error) {
	var names []string
	for i := range s.Len() {
		names = append(names, fmt.Sprintf("%s-q%d", s.Name(i), quality))
	}
	return datasets.NewSplit(classes, names, s.Labels(), func(i int) (*vision.Image, error) {
		m, err := s.Image(i)
		if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		if err := jpeg.Encode(&b, m.ToImage(), &jpeg.Options{Quality: quality}); err != nil {
			return nil, err
		}
		return vision.Decode(&b)
	})
}

// shift studies unsupervised domain adaptation with a labelled source, which the shared folder has for the JPEGs alone:
// the source is 100 of them per class, the target 100 others per class, compressed once more at quality 10. Only the
// upper control uses the target's labels. Accuracies are those after the last epoch; the target chooses nothing.
func shift(ctx context.Context, e env) error {
	j, err := e.jpegs()
	if err != nil {
		return err
	}
	const quality = 10
	classes := len(j.all.Classes)
	targetTrain, err := degraded(part(j.all.Train, 100, 200), classes, quality)
	if err != nil {
		return err
	}
	targetTest, err := degraded(j.all.Test.FirstPerClass(200), classes, quality)
	if err != nil {
		return err
	}
	source := with(j.all, "cifar-jpeg-source", part(j.all.Train, 0, 100), nil)
	target := with(j.all, "cifar-jpeg-q10", targetTrain, targetTest)
	recipe := train.Recipe{Epochs: 3, Schedule: train.Schedule{Cosine: true}}
	one := e.recipe(recipe)
	one.Seeds = 0
	still, err := one.Compare(ctx, "shift-still", target, j.model, strategy.SourceOnly{},
		strategy.AdaBN{Augment: vision.CIFARAugment()}, strategy.AdaBN{Label: "adabn-plain"})
	if err != nil {
		return err
	}
	const rate = 0.01
	run, err := e.recipe(recipe).Compare(ctx, "shift", target, j.model,
		strategy.SourceOnly{Source: source, LearningRate: rate},
		strategy.DeepCORAL{Source: source, LearningRate: rate},
		strategy.DeepCORAL{Source: source, LearningRate: rate, Logits: true, Label: "coral-logits"},
		strategy.DANN{Source: source, LearningRate: rate},
		strategy.TargetSupervised{LearningRate: rate})
	if err != nil {
		return err
	}
	about := map[string]string{
		"source-only": "source's labels", "coral": "source's labels, target's images", "coral-logits": "the same, the paper's layer", "dann": "source's labels, target's images",
		"adabn": "target's images, shifted and flipped as in the network's training", "adabn-plain": "target's images", "target-supervised": "target's labels",
	}
	var rows [][]string
	row := func(name, uses string, values []float64) {
		rows = append(rows, []string{name, uses, band(values), each(values)})
	}
	for _, res := range still.Results {
		last, _ := res.Last()
		name, uses := res.Strategy, about[res.Strategy]
		if name == "source-only" {
			name, uses = "pretrained as it is", "nothing"
		}
		row(name, uses, []float64{last.ValAccuracy})
	}
	for _, res := range run.Results {
		row(res.Strategy, about[res.Strategy], lasts(res))
	}
	markdown(e.table, fmt.Sprintf("Domain adaptation to CIFAR-10 at JPEG quality %d, %d target test images, %d seeds, last epoch: mean ± standard deviation (extremes)", quality, targetTest.Len(), e.seeds),
		[]string{"method", "uses", "accuracy", "each seed"}, rows)
	fmt.Fprintln(e.table, "\n"+strings.TrimSpace(run.Verdict()))
	return nil
}

// lasts returns the validation accuracies of the seeds' last epochs.
func lasts(res *train.Result) (values []float64) {
	for _, one := range res.Seeds() {
		if last, ok := one.Last(); ok {
			values = append(values, last.ValAccuracy)
		}
	}
	return values
}
