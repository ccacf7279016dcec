package train_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// The figures of an evaluation name its worst images, and refuse another split.
func TestEvaluationFigures(t *testing.T) {
	zoo.Register(tinySpec())
	ds, m, r := paint(t), pretrained(t), quick(t)
	r.Epochs = 1
	run, err := r.Compare(context.Background(), "figures", ds, m, strategy.Transfer{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := run.Results[0].Evaluate(ds.Val)
	if err != nil {
		t.Fatal(err)
	}
	sum, worst := 0.0, 0
	for i, v := range e.Predictions.Losses {
		sum += v / float64(len(e.Predictions.Losses))
		if v > e.Predictions.Losses[worst] {
			worst = i
		}
	}
	if len(e.Predictions.Losses) != ds.Val.Len() || math.Abs(sum-e.Loss) > 1e-9 {
		t.Fatalf("%d losses with the mean %v, want %d with %v", len(e.Predictions.Losses), sum, ds.Val.Len(), e.Loss)
	}
	text := func(f plots.Figure, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		b, err := f.Bundle()
		if err != nil {
			t.Fatal(err)
		}
		return b[plots.MIMEText].(string)
	}
	top := text(e.TopLosses(ds.Val, 2))
	if lines := strings.Split(strings.TrimSpace(top), "\n"); len(lines) != 3 || !strings.Contains(lines[1], e.Predictions.Names[worst]) {
		t.Errorf("want a title and two images, %s first:\n%s", e.Predictions.Names[worst], top)
	}
	if by := text(e.TopLossesByClass(ds.Val, 1)); strings.Count(by, "(1 of 3 images)") != len(ds.Classes) || strings.Contains(by, "no image") {
		t.Errorf("want one image of each class:\n%s", by)
	}
	f, err := e.ConfusionImages(ds.Val)
	if text(f, err) == "" {
		t.Error("no confusion matrix")
	}
	b, _ := f.Bundle()
	wrong := 0
	for i, p := range e.Predictions.Predicted {
		if p != e.Predictions.Labels[i] {
			wrong++
		}
	}
	if n := strings.Count(b[plots.MIMEHTML].(string), "<img "); n != wrong {
		t.Errorf("%d images behind the matrix, want the %d wrong ones", n, wrong)
	}
	for _, other := range []*datasets.Split{nil, ds.Train, ds.Val.Subset([]int{1, 0, 2, 3, 4, 5, 6, 7, 8})} {
		for _, err := range []error{second(e.TopLosses(other, 1)), second(e.TopLossesByClass(other, 1)), second(e.ConfusionImages(other))} {
			if err == nil || !strings.Contains(err.Error(), "give the split that was evaluated") {
				t.Errorf("another split: got %v", err)
			}
		}
	}
	e.Predictions.Losses = nil
	if _, err := e.TopLosses(ds.Val, 1); err == nil || !strings.Contains(err.Error(), "evaluate the split again") {
		t.Errorf("without losses: got %v", err)
	}
}

func second(_ plots.Figure, err error) error { return err }

func TestPreviewAugment(t *testing.T) {
	ds, m := paint(t), pretrained(t)
	r := quick(t)
	r.Augment = vision.Augment{HorizontalFlip: 1}
	f, err := r.PreviewAugment(m, ds.Train, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	b, err := f.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	if text := b[plots.MIMEText].(string); strings.Count(text, "\n") != 2*(1+3) || strings.Count(text, "epoch 3") != 2 {
		t.Errorf("want two rows of an image and three epochs:\n%s", text)
	}
	// Flipped images differ from the plain one of their row, and are equal in each epoch.
	sources := slices.DeleteFunc(strings.Split(b[plots.MIMEHTML].(string), `src="`), func(s string) bool { return !strings.HasPrefix(s, "data:") })
	if len(sources) != 8 {
		t.Fatalf("%d images, want 8", len(sources))
	}
	data := func(i int) string { return strings.SplitN(sources[i], `"`, 2)[0] }
	if data(0) == data(1) || data(1) != data(2) || data(4) == data(0) {
		t.Error("the images of a row are not plain, flipped, flipped")
	}
	r.Augment.HorizontalFlip = 2
	if _, err := r.PreviewAugment(m, ds.Train, 1, 1); err == nil {
		t.Error("no error for a wrong augmentation")
	}
	for _, err := range []error{second(train.Recipe{}.PreviewAugment(nil, ds.Train, 1, 1)), second(train.Recipe{}.PreviewAugment(m, nil, 1, 1))} {
		if err == nil {
			t.Error("no error for a missing model or split")
		}
	}
}
