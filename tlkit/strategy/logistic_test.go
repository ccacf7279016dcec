package strategy

import (
	"math"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// rowsOf makes rows of a matrix with labels.
func rowsOf(labels []int, rows ...[]float32) *zoo.Features {
	f := &zoo.Features{Shape: []int{len(rows[0])}, Labels: labels}
	for _, r := range rows {
		f.Values = append(f.Values, r...)
	}
	return f
}

func within(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %.9g, want %.9g", what, got, want)
	}
}

// The wanted logits, less their mean, are PyTorch's (torch.optim.LBFGS in double precision, on the same loss).
func TestLogisticGolden(t *testing.T) {
	f := rowsOf([]int{0, 0, 1, 1, 2, 2, 1}, []float32{0, 1}, []float32{1, 3}, []float32{2, 2}, []float32{3, 0}, []float32{4, 5}, []float32{5, 4}, []float32{1, 1})
	fit, err := fitLogistic(t.Context(), f, 3, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range map[int][]float64{0: {1.16774, 0.95835, -2.12609}, 6: {0.58710, 1.05519, -1.64229}} {
		got, mean := make([]float64, 3), 0.0
		for c := range got {
			got[c] = float64(fit.Bias[c] + f.Row(i)[0]*fit.Weight[c] + f.Row(i)[1]*fit.Weight[3+c])
			mean += got[c] / 3
		}
		for c := range got {
			within(t, "a logit", got[c]-mean, want[c], 2e-4)
		}
	}
	// A constant feature changes nothing, and one of three strengths is chosen without being told.
	if fit, err := fitLogistic(t.Context(), rowsOf([]int{0, 1, 0, 1, 0, 1}, []float32{1, 7}, []float32{2, 7}, []float32{1.1, 7}, []float32{2.2, 7}, []float32{0.9, 7}, []float32{2.1, 7}), 2, 0); err != nil || fit.L2 == 0 {
		t.Errorf("strength %g, error %v", fit.L2, err)
	} else if d := fit.Weight[1] - fit.Weight[0]; d < 0.5 || math.Abs(float64(fit.Weight[2])) > 1e-6 {
		t.Errorf("weights %v: the first feature tells the classes apart, the second nothing", fit.Weight)
	}
}

func TestFitted(t *testing.T) {
	f := rowsOf([]int{0, 0, 1, 1}, []float32{0, 1}, []float32{0.1, 1}, []float32{1, 0}, []float32{1, 0.1})
	f.NumClasses = 2
	logistic, err := LogisticRegression{L2: 0.01}.Fit(f)
	if err != nil {
		t.Fatal(err)
	}
	knn, err := KNN{K: 1}.Fit(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*Fitted{logistic, knn} {
		if accuracy, loss, err := c.Accuracy(f); err != nil || math.Abs(accuracy-1) > 1e-12 || !(loss < math.Log(2)) {
			t.Errorf("accuracy %g, loss %g, %v", accuracy, loss, err)
		}
		if got := c.Predict([]float32{0.9, 0.2}); got != 1 {
			t.Errorf("class %d, want 1", got)
		}
		if _, _, err := c.Accuracy(&zoo.Features{Shape: []int{1}, Values: []float32{1}, Labels: []int{0}, NumClasses: 2}); err == nil {
			t.Error("features of another width pass")
		}
	}
	if _, err := (KNN{}).Fit(&zoo.Features{}); err == nil {
		t.Error("no features pass")
	}
}

func TestNeighbours(t *testing.T) {
	m := &neighbours{k: 3, classes: 3}
	m.learn(rowsOf([]int{0, 0, 1, 1, 1}, []float32{1, 0}, []float32{10, 1}, []float32{1, 1}, []float32{1, 2}, []float32{0, 5}))
	share := func(features []float32, example int) []float64 {
		var p []float64
		for _, v := range m.classify(features, example) {
			p = append(p, math.Exp(float64(v)))
		}
		return p
	}
	// By angle the nearest of (2, 0.1) are the two of class 0 and (1, 1): votes 2 and 1, and a third of
	// one for each class.
	for c, want := range []float64{(2 + 1./3) / 4, (1 + 1./3) / 4, 1. / 3 / 4} {
		within(t, "a share", share([]float32{2, 0.1}, -1)[c], want, 1e-5)
	}
	// The first image itself is left out: then (10, 1), (1, 1), (1, 2) are the nearest.
	for c, want := range []float64{(1 + 1./3) / 4, (2 + 1./3) / 4, 1. / 3 / 4} {
		within(t, "a share without itself", share([]float32{1, 0}, 0)[c], want, 1e-5)
	}
	m.k = 2 // a tie: the nearest image's class wins
	if p := share([]float32{1, 0.5}, -1); !(p[1] > p[0]) {
		t.Errorf("shares %v: the nearest is of class 1", p)
	}
}
