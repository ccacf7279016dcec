package train

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/classnames"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TopLosses shows the n images of the highest loss of an evaluated split: the mistakes that cost most, and often the
// wrong labels. The split must be the evaluated one.
func (e *Evaluation) TopLosses(split *datasets.Split, n int) (plots.Figure, error) {
	items, err := e.predicted(split, func(order []int) []int { return order[:min(max(n, 0), len(order))] })
	if err != nil {
		return nil, err
	}
	return plots.TopLosses(items, n), nil
}

// TopLossesByClass shows, for each class, the n images of the highest loss; see [plots.TopLossesByClass]. The split
// must be the evaluated one.
func (e *Evaluation) TopLossesByClass(split *datasets.Split, n int) (plots.Figure, error) {
	items, err := e.predicted(split, func(order []int) []int {
		seen := map[int]int{}
		return slices.DeleteFunc(order, func(i int) bool {
			label := e.Predictions.Labels[i]
			if seen[label] == 0 && len(seen) == plots.LossClasses {
				return true // the figure leaves out the classes of lower losses
			}
			seen[label]++
			return seen[label] > n
		})
	})
	if err != nil {
		return nil, err
	}
	return plots.TopLossesByClass(items, n), nil
}

// ConfusionImages shows the confusion matrix with the images behind its fields; see [plots.ConfusionImages]. Only wrong
// images are behind them, up to 12 per field, the most confident first. The split must be the evaluated one.
func (e *Evaluation) ConfusionImages(split *datasets.Split) (plots.Figure, error) {
	if err := e.of(split); err != nil {
		return nil, err
	}
	p := &e.Predictions
	order := ascending(len(p.Labels))
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p.Confidence[b], p.Confidence[a]) })
	const perField = 12
	matrix, left := e.ConfusionMatrix(), map[[2]int]int{}
	for _, field := range plots.ShownConfusions(matrix) {
		left[field] = perField
	}
	var examples []plots.Example
	for _, i := range order {
		at := [2]int{p.Labels[i], p.Predicted[i]}
		if left[at]--; left[at] < 0 {
			continue
		}
		m, err := split.Image(i)
		if err != nil {
			return nil, err
		}
		examples = append(examples, plots.Example{Actual: at[0], Predicted: at[1], Image: plots.Tile(m.ToImage()),
			Caption: fmt.Sprintf("%.0f%%\n%s", 100*p.Confidence[i], p.Names[i])})
	}
	return plots.ConfusionImages(e.Classes, matrix, examples), nil
}

// of returns an error unless the split is the evaluated one.
func (e *Evaluation) of(split *datasets.Split) error {
	p := &e.Predictions
	if split == nil || split.Len() != len(p.Labels) {
		n := 0
		if split != nil {
			n = split.Len()
		}
		return fmt.Errorf("tlkit: the evaluation is of %d images, the split has %d; give the split that was evaluated", len(p.Labels), n)
	}
	for i, name := range p.Names {
		if split.Name(i) != name {
			return fmt.Errorf("tlkit: image %d of the evaluation is %q, that of the split %q; give the split that was evaluated", i, name, split.Name(i))
		}
	}
	return nil
}

// predicted returns all images' predictions, with the pixels of those that choose keeps of the order of falling losses.
func (e *Evaluation) predicted(split *datasets.Split, choose func(order []int) []int) ([]plots.Predicted, error) {
	if err := e.of(split); err != nil {
		return nil, err
	}
	p := &e.Predictions
	if len(p.Losses) != len(p.Labels) {
		return nil, errors.New("tlkit: the evaluation has no losses of single images; evaluate the split again")
	}
	items, names := make([]plots.Predicted, len(p.Labels)), classnames.Distinct(e.Classes)
	for i := range items {
		items[i] = plots.Predicted{Name: p.Names[i], Label: names[p.Labels[i]], Prediction: names[p.Predicted[i]],
			Probability: p.Confidence[i], Loss: p.Losses[i]}
	}
	order := ascending(len(items))
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p.Losses[b], p.Losses[a]) })
	for _, i := range choose(order) {
		m, err := split.Image(i)
		if err != nil {
			return nil, err
		}
		items[i].Image = plots.Tile(m.ToImage())
	}
	return items, nil
}

// PreviewAugment shows what the recipe's augmentation makes of n images of a split, one row per image: the image as the
// model gets it without augmentation, then as in the given number of epochs from the first on, with the recipe's seed
// and Views.
func (r Recipe) PreviewAugment(m *zoo.Model, split *datasets.Split, n, epochs int) (plots.Figure, error) {
	switch {
	case m == nil:
		return nil, errors.New("tlkit: PreviewAugment needs the model that will be trained, for its image size")
	case split == nil || split.Len() == 0:
		return nil, errors.New("tlkit: there are no images to augment; give a split with some, such as data.Train")
	}
	if err := cmp.Or(r.Augment.Validate(), r.Augment.CheckFields()); err != nil {
		return nil, err
	}
	plain := newImages(split, m.Preprocess, vision.Augment{}, r.Seed, m.ImageSize(), nil)
	varied := newImages(split, m.Preprocess, r.Augment, r.Seed, m.ImageSize(), nil)
	varied.views = r.Views
	draw := func(s *images, i, epoch int) (plots.Captioned, error) {
		out := vision.New(s.size, s.size)
		w := s.scratch()
		defer s.done(w)
		if err := s.fill(w, out.Pix, i, epoch); err != nil {
			return plots.Captioned{}, err
		}
		return plots.Captioned{Image: out.ToImage(), Caption: fmt.Sprintf("epoch %d", epoch+1), Words: []int{0}}, nil
	}
	var items []plots.Captioned
	names := classnames.Distinct(split.Classes())
	for i := range min(n, split.Len()) {
		first, err := draw(plain, i, 0)
		if err != nil {
			return nil, err
		}
		first.Words = nil
		first.Title = names[split.Label(i)] + "\n" + split.Name(i)
		first.Caption = names[split.Label(i)] + "\n" + path.Base(split.Name(i))
		items = append(items, first)
		for epoch := range epochs {
			tile, err := draw(varied, i, epoch)
			if err != nil {
				return nil, err
			}
			items = append(items, tile)
		}
	}
	return plots.Images(items, epochs+1), nil
}

// MustPreviewAugment is [Recipe.PreviewAugment] that panics on an error.
func (r Recipe) MustPreviewAugment(m *zoo.Model, split *datasets.Split, n, epochs int) plots.Figure {
	f, err := r.PreviewAugment(m, split, n, epochs)
	if err != nil {
		panic(err)
	}
	return f
}
