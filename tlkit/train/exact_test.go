package train_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// still is a rate too small to move a float32.
const still = 1e-30

// whole is a recipe of one step per epoch, of plain gradient descent.
func whole(t testing.TB, epochs int) train.Recipe {
	return train.Recipe{Epochs: epochs, BatchSize: 64, Momentum: -1, Seed: 3, Dir: t.TempDir(), Quiet: true}
}

// end returns the values after the last epoch.
func end(t testing.TB, r train.Recipe, m *zoo.Model, s train.Strategy) map[string][]float32 {
	t.Helper()
	r.Dir = t.TempDir()
	return saved(t, compare(t, r, "r", paint(t), m, s), s.Name(), "checkpoint.safetensors")
}

// wantMoves checks that the tensor of the given key in got is base + sum of factor*change, within float32's precision.
func wantMoves(t testing.TB, key string, got, base []float32, factor float64, change func(i int) float64) {
	t.Helper()
	for i := range got {
		want := float64(base[i]) + factor*change(i)
		if math.Abs(float64(got[i])-want) > 2e-6+2e-3*math.Abs(want-float64(base[i])) {
			t.Errorf("%s[%d] is %g, want %g (from %g)", key, i, got[i], want, base[i])
			return
		}
	}
}

// transposed turns rows of n values into columns: further heads are saved in the graph's axes.
func transposed(v []float32, n int) []float32 {
	var out []float32
	for c := range n {
		for at := c; at < len(v); at += n {
			out = append(out, v[at])
		}
	}
	return out
}

func isStat(key string) bool { return strings.Contains(key, "running_") }

// TestDecay takes one step: each stage moves by its own share of the rate, the output layer by HeadFactor.
func TestDecay(t *testing.T) {
	m := pretrained(t)
	start, one := end(t, whole(t, 1), m, strategy.FineTune{LearningRate: still}), end(t, whole(t, 1), m, strategy.FineTune{LearningRate: 0.1})
	got := end(t, whole(t, 1), m, strategy.FineTune{LearningRate: 0.1, Decay: 2, HeadFactor: 3})
	share := map[string]float64{"fc": 3, "layer2": 1 / 2., "layer1": 1 / 4., "stem": 1 / 8.}
	for _, p := range m.Params() {
		stage, _, _ := strings.Cut(p.Key, ".")
		if !p.Buffer {
			wantMoves(t, p.Key, got[p.Key], start[p.Key], share[stage], func(i int) float64 { return float64(one[p.Key][i] - start[p.Key][i]) })
		}
	}
}

// TestHeadFirst: after the warm-up the head is, to the bit, the one that Transfer trains in as many epochs, and nothing
// else has moved.
func TestHeadFirst(t *testing.T) {
	m := pretrained(t)
	before := snapshot(t, m)
	r := quick(t)
	r.Epochs = 1
	head := end(t, r, m, strategy.Transfer{LearningRate: 0.05})
	r.Epochs = 2
	for _, s := range []train.Strategy{
		strategy.FineTune{LearningRate: still, HeadFirst: 1, HeadRate: 0.05},
		strategy.FineTune{LearningRate: still, Unfreeze: 1, HeadRate: 0.05, From: "layer2"},
		strategy.FineTune{LearningRate: still, HeadFirst: 1, HeadRate: 0.05, HeadFactor: 10},
		strategy.FineTune{LearningRate: still, Unfreeze: 1, HeadRate: 0.05, HeadFactor: 10, From: "layer2"},
		strategy.FineTune{LearningRate: still, Unfreeze: 3, HeadFirst: 1, HeadRate: 0.05, HeadFactor: 10, From: "layer2"},
		strategy.LwF{LearningRate: still, Warmup: 1, WarmupRate: 0.05},
		strategy.Joint{Old: oldTask(t), LearningRate: still, Warmup: 1, WarmupRate: 0.05},
	} {
		got := end(t, r, m, s)
		for _, p := range m.Params() {
			want := before[p.Key]
			switch {
			case m.InHead(p):
				want = head[p.Key]
			case p.Buffer || strings.HasSuffix(p.Key, "bias"): // biases are zero: even this rate moves them
				continue
			}
			if !slices.Equal(got[p.Key], want) {
				t.Errorf("%s: %s is not what it was after the warm-up", s.Name(), p.Key)
			}
		}
		if old, ok := got["#heads.old.fc.weight"]; ok && !slices.Equal(old, transposed(before["fc.weight"], 8)) {
			t.Errorf("%s: the old head has moved", s.Name())
		}
	}
}

