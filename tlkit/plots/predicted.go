package plots

import (
	"cmp"
	"fmt"
	"image"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/words"
)

// Predicted is an image with what a model makes of it.
type Predicted struct {
	Image image.Image
	// Name is that of the image, a path with slashes; its last part is shown under the rest, the whole under
	// the pointer. It may be "".
	Name string
	// Label is the true class, "" if it is not known. Prediction is the model's.
	Label, Prediction string
	// Probability is that of the prediction, in [0, 1]; NaN if there is none.
	Probability float64
	// Loss is the cross-entropy of the true class, 0 or more; NaN if it is not known.
	Loss float64
}

// captioned returns the tile of a prediction.
func (p Predicted) captioned() Captioned {
	said := p.Prediction
	if finite(p.Probability) {
		said = fmt.Sprintf("%s %.0f%%", said, 100*p.Probability)
	}
	c := Captioned{Image: p.Image, Caption: said}
	switch {
	case p.Label == "":
	case p.Label == p.Prediction:
		c.Mark = Right
	default:
		c.Mark = Wrong
		c.Caption = fmt.Sprintf("%s, predicted %s", p.Label, said)
		c.Words = append(c.Words, 0)
	}
	if finite(p.Loss) {
		c.Words = append(c.Words, 1)
		c.Caption += fmt.Sprintf("\nloss %.2f", p.Loss)
	}
	if p.Name != "" {
		c.Title = c.Caption + "\n" + p.Name
		c.Caption += "\n" + path.Base(p.Name)
	}
	return c
}

// Predictions returns a grid of images with label, prediction and probability, right ones framed in green with a tick,
// wrong ones in vermilion with a cross. Columns and Bundle are those of Images.
func Predictions(title string, items []Predicted, columns int) Figure {
	g := imageGrid{title: title, columns: columns}
	for _, p := range items {
		g.items = append(g.items, p.captioned())
	}
	return g
}

// TopLosses returns a grid of the n images with the highest loss, the highest first: the mistakes that cost most, and
// often the wrong labels. Images of an unknown loss are left out.
func TopLosses(items []Predicted, n int) Figure {
	return Predictions("Highest losses", highest(items, n), 5)
}

// highest returns the n items of the highest loss.
func highest(items []Predicted, n int) []Predicted {
	known := slices.DeleteFunc(slices.Clone(items), func(p Predicted) bool { return math.IsNaN(p.Loss) })
	slices.SortStableFunc(known, func(a, b Predicted) int { return cmp.Compare(b.Loss, a.Loss) })
	return known[:min(max(n, 0), len(known))]
}

// LossClasses is the largest number of classes that [TopLossesByClass] shows, those of the highest losses.
const LossClasses = 50

// TopLossesByClass returns, for each true class, a row of the n images with the highest loss, the class of the highest
// loss first. Of more than 50 classes it shows the first 50, and says so.
func TopLossesByClass(items []Predicted, n int) Figure {
	var groups []lossGroup
	for _, class := range names(items, func(p Predicted) string { return p.Label }) {
		own := slices.DeleteFunc(slices.Clone(items), func(p Predicted) bool { return p.Label != class })
		if top := highest(own, n); len(top) > 0 {
			groups = append(groups, lossGroup{class, len(own), top})
		}
	}
	slices.SortStableFunc(groups, func(a, b lossGroup) int { return cmp.Compare(b.items[0].Loss, a.items[0].Loss) })
	return byClass{groups, n}
}

// lossGroup has the shown images of one class; all is the number of its images.
type lossGroup struct {
	class string
	all   int
	items []Predicted
}

// byClass is a grid for each class.
type byClass struct {
	groups []lossGroup
	n      int
}

func (f byClass) name() string { return "highest losses by class" }

func (f byClass) Bundle() (map[string]any, error) {
	shown := f.groups[:min(len(f.groups), LossClasses)]
	title := "Highest losses by class"
	if len(shown) < len(f.groups) {
		title = fmt.Sprintf("Highest losses by class: the first %d of %d classes", len(shown), len(f.groups))
	}
	var page, text strings.Builder
	var all []Predicted
	fmt.Fprintf(&page, "<div><strong>%s</strong></div>\n", words.Of(title))
	fmt.Fprintln(&text, title)
	for _, g := range shown {
		b, err := Predictions(fmt.Sprintf("%s (%d of %d images)", g.class, len(g.items), g.all), g.items, max(f.n, 1)).Bundle()
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&page, "<div style=\"margin-top:10px\">%s</div>\n", b[MIMEHTML])
		fmt.Fprint(&text, b[MIMEText])
		all = append(all, g.items...)
	}
	if len(all) == 0 {
		return empty(title, "no image with a known loss").Bundle()
	}
	still, err := Predictions(title, all, max(f.n, 1)).(imageGrid).png(1)
	if err != nil {
		return nil, err
	}
	return map[string]any{MIMEHTML: page.String(), MIMEPNG: still, MIMEText: text.String()}, nil
}
