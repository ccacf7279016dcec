package insight

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
)

// TestKendall holds tau-b against scipy.stats.kendalltau.
func TestKendall(t *testing.T) {
	for _, c := range []struct {
		a, b []float64
		want float64
	}{
		{[]float64{1, 2, 3, 4}, []float64{0.1, 0.2, 0.3, 0.4}, 1},
		{[]float64{4, 3, 2, 1}, []float64{0.1, 0.2, 0.3, 0.4}, -1},
		{[]float64{1, 2, 4, 3}, []float64{0.1, 0.2, 0.3, 0.4}, 2. / 3},
		{[]float64{1, 2, 2, 3}, []float64{1, 3, 2, 3}, 0.8}, // a tie in each
		{[]float64{1, 1, 2}, []float64{2, 1, 3}, 2 / math.Sqrt(6)},
		{[]float64{1, 1, 1}, []float64{2, 1, 3}, math.NaN()},
	} {
		if got := kendall(c.a, c.b); !(math.Abs(got-c.want) < 1e-12) && !(math.IsNaN(got) && math.IsNaN(c.want)) {
			t.Errorf("tau of %v and %v is %g, want %g", c.a, c.b, got, c.want)
		}
	}
}

// TestAgainst: each estimate is compared over the models that have it and were trained, at the best of their trainings.
func TestAgainst(t *testing.T) {
	nan := math.NaN()
	r := Ranking{
		{Model: "a", Accuracy: 0.9, LogME: 1, HScore: 3, NCE: -1},
		{Model: "b", Accuracy: 0.8, LogME: 2, HScore: 2, NCE: nan},
		{Model: "c", Accuracy: 0.7, LogME: 3, HScore: 1, NCE: nan},
		{Model: "d", Accuracy: 0.6, LogME: 0, HScore: 0, NCE: -2},
		{Model: "broken", Accuracy: nan, LogME: nan, HScore: nan, NCE: nan, Problem: "all zero"},
	}
	c, err := r.Against(Outcome{Model: "b", Accuracy: 0.8}, Outcome{Model: "a", Accuracy: 0.5}, Outcome{Model: "a", Accuracy: 0.95}, Outcome{Model: "c", Accuracy: 0.75}, Outcome{Model: "broken", Accuracy: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	if c.Accuracy != 1 || c.LogME != -1 || c.HScore != 1 || !math.IsNaN(c.NCE) || !slices.Equal(c.Untrained, []string{"d"}) {
		t.Errorf("%+v, want taus 1, -1, 1 and NaN, and d untrained", c)
	}
	b, err := c.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	text := b[plots.MIMEText].(string)
	for _, want := range []string{"95.0%", "-1.00", "Kendall's tau 1.00", "mean accuracy after training"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for want, call := range map[string]func() error{
		"no training":         func() error { _, err := r.Against(); return err },
		"is nil":              func() error { _, err := r.Against(nil); return err },
		"e was trained and n": func() error { _, err := r.Against(Outcome{Model: "e", Accuracy: 0.5}); return err },
		"is NaN":              func() error { _, err := r.Against(Outcome{Model: "a", Accuracy: nan}); return err },
		"two models": func() error {
			_, err := append(slices.Clone(r), Ranked{Model: "a"}).Against(Outcome{Model: "a", Accuracy: 0.5})
			return err
		},
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// TestAgainstData: a training on other data than the ranking's is refused, also where the data have the same name.
func TestAgainstData(t *testing.T) {
	shapes, err := datasets.Load("shapes", datasets.Options{PerClass: 3})
	if err != nil {
		t.Fatal(err)
	}
	other := *shapes
	other.Train = shapes.Train.FirstPerClass(2)
	r := Ranking{{Model: "a", Accuracy: 0.9, data: shapes}, {Model: "unknown", Accuracy: 0.8}}
	for _, c := range []struct {
		name string
		o    Outcome
		want string
	}{
		{"the same", Outcome{Model: "a", Data: "shapes", Fingerprint: shapes.Fingerprint()}, ""},
		{"accuracies from elsewhere", Outcome{Model: "a"}, ""},
		{"fewer images", Outcome{Model: "a", Data: "shapes", Fingerprint: other.Fingerprint()}, `a was trained on "shapes", which is not the data set "shapes" that a was ranked on: images, labels, classes or splits differ`},
		{"a model that was ranked elsewhere", Outcome{Model: "unknown", Data: "cats", Fingerprint: "0"}, `unknown was trained on "cats", which is not the data set "shapes" that a was ranked on`},
	} {
		_, err := r.Against(c.o)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
