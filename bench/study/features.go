package main

import (
	"context"
	"fmt"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// fitter is a baseline that is fitted on features.
type fitter interface {
	Fit(f *zoo.Features) (*strategy.Fitted, error)
}

// frozen holds the features of the training (0) and validation (1) images of hymenoptera, and of their mirror images.
type frozen struct {
	classes         int
	plain, mirrored [2]*zoo.Features
}

// frozenAnts computes the features once.
func (e env) frozenAnts(n network) (*datasets.Dataset, frozen, error) {
	ds, m, err := e.antsFor(n)
	if err != nil {
		return nil, frozen{}, err
	}
	f := frozen{classes: len(ds.Classes)}
	pre := m.Preprocess
	m.Preprocess.Resize = m.Preprocess.Crop // its input is prepared already
	for i, s := range []*datasets.Split{ds.Train, ds.Val} {
		prepared, err := ready(s, f.classes, pre)
		if err != nil {
			return nil, frozen{}, err
		}
		if f.plain[i], err = m.Features(prepared, ""); err != nil {
			return nil, frozen{}, err
		}
		flipped, err := mirror(prepared, f.classes)
		if err != nil {
			return nil, frozen{}, err
		}
		if f.mirrored[i], err = m.Features(flipped, ""); err != nil {
			return nil, frozen{}, err
		}
	}
	return ds, f, nil
}

// mirror returns the mirror images of a split.
func mirror(s *datasets.Split, classes int) (*datasets.Split, error) {
	var names []string
	for i := range s.Len() {
		names = append(names, s.Name(i))
	}
	return datasets.NewSplit(classes, names, s.Labels(), func(i int) (*vision.Image, error) {
		image, err := s.Image(i)
		if err != nil {
			return nil, err
		}
		return vision.FlipHorizontal(image), nil
	})
}

// rows returns the features of some images, of one set after the other.
func (f frozen) rows(at []int, from ...*zoo.Features) *zoo.Features {
	out := &zoo.Features{Shape: from[0].Shape, NumClasses: f.classes}
	for _, set := range from {
		for _, i := range at {
			out.Values, out.Labels = append(out.Values, set.Row(i)...), append(out.Labels, set.Labels[i])
		}
	}
	return out
}

// mean returns the mean features of some images and their mirror images.
func (f frozen) mean(at []int, set int) *zoo.Features {
	out := f.rows(at, f.plain[set])
	for k, i := range at {
		for j, v := range f.mirrored[set].Row(i) {
			out.Row(k)[j] = (out.Row(k)[j] + v) / 2
		}
	}
	return out
}

// antOption is a classifier to choose from. With mirror, it also learns the mirror image of every training image, and
// classifies the mean features of an image and its mirror image.
type antOption struct {
	name   string
	fit    fitter
	mirror bool
}

func antOptions() (all []antOption) {
	for _, mirror := range []bool{false, true} {
		suffix := map[bool]string{true: ", and mirrored"}[mirror]
		for _, k := range []int{1, 5, 15} {
			all = append(all, antOption{fmt.Sprintf("k-NN, k %d%s", k, suffix), strategy.KNN{K: k}, mirror})
		}
		for _, l2 := range []float64{0.01, 0.1, 1, 10} {
			all = append(all, antOption{fmt.Sprintf("logistic regression, L2 %g%s", l2, suffix), strategy.LogisticRegression{L2: l2}, mirror})
		}
	}
	return all
}

// accuracy fits an option on training images and measures it on images of a set.
func (f frozen) accuracy(o antOption, train, test []int, set int) (accuracy, loss float64, err error) {
	in, out := f.rows(train, f.plain[0]), f.rows(test, f.plain[set])
	if o.mirror {
		in, out = f.rows(train, f.plain[0], f.mirrored[0]), f.mean(test, set)
	}
	c, err := o.fit.Fit(in)
	if err != nil {
		return 0, 0, err
	}
	return c.Accuracy(out)
}

// antFeatures is the hymenoptera study with frozen features alone: five-fold cross-validation on the 244 training
// images chooses the classifier, and the 153 validation images measure it. Nothing in it is random.
func antFeatures(_ context.Context, e env) error { return e.antFeatures(mobileNet) }

// antFeaturesLite does the same with EfficientNet-Lite0.
func antFeaturesLite(_ context.Context, e env) error { return e.antFeatures(liteNet) }

func (e env) antFeatures(n network) error {
	ds, f, err := e.frozenAnts(n)
	if err != nil {
		return err
	}
	const folds = 5
	var rows [][]string
	best, top, topLoss := 0, -1.0, 0.0
	for i, o := range antOptions() {
		accuracy, loss := 0.0, 0.0
		for k := range folds {
			inside, outside := fold(ds.Train, k, folds)
			a, l, err := f.accuracy(o, inside, outside, 0)
			if err != nil {
				return err
			}
			share := float64(len(outside)) / float64(ds.Train.Len())
			accuracy, loss = accuracy+a*share, loss+l*share
		}
		a, _, err := f.accuracy(o, every(ds.Train), every(ds.Val), 1)
		if err != nil {
			return err
		}
		rows = append(rows, []string{o.name, fmt.Sprintf("%.3f", accuracy), fmt.Sprintf("%.3f", loss), fmt.Sprintf("%.3f", a)})
		if accuracy > top+1e-9 || (accuracy > top-1e-9 && loss < topLoss) {
			best, top, topLoss = i, accuracy, loss
		}
	}
	rows[best][0] = "**chosen:** " + rows[best][0]
	markdown(e.table, fmt.Sprintf("Frozen features of %s on hymenoptera: %d-fold cross-validation on the 244 training images, by which one is chosen, and the 153 validation images after training on all 244 (one image is 0.0065; two standard errors are 0.05)", n.title, folds),
		[]string{"classifier", "cross-validation", "its loss", "validation images"}, rows)
	return nil
}

// every lists all images of a split.
func every(s *datasets.Split) (at []int) {
	for i := range s.Len() {
		at = append(at, i)
	}
	return at
}
