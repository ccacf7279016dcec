package insight

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo/zootest"
)

// golden is a file of testdata/peer_heatmaps.py.
type golden struct {
	Predicted   int
	Probability float64
	CAMs        []struct {
		Class  int
		Values [][]float64
	}
	Occlusion [][]float64
}

// peer returns a model with the golden files' weights, their image, and their maps.
func peer(t *testing.T, name string) (*zoo.Model, *vision.Image, golden) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	spec, err := zoo.Info(name)
	if err != nil {
		t.Fatal(err)
	}
	classes := spec.Weights[0].Classes
	empty, err := zoo.New(spec, classes, 1)
	if err != nil {
		t.Fatal(err)
	}
	var entries []weights.Entry
	for _, p := range empty.Params() {
		tensor, err := weights.NewTensor(p.Shape, zootest.Weights(p.Key, p.Shape))
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, weights.Entry{Key: p.Key, Tensor: tensor})
	}
	sd, err := weights.New(entries)
	if err != nil {
		t.Fatal(err)
	}
	m, err := zoo.FromStateDict(spec, classes, sd)
	if err != nil {
		t.Fatal(err)
	}
	m.Preprocess = vision.Preprocess{Mean: vision.ImageNetMean, Std: vision.ImageNetStd}
	return m, blocks(), g
}

// blocks is the image of the golden files: 14 x 14 blocks of 16 pixels.
func blocks() *vision.Image {
	img, u := vision.New(224, 224), zootest.Uniform("blocks", 14*14*3)
	for i := range img.Pix {
		x, y := i/3%224, i/3/224
		img.Pix[i] = uint8(math.Floor(128 + 127*u[(y/16*14+x/16)*3+i%3]))
	}
	return img
}

// sampled returns every eighth value, as the golden files have them.
func sampled(values [][]float64) []float64 {
	var out []float64
	for y := 4; y < len(values); y += 8 {
		for x := 4; x < len(values[y]); x += 8 {
			out = append(out, values[y][x])
		}
	}
	return out
}

// correlation is Pearson's.
func correlation(a, b []float64) float64 {
	mean := func(v []float64) (m float64) {
		for _, x := range v {
			m += x / float64(len(v))
		}
		return m
	}
	ma, mb := mean(a), mean(b)
	var ab, aa, bb float64
	for i := range a {
		ab += (a[i] - ma) * (b[i] - mb)
		aa += (a[i] - ma) * (a[i] - ma)
		bb += (b[i] - mb) * (b[i] - mb)
	}
	return ab / math.Sqrt(aa*bb)
}

// TestGradCAMAgainstPeer holds the maps of a convolutional network and a transformer against pytorch-grad-cam's for
// equal weights, on the pure-Go engine and on ONNX Runtime: the predicted class and another one.
func TestGradCAMAgainstPeer(t *testing.T) {
	for _, name := range []string{"resnet18", "vit_b_32"} {
		if testing.Short() && name != "resnet18" {
			continue
		}
		m, img, g := peer(t, name)
		for _, config := range []string{"go", "onnx:cpu"} {
			t.Run(name+"/"+config, func(t *testing.T) {
				engine, err := backend.Open(config)
				if err != nil {
					t.Skipf("engine %s is left out: %v", config, err)
				}
				m, err := m.Clone() // an engine keeps the values of a model that it has run
				if err != nil {
					t.Fatal(err)
				}
				classes := []string{"", m.Classes[g.CAMs[1].Class]}
				maps, err := gradCAMs(engine.Backend, m, []*vision.Image{img, img}, classes, nil)
				if err != nil {
					t.Fatal(err)
				}
				for i, h := range maps {
					want := slices.Concat(g.CAMs[i].Values...)
					r := correlation(sampled(h.Resized(224, 224)), want)
					t.Logf("%s, class %q: correlation %.6f", h.Caption(), h.Class, r)
					if !(r >= 0.999) {
						t.Errorf("class %q: correlation %g with pytorch-grad-cam, expected at least 0.999", h.Class, r)
					}
					if h.Index != g.CAMs[i].Class {
						t.Errorf("map %d is for class %d, expected %d", i, h.Index, g.CAMs[i].Class)
					}
				}
				if d := math.Abs(maps[0].Probability - g.Probability); d > 1e-3 {
					t.Errorf("probability %g, the peer's is %g", maps[0].Probability, g.Probability)
				}
			})
		}
	}
}

