package train_test

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestWhatIsTrained holds every tensor after training against the pretrained one: what a strategy freezes is equal to
// the bit, running statistics included, and what it trains is not.
func TestWhatIsTrained(t *testing.T) {
	m := pretrained(t)
	before := snapshot(t, m)
	isStat := func(p nn.Param) bool { return p.Buffer }
	isHead := func(p nn.Param) bool { return m.InHead(p) }
	late := func(p nn.Param) bool { return isHead(p) || p.Stage == "layer2" }
	tests := []struct {
		name    string
		s       train.Strategy
		changes func(p nn.Param) bool
		// trained is the number of values that the result reports as trained; 8 is the width of the features.
		trained int
	}{
		{"transfer", strategy.Transfer{}, isHead, 8*3 + 3},
		{"batch statistics", strategy.Transfer{BatchStats: true}, func(p nn.Param) bool { return isHead(p) || isStat(p) }, 8*3 + 3},
		{"fine-tune", strategy.FineTune{}, func(nn.Param) bool { return true }, 4*27 + 8 + 6*36 + 12 + 8*54 + 16 + 27},
		{"fine-tune the end", strategy.FineTune{From: "layer2"}, late, 8*54 + 16 + 27},
		{"fine-tune after the last layer", strategy.FineTune{From: "avgpool"}, isHead, 27},
		{"scratch", strategy.Scratch{}, func(nn.Param) bool { return true }, 4*27 + 8 + 6*36 + 12 + 8*54 + 16 + 27},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run := compare(t, quick(t), "r", paint(t), m, tt.s)
			after := saved(t, run, tt.s.Name(), "checkpoint.safetensors")
			for _, p := range m.Params() {
				same := slices.Equal(before[p.Key], after[p.Key])
				if want := !tt.changes(p); same != want {
					t.Errorf("%s (stage %s): equal to the pretrained one %v, want %v", p.Key, p.Stage, same, want)
				}
			}
			if res := run.Results[0]; res.Trainable != tt.trained || res.Params != 819 || !res.Done {
				t.Errorf("trainable %d of %d, done %v; want %d of 819, done", res.Trainable, res.Params, res.Done, tt.trained)
			}
			if now := snapshot(t, m); !reflect.DeepEqual(now, before) {
				t.Error("the model handed in has changed")
			}
		})
	}
}

// TestStarts looks at each strategy's model before its first step, by a rate too small to move a float32.
func TestStarts(t *testing.T) {
	m := pretrained(t)
	before := snapshot(t, m)
	r := quick(t)
	r.Epochs = 1
	run := compare(t, r, "r", paint(t), m, strategy.Transfer{LearningRate: still}, strategy.FineTune{LearningRate: still},
		strategy.Scratch{LearningRate: still})
	transfer := saved(t, run, "transfer", "best.safetensors")
	tune := saved(t, run, "finetune", "best.safetensors")
	scratch := saved(t, run, "scratch", "best.safetensors")
	for _, p := range m.Params() {
		if p.Buffer {
			continue
		}
		switch {
		case m.InHead(p):
			if !slices.Equal(transfer[p.Key], tune[p.Key]) || !slices.Equal(transfer[p.Key], scratch[p.Key]) {
				t.Errorf("%s: the strategies start from different new heads", p.Key)
			}
		default:
			// Biases are zero: even this step moves them.
			if !slices.EqualFunc(tune[p.Key], before[p.Key], func(a, b float32) bool { return math.Abs(float64(a-b)) < 1e-20 }) {
				t.Errorf("%s: fine-tuning does not start from the pretrained values", p.Key)
			}
			if strings.HasSuffix(p.Key, "conv.weight") && slices.Equal(scratch[p.Key], before[p.Key]) {
				t.Errorf("%s: scratch starts from the pretrained values", p.Key)
			}
		}
	}
}

