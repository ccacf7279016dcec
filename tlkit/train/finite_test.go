package train_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// withValue returns a pretrained model with a value of a convolution replaced.
func withValue(t *testing.T, value float32) *zoo.Model {
	t.Helper()
	m := pretrained(t)
	entries, err := m.StateDict()
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range entries {
		if e.Key == "layer1.conv.weight" {
			values := slices.Clone(snapshot(t, m)[e.Key])
			values[0] = value
			if entries[i].Tensor, err = weights.NewTensor(e.Shape, values); err != nil {
				t.Fatal(err)
			}
		}
	}
	loadEntries(t, m, entries)
	return m
}

// TestNotFinite: where the pretrained weights are no finite numbers, no learning rate is blamed: the variable is named,
// by each strategy and by FindLR, and a strategy that does not use the weights is trained.
func TestNotFinite(t *testing.T) {
	ds, r := paint(t), quick(t)
	for _, value := range []float32{float32(math.NaN()), float32(math.Inf(1))} {
		m := withValue(t, value)
		run, err := r.Compare(context.Background(), "r", ds, m, strategy.FineTune{}, strategy.KNN{}, strategy.LogisticRegression{}, strategy.LwF{}, strategy.Scratch{})
		wantError(t, err, `strategy "knn"`, `strategy "logistic"`, "layer1.conv.weight have NaN or infinities", "load the weights again")
		if run == nil {
			t.Fatal("no run")
		}
		for _, name := range []string{"finetune", "lwf"} {
			if d := result(t, run, name).Diverged; d == nil || !d.Untrained || d.Param != "layer1.conv.weight" || strings.Contains(d.String(), "rate") {
				t.Errorf("%s: %+v", name, d)
			}
		}
		if !result(t, run, "scratch").Done {
			t.Error("the strategy that needs no pretrained weights was not trained")
		}
		if text := run.Verdict(); strings.Contains(text, "smaller learning rate") || !strings.Contains(text, "finetune has no finite loss before the first step, so that no learning rate helps") {
			t.Errorf("verdict %q", text)
		}
		if done, total := run.Progress(); total-done != 2*2 { // of knn and logistic
			t.Errorf("%d of %d epochs", done, total)
		}
		same := withValue(t, value)
		if err := same.ReplaceHead(ds.Classes, 1); err != nil {
			t.Fatal(err)
		}
		_, err = train.Evaluate(same, ds.Val)
		wantError(t, err, "logits of image 2/00.png", "layer1.conv.weight")
		_, err = train.Calibrate(same, ds.Val)
		wantError(t, err, "logits of image 2/00.png", "layer1.conv.weight")
		_, err = r.FindLR(context.Background(), ds, m, strategy.Transfer{})
		wantError(t, err, "without a step of training", "no learning rate to find", "layer1.conv.weight")
		r.Dir = t.TempDir()
	}
}

// TestUntrainedClasses: classes without training images are named; for few validation images no difference is called
// more than noise.
func TestUntrainedClasses(t *testing.T) {
	m, r := pretrained(t), quick(t)
	one := paint(t)
	one.Train = one.Train.Subset([]int{1, 4, 7})
	run := compare(t, r, "one", one, m, strategy.Transfer{})
	if text := strings.Join(run.Warnings, "\n"); !strings.Contains(text, "all 3 training images are of one class") {
		t.Errorf("warnings %q", text)
	}
	two := paint(t)
	two.Train = two.Train.Subset([]int{1, 2, 4, 5})
	for range 2 { // also of a finished run
		run = compare(t, r, "two", two, m, strategy.Transfer{})
		if text := strings.Join(run.Warnings, "\n"); !strings.Contains(text, `1 of 3 classes have no training images (["blue"])`) {
			t.Errorf("warnings %q", text)
		}
	}
	for n, want := range map[int]string{1: "noise ±100.0", 4: "noise ±75.0"} {
		text := (&train.Run{Results: []*train.Result{fake("a", n, n), fake("b", n, 0)}}).Verdict()
		if !strings.Contains(text, want) || n < 3 && strings.Contains(text, "more than the noise") {
			t.Errorf("%d images: %q", n, text)
		}
	}
}

// TestFrequentClass: of 99 images of one class and one of another, 99 % are no more than naming the one always, also
// where a strategy does not always name it.
func TestFrequentClass(t *testing.T) {
	res := &train.Result{Strategy: "a", Done: true, History: []train.Epoch{{Epoch: 1, ValAccuracy: 0.98}}}
	for i := range 100 {
		p := &res.Predictions
		p.Labels, p.Predicted = append(p.Labels, i/99), append(p.Predicted, 0)
	}
	res.Predictions.Predicted[0] = 1
	run := &train.Run{Results: []*train.Result{res}, Config: train.Config{Data: train.DataConfig{Classes: []string{"cat", "dog"}}}}
	want := `Naming the class "cat" for every image would score 99.0%: compare balanced accuracies; that of a is 49.5%.`
	if text := run.Verdict(); !strings.Contains(text, want) {
		t.Errorf("%q lacks %q", text, want)
	}
	for i := range res.Predictions.Labels {
		res.Predictions.Labels[i] = i % 2
	}
	if text := run.Verdict(); strings.Contains(text, "Naming the class") {
		t.Errorf("of even classes: %q", text)
	}
}