// TestHeadRate: the rate of the head's own epochs is HeadRate, 0.02 by default, in the history and in the losses,
// whatever HeadFactor is; without HeadRate the first epochs of Unfreeze have LearningRate times HeadFactor.
func TestHeadRate(t *testing.T) {
	first := func(s strategy.FineTune) train.Epoch {
		return compare(t, quick(t), "r", paint(t), pretrained(t), s).Results[0].History[0]
	}
	for _, tt := range []struct {
		a, b strategy.FineTune
		rate float64
	}{
		{strategy.FineTune{HeadFirst: 1, HeadFactor: 10}, strategy.FineTune{HeadFirst: 1}, 0.02},
		{strategy.FineTune{HeadFirst: 1, HeadFactor: 10, HeadRate: 0.2}, strategy.FineTune{HeadFirst: 1, HeadRate: 0.2}, 0.2},
		{strategy.FineTune{Unfreeze: 1, HeadFactor: 10, HeadRate: 0.2, From: "layer2"}, strategy.FineTune{HeadFirst: 1, HeadRate: 0.2}, 0.2},
		{strategy.FineTune{Unfreeze: 1, HeadFactor: 10, LearningRate: 0.002, From: "layer2"}, strategy.FineTune{HeadFirst: 1}, 0.002},
	} {
		a, b := first(tt.a), first(tt.b)
		if math.Abs(a.TrainLoss-b.TrainLoss) > 1e-6 || a.LearningRate != tt.rate {
			t.Errorf("%+v: loss %g at rate %g, want %g at %g", tt.a, a.TrainLoss, a.LearningRate, b.TrainLoss, tt.rate)
		}
	}
}

// TestAdamStartsLate: a layer that joins in the second epoch takes the first of its own steps there, with Adam's
// correction for it.
func TestAdamStartsLate(t *testing.T) {
	m := pretrained(t)
	recipe := func(epochs int) train.Recipe {
		r := whole(t, epochs)
		r.Optimizer = train.Adam
		return r
	}
	start := end(t, recipe(1), m, strategy.FineTune{LearningRate: still})
	one := end(t, recipe(1), m, strategy.FineTune{LearningRate: 0.01})
	late := end(t, recipe(2), m, strategy.FineTune{LearningRate: 0.01, HeadFirst: 1, HeadRate: still})
	for _, p := range m.Params() {
		if !p.Buffer && !m.InHead(p) {
			wantMoves(t, p.Key, late[p.Key], start[p.Key], 1, func(i int) float64 { return float64(one[p.Key][i] - start[p.Key][i]) })
		}
	}
}

// inTurns trains layer2 in the first epoch and the head in the second.
type inTurns struct{}

func (inTurns) Name() string { return "turns" }
func (inTurns) Plan(m *zoo.Model, task train.Task) (train.Plan, error) {
	err := m.ReplaceHead(task.Classes, task.Seed)
	m.SetTrainable(func(nn.Param) bool { return true })
	return train.Plan{LearningRate: 0.05, Phases: []train.Phase{
		{Epochs: 1, Trains: func(p nn.Param) bool { return p.Stage == "layer2" }}, {Trains: m.InHead}}}, err
}

