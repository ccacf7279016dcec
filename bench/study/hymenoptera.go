package main

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"sync"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// ants returns ants and bees with MobileNetV1 x0.25 of ImageNet. Images are decoded once, and prepared for the network
// once if they are not augmented.
func (e env) ants() (*datasets.Dataset, *zoo.Model, error) { return e.antsFor(mobileNet) }

// antsFor does the same with another network.
func (e env) antsFor(n network) (*datasets.Dataset, *zoo.Model, error) {
	ds, err := datasets.Load("hymenoptera", datasets.Options{Dir: e.data("hymenoptera_data.zip"), SkipCheck: true})
	if err != nil {
		return nil, nil, err
	}
	for _, split := range []**datasets.Split{&ds.Train, &ds.Val} {
		if *split, err = remembered(*split, len(ds.Classes)); err != nil {
			return nil, nil, err
		}
	}
	m, err := n.load(e)
	return ds, m, err
}

// A network of the study of ants and bees.
type network struct {
	title, runs string // in captions, and at the start of the runs' names
	load        func(e env) (*zoo.Model, error)
	candidates  func() []candidate
	// always are the strategies that are measured on the validation images whatever cross-validation chooses.
	always []string
}

var mobileNet = network{title: "MobileNetV1 x0.25", runs: "bees", candidates: antCandidates, load: func(e env) (*zoo.Model, error) {
	return zoo.Load("mobilenet_v1_025", zoo.LoadOptions{Weights: e.data("mobilenetV1X0.25_pretrain.tar")})
}}

// liteNet is the network that install.sh brings along.
var liteNet = network{title: "EfficientNet-Lite0", runs: "lite0", candidates: liteCandidates, always: []string{"transfer", "ant-bee-head-first", "stage6-head-first-0.0003", "stage6-head-first-10"},
	load: func(env) (*zoo.Model, error) { return zoo.Load("efficientnet_lite0") }}

// liteHead is the output layer of liteNet alone, with weight decays to choose from.
var liteHead = network{title: "EfficientNet-Lite0", runs: "lite0-head", candidates: headCandidates, always: []string{"decay-0", "decay-0.03", "decay-0.1", "decay-0.3"},
	load: liteNet.load}

// ready returns a split of prepared images, each prepared once, for a model that takes them as they are.
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

// remembered returns a split that keeps its decoded images, because many runs read them.
func remembered(s *datasets.Split, classes int) (*datasets.Split, error) {
	var names []string
	images := make([]func() (*vision.Image, error), s.Len())
	for i := range images {
		names = append(names, s.Name(i))
		images[i] = sync.OnceValues(func() (*vision.Image, error) { return s.Image(i) })
	}
	return datasets.NewSplit(classes, names, s.Labels(), func(i int) (*vision.Image, error) { return images[i]() })
}

// varied returns a split with further copies of every image, each cropped and flipped at random, once and for all.
// Unlike with augmentation that differs in every epoch, the output of frozen layers for them can be computed once.
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

// A candidate is a way to train; cross-validation chooses one of them.
type candidate struct {
	about        string
	resize, crop int // of the images, in pixels
	copies       int // of every training image, see varied; 0: augmented by the recipe
	recipe       train.Recipe
	strategy     train.Strategy
}

// antCandidates are compared on the training images alone. Each has a name of its own.
func antCandidates() []candidate {
	crops := vision.Augment{ResizedCrop: true, Scale: [2]float64{0.25, 1}, HorizontalFlip: 0.5}
	careful := train.Recipe{Epochs: 8, BatchSize: 16, LabelSmoothing: 0.1, Average: 0.98, WeightDecay: 1e-4, Schedule: train.Schedule{Cosine: true, Warmup: 1}, Augment: crops}
	frozen := careful
	frozen.Augment = vision.Augment{}
	pytorch := train.Recipe{Epochs: 25, BatchSize: 4, Schedule: train.Schedule{StepEvery: 7}, Augment: vision.StandardAugment()}
	// ImageNet's classes include an ant and a bee.
	from := map[string]string{"ants": "ant", "bees": "bee"}
	return []candidate{
		{"PyTorch's tutorial: all layers", 256, 224, 0, pytorch, strategy.FineTune{Label: "tutorial", LearningRate: 0.001}},
		{"all layers", 256, 224, 0, careful, strategy.FineTune{Label: "all-0.01", LearningRate: 0.01}},
		{"output layer, on 3 varied copies", 256, 224, 3, train.Recipe{Epochs: 1}, strategy.LogisticRegression{L2: 1, Label: "logistic-1"}},
		{"last stage, begun from ant and bee, 3 varied copies", 256, 224, 3, frozen, strategy.FineTune{Label: "stage3-ant-bee", From: "stage3", LearningRate: 0.003, HeadFrom: from}},
		{"all layers, begun from ant and bee", 256, 224, 0, careful, strategy.FineTune{Label: "all-ant-bee-0.003", LearningRate: 0.003, HeadFrom: from}},
		{"all layers, begun from ant and bee", 256, 224, 0, careful, strategy.FineTune{Label: "all-ant-bee-0.01", LearningRate: 0.01, HeadFrom: from}},
		{"all layers, begun from ant and bee, at 256 pixels", 288, 256, 0, careful, strategy.FineTune{Label: "all-ant-bee-256", LearningRate: 0.003, HeadFrom: from}},
	}
}

