package train_test

import (
	"reflect"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

func TestSampleSizes(t *testing.T) {
	ds, m := paint(t), pretrained(t)
	r := quick(t)
	r.Seeds = 2
	s, err := r.SampleSizes(t.Context(), "study", ds, m, []int{0, 1, 2, 99}, strategy.KNN{K: 1}, strategy.Transfer{})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(s.Sizes, []int{1, 2, 5}) || !reflect.DeepEqual(s.Strategies, []string{"knn", "transfer"}) || s.Val != 9 {
		t.Errorf("sizes %v, strategies %v, %d validation images", s.Sizes, s.Strategies, s.Val)
	}
	for j := range s.Strategies {
		for i := range s.Sizes {
			if len(s.Accuracy[j][i]) != 2 {
				t.Errorf("%s at %d: %d values, want one per seed", s.Strategies[j], s.Sizes[i], len(s.Accuracy[j][i]))
			}
		}
	}
	// The steps go through 3 images four times, through 6 images twice; strategies without steps have each image once.
	for name, want := range map[string][2]int{"study-1-3": {3, 4}, "study-2-4": {6, 2}, "study-5-3": {15, 0}} {
		run, err := train.Open(r.Dir, name)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]int{run.Config.Data.Train, run.Config.Recipe.Passes}; got != want {
			t.Errorf("%s has training images and passes %v, want %v", name, got, want)
		}
	}
	// The same call again trains nothing.
	before := tree(t, r.Dir)
	if again, err := r.SampleSizes(t.Context(), "study", ds, m, []int{1, 2, 0}, strategy.KNN{K: 1}, strategy.Transfer{}); err != nil || !reflect.DeepEqual(again, s) {
		t.Errorf("again: %+v, %v", again, err)
	}
	for path, text := range tree(t, r.Dir) {
		if before[path] != text {
			t.Errorf("%s changed", path)
		}
	}
	b, err := s.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"images per class", "±", "With 1 per class", "2 seeds"} {
		if !strings.Contains(b["text/plain"].(string), want) {
			t.Errorf("the text lacks %q:\n%s", want, b["text/plain"])
		}
	}
	_, err = r.SampleSizes(t.Context(), "study", ds, m, nil, strategy.KNN{})
	wantError(t, err, "no sizes", "[]int{5")
	_, err = r.SampleSizes(t.Context(), "study", ds, m, []int{-1}, strategy.KNN{})
	wantError(t, err, "-1 images per class")
	held := *ds
	held.Val, held.Test = nil, held.Val
	s, err = r.SampleSizes(t.Context(), "held", &held, m, []int{1}, strategy.KNN{K: 1})
	if err != nil {
		t.Fatal(err)
	}
	if text := form(t, s.Figure(), plots.MIMESVG) + form(t, s.Table(), plots.MIMEText); !strings.Contains(text, ">test accuracy<") ||
		!strings.Contains(text, "on 9 test images") || strings.Contains(text, "validation") {
		t.Errorf("data with test images alone:\n%s", text)
	}
}

// TestSamplesDiverged: a training that diverges in its third epoch does not count with the accuracy of its second;
// table and verdict say that it diverged.
func TestSamplesDiverged(t *testing.T) {
	r := quick(t)
	r.Epochs, r.Schedule = 4, train.Schedule{StepEvery: 2, StepFactor: 1e35}
	s, err := r.SampleSizes(t.Context(), "study", paint(t), pretrained(t), []int{2, 0}, strategy.KNN{K: 1}, strategy.FineTune{Label: "wild"})
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range s.Sizes {
		if len(s.Accuracy[0][i]) != 1 || len(s.Accuracy[1][i]) != 0 || s.Diverged[0][i] != 0 || s.Diverged[1][i] != 1 {
			t.Errorf("at %d: accuracies %v and %v, diverged %d and %d; want one accuracy, of knn", n, s.Accuracy[0][i], s.Accuracy[1][i], s.Diverged[0][i], s.Diverged[1][i])
		}
	}
	run, err := train.Open(r.Dir, "study-2-3")
	if err != nil {
		t.Fatal(err)
	}
	if wild := result(t, run, "wild"); wild.Diverged == nil || wild.Diverged.Epoch != 3 || len(wild.History) != 2 {
		t.Errorf("diverged: %v after %d epochs, want in the third", wild.Diverged, len(wild.History))
	}
	b, err := s.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"knn is ahead", ", and wild diverged; with 5 per class", "Try a smaller learning rate for what diverged"} {
		if !strings.Contains(b["text/plain"].(string), want) {
			t.Errorf("the text lacks %q:\n%s", want, b["text/plain"])
		}
	}
	if table, err := s.Table().Bundle(); err != nil || strings.Count(table["text/plain"].(string), "diverged") != 2 {
		t.Errorf("table, error %v:\n%s", err, table["text/plain"])
	}
}

// TestSamplesOneBad: a strategy that can't be trained leaves the others of all sizes to train.
func TestSamplesOneBad(t *testing.T) {
	r := quick(t)
	r.Epochs = 3
	bad := taught(func(p *train.Plan) { p.Loss = func(s *train.Step) *Node { return Add(s.Logits, s.Teacher) } })
	s, err := r.SampleSizes(t.Context(), "study", paint(t), pretrained(t), []int{2, 0}, bad, strategy.Transfer{})
	wantError(t, err, `"study-2-3"`, `"study-5-3"`, `strategy "taught"`)
	if s == nil || len(s.Accuracy[1][0]) != 1 || len(s.Accuracy[1][1]) != 1 || len(s.Accuracy[0][0]) != 0 {
		t.Errorf("study %+v, want transfer's accuracies alone", s)
	}
}

func TestSamplesVerdict(t *testing.T) {
	s := &train.Samples{Val: 400, Sizes: []int{5, 20}, Strategies: []string{"a", "b"}, Accuracy: [][][]float64{
		{{0.8, 0.8}, {0.9, 0.9}}, {{0.6, 0.6}, {0.92, 0.92}}}}
	// At 20: errors 0.015 and 0.0136, two of their root sum are 0.040, more than the difference of 0.02.
	want := "With 5 per class a is ahead (80.0%); with 20 per class b is ahead (92.0%), by no more than noise of a."
	if got := s.Verdict(); got != want {
		t.Errorf("verdict %q, want %q", got, want)
	}
	// Interrupted: b has one seed at 20, a none; nothing is trained at 50.
	s.Sizes = append(s.Sizes, 50)
	s.Accuracy = [][][]float64{{{0.8, 0.8}, nil, nil}, {{0.6, 0.6}, {0.92}, nil}}
	want = "With 5 per class a is ahead (80.0%); with 20 per class b is ahead (92.0%); with 50 per class nothing is trained to the end."
	if got := s.Verdict(); got != want {
		t.Errorf("verdict %q, want %q", got, want)
	}
	// One of b's seeds diverged at 5, all of a's at 20.
	s.Diverged = [][]int{{0, 2, 0}, {1, 0, 0}}
	s.Accuracy[1][0] = []float64{0.6}
	want = "With 5 per class a is ahead (80.0%), and b diverged with 1 of 2 seeds; with 20 per class b is ahead (92.0%), and a diverged; with 50 per class nothing is trained to the end. Try a smaller learning rate for what diverged (FindLR)."
	if got := s.Verdict(); got != want {
		t.Errorf("verdict %q, want %q", got, want)
	}
	b, err := s.Bundle()
	if err != nil || strings.Contains(b["text/plain"].(string), "NaN") || strings.Contains(b["text/html"].(string), "NaN") {
		t.Errorf("%v, %v", err, b["text/plain"])
	}
}