// TestPhases: what no phase trains is equal to the bit, running statistics included; what one phase trains stays in the
// next as it left it.
func TestPhases(t *testing.T) {
	m := pretrained(t)
	before := snapshot(t, m)
	r := quick(t)
	two := end(t, r, m, inTurns{})
	r.Epochs = 3
	three := end(t, r, m, inTurns{})
	for _, p := range m.Params() {
		changed, later := !slices.Equal(before[p.Key], two[p.Key]), !slices.Equal(two[p.Key], three[p.Key])
		if want := p.Stage == "layer2" || m.InHead(p); changed != want || later != m.InHead(p) {
			t.Errorf("%s: changed in two epochs %v, want %v; and in the third %v", p.Key, changed, want, later)
		}
	}
	r.Epochs = 1
	_, err := r.Compare(t.Context(), "r", paint(t), m, inTurns{})
	wantError(t, err, `"turns"`, "after 1 epochs", "only 1")
}

// TestGradualUnfreezing counts what is trained: three stages and the head take four phases.
func TestGradualUnfreezing(t *testing.T) {
	m := pretrained(t)
	before := snapshot(t, m)
	r := quick(t)
	r.Epochs = 3
	_, err := r.Compare(t.Context(), "r", paint(t), m, strategy.FineTune{Unfreeze: 1})
	wantError(t, err, "after 3 epochs", "only 3", "Epochs more")
	got := end(t, r, m, strategy.FineTune{Unfreeze: 1, From: "layer1"})
	for _, p := range m.Params() {
		if same := slices.Equal(before[p.Key], got[p.Key]); same != (p.Stage == "stem") {
			t.Errorf("%s: equal to the pretrained one %v", p.Key, same)
		}
	}
}

// TestL2SP takes two steps: in the first the pretrained layers are where they began, and feel nothing; in the second
// they are drawn back by alpha times their distance, and the head by beta times its size in both.
func TestL2SP(t *testing.T) {
	m := pretrained(t)
	const rate, alpha, beta = 0.1, 0.5, 1e-9
	start := end(t, whole(t, 1), m, strategy.FineTune{LearningRate: still})
	one, two := end(t, whole(t, 1), m, strategy.FineTune{LearningRate: rate}), end(t, whole(t, 2), m, strategy.FineTune{LearningRate: rate})
	l := strategy.L2SP{LearningRate: rate, Alpha: alpha, Beta: beta}
	first, second := end(t, whole(t, 1), m, l), end(t, whole(t, 2), m, l)
	l.Beta = 0.25
	heavy := end(t, whole(t, 1), m, l)
	for _, p := range m.Params() {
		if p.Buffer {
			continue
		}
		wantMoves(t, p.Key+" in the first step", first[p.Key], one[p.Key], 1, func(int) float64 { return 0 })
		if m.InHead(p) {
			wantMoves(t, p.Key+" with beta", heavy[p.Key], one[p.Key], -rate*0.25, func(i int) float64 { return float64(start[p.Key][i]) })
			continue
		}
		wantMoves(t, p.Key+" in the second step", second[p.Key], two[p.Key], -rate*alpha, func(i int) float64 { return float64(one[p.Key][i] - start[p.Key][i]) })
	}
}

