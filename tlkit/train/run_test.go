package train_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/insight"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestStoredRun trains a model of the zoo and opens the run as another notebook cell would: everything is there, and
// the model of the best epoch predicts what was stored.
func TestStoredRun(t *testing.T) {
	spec, err := zoo.Info("resnet20")
	if err != nil {
		t.Fatal(err)
	}
	m, ds, r := pretend(t, spec), paint(t), quick(t)
	r.Epochs = 3
	trained := compare(t, r, "ants-vs-bees", ds, m, strategy.Transfer{LearningRate: 0.1}, strategy.FineTune{From: "layer3", LearningRate: 0.1})
	run, err := train.Open(r.Dir, "ants-vs-bees")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(run.Config.Data, trained.Config.Data) || run.Config.Model != trained.Config.Model ||
		run.Config.Recipe.Epochs != 3 || run.Config.Data.Train != 15 || run.Config.Data.Val != 9 || run.Config.Model.Weights != "test" {
		t.Errorf("configuration %+v, when it was trained %+v", run.Config, trained.Config)
	}
	before, tuned := snapshot(t, m), saved(t, run, "finetune", "checkpoint.safetensors")
	for _, p := range m.Params() {
		early := p.Stage == "stem" || p.Stage == "layer1" || p.Stage == "layer2"
		if same := slices.Equal(before[p.Key], tuned[p.Key]); same != early {
			t.Errorf("FineTune from layer3: %s is equal to the pretrained one: %v", p.Key, same)
		}
	}
	for i, res := range run.Results {
		was := trained.Results[i]
		if res.Strategy != was.Strategy || !reflect.DeepEqual(res.History, was.History) || !reflect.DeepEqual(res.Predictions, was.Predictions) ||
			res.Trainable != was.Trainable || res.LearningRate != 0.1 || !res.Done {
			t.Errorf("opened %+v, trained %+v", res, was)
		}
		model, err := res.Model()
		if err != nil {
			t.Fatal(err)
		}
		if model.Weights != "ants-vs-bees/"+res.Strategy || !slices.Equal(model.Classes, colours) || model.Preprocess != m.Preprocess {
			t.Errorf("model %s of %v, preprocessing %+v", model.Weights, model.Classes, model.Preprocess)
		}
		var images []*vision.Image
		for i := range ds.Val.Len() {
			image, err := ds.Val.Image(i)
			if err != nil {
				t.Fatal(err)
			}
			images = append(images, image)
		}
		logits, err := model.Logits(images)
		if err != nil {
			t.Fatal(err)
		}
		p := res.Predictions
		hits, matrix := 0, make([][]int, 3)
		for k := range matrix {
			matrix[k] = make([]int, 3)
		}
		for i, l := range logits {
			at := slices.Index(l, slices.Max(l))
			sum := 0.0
			for _, v := range l {
				sum += math.Exp(float64(v - l[at]))
			}
			if p.Predicted[i] != at || math.Abs(p.Confidence[i]-1/sum) > 1e-4 || p.Labels[i] != ds.Val.Label(i) || p.Names[i] != ds.Val.Name(i) {
				t.Errorf("%s, image %d: stored %s, class %d taken for %d with %g; the model says %d with %g", res.Strategy, i,
					p.Names[i], p.Labels[i], p.Predicted[i], p.Confidence[i], at, 1/sum)
			}
			matrix[ds.Val.Label(i)][at]++
			if at == ds.Val.Label(i) {
				hits++
			}
		}
		if !reflect.DeepEqual(res.ConfusionMatrix(), matrix) {
			t.Errorf("confusion matrix %v, want %v", res.ConfusionMatrix(), matrix)
		}
		if best, _ := res.Best(); best.ValAccuracy != float64(hits)/9 {
			t.Errorf("best accuracy %g, the best weights have %d hits of 9", best.ValAccuracy, hits)
		}
	}
	_, err = run.Result("scratch")
	wantError(t, err, `"scratch"`, "transfer, finetune")
}

