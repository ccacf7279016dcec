package insight

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/internal/classnames"
	"github.com/tlkit-go/tlkit-notebooks/internal/nearest"
	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/internal/sentence"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

var errNoModel = errors.New("insight: the model is nil; load one with tlkit.Load")

// nameOf returns a model's name with that of its weights.
func nameOf(m *zoo.Model) string { return m.Spec.Name + " (" + m.Weights + ")" }

// Heatmap is how much the parts of an image speak for a class.
type Heatmap struct {
	// Method is "Grad-CAM" or "occlusion".
	Method string
	// Stage is the stage of the network that Grad-CAM read; "" for occlusion.
	Stage string
	// Class is the class that the map is for, with its index if others have its name ("crane (134)"), Index its place
	// in Model.Classes, Probability what the model gives it, in [0, 1].
	Class       string
	Index       int
	Probability float64
	// Values are [height, width]. For Grad-CAM they have the stage's resolution, are at least 0, and have no unit: only
	// their ratios count. For occlusion they have the image's resolution and are the fall of the probability when that
	// place is covered, in [-1, 1].
	Values [][]float64
	// Image is the image as the network sees it: resized and cropped.
	Image *vision.Image
}

// Resized returns the values at the given height and width, bilinearly interpolated between the centres of the places.
func (h *Heatmap) Resized(height, width int) [][]float64 {
	rows, cols := len(h.Values), len(h.Values[0])
	out := make([][]float64, height)
	for y := range out {
		out[y] = make([]float64, width)
		top, bottom, v := between(y, height, rows)
		for x := range out[y] {
			left, right, u := between(x, width, cols)
			upper := h.Values[top][left]*(1-u) + h.Values[top][right]*u
			lower := h.Values[bottom][left]*(1-u) + h.Values[bottom][right]*u
			out[y][x] = upper*(1-v) + lower*v
		}
	}
	return out
}

// between returns the two of n places that lie around the centre of pixel i of size, and the share of the second.
func between(i, size, n int) (first, second int, share float64) {
	at := (float64(i)+0.5)*float64(n)/float64(size) - 0.5
	low := math.Floor(at)
	return min(max(int(low), 0), n-1), min(max(int(low)+1, 0), n-1), at - low
}

// heatColours are the colours from the lowest to the highest value. Between two of them the colour changes linearly;
// lightness rises throughout, so that the order also shows without colours.
var heatColours = [][3]float64{{100, 0, 30}, {200, 40, 20}, {250, 140, 20}, {255, 240, 130}}

// heatColour returns the colour of a share in [0, 1] of the highest value.
func heatColour(share float64) [3]float64 {
	at := share * float64(len(heatColours)-1)
	i := min(int(at), len(heatColours)-2)
	var c [3]float64
	for k := range c {
		c[k] = heatColours[i][k] + (at-float64(i))*(heatColours[i+1][k]-heatColours[i][k])
	}
	return c
}

// Overlay returns the image in grey with the positive values over it in colour, from dark red to light yellow. The
// higher a value, the less shows of the image. The highest value of the map has the last colour.
func (h *Heatmap) Overlay() image.Image {
	values := h.Resized(h.Image.Height, h.Image.Width)
	top := 0.0
	for _, row := range values {
		top = max(top, slices.Max(row))
	}
	out := image.NewNRGBA(image.Rect(0, 0, h.Image.Width, h.Image.Height))
	for y, row := range values {
		for x, v := range row {
			grey, share := luminance(h.Image.Pix[3*(y*h.Image.Width+x):]), 0.0
			if top > 0 && v > 0 {
				share = v / top
			}
			c, cover := heatColour(share), 0.75*math.Sqrt(share)
			mix := func(ink float64) uint8 { return uint8(grey*(1-cover) + ink*cover + 0.5) }
			out.SetNRGBA(x, y, color.NRGBA{mix(c[0]), mix(c[1]), mix(c[2]), 255})
		}
	}
	return out
}

// Caption says in one line what the map shows.
func (h *Heatmap) Caption() string {
	text := fmt.Sprintf("%s %.1f%%: %s, stage %s", h.Class, 100*h.Probability, h.Method, h.Stage)
	if h.Stage == "" { // an occlusion is of the whole network
		text = fmt.Sprintf("%s %.1f%%: occlusion", h.Class, 100*h.Probability)
	}
	if !slices.ContainsFunc(h.Values, func(row []float64) bool { return slices.Max(row) > 0 }) {
		text += "; no place speaks for the class"
	}
	return text
}

// Bundle shows the image and, beside it, the overlay.
func (h *Heatmap) Bundle() (map[string]any, error) {
	return plots.Images([]plots.Captioned{
		{Image: h.Image.ToImage(), Caption: "image", Words: []int{0}},
		{Image: h.Overlay(), Caption: h.Caption(), Words: []int{0}},
	}, 2).Bundle()
}

// classIndex returns the index of a class by its name, or by one of classnames.Distinct; -1 for "".
func classIndex(m *zoo.Model, class string) (int, error) {
	if class == "" {
		return -1, nil
	}
	found := classnames.Find(m.Classes, class)
	if len(found) == 1 {
		return found[0], nil
	}
	if len(found) > 1 {
		names := classnames.Distinct(m.Classes)
		return 0, fmt.Errorf("insight: model %q has %d classes %q; give %q or another of them by its index", m.Spec.Name, len(found), class, names[found[0]])
	}
	hint := "its classes are " + sentence.List(m.Classes, 6)
	if near := nearest.Name(class, m.Classes); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return 0, fmt.Errorf("insight: model %q has no class %q; %s", m.Spec.Name, class, hint)
}

// prepared returns an image as the network takes it.
func prepared(m *zoo.Model, img *vision.Image) (*vision.Image, error) {
	if m == nil {
		return nil, errNoModel
	}
	if err := img.Check(); err != nil {
		return nil, fmt.Errorf("insight: %w", err)
	}
	size := m.ImageSize()
	if width, height := m.Preprocess.Size(img.Width, img.Height); width != size || height != size {
		return nil, fmt.Errorf("insight: the image is %dx%d after preparation, model %q takes %dx%d; set Preprocess.Resize and Crop",
			width, height, m.Spec.Name, size, size)
	}
	return m.Preprocess.Apply(img), nil
}

// heatmap returns a map for the class of the given index, or for the most probable one if that is negative. Logits that
// are no finite numbers explain nothing and are an error.
func heatmap(m *zoo.Model, ready *vision.Image, logits []float32, class int) (*Heatmap, error) {
	if err := m.CheckLogits(logits); err != nil {
		return nil, fmt.Errorf("insight: %w", err)
	}
	p := m.Probabilities(logits)
	if class < 0 {
		class = numbers.Argmax(p)
	}
	return &Heatmap{Class: classnames.Distinct(m.Classes)[class], Index: class, Probability: p[class], Image: ready}, nil
}
