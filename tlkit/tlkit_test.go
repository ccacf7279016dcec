package tlkit_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/tlkit"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// The tests hold for every engine; the pure-Go one is there on every machine.
func TestMain(m *testing.M) {
	testutil.PureGo()
	m.Run()
}

// dots are images of one colour per class, with one in validation that is labelled wrongly.
func dots(t testing.TB) *datasets.Dataset {
	split := func(name string, n int) *datasets.Split {
		var names []string
		var labels []int
		for i := range n {
			names = append(names, fmt.Sprintf("%s/%d.png", name, i))
			labels = append(labels, i%2)
		}
		if name == "val" {
			labels[n-1] = 1 - labels[n-1]
		}
		s, err := datasets.NewSplit(2, names, labels, func(i int) (*vision.Image, error) {
			m := vision.New(8, 8)
			for j := range m.Pix {
				m.Pix[j] = uint8(40 + 20*(i%3))
				if j%3 == i%2 {
					m.Pix[j] = 220
				}
			}
			return m, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	return &datasets.Dataset{Name: "dots", Classes: []string{"red", "green"}, Train: split("train", 12), Val: split("val", 6)}
}

// TestNotebook goes through what a notebook does: load, compare, open in another cell, show, predict, list, remove.
func TestNotebook(t *testing.T) {
	t.Setenv("TLKIT_RUNS", t.TempDir())
	folder := t.TempDir()
	t.Setenv("TLKIT_PLOTS", folder)
	model := tlkit.MustLoad("resnet20", tlkit.LoadOptions{Weights: zoo.Random, Seed: 1})
	model.Preprocess.Resize, model.Preprocess.Crop = 8, 8
	data := dots(t)
	recipe := tlkit.Recipe{Epochs: 2, BatchSize: 4, Optimizer: tlkit.Adam, Quiet: true}
	run := recipe.MustCompare("dots", data, model, tlkit.Transfer{LearningRate: 0.02}, tlkit.FineTune{LearningRate: 0.01})
	if len(run.Results) != 2 || !run.Results[1].Done {
		t.Fatalf("results %+v", run.Results)
	}

	again := tlkit.MustOpen("dots")
	if names, err := tlkit.Runs(); err != nil || !slices.Equal(names, []string{"dots"}) {
		t.Errorf("Runs = %v, %v", names, err)
	}
	result := again.Best()
	trained, err := result.Model()
	if err != nil {
		t.Fatal(err)
	}
	image, err := data.Val.Image(0)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := trained.Predict(image, 1); err != nil || len(p) != 1 || p[0].Index != result.Predictions.Predicted[0] {
		t.Errorf("Predict = %v, %v; stored is class %d", p, err, result.Predictions.Predicted[0])
	}

	path := filepath.Join(t.TempDir(), "dots.onnx")
	if err := result.Export(path); err != nil {
		t.Fatal(err)
	}
	exported, err := tlkit.LoadExported(path)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := exported.Predict(image, 1); err != nil || p[0].Index != result.Predictions.Predicted[0] || p[0].Class != data.Classes[p[0].Index] {
		t.Errorf("the exported model predicts %v, %v; stored is class %d", p, err, result.Predictions.Predicted[0])
	}
	var none *tlkit.Result
	if err := none.Export(path); err == nil || !strings.Contains(err.Error(), "no strategy") {
		t.Errorf("exporting no result: error %v", err)
	}
	if err := tlkit.Export(nil, path); err == nil || !strings.Contains(err.Error(), "nil") {
		t.Errorf("exporting no model: error %v", err)
	}

	for name, show := range map[string]func() error{
		"Plot":         again.Plot,
		"Table":        again.Table,
		"Confusion":    result.Confusion,
		"ShowImages":   func() error { return tlkit.ShowImages(data.Train, 3) },
		"ShowMistakes": func() error { return tlkit.ShowMistakes(result, data, 4) },
		"Show":         func() error { return tlkit.Show(plots.Text("a line of text")) },
	} {
		if err := show(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Curves, confusion matrix, images, mistakes (one image is labelled wrongly, so there is one at least).
	if files, _ := filepath.Glob(filepath.Join(folder, "*")); len(files) < 4 {
		t.Errorf("figures written: %v, want at least four", files)
	}

	fewer := *data
	fewer.Val = data.Val.Subset([]int{0, 1})
	err = tlkit.ShowMistakes(result, &fewer, 4)
	if err == nil || !strings.Contains(err.Error(), "evaluated on 6 images") {
		t.Errorf("mistakes on other data: error %v", err)
	}
	if err := tlkit.ShowMistakes(none, data, 4); err == nil || !strings.Contains(err.Error(), "completed no epoch") {
		t.Errorf("mistakes of no result: error %v", err)
	}
	if err := tlkit.ShowMistakes(result, nil, 4); err == nil || !strings.Contains(err.Error(), "no data set") {
		t.Errorf("mistakes on no data set: error %v", err)
	}
	for _, n := range []int{0, -1} {
		for name, err := range map[string]error{"images": tlkit.ShowImages(data.Train, n), "mistakes": tlkit.ShowMistakes(result, data, n)} {
			if err == nil || !strings.Contains(err.Error(), "give at least 1") {
				t.Errorf("%d %s: error %v", n, name, err)
			}
		}
	}
	if err := tlkit.ShowImages(nil, 3); err == nil || !strings.Contains(err.Error(), "no images") {
		t.Errorf("images of no split: error %v", err)
	}
	if err := tlkit.Remove("dots"); err != nil {
		t.Error(err)
	}
	if _, err := tlkit.Open("dots"); err == nil || !strings.Contains(err.Error(), `no run "dots"`) {
		t.Errorf("a removed run: error %v", err)
	}
}

// TestMust: the Must forms panic with the error of the others.
func TestMust(t *testing.T) {
	t.Setenv("TLKIT_RUNS", t.TempDir())
	for name, f := range map[string]func(){
		"did you mean": func() { tlkit.MustLoad("resnet21") },
		"no run":       func() { tlkit.MustOpen("none") },
		"model is nil": func() { tlkit.MustCompare("r", dots(t), nil, tlkit.Scratch{}) },
	} {
		func() {
			defer func() {
				if err, ok := recover().(error); !ok || !strings.Contains(err.Error(), name) {
					t.Errorf("panic %v, want an error with %q", err, name)
				}
			}()
			f()
		}()
	}
	if _, err := tlkit.Compare("r", nil, nil); err == nil || !strings.Contains(err.Error(), "data set is nil") {
		t.Errorf("Compare of nothing: error %v", err)
	}
	var unknown *zoo.UnknownModelError
	if _, err := tlkit.Load("resnet21"); !errors.As(err, &unknown) {
		t.Errorf("Load of an unknown model: error %v", err)
	}
	if !slices.Contains(tlkit.Models(), "resnet18") || !strings.Contains(tlkit.Device(), "  go") {
		t.Errorf("models %v, device %q", tlkit.Models(), tlkit.Device())
	}
}