// liteCandidates are those for EfficientNet-Lite0. A step of all its layers takes ten times as long as one of
// MobileNetV1 x0.25, so that fine-tuning begins with stage6: what is below is computed once.
func liteCandidates() []candidate {
	few := train.Recipe{Epochs: 6, BatchSize: 16, LabelSmoothing: 0.1, WeightDecay: 1e-4}
	from := map[string]string{"ants": "ant", "bees": "bee"}
	return []candidate{
		{"output layer", 256, 224, 0, train.Recipe{Epochs: 20}, strategy.Transfer{}},
		{"output layer", 256, 224, 0, train.Recipe{Epochs: 1}, strategy.LogisticRegression{}},
		{"output layer, begun from ant and bee", 256, 224, 0, train.Recipe{Epochs: 20}, strategy.Transfer{Label: "transfer-ant-bee", LearningRate: 0.0003, HeadFrom: from}},
		{"from stage6 on, begun from ant and bee, output layer first", 256, 224, 0, few,
			strategy.FineTune{Label: "ant-bee-head-first", From: "stage6", LearningRate: 0.0003, HeadFirst: 4, HeadRate: 0.0003, HeadFrom: from}},
		{"from stage6 on, output layer first, rate 0.003", 256, 224, 0, few, strategy.FineTune{Label: "stage6-head-first", From: "stage6", LearningRate: 0.003, HeadFirst: 4}},
		{"from stage6 on, output layer first, rate 0.0003", 256, 224, 0, few, strategy.FineTune{Label: "stage6-head-first-0.0003", From: "stage6", LearningRate: 0.0003, HeadFirst: 4}},
		{"from stage6 on at 0.0003, output layer first for 10 epochs, no smoothing of labels, averaged", 256, 224, 0, train.Recipe{Epochs: 14, BatchSize: 16, WeightDecay: 1e-4, Average: 0.98},
			strategy.FineTune{Label: "stage6-head-first-10", From: "stage6", LearningRate: 0.0003, HeadFirst: 10, HeadRate: 0.05}},
	}
}

// headCandidates are output layers on frozen features. Without weight decay, 244 images leave most of the random values
// of its 1,280 features as they were.
func headCandidates() (list []candidate) {
	for _, decay := range []float64{0, 0.03, 0.1, 0.3} {
		list = append(list, candidate{fmt.Sprintf("output layer, weight decay %g", decay), 256, 224, 0, train.Recipe{Epochs: 20, WeightDecay: decay},
			strategy.Transfer{Label: fmt.Sprint("decay-", decay)}})
	}
	return list
}

// ants holds the task of the hymenoptera study.
type ants struct {
	env
	network
	ds    *datasets.Dataset
	model *zoo.Model
	every []int // of the training images
}

// compare trains a candidate on some of the training images, and measures it on test after the last epoch.
func (a ants) compare(ctx context.Context, name string, c candidate, seeds int, images []int, test *datasets.Split) (*train.Result, error) {
	m, err := a.model.Clone()
	if err != nil {
		return nil, err
	}
	m.Preprocess.Resize, m.Preprocess.Crop = c.resize, c.crop
	in := a.ds.Train.Subset(images)
	if c.copies > 0 {
		classes := len(a.ds.Classes)
		if in, err = varied(in, classes, c.copies, c.resize); err != nil {
			return nil, err
		}
		if in, err = ready(in, classes, m.Preprocess); err != nil {
			return nil, err
		}
		if test, err = ready(test, classes, m.Preprocess); err != nil {
			return nil, err
		}
		m.Preprocess.Resize = m.Preprocess.Crop
	}
	r := a.recipe(c.recipe)
	r.Seeds, r.Restore = seeds, train.RestoreLast
	run, err := r.Compare(ctx, name, with(a.ds, "hymenoptera-"+name, in, test), m, c.strategy)
	if err != nil {
		return nil, err
	}
	return run.Results[0], nil
}

// hymenoptera chooses a recipe by three-fold cross-validation on the 244 training images, by the accuracy after the
// last epoch. It measures the recipe with several seeds, after the last epoch, on the 153 validation images, which
// chose nothing. It also measures the best recipe whose output layer begins at random.
func hymenoptera(ctx context.Context, e env) error { return e.hymenoptera(ctx, mobileNet) }

