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

// antFeatures is the hymenoptera study with frozen features alone, which are computed once: five-fold cross-validation
// on the 244 training images chooses the classifier, and the 153 validation images measure it. Nothing in it is random.
// "and mirrored" adds the mirror image of every training image, and measures with the mean features of an image and its
// mirror image.
func antFeatures(_ context.Context, e env) error {
	ds, m, err := e.ants()
	if err != nil {
		return err
	}
	classes := len(ds.Classes)
	pre := m.Preprocess
	m.Preprocess.Resize = m.Preprocess.Crop // its input is prepared already
	var plain, mirrored [2]*zoo.Features    // of the training and the validation images
	for i, s := range []*datasets.Split{ds.Train, ds.Val} {
		prepared, err := ready(s, classes, pre)
		if err != nil {
			return err
		}
		if plain[i], err = m.Features(prepared, ""); err != nil {
			return err
		}
		var names []string
		for k := range s.Len() {
			names = append(names, s.Name(k))
		}
		flipped, err := datasets.NewSplit(classes, names, s.Labels(), func(k int) (*vision.Image, error) {
			image, err := prepared.Image(k)
			if err != nil {
				return nil, err
			}
			return vision.FlipHorizontal(image), nil
		})
		if err != nil {
			return err
		}
		if mirrored[i], err = m.Features(flipped, ""); err != nil {
			return err
		}
	}
	rowsAt := func(at []int, from ...*zoo.Features) *zoo.Features {
		out := &zoo.Features{Shape: from[0].Shape, NumClasses: classes}
		for _, f := range from {
			for _, i := range at {
				out.Values, out.Labels = append(out.Values, f.Row(i)...), append(out.Labels, f.Labels[i])
			}
		}
		return out
	}
	mean := func(at []int, a, b *zoo.Features) *zoo.Features {
		out := rowsAt(at, a)
		for k, i := range at {
			for j, v := range b.Row(i) {
				out.Row(k)[j] = (out.Row(k)[j] + v) / 2
			}
		}
		return out
	}
	every := func(f *zoo.Features) (at []int) {
		for i := range f.Len() {
			at = append(at, i)
		}
		return at
	}
	judge := func(f fitter, mirror bool, train, test []int, on int) (accuracy, loss float64, err error) {
		in, out := rowsAt(train, plain[0]), rowsAt(test, plain[on])
		if mirror {
			in, out = rowsAt(train, plain[0], mirrored[0]), mean(test, plain[on], mirrored[on])
		}
		c, err := f.Fit(in)
		if err != nil {
			return 0, 0, err
		}
		return c.Accuracy(out)
	}

	const folds = 5
	type option struct {
		name   string
		fit    fitter
		mirror bool
	}
	var options []option
	for _, mirror := range []bool{false, true} {
		suffix := map[bool]string{true: ", and mirrored"}[mirror]
		for _, k := range []int{1, 5, 15} {
			options = append(options, option{fmt.Sprintf("k-NN, k %d%s", k, suffix), strategy.KNN{K: k}, mirror})
		}
		for _, l2 := range []float64{0.01, 0.1, 1, 10} {
			options = append(options, option{fmt.Sprintf("logistic regression, L2 %g%s", l2, suffix), strategy.LogisticRegression{L2: l2}, mirror})
		}
	}
	var rows [][]string
	best, top, topLoss := 0, -1.0, 0.0
	for i, o := range options {
		accuracy, loss := 0.0, 0.0
		for k := range folds {
			inside, outside := fold(ds.Train, k, folds)
			a, l, err := judge(o.fit, o.mirror, inside, outside, 0)
			if err != nil {
				return err
			}
			share := float64(len(outside)) / float64(ds.Train.Len())
			accuracy, loss = accuracy+a*share, loss+l*share
		}
		a, _, err := judge(o.fit, o.mirror, every(plain[0]), every(plain[1]), 1)
		if err != nil {
			return err
		}
		rows = append(rows, []string{o.name, fmt.Sprintf("%.3f", accuracy), fmt.Sprintf("%.3f", loss), fmt.Sprintf("%.3f", a)})
		if accuracy > top+1e-9 || (accuracy > top-1e-9 && loss < topLoss) {
			best, top, topLoss = i, accuracy, loss
		}
	}
	rows[best][0] = "**chosen:** " + rows[best][0]
	markdown(e.table, fmt.Sprintf("Frozen features of MobileNetV1 x0.25 on hymenoptera: %d-fold cross-validation on the 244 training images, by which one is chosen, and the 153 validation images after training on all 244 (one image is 0.0065; two standard errors are 0.05)", folds),
		[]string{"classifier", "cross-validation", "its loss", "validation images"}, rows)
	return nil
}