func TestOpenListRemove(t *testing.T) {
	r := quick(t)
	if names, err := train.List(r.Dir); err != nil || len(names) != 0 {
		t.Errorf("an empty folder lists %v, %v", names, err)
	}
	_, err := train.Open(r.Dir, "b")
	wantError(t, err, `no run "b"`, r.Dir, "none yet")
	m := pretrained(t)
	for _, name := range []string{"b", "a.2", "c_-3"} {
		compare(t, r, name, paint(t), m, strategy.Transfer{})
	}
	if err := os.Mkdir(filepath.Join(r.Dir, "no-run"), 0o777); err != nil {
		t.Fatal(err)
	}
	if names, err := train.List(r.Dir); err != nil || !slices.Equal(names, []string{"a.2", "b", "c_-3"}) {
		t.Errorf("List = %v, %v", names, err)
	}
	_, err = train.Open(r.Dir, "bb")
	wantError(t, err, `no run "bb"`, "a.2, b, c_-3")
	_, err = train.Open(r.Dir, "../b")
	wantError(t, err, `"../b"`, "letters")
	if err := train.Remove(r.Dir, "b"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(r.Dir, "b")); err == nil {
		t.Error("the folder is still there")
	}
	wantError(t, train.Remove(r.Dir, "b"), "no run to remove")
	wantError(t, train.Remove(r.Dir, "no-run"), "no run to remove")
	wantError(t, train.Remove(r.Dir, ".."), `".."`)
	if names, _ := train.List(r.Dir); !slices.Equal(names, []string{"a.2", "c_-3"}) {
		t.Errorf("List after Remove = %v", names)
	}

	// TLKIT_RUNS is the folder when none is named.
	t.Setenv("TLKIT_RUNS", r.Dir)
	if _, err := train.Open("", "a.2"); err != nil {
		t.Error(err)
	}

	for text, want := range map[string]string{"{": "damaged", `{"strategies":[{"Name":"../x"}]}`: "usable name", `{"strategies":[7]}`: "usable name"} {
		for _, name := range []string{"run.json", "run.json.bak"} {
			if err := os.WriteFile(filepath.Join(r.Dir, "a.2", name), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		_, err = train.Open(r.Dir, "a.2")
		wantError(t, err, "run.json", want)
	}
}

// TestFigures renders the figures of a run before, during and after its training.
func TestFigures(t *testing.T) {
	render := func(when string, f plots.Figure, parts ...string) {
		t.Helper()
		bundle, err := f.Bundle()
		if err != nil {
			t.Errorf("%s: %v", when, err)
			return
		}
		for _, part := range parts {
			if text := fmt.Sprint(bundle[plots.MIMEText]); !strings.Contains(text, part) {
				t.Errorf("%s: the text lacks %q:\n%s", when, part, text)
			}
		}
		if _, err := json.Marshal(bundle); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	empty := &train.Run{Name: "new", Results: []*train.Result{{Strategy: "transfer"}}}
	render("before", empty.Curves())
	render("before", empty.Summary(), "transfer", "-")
	if empty.Best() != nil {
		t.Error("a run without epochs has a best strategy")
	}
	if _, ok := empty.Results[0].Best(); ok {
		t.Error("a result without epochs has a best one")
	}
	if _, ok := empty.Results[0].Last(); ok {
		t.Error("a result without epochs has a last one")
	}

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ds, r := paint(t), quick(t)
	r.MemoryLimit = 1
	ds.Train = painted(t, 1, 5, (&counter{when: 44, at: cancel}).asked)
	run, err := r.Compare(ctx, "half", ds, pretrained(t), strategy.Scratch{}, strategy.FineTune{})
	if run == nil {
		t.Fatal(err)
	}
	render("during", run.Curves(), "scratch", "finetune")
	render("during", run.Summary(), "scratch", "finetune", "-")
	zoo.Register(tinySpec())
	_, err = result(t, run, "finetune").Model()
	wantError(t, err, "finetune", "no complete epoch yet", "run Compare again")

	run = compare(t, r, "half", paint(t), pretrained(t), strategy.Scratch{}, strategy.FineTune{})
	render("after", run.Curves(), "scratch", "finetune")
	render("after", run.Summary(), "scratch", "finetune", "all 819", "%")
	render("after", plots.Confusion(colours, run.Results[0].ConfusionMatrix()))
	last, ok := run.Results[0].Last()
	if !ok || last.Epoch != 2 || run.Results[0].Seconds() <= 0 || last.ImagesPerSecond <= 0 {
		t.Errorf("last epoch %+v", last)
	}

	t.Setenv("TLKIT_PLOTS", t.TempDir())
	for _, show := range []func() error{run.Plot, run.Table, run.Results[0].Confusion} {
		if err := show(); err != nil {
			t.Error(err)
		}
	}
}

// TestBestOfRun: the best strategy is the one of the highest accuracy, of equals the one of lower loss.
func TestBestOfRun(t *testing.T) {
	res := func(name string, accuracy, loss float64) *train.Result {
		return &train.Result{Strategy: name, History: []train.Epoch{{Epoch: 1, ValAccuracy: accuracy, ValLoss: loss}}}
	}
	run := train.Run{Results: []*train.Result{res("a", 0.5, 1), {Strategy: "none"}, res("b", 0.7, 3), res("c", 0.7, 2), res("d", 0.6, 0)}}
	if best := run.Best(); best == nil || best.Strategy != "c" {
		t.Errorf("best is %+v, want c", best)
	}
	run.Config.Data, run.Config.Model = train.DataConfig{Name: "dots", Fingerprint: "12"}, train.ModelConfig{Name: "m", Weights: "w"}
	want := insight.Outcome{Model: "m (w)", Accuracy: 0.7, Data: "dots", Fingerprint: "12"} // a ranking's data must have the fingerprint
	if o, err := run.Outcome(); err != nil || o != want {
		t.Errorf("outcome %+v, %v; want %+v", o, err, want)
	}
}

// TestFolder trains on a folder of JPEGs of several sizes; a broken one among them is named and left out.
func TestFolder(t *testing.T) {
	t.Setenv("TLKIT_CACHE", t.TempDir())
	dir := t.TempDir()
	write := func(name string, data []byte) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	photo := func(i int, c color.Color) []byte {
		m := image.NewRGBA(image.Rect(0, 0, 9+i, 12))
		for p := range m.Bounds().Dx() * 12 {
			m.Set(p%m.Bounds().Dx(), p/m.Bounds().Dx(), c)
		}
		var b strings.Builder
		if err := jpeg.Encode(&b, m, nil); err != nil {
			t.Fatal(err)
		}
		return []byte(b.String())
	}
	for i := range 4 {
		write(fmt.Sprintf("train/ants/%d.jpg", i), photo(i, color.RGBA{200, 60, 40, 255}))
		write(fmt.Sprintf("train/bees/%d.jpg", i), photo(i, color.RGBA{200, 180, 40, 255}))
		write(fmt.Sprintf("val/ants/%d.jpg", i), photo(i, color.RGBA{190, 50, 30, 255}))
		write(fmt.Sprintf("val/bees/%d.jpg", i), photo(i, color.RGBA{190, 190, 30, 255}))
	}
	good := photo(1, color.White)
	write("train/ants/broken.jpg", good[:bytes.Index(good, []byte{0xff, 0xda})+4]) // a good header, no pixels
	ds, err := datasets.ImageFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if ds.Train.Len() != 8 || !strings.Contains(strings.Join(ds.Warnings, "\n"), "train/ants/broken.jpg") {
		t.Fatalf("%d training images, warnings %q", ds.Train.Len(), ds.Warnings)
	}
	r := quick(t)
	r.Quiet = false // the warning goes to standard error
	r.Augment = vision.StandardAugment()
	output := stderr(t, func() {
		run := compare(t, r, "r", ds, pretrained(t), strategy.Transfer{})
		if len(run.Results[0].Predictions.Predicted) != 8 || !run.Results[0].Done {
			t.Errorf("result %+v", run.Results[0])
		}
	})
	if !strings.Contains(output, "train/ants/broken.jpg") {
		t.Errorf("training does not tell of the broken file; it says:\n%s", output)
	}

	// Not looked at beforehand, the file has a stand-in when its turn comes, and is named.
	ds, err = datasets.ImageFolder(dir, datasets.Options{SkipCheck: true})
	if err != nil {
		t.Fatal(err)
	}
	if ds.Train.Len() != 9 {
		t.Fatalf("%d training images without the check, want 9", ds.Train.Len())
	}
	r.Quiet = true
	var run *train.Run
	output = stderr(t, func() { run = compare(t, r, "s", ds, pretrained(t), strategy.FineTune{}) })
	if !run.Results[0].Done || !strings.Contains(strings.Join(run.Warnings, "\n"), "broken.jpg") || !strings.Contains(output, "broken.jpg") {
		t.Errorf("result %+v, warnings %q", run.Results[0], run.Warnings)
	}
}

// stderr returns what f writes to standard error.
func stderr(t testing.TB, f func()) string {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "stderr")
	if err != nil {
		t.Fatal(err)
	}
	old := os.Stderr
	os.Stderr = file
	defer func() { os.Stderr = old }()
	f()
	data, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestImageSize: images that the preprocessing does not bring to the model's size are an error with both sizes.
func TestImageSize(t *testing.T) {
	m := pretrained(t)
	m.Preprocess = vision.Preprocess{} // images stay as they are
	ds := paint(t)
	big, err := datasets.NewSplit(3, []string{"x", "big.png", "z"}, []int{0, 1, 2}, func(i int) (*vision.Image, error) {
		return vision.New(side+4*(i%2), side), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	ds.Train = big
	_, err = quick(t).Compare(context.Background(), "r", ds, m, strategy.Transfer{})
	wantError(t, err, `"big.png"`, "12x8", "8x8", "Preprocess")
}

// TestDiverged: a loss that is no number ends that strategy's training, and keeps what was there.
func TestDiverged(t *testing.T) {
	r := quick(t)
	r.Epochs = 6
	run := compare(t, r, "r", paint(t), pretrained(t), strategy.Transfer{}, strategy.FineTune{LearningRate: 1e30, Label: "wild"})
	if d := result(t, run, "wild").Diverged; d == nil || d.LearningRate != 1e30 {
		t.Errorf("divergence %+v", d)
	}
	if !result(t, run, "transfer").Done {
		t.Error("the strategy before it is not kept")
	}
	run = compare(t, r, "r", paint(t), pretrained(t), strategy.Transfer{}, strategy.FineTune{LearningRate: 0.01})
	if len(run.Results[len(run.Results)-1].History) != 6 {
		t.Errorf("results %+v", run.Results)
	}
}

// TestTestSplit: where there are no validation images, models are compared on the test images.
func TestTestSplit(t *testing.T) {
	empty := painted(t, 9, 1, nil).Subset(nil)
	for _, val := range []*datasets.Split{nil, empty} {
		ds := paint(t)
		ds.Test, ds.Val = ds.Val, val
		run := compare(t, quick(t), "r", ds, pretrained(t), strategy.Transfer{})
		if n := len(run.Results[0].Predictions.Names); n != 9 || run.Config.Data.Val != 9 {
			t.Errorf("compared on %d images, want the 9 test images", n)
		}
	}
}

func TestMustCompare(t *testing.T) {
	r := quick(t)
	if run := r.MustCompare("r", paint(t), pretrained(t), strategy.Transfer{}); !run.Results[0].Done {
		t.Errorf("result %+v", run.Results[0])
	}
	defer func() {
		if err, ok := recover().(error); !ok || !strings.Contains(err.Error(), "no strategy") {
			t.Errorf("panic %v, want the error of Compare", err)
		}
	}()
	r.MustCompare("r", paint(t), pretrained(t))
}