// TestGradCAMOfTokens: the map of a transformer has a place for each patch, with one token before the patches, with two
// and with none, and is that of the last stage whose patches the output layer still reads.
func TestGradCAMOfTokens(t *testing.T) {
	for _, tt := range []struct {
		name, stage string
		big         bool
	}{
		{"clip_xs_16_quickgelu", "blocks.8", false},
		{"clip_xs_16_mean", "blocks.8", false},
		{"deit_ti_16_distilled", "blocks.10", false},
		{"eva02_ti_14", "blocks.10", false},
		{"siglip_b_16_gap", "norm", true},
		{"siglip_b_16_tanh", "norm", true},
	} {
		if testing.Short() && tt.big {
			continue
		}
		spec, err := zoo.Info(tt.name)
		if err != nil {
			t.Fatal(err)
		}
		spec.InputSize = 64
		m, err := zoo.New(spec, []string{"a", "b"}, 1)
		if err != nil {
			t.Fatal(err)
		}
		m.Preprocess.Resize, m.Preprocess.Crop = 64, 64
		img := vision.New(64, 64)
		for i := range img.Pix {
			img.Pix[i] = uint8(i * 7)
		}
		for _, class := range m.Classes {
			h, err := GradCAM(m, img, class)
			if err != nil {
				t.Fatal(err)
			}
			if h.Stage != tt.stage || len(h.Values) != 4 || len(h.Values[0]) != 4 {
				t.Errorf("%s: stage %s with %dx%d places, want %s with 4x4", tt.name, h.Stage, len(h.Values), len(h.Values[0]), tt.stage)
			}
		}
	}
}

// TestOcclusionAgainstPeer holds the map against captum's.
func TestOcclusionAgainstPeer(t *testing.T) {
	m, img, g := peer(t, "resnet18")
	defer m.Release()
	h, err := Occlusion(m, img, "", OcclusionOptions{Window: 112})
	if err != nil {
		t.Fatal(err)
	}
	got, want := sampled(h.Values), slices.Concat(g.Occlusion...)
	r := correlation(got, want)
	t.Logf("correlation %.6f", r)
	if !(r >= 0.999) {
		t.Errorf("correlation %g with captum, expected at least 0.999", r)
	}
	for i := range want {
		if math.Abs(got[i]-want[i]) > 2e-3 {
			t.Fatalf("value %d is %g, captum's %g", i, got[i], want[i])
		}
	}
}

