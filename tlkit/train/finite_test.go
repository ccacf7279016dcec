package train_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
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

// ownLoss is a strategy whose loss is the labels' with a term of one's own.
type ownLoss struct {
	name string
	term func(s *train.Step) *Node
}

func (o ownLoss) Name() string { return o.name }

func (o ownLoss) Plan(m *zoo.Model, task train.Task) (train.Plan, error) {
	m.SetTrainable(func(nn.Param) bool { return true })
	return train.Plan{LearningRate: 1e-9, Loss: func(s *train.Step) *Node { return Add(s.Loss, o.term(s)) }}, m.ReplaceHead(task.Classes, task.Seed)
}

// TestUndefinedLoss: where a loss of one's own is NaN at every rate, or has no derivative, no learning rate is blamed.
func TestUndefinedLoss(t *testing.T) {
	ds, m := paint(t), pretrained(t)
	zero := func(s *train.Step) *Node { return MulScalar(ReduceAllSum(s.Logits), 0) }
	bad := []train.Strategy{
		ownLoss{"logarithm", func(s *train.Step) *Node { return Log(SubScalar(zero(s), 1)) }},
		ownLoss{"root", func(s *train.Step) *Node { return Sqrt(zero(s)) }}, // the loss is finite, its gradient 0 times infinity
		ownLoss{"division", func(s *train.Step) *Node { return Div(zero(s), zero(s)) }},
	}
	for _, accumulate := range []int{0, 3} {
		r := quick(t)
		r.Accumulate = accumulate
		run := compare(t, r, "r", ds, m, append(bad, ownLoss{"good", zero})...)
		text := run.Verdict()
		for _, s := range bad {
			d := result(t, run, s.Name()).Diverged
			if d == nil || d.Undefined == "" || d.Epoch != 1 || strings.Contains(d.String(), "rate") {
				t.Errorf("%s, accumulate %d: %+v", s.Name(), accumulate, d)
			}
			if want := s.Name() + " ended in its first step, in which"; !strings.Contains(text, want) {
				t.Errorf("verdict %q lacks %q", text, want)
			}
		}
		if strings.Contains(text, "smaller learning rate") || !strings.Contains(text, "the loss of the strategy is NaN or infinite, so that no learning rate helps: look at the loss of one's own (Plan.Loss)") {
			t.Errorf("verdict %q", text)
		}
		if good := result(t, run, "good"); !good.Done || good.Diverged != nil {
			t.Errorf("good: %+v", good)
		}
		t.Setenv(plots.LanguageEnv, "ja")
		if shown := shown(t, run); !strings.Contains(shown, "root は最初のステップで終わりました。stem.conv.weight の勾配が有限の数ではない") || !strings.Contains(shown, "root（最初のステップで NaN）") {
			t.Errorf("in Japanese: %s", shown)
		}
		t.Setenv(plots.LanguageEnv, "en")
		again := compare(t, r, "r", ds, m, append(bad, ownLoss{"good", zero})...)
		if d := result(t, again, "root").Diverged; d == nil || d.Undefined == "" {
			t.Errorf("the same call again: %+v", d)
		}
	}
	for _, s := range bad {
		_, err := quick(t).FindLR(t.Context(), ds, m, s)
		wantError(t, err, "in the first step of strategy", s.Name(), "no learning rate to find", "Plan.Loss")
	}
	// The rate is to blame where it is too high.
	run := compare(t, quick(t), "r", ds, m, strategy.L2SP{LearningRate: 1e30})
	if d := result(t, run, "l2sp").Diverged; d == nil || d.Undefined != "" {
		t.Errorf("l2sp at rate 1e30: %+v", d)
	}
}

// TestUndefinedLater: a loss of one's own that becomes NaN after some steps, while the labels' loss falls, is named,
// and no learning rate is blamed alone.
func TestUndefinedLater(t *testing.T) {
	ds, m, r := paint(t), pretrained(t), quick(t)
	r.Epochs = 6
	falls := func(term func(fallen *Node) *Node) func(s *train.Step) *Node {
		return func(s *train.Step) *Node { return term(SubScalar(s.Loss, 0.9)) } // the loss of guessing is 1.1
	}
	run := compare(t, r, "r", ds, m,
		ownRate{ownLoss{"below", falls(func(n *Node) *Node { return MulScalar(Sqrt(n), 0) })}, 0.05}, // NaN below 0.9
		ownRate{ownLoss{"slope", falls(func(n *Node) *Node { return Sqrt(MaxScalar(n, 0)) })}, 0.05}, // no derivative at 0
		ownRate{ownLoss{"fast", func(s *train.Step) *Node { return MulScalar(s.Loss, 0) }}, 1e37},    // the rate's fault
		strategy.L2SP{Label: "ours", LearningRate: 1e37})
	text := run.Verdict()
	for name, want := range map[string]string{
		"below": "ended in epoch %d, in which the loss of the strategy became NaN or infinite while that of the labels was a number, so that no learning rate helps: look at the loss",
		"slope": "diverged in epoch %d at rate 0.05: try a smaller learning rate for it; if that does not help, look at the loss of one's own (Plan.Loss)",
		"fast":  "diverged in epoch %d at rate 1e+37: try a smaller learning rate for it; if that does not help, look at the loss of one's own (Plan.Loss)",
		"ours":  "diverged in epoch %d at rate 1e+37: try a smaller learning rate for it.",
	} {
		d := result(t, run, name).Diverged
		if d == nil || d.Later != (name == "below") || d.OwnLoss == (name == "ours") {
			t.Errorf("%s: %+v", name, d)
			continue
		}
		if want = name + " " + fmt.Sprintf(want, d.Epoch); !strings.Contains(text, want) {
			t.Errorf("verdict %q lacks %q", text, want)
		}
	}
	t.Setenv(plots.LanguageEnv, "ja")
	if shown := shown(t, run); !strings.Contains(shown, "戦略の損失だけが有限の数ではなくなった") || !strings.Contains(shown, "below（エポック ") {
		t.Errorf("in Japanese: %s", shown)
	}
}

// ownRate is an ownLoss at a rate.
type ownRate struct {
	ownLoss
	rate float64
}

func (o ownRate) Plan(m *zoo.Model, task train.Task) (train.Plan, error) {
	p, err := o.ownLoss.Plan(m, task)
	p.LearningRate = o.rate
	return p, err
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
		if text := strings.Join(run.Warnings, "\n"); !strings.Contains(text, `1 of 3 classes have no training images ("blue")`) {
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
