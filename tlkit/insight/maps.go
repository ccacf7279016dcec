package insight

import (
	"cmp"
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/internal/optional"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/gradcam"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// FeatureMapOptions are the options of [FeatureMaps].
type FeatureMapOptions struct {
	// Stage is the stage whose output is shown (see [zoo.Model.Stages]); "" means the first.
	Stage string
	// Channels is the number of maps in the figure, those whose values differ most; 0 means 23, which fill a page with
	// the image.
	Channels int
}

// FeatureMap is the output of a stage for one image, channel by channel; see [FeatureMaps].
type FeatureMap struct {
	// Model and Stage name the network and the stage.
	Model, Stage string
	// Values are [channels][height][width], as the network computes them.
	Values [][][]float64
	// Order lists the channels by the standard deviation of their values, the highest first.
	Order []int
	// Image is the image as the network sees it: resized and cropped.
	Image *vision.Image

	shown int
}

// FeatureMaps returns what each channel of a stage makes of an image (Zeiler and Fergus 2014, Visualizing and
// Understanding Convolutional Networks, arXiv 1311.2901). Early stages react to edges and colours, later ones to parts
// of things. Tokens of a transformer are places of a square grid; the class token is left out. The image is prepared
// with the model's Preprocess.
func FeatureMaps(m *zoo.Model, img *vision.Image, opts ...FeatureMapOptions) (*FeatureMap, error) {
	o, err := optional.One("insight: FeatureMaps", opts)
	if err != nil {
		return nil, err
	}
	if o.Channels < 0 {
		return nil, fmt.Errorf("insight: FeatureMapOptions.Channels is %d; expected a positive number, or 0 for 23", o.Channels)
	}
	ready, err := prepared(m, img)
	if err != nil {
		return nil, err
	}
	f, err := m.ImageFeatures([]*vision.Image{img}, cmp.Or(o.Stage, m.Stages()[0]))
	if err != nil {
		return nil, err
	}
	values, err := channelsOf(f.Shape, f.Values)
	if err != nil {
		return nil, fmt.Errorf("insight: stage %q of %q: %w", f.Stage, m.Spec.Name, err)
	}
	if !slices.ContainsFunc(values, finiteChannel) {
		return nil, fmt.Errorf("insight: stage %q of %q has no finite value; its weights are not finite: train it again with a lower learning rate, or load it anew", f.Stage, m.Spec.Name)
	}
	return &FeatureMap{Model: m.Spec.Name, Stage: f.Stage, Values: values, Order: byDeviation(values), Image: ready, shown: cmp.Or(o.Channels, 23)}, nil
}

// channelsOf returns the output of a stage, of shape [height, width, channels] or [tokens, width], as
// [channels][height][width].
func channelsOf(shape []int, output []float32) ([][][]float64, error) {
	height, width, channels := shape[0], 1, shape[len(shape)-1]
	switch len(shape) {
	case 3:
		width = shape[1]
	case 2:
		side, before := gradcam.Grid(shape[0])
		height, width, output = side, side, output[before*channels:]
	default:
		return nil, fmt.Errorf("its output has no places, only %v features; choose an earlier one", shape)
	}
	values := make([][][]float64, channels)
	for c := range values {
		values[c] = make([][]float64, height)
		for y := range values[c] {
			values[c][y] = make([]float64, width)
			for x := range values[c][y] {
				values[c][y][x] = float64(output[(y*width+x)*channels+c])
			}
		}
	}
	return values, nil
}

// finiteChannel reports whether all values of a channel are finite.
func finiteChannel(rows [][]float64) bool {
	return !slices.ContainsFunc(rows, func(row []float64) bool {
		return slices.ContainsFunc(row, func(v float64) bool { return !numbers.Finite(v) })
	})
}

// byDeviation returns the channels by the standard deviation of their values, the highest first; those with values that
// are not finite come last.
func byDeviation(values [][][]float64) []int {
	order, deviation := make([]int, len(values)), make([]float64, len(values))
	for c, rows := range values {
		order[c] = c
		all := slices.Concat(rows...)
		mean := 0.0
		for _, v := range all {
			mean += v / float64(len(all))
		}
		for _, v := range all {
			deviation[c] += (v - mean) * (v - mean)
		}
		if !numbers.Finite(deviation[c]) {
			deviation[c] = -1
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(deviation[b], deviation[a]) })
	return order
}

// Figure shows the image and the maps of the channels whose values differ most, each from its lowest value, dark red,
// to its highest, light yellow.
func (f *FeatureMap) Figure() plots.Figure {
	caption, words := fmt.Sprintf("%d channels of\n%s, %s", len(f.Values), f.Model, f.Stage), []int{0}
	if low, high := rangeOf(f.Values[f.Order[0]]); low == high { // the one that varies most
		caption, words = caption+"\n"+"no channel varies over the image", []int{0, 2}
	}
	items := []plots.Captioned{{Image: f.Image.ToImage(), Caption: caption, Words: words}}
	for _, c := range f.Order[:min(f.shown, len(f.Order))] {
		low, high := rangeOf(f.Values[c])
		caption := fmt.Sprintf("channel %d\n%.3g to %.3g", c, low, high)
		items = append(items, plots.Captioned{Image: mapImage(f.Values[c], low, high), Caption: caption, Words: []int{0, 1}})
	}
	return plots.Images(items, 6)
}

// Bundle is the figure. A notebook shows it for a cell that ends in the maps.
func (f *FeatureMap) Bundle() (map[string]any, error) { return f.Figure().Bundle() }

// rangeOf returns the lowest and the highest value.
func rangeOf(values [][]float64) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, row := range values {
		low, high = min(low, slices.Min(row)), max(high, slices.Max(row))
	}
	return low, high
}

