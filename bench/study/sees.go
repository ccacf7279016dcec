package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/insight"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// seesStages are the stages of ResNet-20, from the image on.
var seesStages = []string{"stem", "layer1", "layer2", "layer3"}

// seesDrawings is the number of drawings whose Grad-CAM maps are tested.
const seesDrawings = 60

// seen collects the values of one figure over the seeds, by the figure's name, in the order of their first value.
type seen struct {
	names  []string
	values map[string][]float64
}

func (s *seen) add(name string, v float64) {
	if s.values == nil {
		s.values = map[string][]float64{}
	}
	if _, ok := s.values[name]; !ok {
		s.names = append(s.names, name)
	}
	s.values[name] = append(s.values[name], v)
}

// sees measures what notebooks/10_what_the_network_sees.ipynb claims, with several seeds of random weights and of
// fine-tuning: the margins of its claims.
func sees(ctx context.Context, e env) error {
	sketches, m, err := builtIn()
	if err != nil {
		return err
	}
	sketches.Val = sketches.Val.FirstPerClass(30)
	var found seen
	if err := seesPretrained(&found, m, sketches); err != nil {
		return err
	}
	run, err := e.recipe(train.Recipe{Epochs: 5}).Compare(ctx, "what-it-sees", sketches, m, strategy.FineTune{})
	if err != nil {
		return err
	}
	for i, one := range run.Results[0].Seeds() {
		blank, err := m.Clone()
		if err != nil {
			return err
		}
		if err := blank.Reset(m.Classes, uint64(i+1)); err != nil {
			return err
		}
		if err := seesRandom(&found, blank, sketches); err != nil {
			return err
		}
		tuned, err := one.Model()
		if err != nil {
			return err
		}
		if err := seesTuned(&found, m, tuned, sketches, uint64(i+1)); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	var rows [][]string
	for _, name := range found.names {
		rows = append(rows, []string{name, band(found.values[name])})
	}
	markdown(e.table, fmt.Sprintf("What the network sees: resnet20.shapes on %d validation sketches, %d of them covered, %d seeds of random weights and of fine-tuning (5 epochs): mean ± standard deviation (extremes); correlations, and shares of 1",
		sketches.Val.Len(), seesDrawings, e.seeds), []string{"figure", "value"}, rows)
	return nil
}

// seesPretrained measures the pretrained network, in which no seed has a part.
func seesPretrained(found *seen, m *zoo.Model, sketches *datasets.Dataset) error {
	side, light, err := filterFigures(m)
	if err != nil {
		return err
	}
	found.add("pretrained: correlation of neighbouring weights of the first layer", side)
	found.add("pretrained: light and dark in the first layer", light)
	for _, stage := range seesStages {
		logistic, nearest, err := readable(m, sketches, stage)
		if err != nil {
			return err
		}
		found.add("pretrained: classes read from "+stage+", logistic regression", logistic)
		if stage == "layer3" {
			found.add("pretrained: classes read from layer3, five nearest neighbours", nearest)
		}
	}
	return nil
}

// seesRandom measures a network of random weights.
func seesRandom(found *seen, blank *zoo.Model, sketches *datasets.Dataset) error {
	side, light, err := filterFigures(blank)
	if err != nil {
		return err
	}
	found.add("random: correlation of neighbouring weights of the first layer", side)
	found.add("random: light and dark in the first layer", light)
	logistic, _, err := readable(blank, sketches, "layer3")
	if err != nil {
		return err
	}
	found.add("random: classes read from layer3, logistic regression", logistic)
	return nil
}

// seesTuned measures a fine-tuned network: how far its stages moved, what can be read from it, and whether its Grad-CAM
// maps point at what decides.
func seesTuned(found *seen, before, tuned *zoo.Model, sketches *datasets.Dataset, seed uint64) error {
	changes, err := insight.CompareWeights(before, tuned)
	if err != nil {
		return err
	}
	moved := map[string][]float64{}
	for _, l := range changes.Layers {
		moved[l.Stage] = append(moved[l.Stage], l.Relative)
	}
	for _, stage := range seesStages {
		found.add("fine-tuned: change of a layer's weights, "+stage, stat.Mean(moved[stage], nil))
	}
	_, nearest, err := readable(tuned, sketches, "layer3")
	if err != nil {
		return err
	}
	found.add("fine-tuned: classes read from layer3, five nearest neighbours", nearest)
	var last []*insight.Heatmap
	for _, stage := range []string{"layer3", "layer2"} {
		maps, err := heatmaps(tuned, sketches.Val, stage)
		if err != nil {
			return err
		}
		difference, err := coldLessHot(tuned, maps)
		if err != nil {
			return err
		}
		found.add("fine-tuned: coldest less hottest quarter covered, Grad-CAM at "+stage, difference)
		if stage == "layer3" {
			last = maps
		}
	}
	nothing, err := tuned.Clone()
	if err != nil {
		return err
	}
	if err := nothing.Reset(tuned.Classes, seed); err != nil {
		return err
	}
	maps, err := heatmaps(nothing, sketches.Val, "layer3")
	if err != nil {
		return err
	}
	found.add("Grad-CAM: correlation of the maps, fine-tuned and random", alike(maps, last))
	return nil
}

// filterFigures returns the correlation of weights of the first convolution that lie side by side or one above the
// other, and the share of its squared weights in the mean of the three colours.
func filterFigures(m *zoo.Model) (neighbours, light float64, err error) {
	filters, err := insight.Filters(m)
	if err != nil {
		return 0, 0, err
	}
	var a, b []float64
	pair := func(p, q [3]float64) { // both ways, so that the order of a pair has no part in it
		a, b = append(append(a, p[:]...), q[:]...), append(append(b, q[:]...), p[:]...)
	}
	var mean, all float64
	for _, filter := range filters.Values {
		for y, row := range filter {
			for x, p := range row {
				if x > 0 {
					pair(row[x-1], p)
				}
				if y > 0 {
					pair(filter[y-1][x], p)
				}
				grey := (p[0] + p[1] + p[2]) / 3
				mean, all = mean+3*grey*grey, all+p[0]*p[0]+p[1]*p[1]+p[2]*p[2]
			}
		}
	}
	return stat.Correlation(a, b, nil), mean / all, nil
}

// readable returns the shares of the validation images that logistic regression and the five nearest neighbours get
// right from the pooled features of a stage.
func readable(m *zoo.Model, data *datasets.Dataset, stage string) (logistic, nearest float64, err error) {
	in, err := m.Features(data.Train, stage, zoo.FeatureOptions{Pool: true})
	if err != nil {
		return 0, 0, err
	}
	out, err := m.Features(data.Val, stage, zoo.FeatureOptions{Pool: true})
	if err != nil {
		return 0, 0, err
	}
	for _, f := range []struct {
		fitter
		accuracy *float64
	}{{strategy.LogisticRegression{L2: 0.01}, &logistic}, {strategy.KNN{}, &nearest}} {
		fitted, err := f.Fit(in)
		if err != nil {
			return 0, 0, err
		}
		if *f.accuracy, _, err = fitted.Accuracy(out); err != nil {
			return 0, 0, err
		}
	}
	return logistic, nearest, nil
}

// heatmaps returns the Grad-CAM maps of seesDrawings images of a split, each for its own class.
func heatmaps(m *zoo.Model, split *datasets.Split, stage string) ([]*insight.Heatmap, error) {
	var images []*vision.Image
	var classes []string
	for k := range seesDrawings {
		i := k * split.Len() / seesDrawings
		image, err := split.Image(i)
		if err != nil {
			return nil, err
		}
		images, classes = append(images, image), append(classes, split.Classes()[split.Label(i)])
	}
	return insight.GradCAMs(m, images, classes, insight.CAMOptions{Stage: stage})
}

// coldLessHot returns by how much less the probability of the maps' classes falls, on average, when the coldest quarter
// of an image is covered in place of the hottest.
func coldLessHot(m *zoo.Model, maps []*insight.Heatmap) (float64, error) {
	total := 0.0
	for _, cam := range maps {
		hot, err := coveredQuarter(m, cam, true)
		if err != nil {
			return 0, err
		}
		cold, err := coveredQuarter(m, cam, false)
		if err != nil {
			return 0, err
		}
		total += cold - hot
	}
	return total / float64(len(maps)), nil
}

// coveredQuarter returns the probability of the map's class when the hottest or the coldest quarter of the image is
// covered with the mean colour.
func coveredQuarter(m *zoo.Model, cam *insight.Heatmap, hottest bool) (float64, error) {
	heat := slices.Concat(cam.Resized(cam.Image.Height, cam.Image.Width)...)
	order := make([]int, len(heat))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		if hottest {
			i, j = j, i
		}
		return cmp.Compare(heat[i], heat[j])
	})
	pixels := slices.Clone(cam.Image.Pix)
	for _, i := range order[:len(order)/4] {
		for c := range 3 {
			pixels[3*i+c] = uint8(255 * m.Preprocess.Mean[c])
		}
	}
	logits, err := m.LogitsOf(pixels, 1)
	if err != nil {
		return 0, err
	}
	return m.Probabilities(logits[0])[cam.Index], nil
}

// alike returns the mean correlation of the maps of the same images; a map of zeros counts as none.
func alike(a, b []*insight.Heatmap) float64 {
	total := 0.0
	for i := range a {
		if r := stat.Correlation(slices.Concat(a[i].Values...), slices.Concat(b[i].Values...), nil); !math.IsNaN(r) {
			total += r / float64(len(a))
		}
	}
	return total
}
