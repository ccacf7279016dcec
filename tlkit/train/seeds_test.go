package train_test

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

func TestSeeds(t *testing.T) {
	ds, m := paint(t), pretrained(t)
	r := quick(t)
	one := compare(t, r, "run", ds, m, strategy.Transfer{})
	first := result(t, one, "transfer").History

	// More seeds continue the run of one: the first is not trained again.
	r.Seeds = 3
	run := compare(t, r, "run", ds, m, strategy.Transfer{})
	res := result(t, run, "transfer")
	if !reflect.DeepEqual(res.History, first) {
		t.Error("the first seed's history changed when further seeds were added")
	}
	if got := len(res.Seeds()); got != 3 {
		t.Fatalf("%d seeds, want 3", got)
	}
	// Each seed is what a run of that seed alone is.
	for k, s := range res.Seeds() {
		if want := r.Seed + uint64(k); s.Seed != want {
			t.Errorf("seed %d is %d, want %d", k, s.Seed, want)
		}
		alone := r
		alone.Seed, alone.Seeds, alone.Dir = s.Seed, 0, t.TempDir()
		if want := result(t, compare(t, alone, "alone", ds, m, strategy.Transfer{}), "transfer"); !reflect.DeepEqual(curve(s.History), curve(want.History)) {
			t.Errorf("seed %d: history %v, alone %v", s.Seed, curve(s.History), curve(want.History))
		}
	}
	// The weights of each seed are kept, and they differ.
	a, b := saved(t, run, "transfer", "best.safetensors"), saved(t, run, "transfer", filepath.Join("seed-4", "best.safetensors"))
	if reflect.DeepEqual(a["fc.weight"], b["fc.weight"]) {
		t.Error("two seeds have the same head")
	}

	opened, err := train.Open(r.Dir, "run")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(result(t, opened, "transfer").Score(), res.Score()) {
		t.Error("the opened run has other scores")
	}
	// The frozen features are computed once for all seeds and for a second strategy that freezes as much: here by
	// reading every image once. Another seed of a strategy that trains all reads them for itself.
	c := &counter{}
	counted := *ds
	counted.Train = painted(t, 1, 5, c.asked)
	many := quick(t)
	many.Seeds, many.MemoryLimit = 3, 1<<20
	compare(t, many, "many", &counted, m, strategy.LogisticRegression{}, strategy.KNN{}, strategy.Transfer{}, strategy.Transfer{Label: "slow", LearningRate: 1e-3})
	if c.n != counted.Train.Len() {
		t.Errorf("%d images were read, want %d, each once", c.n, counted.Train.Len())
	}
	// Fewer seeds are some of those there are.
	r.Seeds = 2
	c.n = 0
	if fewer := compare(t, r, "run", &counted, m, strategy.Transfer{}); result(t, fewer, "transfer").Score().Seeds != 2 || c.n != 0 {
		t.Errorf("%d seeds, %d images read; want the first two of the three, and none", result(t, fewer, "transfer").Score().Seeds, c.n)
	}

	bundle, err := opened.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	text, html := bundle["text/plain"].(string), bundle["text/html"].(string)
	for _, want := range []string{"transfer", "±", "mean ± standard deviation of 3 seeds", "macro F1", "validation accuracy of transfer is"} {
		if !strings.Contains(text, want) {
			t.Errorf("plain text lacks %q:\n%s", want, text)
		}
	}
	for _, want := range []string{"<table>", "data:image/svg+xml;base64,"} {
		if !strings.Contains(html, want) {
			t.Errorf("HTML lacks %q", want)
		}
	}
	if b, err := result(t, opened, "transfer").Bundle(); err != nil || b["text/html"] == nil {
		t.Errorf("a result's bundle: %v, %v", b, err)
	}
}

// A run folder as version 0.1 wrote it: no "seeds" in the recipe, no "seed" in the result.
func TestSeedsOldRun(t *testing.T) {
	ds, m := paint(t), pretrained(t)
	r := quick(t)
	compare(t, r, "old", ds, m, strategy.Transfer{})
	path := filepath.Join(r.Dir, "old", "transfer", "result.json")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	old := strings.Replace(string(data), "  \"seed\": 3,\n", "", 1)
	if old == string(data) {
		t.Fatalf("no seed in result.json:\n%s", data)
	}
	if err := os.WriteFile(path, []byte(old), 0o666); err != nil {
		t.Fatal(err)
	}
	run, err := train.Open(r.Dir, "old")
	if err != nil {
		t.Fatal(err)
	}
	if got := result(t, run, "transfer"); got.Seed != 3 || len(got.History) != 2 || len(got.Repeats) != 0 {
		t.Errorf("opened as seed %d with %d epochs and %d repeats", got.Seed, len(got.History), len(got.Repeats))
	}
}