// mapImage draws values from low to high in the colours of heat maps, a pixel each; values that are not finite are left
// out.
func mapImage(values [][]float64, low, high float64) image.Image {
	out := image.NewNRGBA(image.Rect(0, 0, len(values[0]), len(values)))
	for y, row := range values {
		for x, v := range row {
			if !numbers.Finite(v) {
				continue
			}
			share := 0.0
			if high > low {
				share = (v - low) / (high - low)
			}
			c := heatColour(min(max(share, 0), 1))
			out.SetNRGBA(x, y, color.NRGBA{uint8(c[0] + 0.5), uint8(c[1] + 0.5), uint8(c[2] + 0.5), 255})
		}
	}
	return out
}

// Filter holds the kernels of a network's first convolution; see [Filters].
type Filter struct {
	// Model names the network, Key the variable in its state dict.
	Model, Key string
	// Values are [filters][height][width][3], for red, green and blue of the normalised image.
	Values [][][][3]float64

	shown int
}

// FilterOptions are the options of [Filters].
type FilterOptions struct {
	// Filters is the number of filters in the figure, the first ones; 0 means 64.
	Filters int
}

// Filters returns the kernels of the first convolution, which reads the image's colours: edges and blobs in a trained
// network, noise in an untrained one (Krizhevsky et al. 2012, ImageNet Classification with Deep Convolutional Neural
// Networks, figure 3). Of a vision transformer they are the embedding of its patches.
func Filters(m *zoo.Model, opts ...FilterOptions) (*Filter, error) {
	if m == nil {
		return nil, errNoModel
	}
	o, err := optional.One("insight: Filters", opts)
	if err != nil {
		return nil, err
	}
	if o.Filters < 0 {
		return nil, fmt.Errorf("insight: FilterOptions.Filters is %d; expected a positive number, or 0 for 64", o.Filters)
	}
	for _, p := range m.Params() {
		if len(p.Shape) != 4 || p.Shape[1] != 3 {
			continue
		}
		flat, err := m.Values(p)
		if err != nil {
			return nil, err
		}
		return &Filter{Model: m.Spec.Name, Key: p.Key, Values: kernels(p.Shape, flat), shown: cmp.Or(o.Filters, 64)}, nil
	}
	return nil, fmt.Errorf("insight: %q has no convolution of the image's three colours; FeatureMaps works with every network", m.Spec.Name)
}

// kernels returns values of shape [filters, 3, height, width] with the colours last.
func kernels(shape []int, flat []float32) [][][][3]float64 {
	height, width := shape[2], shape[3]
	out := make([][][][3]float64, shape[0])
	for f := range out {
		out[f] = make([][][3]float64, height)
		for y := range out[f] {
			out[f][y] = make([][3]float64, width)
			for x := range out[f][y] {
				for c := range 3 {
					out[f][y][x][c] = float64(flat[((f*3+c)*height+y)*width+x])
				}
			}
		}
	}
	return out
}

// Figure shows each filter in colours: grey for 0, and each filter's largest value as far from it as can be.
func (f *Filter) Figure() plots.Figure {
	var items []plots.Captioned
	for i, k := range f.Values[:min(f.shown, len(f.Values))] {
		items = append(items, plots.Captioned{Image: filterImage(k), Caption: fmt.Sprint(i)})
	}
	return plots.TitledImages(fmt.Sprintf("%d filters of %s, %s", len(f.Values), f.Model, f.Key), items, 8)
}

// Bundle is the figure. A notebook shows it for a cell that ends in the filters.
func (f *Filter) Bundle() (map[string]any, error) { return f.Figure().Bundle() }

// filterImage draws a kernel, a pixel per place: 0 is grey, the largest absolute value black or white in its colour.
func filterImage(kernel [][][3]float64) image.Image {
	top := 0.0
	for _, row := range kernel {
		for _, p := range row {
			top = max(top, math.Abs(p[0]), math.Abs(p[1]), math.Abs(p[2]))
		}
	}
	out := image.NewNRGBA(image.Rect(0, 0, len(kernel[0]), len(kernel)))
	for y, row := range kernel {
		for x, p := range row {
			var c [3]uint8
			for k, v := range p {
				c[k] = 128
				if top > 0 && !math.IsInf(top, 0) {
					c[k] = uint8(math.Round(127.5 + 127.5*v/top))
				}
			}
			out.SetNRGBA(x, y, color.NRGBA{c[0], c[1], c[2], 255})
		}
	}
	return out
}