// hymenopteraLite does the same with the stronger network that install.sh brings along.
func hymenopteraLite(ctx context.Context, e env) error { return e.hymenoptera(ctx, liteNet) }

// hymenopteraHead does the same with its output layer alone.
func hymenopteraHead(ctx context.Context, e env) error { return e.hymenoptera(ctx, liteHead) }

func (e env) hymenoptera(ctx context.Context, n network) error {
	ds, m, err := e.antsFor(n)
	if err != nil {
		return err
	}
	a := ants{env: e, network: n, ds: ds, model: m, every: every(ds.Train)}
	all, err := a.crossValidate(ctx, n.candidates())
	if err != nil {
		return err
	}
	return a.finals(ctx, all)
}

// scored is a candidate with its mean accuracy and loss on the images that it was not trained on.
type scored struct {
	candidate
	accuracy, loss float64
}

// crossValidate prints the candidates' three-fold cross-validation and returns them, the best first.
func (a ants) crossValidate(ctx context.Context, candidates []candidate) ([]scored, error) {
	const folds = 3
	var rows [][]string
	var all []scored
	for _, c := range candidates {
		s := scored{candidate: c}
		var parts []float64
		for k := range folds {
			inside, outside := fold(a.ds.Train, k, folds)
			res, err := a.compare(ctx, fmt.Sprintf("%s-cv-%s-%d", a.runs, c.strategy.Name(), k), c, 0, inside, a.ds.Train.Subset(outside))
			if err != nil {
				return nil, err
			}
			last, _ := res.Last()
			share := float64(len(outside)) / float64(a.ds.Train.Len())
			s.accuracy, s.loss = s.accuracy+last.ValAccuracy*share, s.loss+last.ValLoss*share
			parts = append(parts, last.ValAccuracy)
		}
		all = append(all, s)
		rows = append(rows, []string{c.about, c.strategy.Name(), fmt.Sprintf("%.3f", s.accuracy), each(parts), fmt.Sprintf("%.3f", s.loss)})
	}
	markdown(a.table, fmt.Sprintf("%s on the 244 training images of hymenoptera: %d-fold cross-validation, one seed, last epoch", a.title, folds),
		[]string{"what is trained", "strategy", "accuracy", "each fold", "loss"}, rows)
	slices.SortStableFunc(all, func(a, b scored) int {
		return cmp.Or(cmp.Compare(b.accuracy, a.accuracy), cmp.Compare(a.loss, b.loss))
	})
	return all, nil
}

// finalist is a candidate that is measured on the validation images, and why.
type finalist struct {
	scored
	why string
}

// finalists are the best candidate, the best one whose output layer begins at random, and those that always are.
func (n network) finalists(all []scored) []finalist {
	chosen := []finalist{{all[0], "chosen: "}}
	random := slices.IndexFunc(all, func(s scored) bool {
		switch v := s.strategy.(type) {
		case strategy.FineTune:
			return v.HeadFrom == nil
		case strategy.Transfer:
			return v.HeadFrom == nil
		}
		return true
	})
	if random > 0 {
		chosen = append(chosen, finalist{all[random], "best that begins at random: "})
	}
	for i, s := range all {
		if i > 0 && i != random && slices.Contains(n.always, s.strategy.Name()) {
			chosen = append(chosen, finalist{s, ""})
		}
	}
	return chosen
}

// finals measures the finalists on the validation images, and the network as it is.
func (a ants) finals(ctx context.Context, all []scored) error {
	var rows [][]string
	for _, f := range a.finalists(all) {
		res, err := a.compare(ctx, a.runs+"-final-"+f.strategy.Name(), f.candidate, a.seeds, a.every, a.ds.Val)
		if err != nil {
			return err
		}
		rows = append(rows, []string{f.why + f.about, res.Strategy, band(lasts(res)), each(lasts(res))})
	}
	// The accuracy that ImageNet's ant and bee reach alone.
	if err := a.model.ReplaceHeadFrom(a.ds.Classes, map[string]string{"ants": "ant", "bees": "bee"}, 0); err != nil {
		return err
	}
	still, err := a.measure(ctx, a.runs+"-still", a.model, a.ds, a.ds.Val)
	if err != nil {
		return err
	}
	rows = append(rows, []string{"nothing: ImageNet's ant and bee as they are", "", band([]float64{still}), ""})
	markdown(a.table, fmt.Sprintf("The 153 validation images after training on all 244, %d seeds, last epoch: mean ± standard deviation (extremes); one image is 0.0065", a.seeds),
		[]string{"what is trained", "strategy", "accuracy", "each seed"}, rows)
	return nil
}

// fold returns the images of a split outside and inside part k of n parts; each class is divided evenly, in an order
// that does not follow the files' names.
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