// TestEWC: in the second step each weight is drawn back by lambda times its Fisher information times its distance. For
// one image that information is the squared gradient of the log-probability of one class, here by differences.
func TestEWC(t *testing.T) {
	m := pretrained(t)
	const rate, lambda, key = 0.1, 3, "layer2.bn.weight"
	old := oldTask(t)
	old.Train = old.Train.Subset([]int{2})
	start := end(t, whole(t, 1), m, strategy.FineTune{LearningRate: still})
	one, two := end(t, whole(t, 1), m, strategy.FineTune{LearningRate: rate}), end(t, whole(t, 2), m, strategy.FineTune{LearningRate: rate})
	e := strategy.EWC{Old: old, LearningRate: rate, Lambda: lambda}
	first, second := end(t, whole(t, 1), m, e), end(t, whole(t, 2), m, e)
	image, err := old.Train.Image(0)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := m.Param(key)
	logP := func(i int, by float32) []float64 {
		c, err := m.Clone()
		if err != nil {
			t.Fatal(err)
		}
		values, err := c.Values(p)
		if err != nil {
			t.Fatal(err)
		}
		values[i] += by
		if err := c.Variable(p).SetValue(tensors.FromValue(values)); err != nil {
			t.Fatal(err)
		}
		logits, err := c.Logits([]*vision.Image{image})
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, l := range logits[0] {
			sum += math.Exp(float64(l))
		}
		var out []float64
		for _, l := range logits[0] {
			out = append(out, float64(l)-math.Log(sum))
		}
		return out
	}
	fits := map[int]bool{0: true, 1: true, 2: true, 3: true, 4: true}
	for i := range start[key] {
		if first[key][i] != one[key][i] {
			t.Errorf("%s[%d]: the first step, at the start, feels the penalty: %g, without %g", key, i, first[key][i], one[key][i])
		}
		back := float64(two[key][i] - second[key][i])
		up, down := logP(i, 1e-2), logP(i, -1e-2)
		for class := range fits {
			g := (up[class] - down[class]) / 2e-2
			want := rate * lambda * g * g * float64(one[key][i]-start[key][i])
			if math.Abs(back-want) > 1e-6+0.03*math.Abs(want) {
				delete(fits, class)
			}
		}
	}
	if len(fits) == 0 {
		t.Error("the penalty is that of no class")
	}
}

// TestJointWeight takes one step: the old head moves in proportion to its weight, the new head not at all by it.
func TestJointWeight(t *testing.T) {
	m := pretrained(t)
	run := func(weight, rate float64) map[string][]float32 {
		return end(t, whole(t, 1), m, strategy.Joint{Old: oldTask(t), Weight: weight, LearningRate: rate, Warmup: -1})
	}
	start, one, two := run(1, still), run(1, 0.1), run(2, 0.1)
	for _, key := range []string{"#heads.old.fc.weight", "#heads.old.fc.bias"} {
		if slices.Equal(start[key], one[key]) {
			t.Errorf("%s has not moved", key)
		}
		wantMoves(t, key, two[key], start[key], 2, func(i int) float64 { return float64(one[key][i] - start[key][i]) })
	}
	wantMoves(t, "fc.weight", two["fc.weight"], one["fc.weight"], 1, func(int) float64 { return 0 })
	if slices.Equal(one["stem.conv.weight"], two["stem.conv.weight"]) {
		t.Error("the old task's loss does not reach the backbone")
	}
}

// labelledBy returns images with the labels that a model gives them.
func labelledBy(t testing.TB, m *zoo.Model, s *datasets.Split) *datasets.Dataset {
	t.Helper()
	var names []string
	var labels []int
	for i := range s.Len() {
		image, err := s.Image(i)
		if err != nil {
			t.Fatal(err)
		}
		p, err := m.Predict(image, 1)
		if err != nil {
			t.Fatal(err)
		}
		names, labels = append(names, s.Name(i)), append(labels, p[0].Index)
	}
	split, err := datasets.NewSplit(len(m.Classes), names, labels, s.Image)
	if err != nil {
		t.Fatal(err)
	}
	return &datasets.Dataset{Name: "answers", Classes: m.Classes, Train: split, Val: split}
}

// withOldHead returns the backbone of a checkpoint under the old output layer that it has beside the new one.
func withOldHead(t testing.TB, m *zoo.Model, checkpoint map[string][]float32) *zoo.Model {
	t.Helper()
	c, err := m.Clone()
	if err != nil {
		t.Fatal(err)
	}
	var entries []weights.Entry
	for _, p := range m.Params() {
		values := checkpoint[p.Key]
		switch p.Key {
		case "fc.weight":
			values = transposed(checkpoint["#heads.old.fc.weight"], len(m.Classes))
		case "fc.bias":
			values = checkpoint["#heads.old.fc.bias"]
		}
		tensor, err := weights.NewTensor(p.Shape, values)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, weights.Entry{Key: p.Key, Tensor: tensor})
	}
	loadEntries(t, c, entries)
	return c
}