// fake is a run with given accuracies per seed and predictions on n images, of which the first hits are right.
func fake(name string, n int, hits ...int) *train.Result {
	var all []*train.Result
	for _, h := range hits {
		res := &train.Result{Strategy: name, Done: true}
		for i := range n {
			res.Predictions.Labels = append(res.Predictions.Labels, i%2)
			said := i % 2
			if i >= h {
				said = 1 - said
			}
			res.Predictions.Predicted = append(res.Predictions.Predicted, said)
		}
		acc := float64(h) / float64(n)
		res.History = []train.Epoch{{Epoch: 1, ValAccuracy: acc, ValLoss: 1 - acc, Seconds: 2}, {Epoch: 2, ValAccuracy: acc - 0.1, ValLoss: 2, Seconds: 4}}
		all = append(all, res)
	}
	all[0].Repeats = all[1:]
	return all[0]
}

func TestScore(t *testing.T) {
	s := fake("a", 10, 6, 8).Score()
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-12 {
			t.Errorf("%s is %g, want %g", what, got, want)
		}
	}
	near("accuracy", s.Accuracy.Mean, 0.7)
	near("its deviation", s.Accuracy.Deviation, math.Sqrt(0.02)) // two values, 0.1 from their mean; divisor 1
	near("last accuracy", s.LastAccuracy.Mean, 0.6)
	near("seconds", s.Seconds, 12)
	near("seconds per epoch", s.SecondsPerEpoch, 3)
	// 10 images, 6 right: 0,1 alternate, so of each class 3 are right, 2 wrong and 2 of the other taken for it.
	near("macro F1 of 6", fake("a", 10, 6).MacroF1(), 0.6)
	// Unequal classes: labels 0 0 0 1, predicted 0 0 1 1. Class 0: 2*2/(4+0+1) = 0.8; class 1: 2/(2+1+0) = 2/3.
	uneven := &train.Result{Predictions: train.Predictions{Labels: []int{0, 0, 0, 1}, Predicted: []int{0, 0, 1, 1}}}
	near("macro F1", uneven.MacroF1(), (0.8+2./3)/2)
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		name    string
		results []*train.Result
		want    []string
		not     string
	}{
		{"none", []*train.Result{{Strategy: "a"}}, []string{"No strategy has completed"}, ""},
		{"one", []*train.Result{fake("a", 100, 90)}, []string{"The validation accuracy of a is 90.0%", "one seed each", "1.00 points"}, "highest"},
		{"clear", []*train.Result{fake("a", 100, 90), fake("b", 100, 50)}, []string{"more than the noise above b (50.0%, 40.0 points less"}, "no winner"},
		// 100 images, 4 of them different: mean 0.04, deviation sqrt(0.04*0.96*100/99) = 0.197, two
		// errors of it 3.94 points.
		{"images", []*train.Result{fake("b", 100, 86), fake("a", 100, 90)}, []string{"a has", "more than the noise above b", "noise ±3.9"}, ""},
		// The seeds of b vary by 5.7 points, two errors of a mean of two are 8: ahead by 6 is chance.
		{"seeds", []*train.Result{fake("a", 1000, 900, 900), fake("b", 1000, 800, 880)}, []string{"no winner", "within the noise of it is b", "mean of 2 seeds"}, "more than the noise"},
		{"both", []*train.Result{fake("a", 100, 90), fake("b", 100, 89), fake("c", 100, 50)}, []string{"above c", "not distinguishable from b"}, ""},
	} {
		got := (&train.Run{Results: c.results}).Verdict()
		for _, w := range c.want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: %q lacks %q", c.name, got, w)
			}
		}
		if c.not != "" && strings.Contains(got, c.not) {
			t.Errorf("%s: %q should not say %q", c.name, got, c.not)
		}
	}
}

// TestSummaryWatched: a further task that some strategies watch has a column, with the last epoch's mean
// over the seeds.
func TestSummaryWatched(t *testing.T) {
	a, b := fake("a", 10, 6, 8), fake("b", 10, 5)
	for i, one := range a.Seeds() {
		one.History[1].Also = map[string]float64{strategy.OldAccuracy: 0.8 + 0.1*float64(i)}
	}
	bundle, err := (&train.Run{Results: []*train.Result{a, b}}).Summary().Bundle()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(bundle[plots.MIMEText].(string), "\n")
	find := func(start string) string {
		for _, l := range lines {
			if strings.HasPrefix(strings.TrimSpace(l), start) {
				return l
			}
		}
		t.Fatalf("no line %q in\n%s", start, bundle[plots.MIMEText])
		return ""
	}
	if head, row := find("strategy"), find("a "); !regexp.MustCompile(`last accuracy +old task, last +macro F1`).MatchString(head) || !strings.Contains(row, "85.0% ± 7.1") {
		t.Errorf("got\n%s\n%s", head, row)
	}
	if row := find("b "); !strings.Contains(row, " - ") {
		t.Errorf("strategy without an old task: %s", row)
	}
}