// TestHeadFactor takes one step of plain gradient descent with and without the factor: the head goes that much
// farther, the other layers the same way.
func TestHeadFactor(t *testing.T) {
	m := pretrained(t)
	r := train.Recipe{Epochs: 1, BatchSize: 64, Momentum: -1, Dir: t.TempDir(), Quiet: true}
	run := compare(t, r, "r", paint(t), m, strategy.FineTune{LearningRate: 1e-30, Label: "start"},
		strategy.FineTune{LearningRate: 0.01, Label: "one"}, strategy.FineTune{LearningRate: 0.01, HeadFactor: 10, Label: "ten"})
	start, one, ten := saved(t, run, "start", "best.safetensors"), saved(t, run, "one", "best.safetensors"), saved(t, run, "ten", "best.safetensors")
	for key, values := range start {
		factor := 1.0
		if strings.HasPrefix(key, "fc.") {
			factor = 10
		}
		for i, v := range values {
			a, b := float64(one[key][i]-v), float64(ten[key][i]-v)
			if math.Abs(b-factor*a) > 1e-6+1e-3*math.Abs(b) {
				t.Fatalf("%s[%d] moved by %g and, with the factor, by %g", key, i, a, b)
			}
		}
	}
}

// TestSameForAll: equal plans give equal curves whatever came before them, seeds decide everything, and strategies of
// different plans see the images in the same order.
func TestSameForAll(t *testing.T) {
	m, ds := pretrained(t), paint(t)
	r := quick(t)
	run := compare(t, r, "a", ds, m, strategy.FineTune{Label: "one"}, strategy.Scratch{}, strategy.FineTune{Label: "two"})
	one := curve(result(t, run, "one").History)
	if two := curve(result(t, run, "two").History); !reflect.DeepEqual(one, two) {
		t.Errorf("equal strategies, different curves:\n%+v\n%+v", one, two)
	}
	again := compare(t, r, "b", ds, m, strategy.FineTune{Label: "one"})
	if h := curve(again.Results[0].History); !reflect.DeepEqual(one, h) {
		t.Errorf("equal seeds, different curves:\n%+v\n%+v", one, h)
	}
	r.Seed++
	other := compare(t, r, "c", ds, m, strategy.FineTune{Label: "one"})
	if h := curve(other.Results[0].History); reflect.DeepEqual(one, h) {
		t.Error("different seeds, equal curves")
	}

	c := &counter{}
	r = quick(t)
	r.MemoryLimit = 1                                         // no image is kept, so each use is heard of
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(r.BatchSize)) // with more, several batches are prepared at once
	ds.Train = painted(t, 1, 5, c.asked)
	var orders [2][]int
	for i, s := range []train.Strategy{strategy.FineTune{}, strategy.Scratch{}} {
		c.calls = nil
		compare(t, r, fmt.Sprint("order", i), ds, m, s)
		orders[i] = c.calls
		for epoch := range 2 { // the images of one batch are prepared at once, in no order
			for at := 0; at < 15; at += r.BatchSize {
				slices.Sort(orders[i][15*epoch+at : 15*epoch+min(at+r.BatchSize, 15)])
			}
		}
	}
	if !slices.Equal(orders[0], orders[1]) {
		t.Errorf("the strategies saw different orders:\n%v\n%v", orders[0], orders[1])
	}
	first, second := slices.Clone(orders[0][:15]), slices.Clone(orders[0][15:])
	if slices.Equal(first, second) {
		t.Error("both epochs had the same order")
	}
	slices.Sort(first)
	if !slices.Equal(first, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}) {
		t.Errorf("an epoch is not each image once: %v", first)
	}
}

// TestFeatureCache: computing the frozen part once, or in every step, is the same training.
func TestFeatureCache(t *testing.T) {
	for _, s := range []train.Strategy{strategy.Transfer{}, strategy.FineTune{From: "layer2"}} {
		var losses [2][]train.Epoch
		var asked [2]int
		for i, limit := range []int64{0, 1} {
			c := &counter{}
			ds := paint(t)
			ds.Train = painted(t, 1, 5, c.asked)
			r := quick(t)
			r.MemoryLimit = limit
			losses[i] = curve(compare(t, r, "r", ds, pretrained(t), s).Results[0].History)
			asked[i] = c.n
		}
		if asked[0] != 15 || asked[1] < 30 {
			t.Errorf("%s: images were asked for %d times with the cache and %d without, want 15 and at least 30", s.Name(), asked[0], asked[1])
		}
		for i, e := range losses[0] {
			o := losses[1][i]
			if math.Abs(e.TrainLoss-o.TrainLoss) > 1e-5 || math.Abs(e.ValLoss-o.ValLoss) > 1e-5 {
				t.Errorf("%s, epoch %d: %+v with the cache, %+v without", s.Name(), i+1, e, o)
			}
		}
	}
}