// TestHeatmapErrors holds that each mistake is named with the next step.
func TestHeatmapErrors(t *testing.T) {
	spec, err := zoo.Info("resnet18")
	if err != nil {
		t.Fatal(err)
	}
	m, err := zoo.New(spec, spec.Weights[0].Classes, 1)
	if err != nil {
		t.Fatal(err)
	}
	m.Preprocess = vision.Preprocess{}
	twins, err := zoo.New(spec, []string{"crane", "ant", "crane"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	img, small := blocks(), vision.New(10, 10)
	rgba := &vision.Image{Width: 4, Height: 4, Pix: make([]byte, 64)}
	cases := []struct {
		name, want string
		call       func() error
	}{
		{"no model", "load one", func() error { _, err := GradCAM(nil, img, ""); return err }},
		{"no image", "vision.DecodeFile", func() error { _, err := GradCAM(m, nil, ""); return err }},
		{"RGBA", "has 64 bytes", func() error { _, err := GradCAM(m, rgba, ""); return err }},
		{"RGBA", "has 64 bytes", func() error { _, err := Occlusion(m, rgba, ""); return err }},
		{"RGBA", "has 64 bytes", func() error { _, err := FeatureMaps(m, rgba); return err }},
		{"one of two classes", `2 classes "crane"; give "crane (0)"`, func() error { _, err := GradCAM(twins, img, "crane"); return err }},
		{"class", `did you mean "tench"`, func() error { _, err := GradCAM(m, img, "tenchh"); return err }},
		{"stage", "layer1, layer2", func() error { _, err := GradCAM(m, img, "", CAMOptions{Stage: "layer9"}); return err }},
		{"stage without places", "Occlusion", func() error { _, err := GradCAM(m, img, "", CAMOptions{Stage: "avgpool"}); return err }},
		{"size", "10x10", func() error { _, err := GradCAM(m, small, ""); return err }},
		{"size", "10x10", func() error { _, err := Occlusion(m, small, ""); return err }},
		{"window", "1 to 224", func() error { _, err := Occlusion(m, img, "", OcclusionOptions{Window: 300}); return err }},
	}
	for _, c := range cases {
		if err := c.call(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, expected one with %q", c.name, err, c.want)
		}
	}
}

// TestBrokenModel: a network whose weights are NaN is explained by nothing. Each figure fails with the reason, and
// Inspect keeps what it found without the network.
func TestBrokenModel(t *testing.T) {
	m, err := zoo.Load("resnet20.shapes")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release()
	d, err := datasets.Load("shapes", datasets.Options{PerClass: 2})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, m, math.NaN())
	img, err := d.Train.Image(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, want string
		call       func() error
	}{
		{"occlusion", "its weights are damaged, or a training diverged: there are NaN or infinities in ", func() error { _, err := Occlusion(m, img, ""); return err }},
		{"Grad-CAM", "its weights are damaged, or a training diverged: there are NaN or infinities in ", func() error { _, err := GradCAM(m, img, ""); return err }},
		{"principal components", "the same for all images", func() error { _, err := EmbeddingMap(m, d.Train); return err }},
		{"t-SNE", "the same for all images", func() error {
			_, err := EmbeddingMap(m, d.Train, EmbeddingOptions{Method: "tsne", Seed: 1})
			return err
		}},
	} {
		if err := c.call(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
	r, err := Inspect(d, InspectOptions{Model: m})
	if err != nil || len(r.Labels) > 0 || !strings.Contains(strings.Join(r.Notes, " "), "Labels and outliers are not checked") {
		t.Errorf("Inspect: %v, labels %v, notes %q; want a note", err, r.Labels, r.Notes)
	}
	if f, err := FeatureMaps(m, img); err == nil {
		if b, err := f.Bundle(); err != nil || !strings.Contains(b[plots.MIMEText].(string), "no channel varies") {
			t.Errorf("the maps say %v (%v), want that no channel varies", b[plots.MIMEText], err)
		}
	} else if !strings.Contains(err.Error(), "no finite value") {
		t.Errorf("feature maps: %v", err)
	}
}

// TestHeatmapFigure holds that the highest place is coloured, that a place without value shows the image in grey, and
// that the bundle says the class.
func TestHeatmapFigure(t *testing.T) {
	img := vision.New(4, 4)
	for i := range img.Pix {
		img.Pix[i] = 100
	}
	h := &Heatmap{Method: "Grad-CAM", Stage: "layer4", Class: "蜂", Probability: 0.931, Image: img, Values: [][]float64{{0, 0}, {0, 5}}}
	overlay := h.Overlay()
	if r, g, b, _ := overlay.At(0, 0).RGBA(); r != g || g != b || r>>8 != 100 {
		t.Errorf("a place without value is %d, %d, %d, expected grey 100", r>>8, g>>8, b>>8)
	}
	if r, g, b, _ := overlay.At(3, 3).RGBA(); r>>8 < 180 || b >= r || g >= r {
		t.Errorf("the highest place is %d, %d, %d, expected light yellow", r>>8, g>>8, b>>8)
	}
	bundle, err := h.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := bundle[plots.MIMEText].(string); !strings.Contains(text, "蜂 93.1%: Grad-CAM, stage layer4") {
		t.Errorf("the text is %q", text)
	}
	h.Values = [][]float64{{0}}
	if !strings.Contains(h.Caption(), "no place speaks for the class") {
		t.Errorf("the caption of an empty map is %q", h.Caption())
	}
	h.Overlay() // an empty map divides by nothing
}
