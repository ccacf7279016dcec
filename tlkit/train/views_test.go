package train_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// A fixed number of augmented views trains the same with cached features as without; and it is another training than
// with one view, and than with new ones.
func TestViews(t *testing.T) {
	history := func(views int, limit int64) []train.Epoch {
		r := quick(t)
		r.Epochs, r.Views, r.MemoryLimit = 4, views, limit
		r.Augment = vision.Augment{HorizontalFlip: 0.5}
		run := compare(t, r, "views", paint(t), pretrained(t), strategy.Transfer{})
		return result(t, run, "transfer").History
	}
	cached, plain := history(2, 0), history(2, 1)
	one, fresh := history(1, 0), history(0, 0)
	differs := func(a, b []train.Epoch) bool {
		for i := range a {
			if math.Abs(a[i].TrainLoss-b[i].TrainLoss) > 1e-4 {
				return true
			}
		}
		return false
	}
	if differs(cached, plain) {
		t.Errorf("two views with cached features train to %v, without to %v", cached, plain)
	}
	if !differs(cached, one) || !differs(cached, fresh) {
		t.Error("two views train like one, or like new ones in every epoch")
	}
	r := quick(t)
	r.Views = -1
	if _, err := r.Compare(t.Context(), "views", paint(t), pretrained(t), strategy.Transfer{}); err == nil {
		t.Error("Views -1: no error")
	} else {
		wantError(t, err, "Recipe.Views", "-1")
	}
}

// TestPasses: an epoch of two passes has the steps of two epochs, with images, cached features, augmented versions and
// a teacher's logits; new augmented versions are new in each pass.
func TestPasses(t *testing.T) {
	flip := vision.Augment{HorizontalFlip: 0.5}
	history := func(epochs, passes int, aug vision.Augment, views int, limit int64, s train.Strategy) []train.Epoch {
		r := quick(t)
		r.Epochs, r.Passes, r.BatchSize, r.MemoryLimit, r.ClassWeights = epochs, passes, 5, limit, train.Balanced
		r.Augment, r.Views = aug, views
		return compare(t, r, "passes", paint(t), pretrained(t), s).Results[0].History
	}
	fineTune := func(int) train.Strategy { return strategy.FineTune{} }
	head := func(int) train.Strategy { return strategy.Transfer{} }
	lwf := func(warmup int) train.Strategy { return strategy.LwF{Warmup: warmup} }
	for _, tt := range []struct {
		aug   vision.Augment
		views int
		limit int64
		s     func(epochs int) train.Strategy
	}{
		{s: fineTune}, {s: head}, {s: head, limit: 1}, {s: lwf}, {flip, 1, 0, head}, {flip, 1, 1, fineTune}, {flip, 1, 0, lwf},
	} {
		two, one := history(2, 2, tt.aug, tt.views, tt.limit, tt.s(1)), history(4, 1, tt.aug, tt.views, tt.limit, tt.s(2))
		for i, e := range two {
			if want := one[2*i+1]; math.Abs(e.ValLoss-want.ValLoss) > 1e-5 {
				t.Errorf("%s, views %d, limit %d: validation loss %g after %d epochs of two passes, %g after %d epochs", tt.s(1).Name(), tt.views, tt.limit, e.ValLoss, i+1, want.ValLoss, 2*i+2)
			}
		}
	}
	fresh, same := history(2, 2, flip, 0, 0, fineTune(1)), history(2, 2, flip, 1, 0, fineTune(1))
	if fresh[1].ValLoss == same[1].ValLoss {
		t.Error("new versions train like one version")
	}
	r := quick(t)
	r.Passes = -1
	_, err := r.Compare(t.Context(), "none", paint(t), pretrained(t), strategy.Transfer{})
	wantError(t, err, "Recipe.Passes", "-1")
}

// taught is a plan with a teacher and a phase of the head alone; change may replace its loss.
func taught(change func(p *train.Plan)) train.Strategy {
	return ownPlan{name: "taught", plan: func(m *zoo.Model, task train.Task) (train.Plan, error) {
		p, err := strategy.LwF{Warmup: 2}.Plan(m, task)
		change(&p)
		return p, err
	}}
}

// ownPlan is a strategy of a user's own.
type ownPlan struct {
	name string
	plan func(m *zoo.Model, task train.Task) (train.Plan, error)
}

