package train_test

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// nearly compares the values of weight files.
func nearly(t *testing.T, got, want map[string][]float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d entries, want %d", len(got), len(want))
	}
	for key, values := range want {
		for i, w := range values {
			if d := math.Abs(float64(got[key][i] - w)); !(d <= tolerance) {
				t.Errorf("%s[%d] is %g, want %g", key, i, got[key][i], w)
				break
			}
		}
	}
}

// Two batches of 4 (and 4 and 3) whose gradients are averaged are a batch of 8 (and 7), where no BatchNorm sees them.
func TestAccumulate(t *testing.T) {
	ds, m := paint(t), pretrained(t)
	for _, kind := range []train.Optimizer{train.SGD, train.Adam} {
		r := quick(t)
		r.Optimizer, r.Restore = kind, train.RestoreLast
		r.BatchSize, r.Accumulate = 4, 2
		small := compare(t, r, "small", ds, m, strategy.Transfer{})
		r.BatchSize, r.Accumulate = 8, 0
		large := compare(t, r, "large", ds, m, strategy.Transfer{})
		nearly(t, saved(t, small, "transfer", "best.safetensors"), saved(t, large, "transfer", "best.safetensors"), 2e-5)
		if e, f := result(t, small, "transfer").History[1], result(t, large, "transfer").History[1]; math.Abs(e.ValLoss-f.ValLoss) > 1e-5 {
			t.Errorf("validation loss %g, with one large batch %g", e.ValLoss, f.ValLoss)
		}
	}
}

// TestAccumulateEverything: two batches of 4 are one of 8, whatever else the recipe has: class weights, whose sum is
// that of all images of the step, and a schedule, whose rate is that of the step. The last step of an epoch has one
// image.
func TestAccumulateEverything(t *testing.T) {
	ds, m := paint(t), pretrained(t)
	var some []int
	for i := range ds.Train.Len() { // 5 of one class, 2 of each other
		if i%3 == 0 || i < 6 {
			some = append(some, i)
		}
	}
	ds.Train = ds.Train.Subset(some)
	penalised := ownPlan{name: "penalised", plan: func(m *zoo.Model, task train.Task) (train.Plan, error) {
		p, err := strategy.Transfer{}.Plan(m, task)
		p.Loss = func(s *train.Step) *Node { return Add(s.Loss, MulScalar(ReduceAllMean(Square(s.Logits)), 0.3)) }
		return p, err
	}}
	for name, change := range map[string]func(r *train.Recipe){
		"plain":     func(*train.Recipe) {},
		"balanced":  func(r *train.Recipe) { r.ClassWeights = train.Balanced },
		"smoothed":  func(r *train.Recipe) { r.ClassWeights, r.LabelSmoothing, r.ClipNorm = train.Balanced, 0.1, 0.5 },
		"cosine":    func(r *train.Recipe) { r.Schedule = train.Schedule{Cosine: true, Warmup: 1.5} },
		"one cycle": func(r *train.Recipe) { r.Schedule, r.Average = train.Schedule{OneCycle: true}, 0.9 },
		"adam":      func(r *train.Recipe) { r.Optimizer, r.WeightDecay, r.ClassWeights = train.AdamW, 0.1, train.Balanced },
	} {
		r := quick(t)
		r.Epochs, r.Restore = 4, train.RestoreLast
		change(&r)
		r.BatchSize = 8
		large := compare(t, r, "large", ds, m, strategy.Transfer{LearningRate: 0.1}, penalised)
		r.BatchSize, r.Accumulate = 4, 2
		small := compare(t, r, "small", ds, m, strategy.Transfer{LearningRate: 0.1}, penalised)
		for i, res := range large.Results {
			nearly(t, saved(t, small, res.Strategy, "best.safetensors"), saved(t, large, res.Strategy, "best.safetensors"), 2e-6)
			for k, e := range res.History {
				if f := small.Results[i].History[k]; math.Abs(e.ValLoss-f.ValLoss) > 2e-6 || e.LearningRate != f.LearningRate {
					t.Errorf("%s, %s, epoch %d: validation loss %.8f at rate %g, with one large batch %.8f at rate %g", name, res.Strategy, k+1, f.ValLoss, f.LearningRate, e.ValLoss, e.LearningRate)
				}
			}
		}
		if _, err := r.FindLR(t.Context(), ds, m, penalised); err != nil {
			t.Errorf("%s: FindLR: %v", name, err)
		}
	}
}

