//go:build slow

package train_test

import (
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// scene is what a call of Compare is made of; a change is one thing that people do between two calls.
type scene struct {
	data       string // a folder of images
	read       func() (*datasets.Dataset, error)
	options    datasets.Options
	recipe     train.Recipe
	model      *zoo.Model
	strategies []train.Strategy
	name       string
}

// call compares in a folder of runs.
func (s *scene) call(t *testing.T, dir, name string) *train.Run {
	t.Helper()
	ds, err := s.read()
	if err != nil {
		t.Fatal(err)
	}
	r := s.recipe
	r.Dir = dir
	return compare(t, r, name, ds, s.model, s.strategies...)
}

// paintFile writes an image of a colour under noise.
func paintFile(t *testing.T, path string, class int, seed uint64) {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, side, side))
	rng := rand.New(rand.NewPCG(seed, 3))
	for y := range side {
		for x := range side {
			c := [3]uint8{uint8(rng.IntN(180)), uint8(rng.IntN(180)), uint8(rng.IntN(180))}
			c[class] += 60
			m.Set(x, y, color.RGBA{c[0], c[1], c[2], 255})
		}
	}
	writePNG(t, path, m)
}

// TestChanged does what people do between two calls, one thing after the other: whatever it is, the results are to the
// bit those of the same call alone, and the earlier versions have their models.
func TestChanged(t *testing.T) {
	t.Setenv("TLKIT_DATA", t.TempDir())
	zoo.Register(tinySpec())
	root := t.TempDir()
	s := &scene{data: filepath.Join(root, "data"), model: pretrained(t), recipe: quick(t), name: "r",
		strategies: []train.Strategy{strategy.FineTune{}, strategy.Transfer{}}}
	s.recipe.Epochs = 3
	for i := range 30 {
		paintFile(t, filepath.Join(s.data, colours[i%3], fmt.Sprintf("%02d.png", i)), i%3, uint64(i))
	}
	s.read = func() (*datasets.Dataset, error) { return datasets.ImageFolder(s.data, s.options) }
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	runs := s.recipe.Dir
	img := func(n int) string { return filepath.Join(s.data, colours[n%3], fmt.Sprintf("%02d.png", n)) }
	same := func(n int, change func(path string)) { // with its size in bytes and its time
		info, err := os.Stat(img(n))
		must(err)
		change(img(n))
		data, err := os.ReadFile(img(n))
		must(err)
		for int64(len(data)) < info.Size() {
			data = append(data, 0)
		}
		must(os.WriteFile(img(n), data[:max(len(data), int(info.Size()))], 0o666))
		must(os.Chtimes(img(n), info.ModTime(), info.ModTime()))
	}
	reweigh := func() {
		entries, err := s.model.StateDict()
		must(err)
		m := pretrained(t)
		loadEntries(t, m, entries)
		entries, err = m.StateDict()
		must(err)
		for i, e := range entries {
			if e.Key == "layer2.conv.weight" {
				v, _ := e.Float32()
				v = slices.Clone(v)
				v[3] += 0.25
				entries[i].Tensor, err = weights.NewTensor(e.Shape, v)
				must(err)
			}
		}
		loadEntries(t, m, entries)
		s.model = m
	}
	for _, change := range []struct {
		name string
		do   func()
	}{
		{"first", func() {}},
		{"nothing", func() {}},
		{"epochs 5", func() { s.recipe.Epochs = 5 }},
		{"epochs 2", func() { s.recipe.Epochs = 2 }},
		{"batch 5", func() { s.recipe.BatchSize = 5 }},
		{"flip", func() { s.recipe.Augment = vision.Augment{HorizontalFlip: 0.5} }},
		{"flip 0.3", func() { s.recipe.Augment = vision.Augment{HorizontalFlip: 0.3} }},
		{"views", func() { s.recipe.Views = 2 }},
		{"no augment", func() { s.recipe.Augment, s.recipe.Views = vision.Augment{}, 0 }},
		{"seed", func() { s.recipe.Seed = 9 }},
		{"back to seed", func() { s.recipe.Seed = 3 }},
		{"labels", func() {
			s.strategies = []train.Strategy{strategy.FineTune{Label: "one"}, strategy.Transfer{Label: "two"}}
		}},
		{"labels swapped", func() {
			s.strategies = []train.Strategy{strategy.FineTune{Label: "two"}, strategy.Transfer{Label: "one"}}
		}},
		{"default names", func() { s.strategies = []train.Strategy{strategy.FineTune{}, strategy.Transfer{}} }},
		{"names taken by the other", func() {
			s.strategies = []train.Strategy{strategy.FineTune{Label: "transfer"}, strategy.Transfer{Label: "finetune"}}
		}},
		{"order", func() { s.strategies = []train.Strategy{strategy.Transfer{}, strategy.FineTune{}} }},
		{"recropped, touched back", func() { same(4, func(p string) { paintFile(t, p, 1, 99) }) }},
		{"touched", func() { must(os.Chtimes(img(5), time.Now(), time.Now().Add(time.Hour))) }},
		{"image to another class", func() { must(os.Rename(img(7), filepath.Join(s.data, colours[0], "07.png"))) }},
		{"and back", func() { must(os.Rename(filepath.Join(s.data, colours[0], "07.png"), img(7))) }},
		{"image removed", func() { must(os.Remove(img(10))) }},
		{"class folders swapped", func() {
			must(os.Rename(filepath.Join(s.data, "blue"), filepath.Join(s.data, "x")))
			must(os.Rename(filepath.Join(s.data, "green"), filepath.Join(s.data, "blue")))
			must(os.Rename(filepath.Join(s.data, "x"), filepath.Join(s.data, "green")))
		}},
		{"class renamed", func() { must(os.Rename(filepath.Join(s.data, "red"), filepath.Join(s.data, "rouge"))) }},
		{"class renamed to the front", func() { must(os.Rename(filepath.Join(s.data, "rouge"), filepath.Join(s.data, "aaa"))) }},
		{"class removed", func() { must(os.Rename(filepath.Join(s.data, "aaa"), filepath.Join(root, "aaa"))) }},
		{"class back", func() { must(os.Rename(filepath.Join(root, "aaa"), filepath.Join(s.data, "red"))) }},
		{"val fraction", func() { s.options.ValFraction = 0.4 }},
		{"split seed", func() { s.options.Seed = 5 }},
		{"per class", func() { s.options.PerClass = 4 }},
		{"orient", func() { s.options.Orient = true }},
		{"options back", func() { s.options = datasets.Options{} }},
		{"weights replaced", reweigh},
		{"weights renamed", func() { s.model.Weights = "other" }},
		{"preprocess", func() { s.model.Preprocess.Mean = vision.Preprocess{}.Mean }},
		{"interpolation", func() { s.model.Preprocess.Interpolation = "bicubic" }},
		{"optimizer", func() { s.recipe.Optimizer = train.Adam }},
		{"decay", func() { s.recipe.WeightDecay = 0.01 }},
		{"accumulate", func() { s.recipe.Accumulate = 2 }},
		{"clip", func() { s.recipe.ClipNorm = 0.5 }},
		{"smoothing", func() { s.recipe.LabelSmoothing = 0.1 }},
		{"weights balanced", func() { s.recipe.ClassWeights = train.Balanced }},
		{"mixup", func() { s.recipe.Mixup = 0.2 }},
		{"cutmix", func() { s.recipe.CutMix = 1 }},
		{"average", func() { s.recipe.Average = 0.9 }},
		{"early stop", func() { s.recipe.EarlyStop = train.EarlyStop{Patience: 1} }},
		{"cosine", func() { s.recipe.Schedule.Cosine = true }},
		{"passes", func() { s.recipe.Passes = 2 }},
		{"epochs 4", func() { s.recipe.Epochs = 4 }},
		{"seeds", func() { s.recipe.Seeds = 2 }},
		{"head first", func() { s.strategies[1] = strategy.FineTune{HeadFirst: 1} }},
		{"from", func() { s.strategies[1] = strategy.FineTune{HeadFirst: 1, From: "layer2"} }},
		{"memory", func() { s.recipe.MemoryLimit = 1 }},
		{"plain again", func() {
			s.recipe = train.Recipe{Epochs: 2, BatchSize: 4, Seed: 3, Quiet: true, DiskLimit: -1}
			s.strategies = []train.Strategy{strategy.FineTune{}, strategy.Transfer{}}
		}},
		{"runs moved", func() {
			must(os.Rename(runs, runs+"-moved"))
			runs += "-moved"
		}},
		{"run renamed", func() { must(os.Rename(filepath.Join(runs, s.name), filepath.Join(runs, "q"))); s.name = "q" }},
		{"run copied", func() {
			must(os.CopyFS(filepath.Join(runs, "copy"), os.DirFS(filepath.Join(runs, s.name))))
			s.name = "copy"
		}},
		{"times of the run in the future", func() {
			must(filepath.Walk(runs, func(p string, _ os.FileInfo, err error) error {
				must(err)
				return os.Chtimes(p, time.Now().AddDate(1, 0, 0), time.Now().AddDate(1, 0, 0))
			}))
		}},
		{"times of the run at zero", func() {
			must(filepath.Walk(runs, func(p string, _ os.FileInfo, err error) error {
				must(err)
				return os.Chtimes(p, time.Unix(0, 0), time.Unix(0, 0))
			}))
		}},
		{"epochs 3", func() { s.recipe.Epochs = 3 }},
		{"from a list", func() {
			s.read = func() (*datasets.Dataset, error) {
				return datasets.FromCSV(filepath.Join(root, "l.csv"), "image", "label", s.options)
			}
			writeList(t, root, s.data, func(c string) string { return c })
		}},
		{"labels of the list permuted", func() {
			writeList(t, root, s.data, func(c string) string { return map[string]string{"blue": "green", "green": "red", "red": "blue"}[c] })
		}},
		{"lines of the list reversed", func() {
			data, err := os.ReadFile(filepath.Join(root, "l.csv"))
			must(err)
			lines := strings.Split(strings.TrimSpace(string(data)), "\n")
			slices.Reverse(lines[1:])
			must(os.WriteFile(filepath.Join(root, "l.csv"), []byte(strings.Join(lines, "\n")), 0o666))
		}},
	} {
		change.do()
		run := s.call(t, runs, s.name)
		lone := s.call(t, t.TempDir(), "lone")
		t.Log(change.name, run.Warnings)
		if len(run.Results) < len(lone.Results) {
			t.Errorf("%s: %d results, alone %d", change.name, len(run.Results), len(lone.Results))
		}
		for _, want := range lone.Results {
			got := result(t, run, want.Strategy)
			for i, one := range got.Seeds() {
				w := want.Seeds()[i]
				if !reflect.DeepEqual(curve(one.History), curve(w.History)) {
					t.Errorf("%s: %s:\n%+v\nalone\n%+v", change.name, want.Strategy, curve(one.History), curve(w.History))
				}
				if !reflect.DeepEqual(one.Predictions, w.Predictions) {
					t.Errorf("%s: %s: predictions\n%+v\nalone\n%+v", change.name, want.Strategy, one.Predictions, w.Predictions)
				}
				a, err := one.Model()
				must(err)
				b, err := w.Model()
				must(err)
				if !reflect.DeepEqual(snapshot(t, a), snapshot(t, b)) || !slices.Equal(a.Classes, b.Classes) || a.Preprocess != b.Preprocess {
					t.Errorf("%s: %s: other models, %q %q", change.name, want.Strategy, a.Classes, b.Classes)
				}
			}
		}
	}
	opened, err := train.Open(runs, s.name)
	must(err)
	opened.Config.Recipe.Dir = runs // not kept with a run
	checkVersions(t, opened)
}

// writeList writes a CSV file of all images.
func writeList(t *testing.T, root, data string, label func(class string) string) {
	t.Helper()
	text := "image,label\n"
	paths, _ := filepath.Glob(filepath.Join(data, "*", "*.png"))
	for _, p := range paths {
		rel, _ := filepath.Rel(root, p)
		text += rel + "," + label(filepath.Base(filepath.Dir(p))) + "\n"
	}
	if err := os.WriteFile(filepath.Join(root, "l.csv"), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}