// probabilities returns what a model says of all images of a split.
func probabilities(t testing.TB, m *zoo.Model, s *datasets.Split) (all []float64) {
	t.Helper()
	for i := range s.Len() {
		image, err := s.Image(i)
		if err != nil {
			t.Fatal(err)
		}
		p, err := m.Predict(image, len(m.Classes))
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(p, func(a, b zoo.Prediction) int { return a.Index - b.Index })
		for _, class := range p {
			all = append(all, class.Probability)
		}
	}
	return all
}

// TestLwFLambda: at a large lambda the old head says of the new images what the teacher said; at none it drifts away.
func TestLwFLambda(t *testing.T) {
	m := pretrained(t)
	teacher := probabilities(t, m, paint(t).Train)
	distance := func(s train.Strategy) float64 {
		r := quick(t)
		r.Epochs, r.BatchSize, r.Optimizer, r.Schedule = 60, 15, train.Adam, train.Schedule{Cosine: true}
		sum := 0.0
		for i, p := range probabilities(t, withOldHead(t, m, end(t, r, m, s)), paint(t).Train) {
			sum += math.Abs(p-teacher[i]) / 15
		}
		return sum
	}
	none := distance(strategy.LwF{LearningRate: 0.02, Lambda: 1e-9, Warmup: -1})
	some := distance(strategy.LwF{LearningRate: 0.02, Warmup: -1})
	much := distance(strategy.LwF{LearningRate: 0.02, Lambda: 1e6, Warmup: -1})
	if !(much < some && some < none) || much > 0.1 || none < 5*much {
		t.Errorf("the probabilities differ from the teacher's by %.3f at a large lambda, by %.3f at 1 and by %.3f at none", much, some, none)
	}
}

// TestOldTask: a backbone that does not move keeps the old accuracy, and so does the second network.
func TestOldTask(t *testing.T) {
	m := pretrained(t)
	old := labelledBy(t, m, oldTask(t).Val)
	run := compare(t, quick(t), "r", paint(t), m, strategy.Transfer{Old: old}, strategy.DuplicateAndFineTune{Old: old},
		strategy.FineTune{Old: old, LearningRate: 1}, strategy.FineTune{Label: "alone", LearningRate: 1})
	for _, name := range []string{"transfer", "duplicate"} {
		for _, e := range result(t, run, name).History {
			if e.Also[strategy.OldAccuracy] != 1 {
				t.Errorf("%s, epoch %d: old accuracy %v, want 1", name, e.Epoch, e.Also)
			}
		}
	}
	if last, _ := result(t, run, "finetune").Last(); last.Also[strategy.OldAccuracy] == 1 {
		t.Error("nothing is forgotten at a learning rate of 1")
	}
	before, tuned, alone := snapshot(t, m), saved(t, run, "finetune", "checkpoint.safetensors"), saved(t, run, "alone", "checkpoint.safetensors")
	if !slices.Equal(tuned["#heads.old.fc.weight"], transposed(before["fc.weight"], 8)) {
		t.Error("fine-tuning has moved the old head")
	}
	for key, v := range alone {
		if !slices.Equal(v, tuned[key]) {
			t.Errorf("watching the old task changes %s", key)
		}
	}
	if res := result(t, run, "duplicate"); res.Params != 819+837 { // with heads of three and five classes
		t.Errorf("two networks have %d parameters", res.Params)
	}
	wrong := oldTask(t)
	wrong.Classes = slices.Clone(wrong.Classes[:4])
	_, err := quick(t).Compare(t.Context(), "r", paint(t), m, strategy.LwF{Old: wrong})
	wantError(t, err, `"old"`, "4 classes", "tiny")
}