func (s ownPlan) Name() string                                        { return s.name }
func (ownPlan) MarshalJSON() ([]byte, error)                          { return []byte("null"), nil }
func (s ownPlan) Plan(m *zoo.Model, t train.Task) (train.Plan, error) { return s.plan(m, t) }

// TestTeacherOfViews: a teacher sees the version of the images that the step has, whether the step has the images or
// the output of the frozen stages, and whether its logits are recorded or not: the losses are the same.
func TestTeacherOfViews(t *testing.T) {
	history := func(limit int64, views int, s train.Strategy) []train.Epoch {
		r := quick(t)
		r.Epochs, r.Views, r.MemoryLimit = 6, views, limit
		r.Augment = vision.Augment{HorizontalFlip: 0.5}
		run := compare(t, r, "r", paint(t), pretrained(t), s, strategy.Transfer{})
		if n := len(result(t, run, "transfer").History); n != 6 {
			t.Errorf("the strategy after %s has %d epochs, want 6", s.Name(), n)
		}
		return run.Results[0].History
	}
	for _, s := range []train.Strategy{strategy.LwF{}, taught(func(*train.Plan) {})} {
		cached, plain, one := history(0, 2, s), history(1, 2, s), history(0, 1, s)
		if len(cached) != 6 || len(plain) != 6 {
			t.Fatalf("%s: %d epochs with features, %d with images; want 6", s.Name(), len(cached), len(plain))
		}
		differs := false
		for i := range cached {
			if d := math.Abs(cached[i].TrainLoss - plain[i].TrainLoss); d > 1e-4 {
				t.Errorf("%s, epoch %d: loss %g with features, %g with images", s.Name(), i+1, cached[i].TrainLoss, plain[i].TrainLoss)
			}
			differs = differs || math.Abs(cached[i].TrainLoss-one[i].TrainLoss) > 1e-4
		}
		if !differs {
			t.Errorf("%s: two views train like one", s.Name())
		}
	}
	// The figure that a training reports is the loss of its labels; the loss of its steps has the teacher's logits.
	with := func(limit int64) (losses []float64) {
		s := taught(func(p *train.Plan) {
			p.Loss = func(s *train.Step) *Node {
				return Add(s.Loss, ReduceAllMean(Square(Sub(s.Teacher, s.Head("old", s.Features)))))
			}
		})
		for _, e := range history(limit, 3, s) {
			losses = append(losses, e.ValLoss)
		}
		return losses
	}
	cached, plain := with(0), with(1)
	for i := range cached {
		if math.Abs(cached[i]-plain[i]) > 1e-4 {
			t.Errorf("epoch %d: validation loss %g with features, %g with images", i+1, cached[i], plain[i])
		}
	}
	r := quick(t)
	r.Views, r.Augment = 2, vision.Augment{HorizontalFlip: 0.5}
	if _, err := r.FindLR(t.Context(), paint(t), pretrained(t), strategy.LwF{}); err != nil {
		t.Errorf("FindLR: %v", err)
	}
}

// TestOneBadGraph: a strategy whose graph can't be built ends, and its error names it; the strategies after it are
// trained.
func TestOneBadGraph(t *testing.T) {
	bad := map[string]func(p *train.Plan){
		"loss":  func(p *train.Plan) { p.Loss = func(s *train.Step) *Node { return Add(s.Logits, s.Teacher) } },
		"panic": func(p *train.Plan) { p.Loss = func(*train.Step) *Node { var none *Node; return Neg(none) } },
		"head":  func(p *train.Plan) { p.Heads[0].Forward = func(_ *nn.Scope, f *Node) *Node { return Reshape(f, 7) } },
		"size": func(p *train.Plan) {
			spec := tinySpec()
			spec.InputSize = 16
			p.Teacher, _ = zoo.New(spec, p.Teacher.Classes, 0)
		},
	}
	for name, change := range bad {
		r := quick(t)
		r.Epochs = 3
		run, err := r.Compare(t.Context(), "r", paint(t), pretrained(t), taught(change), strategy.Transfer{})
		if err == nil || run == nil {
			t.Errorf("%s: run %v, error %v; want both", name, run, err)
			continue
		}
		wantError(t, err, `run "r"`)
		wantError(t, err, `strategy "taught"`)
		if n := len(result(t, run, "transfer").History); n != 3 {
			t.Errorf("%s: the strategy after it has %d epochs, want 3: %v", name, n, err)
		}
	}
}
