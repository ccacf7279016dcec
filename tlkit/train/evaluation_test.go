package train_test

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestEvaluate: on the validation split the figures are those of the best epoch; per class they are counted by hand.
func TestEvaluate(t *testing.T) {
	zoo.Register(tinySpec())
	ds, m, r := paint(t), pretrained(t), quick(t)
	r.Epochs = 3
	run := compare(t, r, "r", ds, m, strategy.Scratch{}, strategy.KNN{})
	res := result(t, run, "scratch")
	e, err := res.Evaluate(ds.Val) // its classes have no names
	if err != nil {
		t.Fatal(err)
	}
	best, _ := res.Best()
	if e.Accuracy != best.ValAccuracy || math.Abs(e.Loss-best.ValLoss) > 1e-5 || e.MacroF1 != res.MacroF1() || e.BalancedAccuracy != res.BalancedAccuracy() ||
		!reflect.DeepEqual(e.Predictions.Predicted, res.Predictions.Predicted) || !reflect.DeepEqual(e.ConfusionMatrix(), res.ConfusionMatrix()) {
		t.Errorf("evaluation %v, the best epoch has %+v", e, best)
	}
	for c, s := range e.PerClass {
		var images, predicted, hits float64
		for i, label := range e.Predictions.Labels {
			if label == c {
				images++
			}
			if e.Predictions.Predicted[i] == c {
				predicted++
			}
			if label == c && e.Predictions.Predicted[i] == c {
				hits++
			}
		}
		same := func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }
		precision, recall := hits/predicted, hits/images
		if s.Class != ds.Classes[c] || float64(s.Images) != images || float64(s.Predicted) != predicted ||
			!same(s.Precision, precision) || !same(s.Recall, recall) || math.Abs(s.F1-2*hits/(images+predicted)) > 1e-12 {
			t.Errorf("class %d: %+v; counted %g images, %g predicted, %g hits", c, s, images, predicted, hits)
		}
	}
	bundle, err := e.Bundle()
	if err != nil || !strings.Contains(bundle["text/plain"].(string), "balanced accuracy") {
		t.Errorf("bundle %v, %v", bundle["text/plain"], err)
	}
	path := filepath.Join(t.TempDir(), "p.csv")
	if err := e.WriteCSV(path); err != nil {
		t.Fatal(err)
	}
	data, _ := os.ReadFile(path)
	if lines := strings.Split(string(data), "\n"); len(lines) != 11 || lines[0] != "image,class,predicted,probability,right" || !strings.HasPrefix(lines[1], "2/00.png,blue,") {
		t.Errorf("CSV %q", data)
	}
	if err := res.WriteCSV(path); err != nil {
		t.Fatal(err)
	}
	if stored, _ := os.ReadFile(path); len(strings.Split(string(stored), "\n")) != 11 {
		t.Errorf("CSV of the stored predictions %q", stored)
	}

	_, err = res.Evaluate(nil)
	wantError(t, err, "no images", "data.Test")
	_, err = res.Evaluate(ds.Val.WithClasses([]string{"x", "y", "z"}))
	wantError(t, err, `3 images of the split are of class "x"`, `"blue"`, "split.Subset", "split.WithClasses")
	var none *train.Result
	_, err = none.Evaluate(ds.Val)
	wantError(t, err, "no result to evaluate")
	_, err = none.Model()
	wantError(t, err, "no strategy of the run has completed an epoch")
	wantError(t, none.WriteCSV(path), "run Compare again")
	_, err = result(t, run, "knn").Evaluate(ds.Val)
	wantError(t, err, `"knn"`, "strategy.KNN{}.Fit")
	_, err = result(t, run, "knn").Model()
	wantError(t, err, `"knn"`, "without the model's output layer", "another strategy")
	wantError(t, result(t, run, "knn").Export(filepath.Join(t.TempDir(), "knn.onnx")), `"knn"`, "export another strategy")
	_, err = train.Evaluate(nil, ds.Val)
	wantError(t, err, "nil")
}

// TestEvaluateByNames: classes are matched by their names: in another order, some of them only, with further classes
// that have no images. The names of a stored run are those of folders that are no valid UTF-8, too.
func TestEvaluateByNames(t *testing.T) {
	zoo.Register(tinySpec())
	ds, r := paint(t), quick(t)
	ds.Classes = []string{"blau", "gr\xfcn", "rot"}
	r.Epochs = 6
	compare(t, r, "r", ds, pretrained(t), strategy.LogisticRegression{})
	run, err := train.Open(r.Dir, "r")
	if err != nil {
		t.Fatal(err)
	}
	res, val := run.Results[0], ds.Val.WithClasses(ds.Classes)
	want, err := res.Evaluate(val)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		classes []string // of the split
		images  []int    // of val
		to      []int    // the split's label of val's labels
	}{
		{"other order", []string{"rot", "blau", "gr\xfcn"}, indices(val.Len()), []int{1, 2, 0}},
		{"two of three", []string{"blau", "rot"}, []int{0, 3, 6, 2, 5, 8}, []int{0, -1, 1}},
		{"one", []string{"rot"}, []int{2, 5}, []int{-1, -1, 0}},
		{"an empty class", []string{"gelb", "rot", "gr\xfcn", "blau"}, indices(val.Len()), []int{3, 2, 1}},
	} {
		var names []string
		var labels []int
		for _, i := range tt.images {
			names, labels = append(names, val.Name(i)), append(labels, tt.to[val.Label(i)])
		}
		split, err := datasets.NewSplit(len(tt.classes), names, labels, func(k int) (*vision.Image, error) { return val.Image(tt.images[k]) })
		if err != nil {
			t.Fatal(err)
		}
		split = split.WithClasses(tt.classes)
		e, err := res.Evaluate(split)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		for k, i := range tt.images {
			if e.Predictions.Labels[k] != want.Predictions.Labels[i] || e.Predictions.Predicted[k] != want.Predictions.Predicted[i] || e.Predictions.Names[k] != want.Predictions.Names[i] {
				t.Errorf("%s: image %d is %d, taken for %d; want %d and %d", tt.name, k, e.Predictions.Labels[k], e.Predictions.Predicted[k], want.Predictions.Labels[i], want.Predictions.Predicted[i])
			}
		}
		if _, err := e.TopLosses(split, 2); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
