package train_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestFiguresOfSharedNames: classes of one name have their indices in figures: an image of one that is taken for the
// other is a mistake, and each has its own images.
func TestFiguresOfSharedNames(t *testing.T) {
	zoo.Register(tinySpec())
	ds := paint(t)
	ds.Classes = []string{"crane", "maillot", "crane"}
	ds.Val = ds.Val.WithClasses(ds.Classes)
	run := compare(t, quick(t), "r", ds, pretrained(t), strategy.Transfer{})
	e, err := run.Results[0].Evaluate(ds.Val)
	if err != nil {
		t.Fatal(err)
	}
	for i, label := range e.Predictions.Labels { // all images of the first class are taken for the last, by far
		e.Predictions.Predicted[i], e.Predictions.Losses[i] = label, 0.01
		if label == 0 {
			e.Predictions.Predicted[i], e.Predictions.Losses[i] = 2, 20
		}
	}
	page := func(f plots.Figure, err error) string {
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
	const mistake = "crane (0), predicted crane (2)"
	if text := page(e.TopLosses(ds.Val, 3)); strings.Count(text, mistake) != 3 || strings.Contains(text, "(right)") {
		t.Errorf("three mistakes are shown as\n%s", text)
	}
	if text := page(e.TopLossesByClass(ds.Val, 1)); strings.Count(text, " of 3 images)") != 3 {
		t.Errorf("three classes of three images are shown as\n%s", text)
	}
	if text := page(e.ConfusionImages(ds.Val)); !strings.Contains(text, "crane (0)") || !strings.Contains(text, "crane (2)") {
		t.Errorf("the confusion matrix does not tell the classes apart:\n%s", text)
	}
	path := filepath.Join(t.TempDir(), "r.html")
	if err := run.Report(path, train.ReportOptions{Data: ds}); err != nil {
		t.Fatal(err)
	}
	report, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, label := range run.Results[0].Predictions.Labels {
		predicted := run.Results[0].Predictions.Predicted[i]
		if label == 2-predicted && label != predicted && !strings.Contains(string(report), fmt.Sprintf("crane (%d), taken for crane (%d)", label, predicted)) {
			t.Errorf("the report does not say that image %d of class %d is taken for class %d", i, label, predicted)
		}
	}
}

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
	shown := func() (b map[string]any, data []string) {
		f, err := r.PreviewAugment(m, ds.Train, 2, 3)
		if err != nil {
			t.Fatal(err)
		}
		if b, err = f.Bundle(); err != nil {
			t.Fatal(err)
		}
		for _, s := range strings.Split(b[plots.MIMEHTML].(string), `src="`) {
			if strings.HasPrefix(s, "data:") {
				data = append(data, strings.SplitN(s, `"`, 2)[0])
			}
		}
		if len(data) != 8 {
			t.Fatalf("%d images, want 8", len(data))
		}
		return b, data
	}
	b, data := shown()
	if text := b[plots.MIMEText].(string); strings.Count(text, "\n") != 2*(1+3) || strings.Count(text, "epoch 3") != 2 {
		t.Errorf("want two rows of an image and three epochs:\n%s", text)
	}
	// Flipped images differ from the plain one of their row, and are equal in each epoch.
	if data[0] == data[1] || data[1] != data[2] || data[4] == data[0] {
		t.Error("the images of a row are not plain, flipped, flipped")
	}
	// Of two views the third epoch has the first again.
	r.Augment, r.Views = vision.Augment{Pad: 2, HorizontalFlip: 0.5}, 2
	if _, data = shown(); data[1] == data[2] || data[1] != data[3] {
		t.Error("the images of a row are not those of two views in turn")
	}
	r.Augment, r.Views = vision.Augment{}, 0
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

// subtitles returns the notes of the panels of a figure of curves.
func subtitles(t *testing.T, f plots.Figure) string {
	t.Helper()
	b, err := f.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, view := range b[plots.MIMEVegaLite].(map[string]any)["concat"].([]any) {
		if title, ok := view.(map[string]any)["title"].(map[string]any); ok {
			all = append(all, title["subtitle"].(string))
		}
	}
	return strings.Join(all, " | ")
}

// The learning-rate test's figure leaves the diverged tail out, and says so.
func TestLRCurveTail(t *testing.T) {
	c := &train.LRCurve{Strategy: "transfer"}
	for i := range 20 {
		loss := 2 - 0.05*float64(i)
		if i > 15 {
			loss = math.Pow(10, float64(i-14))
		}
		c.Rates, c.Losses, c.Smoothed = append(c.Rates, math.Pow(10, float64(i-20)/4)), append(c.Losses, loss), append(c.Smoothed, loss)
	}
	c.Losses[19] = math.NaN()
	// The start is 2, the lowest loss 1.25: cut at 2.15, of which the note has two digits.
	if got, want := subtitles(t, c.Figure()), "triangles: above 2.1, up to 1e+05"; got != want {
		t.Errorf("the note is %q, want %q", got, want)
	}
	if got := subtitles(t, (&train.LRCurve{Rates: []float64{1}, Losses: []float64{1}, Smoothed: []float64{1}}).Figure()); got != "" {
		t.Errorf("one point: note %q, want none", got)
	}
}

// The curves of a run star the best epoch; with several seeds there is none.
func TestCurvesStar(t *testing.T) {
	ds, m, r := paint(t), pretrained(t), quick(t)
	if got := subtitles(t, compare(t, r, "one", ds, m, strategy.Transfer{}).Curves()); strings.Count(got, "star: best epoch") != 2 {
		t.Errorf("notes %q, want the star in both panels", got)
	}
	r.Seeds = 2
	if got := subtitles(t, compare(t, r, "two", ds, m, strategy.Transfer{}).Curves()); strings.Contains(got, "star") {
		t.Errorf("notes %q, want no star: each seed has its own best epoch", got)
	}
}