// After one step the average is start + (weights - start)*(1 - decay), with the decay that a first step has: 2/11.
func TestAverage(t *testing.T) {
	ds, m := paint(t), pretrained(t)
	start, err := m.Clone()
	if err != nil {
		t.Fatal(err)
	}
	r := quick(t)
	r.Epochs, r.BatchSize, r.Average = 1, 15, 0.99
	if _, err := (strategy.FineTune{}).Plan(start, train.Task{Classes: ds.Classes, Seed: r.Seed, Recipe: r}); err != nil {
		t.Fatal(err)
	}
	run := compare(t, r, "run", ds, m, strategy.FineTune{From: "layer2"})
	before, after, average := snapshot(t, start), saved(t, run, "finetune", "checkpoint.safetensors"), saved(t, run, "finetune", "best.safetensors")
	want, moved := map[string][]float32{}, 0
	for key, values := range before {
		want[key] = make([]float32, len(values))
		for i, v := range values {
			w := after[key][i]
			want[key][i] = v + (w-v)*(1-2./11)
			if w != v {
				moved++
			}
		}
	}
	nearly(t, average, want, 1e-6)
	if moved == 0 {
		t.Error("no weight moved")
	}
	for _, key := range []string{"stem.conv.weight", "layer1.bn.running_mean"} { // frozen
		if !reflect.DeepEqual(average[key], before[key]) {
			t.Errorf("%s is frozen, but its average is another", key)
		}
	}
	// The model is judged by the average.
	sd, err := weights.Open(filepath.Join(run.Dir, "finetune", "best.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer sd.Close()
	if err := start.LoadStateDict(sd); err != nil {
		t.Fatal(err)
	}
	logits, err := start.Logits(imagesOf(t, ds.Val))
	if err != nil {
		t.Fatal(err)
	}
	loss := 0.0
	for i, row := range logits {
		sum := 0.0
		for _, v := range row {
			sum += math.Exp(float64(v - row[ds.Val.Label(i)]))
		}
		loss += math.Log(sum) / 9
	}
	if got := result(t, run, "finetune").History[0].ValLoss; math.Abs(got-loss) > 1e-5 {
		t.Errorf("validation loss %g, the average's is %g", got, loss)
	}
}

func TestEarlyStopRun(t *testing.T) {
	ds, m := paint(t), pretrained(t)
	r := quick(t)
	r.Epochs, r.EarlyStop = 9, train.EarlyStop{Patience: 2, MinDelta: 100} // nothing is ever that much better
	run := compare(t, r, "run", ds, m, strategy.Transfer{})
	res := result(t, run, "transfer")
	if len(res.History) != 3 || !res.Done || !res.StoppedEarly {
		t.Errorf("%d epochs, done %v, stopped early %v; want 3", len(res.History), res.Done, res.StoppedEarly)
	}
	c := &counter{}
	ds.Train = painted(t, 1, 5, c.asked)
	again := compare(t, r, "run", ds, m, strategy.Transfer{})
	if got := result(t, again, "transfer"); len(got.History) != 3 || c.n != 0 {
		t.Errorf("the same call again: %d epochs, %d images read", len(got.History), c.n)
	}
}

// TestEarlyStopPhases: patience counts within the last phase, so that a strategy is never ended in the epochs of its
// output layer alone. An interrupted training stops where a whole one does, and a result that was stopped before goes
// on.
func TestEarlyStopPhases(t *testing.T) {
	ds, m := paint(t), pretrained(t)
	r := quick(t)
	r.Epochs, r.EarlyStop = 12, train.EarlyStop{Patience: 2, MinDelta: 100} // nothing is ever that much better
	for _, tt := range []struct {
		s      train.Strategy
		before int // the epochs before the last phase
	}{
		{strategy.FineTune{HeadFirst: 5}, 5},
		{strategy.FineTune{HeadFirst: 2, Unfreeze: 1, Label: "gradual"}, 4},
		{strategy.LwF{}, 3},
		{strategy.Joint{Old: oldTask(t)}, 3},
		{strategy.DuplicateAndFineTune{HeadFirst: 1}, 1},
		{strategy.LwF{Warmup: -1, Label: "none"}, 0},
	} {
		res := compare(t, r, "r", ds, m, tt.s).Results
		one := res[len(res)-1]
		if n := tt.before + 3; len(one.History) != n || !one.Done || !one.StoppedEarly || one.LastPhase != tt.before+1 {
			t.Errorf("%s: %d epochs, done %v, stopped early %v, last phase from %d; want %d, from %d", tt.s.Name(), len(one.History), one.Done, one.StoppedEarly, one.LastPhase, n, tt.before+1)
		}
	}
	whole := compare(t, r, "whole", ds, m, strategy.FineTune{HeadFirst: 5})
	c := &counter{}
	counted := *ds
	counted.Train = painted(t, 1, 5, c.asked)
	if again := compare(t, r, "whole", &counted, m, strategy.FineTune{HeadFirst: 5}); c.n != 0 || len(again.Warnings) != 0 {
		t.Errorf("the same call again: %d images read, said %q", c.n, again.Warnings)
	}

	for epoch := range 8 { // stopped after each epoch, and before the first
		ctx, cancel := context.WithCancel(t.Context())
		cut := r
		cut.Dir, cut.Track = t.TempDir(), []train.Tracker{stopper{epoch, cancel}}
		if epoch == 0 {
			cancel()
		}
		if _, err := cut.Compare(ctx, "cut", ds, m, strategy.FineTune{HeadFirst: 5}); epoch < 7 && err == nil {
			t.Fatalf("not interrupted after epoch %d", epoch)
		}
		cancel()
		cut.Track = nil
		if epoch == 3 { // as a result was left that counted the epochs of all phases
			path := filepath.Join(cut.Dir, "cut", "finetune", "result.json")
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			old := regexp.MustCompile(`\s*("checksum": "[0-9a-f]+"|"last_phase": 6),`).ReplaceAllString(string(data), "")
			old = strings.Replace(old, `"done": false`, `"done": true, "stopped_early": true`, 1)
			writeFile(t, path, []byte(old))
			writeFile(t, path+".bak", []byte(old))
			opened, err := train.Open(cut.Dir, "cut")
			if res := opened.Results[0]; err != nil || !res.StoppedEarly || res.LastPhase != 0 || len(res.History) != 3 {
				t.Fatalf("the result of before: %+v, %v", res, err)
			}
		}
		run := compare(t, cut, "cut", ds, m, strategy.FineTune{HeadFirst: 5})
		if got, want := curve(run.Results[0].History), curve(whole.Results[0].History); !reflect.DeepEqual(got, want) || !run.Results[0].StoppedEarly {
			t.Errorf("stopped after epoch %d: history\n%+v, want\n%+v", epoch, got, want)
		}
		if said := strings.Join(run.Warnings, "\n"); (epoch == 3) != strings.Contains(said, `"finetune": it was stopped early after 3 epochs, but its last phase, whose epochs count, begins with epoch 6; it goes on`) {
			t.Errorf("after epoch %d it said %q", epoch, said)
		}
	}
}

// stopper cancels a training after an epoch.
type stopper struct {
	epoch int
	stop  context.CancelFunc
}

func (s stopper) String() string { return "a stop" }

func (s stopper) Track(_ context.Context, _ *train.Run, res *train.Result) error {
	if len(res.History) == s.epoch {
		s.stop()
	}
	return nil
}

// TestRecipeResume: a training with a whole recipe, stopped within an epoch, between the batches of one step, goes on
// to the bit.
func TestRecipeResume(t *testing.T) {
	m := pretrained(t)
	r := quick(t)
	r.Epochs, r.Optimizer, r.MemoryLimit = 3, train.AdamW, 1
	r.Accumulate, r.ClipNorm, r.LabelSmoothing, r.ClassWeights = 3, 0.5, 0.1, train.Balanced
	r.Mixup, r.CutMix, r.Average, r.Schedule = 0.2, 1, 0.9, train.Schedule{OneCycle: true}
	r.Augment = vision.Augment{TrivialAugment: true, HorizontalFlip: 0.5}
	r.EarlyStop, r.Restore = train.EarlyStop{Patience: 2, OnAccuracy: true}, train.RestoreLowestLoss
	whole := compare(t, r, "whole", paint(t), m, strategy.FineTune{})

	r.Dir = t.TempDir()
	run := resumesEqually(t, r, m, whole, 15+15)
	if got, want := curve(result(t, run, "finetune").History), curve(result(t, whole, "finetune").History); !reflect.DeepEqual(got, want) {
		t.Errorf("history\n%+v, uninterrupted\n%+v", got, want)
	}
}

// A class with a third of the images counts as much as the others: with one step of SGD without momentum, the change of
// the head's bias is the rate times the mean of (target - probability), here weighted.
func TestClassWeightsRun(t *testing.T) {
	m := pretrained(t)
	ds := paint(t)
	ds.Train = ds.Train.Subset([]int{0, 3, 6, 9, 1, 4, 2}) // 4 of class 0, 2 of class 1, 1 of class 2
	r := quick(t)
	r.Epochs, r.BatchSize, r.Momentum, r.Restore = 1, 7, -1, train.RestoreLast
	change := func(w train.ClassWeights) []float64 {
		r.ClassWeights, r.Dir = w, t.TempDir()
		run := compare(t, r, "run", ds, m, strategy.Transfer{LearningRate: 1})
		start, err := m.Clone()
		if err == nil {
			err = start.ReplaceHead(ds.Classes, r.Seed)
		}
		if err != nil {
			t.Fatal(err)
		}
		logits, err := start.Logits(imagesOf(t, ds.Train))
		if err != nil {
			t.Fatal(err)
		}
		weights := map[bool][]float64{true: {7. / 12, 7. / 6, 7. / 3}, false: {1, 1, 1}}[w == train.Balanced]
		want, sum := make([]float64, 3), 0.0
		for i, row := range logits {
			label := ds.Train.Label(i)
			total := 0.0
			for _, v := range row {
				total += math.Exp(float64(v))
			}
			sum += weights[label]
			for c, v := range row {
				d := -math.Exp(float64(v)) / total
				if c == label {
					d++
				}
				want[c] += weights[label] * d
			}
		}
		got, before := saved(t, run, "transfer", "best.safetensors")["fc.bias"], snapshot(t, start)["fc.bias"]
		for c := range got {
			if d := float64(got[c] - before[c]); math.Abs(d-want[c]/sum) > 1e-5 {
				t.Errorf("%q: bias %d changed by %g, want %g", w, c, d, want[c]/sum)
			}
		}
		return want
	}
	change("")
	change(train.Balanced)
}

func imagesOf(t *testing.T, s *datasets.Split) []*vision.Image {
	t.Helper()
	var all []*vision.Image
	for i := range s.Len() {
		m, err := s.Image(i)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

func TestRecipeErrors(t *testing.T) {
	ds, m := paint(t), pretrained(t)
	for _, c := range []struct {
		change func(r *train.Recipe)
		want   []string
	}{
		{func(r *train.Recipe) { r.LabelSmoothing = 1 }, []string{"LabelSmoothing is 1", "0.1"}},
		{func(r *train.Recipe) { r.ClassWeights = "even" }, []string{`"even"`, `"balanced"`}},
		{func(r *train.Recipe) { r.ClipNorm = -1 }, []string{"ClipNorm is -1"}},
		{func(r *train.Recipe) { r.Accumulate = -2 }, []string{"Accumulate is -2"}},
		{func(r *train.Recipe) { r.Mixup = math.NaN() }, []string{"Mixup is NaN", "0.2"}},
		{func(r *train.Recipe) { r.CutMix = -1 }, []string{"CutMix is -1"}},
		{func(r *train.Recipe) { r.Mixup = 1e7 }, []string{"Mixup is 1e+07", "from 1e-06 to 1e+06"}},
		{func(r *train.Recipe) { r.Average = 1 }, []string{"Average is 1", "0.99"}},
		{func(r *train.Recipe) { r.EarlyStop.Patience = -1 }, []string{"EarlyStop", "Patience"}},
		{func(r *train.Recipe) { r.Restore = "first" }, []string{`"first"`, `"last"`}},
		{func(r *train.Recipe) { r.Seeds = -1 }, []string{"Seeds is -1"}},
		{func(r *train.Recipe) { r.Schedule = train.Schedule{OneCycle: true, Warmup: 1} }, []string{"OneCycle"}},
		{func(r *train.Recipe) { r.Augment.RandAugment.Ops = -1 }, []string{"Recipe.Augment", "RandAugment"}},
	} {
		r := quick(t)
		c.change(&r)
		_, err := r.Compare(t.Context(), "r", ds, m, strategy.Transfer{})
		wantError(t, err, c.want...)
	}
}