// TestLearns: the loss of every strategy falls on images that are easy to tell apart.
func TestLearns(t *testing.T) {
	r := quick(t)
	r.Epochs, r.Optimizer = 12, train.Adam
	run := compare(t, r, "r", paint(t), pretrained(t), strategy.Transfer{LearningRate: 0.05}, strategy.FineTune{LearningRate: 0.02}, strategy.Scratch{LearningRate: 0.02})
	for _, res := range run.Results {
		first, last := res.History[0], res.History[11]
		if last.TrainLoss > 0.95*first.TrainLoss {
			t.Errorf("%s: loss %.3f after %.3f in the first epoch", res.Strategy, last.TrainLoss, first.TrainLoss)
		}
	}
	if best, _ := run.Best().Best(); best.ValAccuracy < 0.6 {
		t.Errorf("best accuracy is %.2f, chance is 0.33", best.ValAccuracy)
	}
}

// LinearProbe is a strategy of a user's own: it trains the head and all biases (Ben Zaken et al. 2022, arXiv
// 2106.10199, section 3), and nothing else.
type LinearProbe struct{ Rate float64 }

func (LinearProbe) Name() string { return "biases" }

func (b LinearProbe) Plan(m *zoo.Model, task train.Task) (train.Plan, error) {
	if err := m.ReplaceHead(task.Classes, task.Seed); err != nil {
		return train.Plan{}, err
	}
	m.SetTrainable(func(p nn.Param) bool { return m.InHead(p) || strings.HasSuffix(p.Key, "bias") })
	return train.Plan{LearningRate: b.Rate}, nil
}

func TestOwnStrategy(t *testing.T) {
	m := pretrained(t)
	before := snapshot(t, m)
	run := compare(t, quick(t), "r", paint(t), m, strategy.Transfer{}, LinearProbe{0.01})
	if len(run.Results) != 2 || run.Results[1].Strategy != "biases" || run.Results[1].Trainable != 27+18 {
		t.Fatalf("results %+v", run.Results)
	}
	after := saved(t, run, "biases", "checkpoint.safetensors")
	if slices.Equal(before["layer1.bn.bias"], after["layer1.bn.bias"]) || !slices.Equal(before["layer1.conv.weight"], after["layer1.conv.weight"]) {
		t.Error("the strategy trained something else than it planned")
	}
	// Its BatchNorm scale is frozen, and so are the running statistics.
	if !slices.Equal(before["layer1.bn.running_mean"], after["layer1.bn.running_mean"]) {
		t.Error("running statistics of a frozen BatchNorm moved")
	}
	opened, err := train.Open(run.Dir[:len(run.Dir)-2], "r")
	if err != nil || !reflect.DeepEqual(opened.Results[1].History, run.Results[1].History) {
		t.Errorf("opened again: %v, %+v", err, opened)
	}
}

// frozen is a strategy that forgets to train anything.
type frozen struct{}

func (frozen) Name() string { return "frozen" }
func (frozen) Plan(m *zoo.Model, _ train.Task) (train.Plan, error) {
	m.SetTrainable(func(nn.Param) bool { return false })
	return train.Plan{LearningRate: 1}, nil
}

