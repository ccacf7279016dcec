package tlkit

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/classnames"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// ShowImages displays the first n images of each class of a split, under their class names; n is at least 1.
func ShowImages(split *datasets.Split, n int) error {
	if split == nil || split.Len() == 0 {
		return errors.New("tlkit: the split to show has no images")
	}
	if n < 1 {
		return fmt.Errorf("tlkit: ShowImages is to show %d images of each class; give at least 1", n)
	}
	names := classnames.Distinct(split.Classes())
	byClass := make([][]plots.Captioned, len(names))
	for i := range split.Len() {
		class := split.Label(i)
		if len(byClass[class]) >= n {
			continue
		}
		image, err := split.Image(i)
		if err != nil {
			return err
		}
		byClass[class] = append(byClass[class], plots.Captioned{Image: plots.Tile(image.ToImage()), Caption: names[class]})
	}
	return plots.Show(plots.Images(slices.Concat(byClass...), gridColumns(n)))
}

// gridColumns returns the number of columns at which as many whole classes stand side by side as fit in a notebook's
// width (10 images).
func gridColumns(perClass int) int {
	const fits = 10
	return max(1, fits/max(1, perClass)) * perClass
}

// ShowMistakes displays up to n validation images, or test images of data without those, that the strategy's best epoch
// classified wrongly, the most confident mistakes first; n is at least 1.
func ShowMistakes(result *Result, data *datasets.Dataset, n int) error {
	if _, ok := result.Best(); !ok {
		return errors.New("tlkit: there is no result to show mistakes of: the strategy has completed no epoch yet; run Compare again to continue it")
	}
	switch {
	case data == nil:
		return errors.New("tlkit: ShowMistakes has no data set (nil); give the data set of the run")
	case n < 1:
		return fmt.Errorf("tlkit: ShowMistakes is to show %d images; give at least 1", n)
	}
	split := train.EvalSplit(data)
	p := result.Predictions
	if split == nil || split.Len() != len(p.Labels) {
		return fmt.Errorf("tlkit: the run was evaluated on %d images, data set %q has others to compare on; give the data set of the run", len(p.Labels), data.Name)
	}
	var wrong []int
	for i, label := range p.Labels {
		if p.Predicted[i] != label {
			wrong = append(wrong, i)
		}
	}
	slices.SortStableFunc(wrong, func(a, b int) int { return cmp.Compare(p.Confidence[b], p.Confidence[a]) })
	var items []plots.Predicted
	names := classnames.Distinct(data.Classes)
	for _, i := range wrong[:min(n, len(wrong))] {
		image, err := split.Image(i)
		if err != nil {
			return err
		}
		items = append(items, plots.Predicted{Image: plots.Tile(image.ToImage()), Name: split.Name(i), Label: names[p.Labels[i]],
			Prediction: names[p.Predicted[i]], Probability: p.Confidence[i], Loss: math.NaN()})
	}
	if len(items) == 0 {
		if split == data.Test {
			return plots.Show(plots.Sentence("No mistakes on the test images."))
		}
		return plots.Show(plots.Sentence("No mistakes on the validation images."))
	}
	return plots.Show(plots.Predictions("", items, 5))
}
