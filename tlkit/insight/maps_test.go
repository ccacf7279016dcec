package insight

import (
	"encoding/json"
	"image/color"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// goldenMaps is an entry of testdata/maps.json, made by peer_maps.py.
type goldenMaps struct {
	Model, Key string
	Filters    int
	Drawn      [][]int // of filters 0 and 37, the first bytes
	Stages     []struct {
		Stage             string
		Shape, Channels   []int
		Means, Deviations []float64
		Highest           int
		Row               []float64 // the middle one of channel 5
	}
}

// TestMapsAgainstPeer holds feature maps and filters of a convolutional network and a transformer against torchvision's
// for equal weights.
func TestMapsAgainstPeer(t *testing.T) {
	data, err := os.ReadFile("testdata/maps.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden []goldenMaps
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	for _, g := range golden {
		if testing.Short() && g.Model != "resnet18" {
			continue
		}
		m, img, _ := peer(t, g.Model)
		defer m.Release()
		checkFilters(t, m, g)
		for _, s := range g.Stages {
			f, err := FeatureMaps(m, img, FeatureMapOptions{Stage: s.Stage})
			if err != nil {
				t.Fatal(err)
			}
			if got := []int{len(f.Values), len(f.Values[0]), len(f.Values[0][0])}; !slices.Equal(got, s.Shape) {
				t.Fatalf("%s at %s: shape %v, want %v", g.Model, s.Stage, got, s.Shape)
			}
			if f.Order[0] != s.Highest {
				t.Errorf("%s at %s: channel %d varies most, torch's is %d", g.Model, s.Stage, f.Order[0], s.Highest)
			}
			scale := slices.Max(s.Deviations)
			for k, c := range s.Channels {
				mean, deviation := moments(slices.Concat(f.Values[c]...))
				if math.Abs(mean-s.Means[k]) > 1e-4*scale || math.Abs(deviation-s.Deviations[k]) > 1e-4*scale {
					t.Errorf("%s at %s, channel %d: mean %g, deviation %g; torch's %g, %g", g.Model, s.Stage, c, mean, deviation, s.Means[k], s.Deviations[k])
				}
			}
			for x, want := range s.Row {
				if got := f.Values[5][s.Shape[1]/2][x]; math.Abs(got-want) > 1e-3*scale {
					t.Errorf("%s at %s, channel 5, place %d: %g, torch's %g", g.Model, s.Stage, x, got, want)
				}
			}
		}
	}
}

// checkFilters compares the filters and how two of them are drawn.
func checkFilters(t *testing.T, m *zoo.Model, g goldenMaps) {
	t.Helper()
	f, err := Filters(m)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Values) != g.Filters || f.Key != g.Key {
		t.Errorf("%s: %d filters of %s, want %d of %s", g.Model, len(f.Values), f.Key, g.Filters, g.Key)
	}
	for k, i := range []int{0, 37} {
		img, width := filterImage(f.Values[i]), len(f.Values[i][0])
		for at, want := range g.Drawn[k] {
			c := color.NRGBAModel.Convert(img.At(at/3%width, at/3/width)).(color.NRGBA)
			if got := int([3]uint8{c.R, c.G, c.B}[at%3]); got < want-1 || got > want+1 { // a half may fall to either side
				t.Fatalf("%s, filter %d, byte %d is %d, want %d", g.Model, i, at, got, want)
			}
		}
	}
}

// moments returns mean and standard deviation, of the population.
func moments(values []float64) (mean, deviation float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		deviation += (v - mean) * (v - mean) / float64(len(values))
	}
	return mean, math.Sqrt(deviation)
}

// TestMapFigures holds the number of tiles, the colours of the ends, and that constant and infinite values are drawn.
func TestMapFigures(t *testing.T) {
	flat := [][]float64{{1, 1}, {1, 1}}
	f := &FeatureMap{Model: "net", Stage: "stem", Image: vision.New(8, 8), shown: 3,
		Values: [][][]float64{flat, {{0, 1}, {2, 4}}, {{math.NaN(), 1}, {math.Inf(1), 2}}, {{0, 0}, {0, 9}}}}
	f.Order = byDeviation(f.Values)
	if !slices.Equal(f.Order, []int{3, 1, 0, 2}) {
		t.Errorf("order %v, want 3, 1, 0, and last the channel that is not finite", f.Order)
	}
	b, err := f.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	text := b[plots.MIMEText].(string)
	for _, want := range []string{"4 channels of net, stem", "channel 3 0 to 9", "channel 1 0 to 4", "channel 0 1 to 1"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the text:\n%s", want, text)
		}
	}
	if strings.Contains(text, "channel 2") {
		t.Errorf("more than three channels:\n%s", text)
	}
	img := mapImage(f.Values[1], 0, 4)
	low, high := color.NRGBAModel.Convert(img.At(0, 0)).(color.NRGBA), color.NRGBAModel.Convert(img.At(1, 1)).(color.NRGBA)
	if low != (color.NRGBA{100, 0, 30, 255}) || high != (color.NRGBA{255, 240, 130, 255}) {
		t.Errorf("the lowest value is %v, the highest %v; want dark red and light yellow", low, high)
	}
	if img := mapImage(f.Values[2], 1, 2); img.At(0, 0) != (color.NRGBA{}) {
		t.Errorf("NaN is drawn as %v, want nothing", img.At(0, 0))
	}
	if c := color.NRGBAModel.Convert(filterImage([][][3]float64{{{}}}).At(0, 0)).(color.NRGBA); c.R != 128 || c.G != 128 {
		t.Errorf("a filter of zeros is %v, want grey", c)
	}
	b, err = (&Filter{Model: "net", Key: "conv1.weight", Values: [][][][3]float64{{{{1, 0, 0}}}}, shown: 1}).Bundle()
	if err != nil {
		t.Fatal(err)
	}
	page, _ := b[plots.MIMEHTML].(string)
	if data, ok := b[plots.MIMEPNG].([]byte); !ok || len(data) == 0 || !strings.Contains(page, "1 filters of net, conv1.weight") {
		t.Errorf("the filters have no picture or no title: %d bytes, %s", len(data), page)
	}
}

// TestMapErrors holds that each mistake is named with the next step.
func TestMapErrors(t *testing.T) {
	m, img, _ := peer(t, "resnet18")
	for want, call := range map[string]func() error{
		"load one with": func() error { _, err := FeatureMaps(nil, img); return err },
		"load one":      func() error { _, err := Filters(nil); return err },
		"layer9":        func() error { _, err := FeatureMaps(m, img, FeatureMapOptions{Stage: "layer9"}); return err },
		"choose an earlier": func() error {
			_, err := FeatureMaps(m, img, FeatureMapOptions{Stage: "avgpool"})
			return err
		},
		"Channels is -1": func() error { _, err := FeatureMaps(m, img, FeatureMapOptions{Channels: -1}); return err },
		"Filters is -1":  func() error { _, err := Filters(m, FilterOptions{Filters: -1}); return err },
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
