package train_test

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
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
	wantError(t, err, `"x"`, `"blue"`, "one order")
	_, err = result(t, run, "knn").Evaluate(ds.Val)
	wantError(t, err, `"knn"`, "strategy.KNN{}.Fit")
	_, err = train.Evaluate(nil, ds.Val)
	wantError(t, err, "nil")
}