func TestCompareErrors(t *testing.T) {
	m := pretrained(t)
	ds := paint(t)
	change := func(f func(d *datasets.Dataset)) *datasets.Dataset {
		d := *ds
		f(&d)
		return &d
	}
	transfer := []train.Strategy{strategy.Transfer{}}
	tests := []struct {
		name   string
		run    string
		recipe train.Recipe
		ds     *datasets.Dataset
		model  *zoo.Model
		s      []train.Strategy
		want   []string
	}{
		{"no data", "r", train.Recipe{}, nil, m, transfer, []string{"data set is nil", "datasets.Load"}},
		{"no model", "r", train.Recipe{}, ds, nil, transfer, []string{"model is nil", "tlkit.Load"}},
		{"no strategy", "r", train.Recipe{}, ds, m, nil, []string{"no strategy", "tlkit.Transfer{}"}},
		{"one name twice", "r", train.Recipe{}, ds, m, []train.Strategy{strategy.Transfer{}, strategy.Transfer{LearningRate: 1}}, []string{`"transfer"`, "Label"}},
		{"no training images", "r", train.Recipe{}, change(func(d *datasets.Dataset) { d.Train = nil }), m, transfer, []string{`"paint"`, "no training images"}},
		{"nothing to compare on", "r", train.Recipe{}, change(func(d *datasets.Dataset) { d.Val = nil }), m, transfer, []string{`"paint"`, "neither validation nor test"}},
		{"one class", "r", train.Recipe{}, change(func(d *datasets.Dataset) { d.Classes = d.Classes[:1] }), m, transfer, []string{"1 class", "at least 2"}},
		{"unknown stage", "r", train.Recipe{}, ds, m, []train.Strategy{strategy.FineTune{From: "layer9"}}, []string{`"layer9"`, "stem, layer1, layer2, avgpool"}},
		{"nothing to train", "r", train.Recipe{}, ds, m, []train.Strategy{frozen{}}, []string{"nothing of tiny to train", "SetTrainable"}},
		{"NaN rate", "r", train.Recipe{}, ds, m, []train.Strategy{strategy.Transfer{LearningRate: math.NaN()}}, []string{`"transfer"`, "Transfer.LearningRate is NaN", "0.01"}},
		{"infinite rate", "r", train.Recipe{}, ds, m, []train.Strategy{strategy.Scratch{LearningRate: math.Inf(1)}}, []string{`"scratch"`, "+Inf", "learning rate"}},
		{"negative rate", "r", train.Recipe{}, ds, m, []train.Strategy{strategy.FineTune{LearningRate: -1}}, []string{`"finetune"`, "-1", "positive"}},
		{"negative head factor", "r", train.Recipe{}, ds, m, []train.Strategy{strategy.FineTune{HeadFactor: -2}}, []string{"HeadFactor", "-2", "positive"}},
		{"run name", "../r", train.Recipe{}, ds, m, transfer, []string{`"../r"`, "letters"}},
		{"empty run name", "", train.Recipe{}, ds, m, transfer, []string{`""`, "ants-vs-bees"}},
		{"label", "r", train.Recipe{}, ds, m, []train.Strategy{strategy.Transfer{Label: "a/b"}}, []string{`"a/b"`, "letters"}},
		{"epochs", "r", train.Recipe{Epochs: -1}, ds, m, transfer, []string{"Epochs is -1", "at least 1"}},
		{"batch", "r", train.Recipe{BatchSize: -4}, ds, m, transfer, []string{"BatchSize is -4", "at least 1"}},
		{"momentum", "r", train.Recipe{Momentum: 1}, ds, m, transfer, []string{"Momentum is 1", "below 1"}},
		{"NaN momentum", "r", train.Recipe{Momentum: math.NaN()}, ds, m, transfer, []string{"Momentum is NaN", "below 1"}},
		{"decay", "r", train.Recipe{WeightDecay: -1}, ds, m, transfer, []string{"WeightDecay is -1"}},
		{"NaN decay", "r", train.Recipe{WeightDecay: math.NaN()}, ds, m, transfer, []string{"WeightDecay is NaN"}},
		{"infinite decay", "r", train.Recipe{WeightDecay: math.Inf(1)}, ds, m, transfer, []string{"WeightDecay is +Inf"}},
		{"optimizer", "r", train.Recipe{Optimizer: "lion"}, ds, m, transfer, []string{`"lion"`, `"adamw"`}},
		{"warm-up", "r", train.Recipe{Schedule: train.Schedule{Warmup: -1}}, ds, m, transfer, []string{"Schedule", "Warmup:-1"}},
		{"NaN warm-up", "r", train.Recipe{Schedule: train.Schedule{Warmup: math.NaN()}}, ds, m, transfer, []string{"Schedule", "Warmup:NaN"}},
		{"step factor", "r", train.Recipe{Schedule: train.Schedule{StepEvery: 1, StepFactor: -1}}, ds, m, transfer, []string{"Schedule", "StepFactor:-1"}},
		{"memory", "r", train.Recipe{MemoryLimit: -5}, ds, m, transfer, []string{"MemoryLimit is -5", "1"}},
		{"flip", "r", train.Recipe{Augment: flip(2)}, ds, m, transfer, []string{"HorizontalFlip", "2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := tt.recipe
			r.Dir, r.Quiet = t.TempDir(), true
			run, err := r.Compare(context.Background(), tt.run, tt.ds, tt.model, tt.s...)
			wantError(t, err, tt.want...)
			if run != nil {
				for _, res := range run.Results {
					if len(res.History) > 0 || res.Done {
						t.Errorf("something was trained: %+v", res)
					}
				}
			}
		})
	}
}

func flip(p float64) (a vision.Augment) {
	a.HorizontalFlip = p
	return a
}
