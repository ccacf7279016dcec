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

// ShowImages displays the first n images of each class of a split, under their class names.
func ShowImages(split *datasets.Split, n int) error {
	if split == nil || split.Len() == 0 {
		return errors.New("tlkit: the split to show has no images")
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
// classified wrongly, the most confident mistakes first.
func ShowMistakes(result *Result, data *datasets.Dataset, n int) error {
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
