//go:build slow

package train_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// walk is a call of Compare, of which each step of TestWalk changes one or two fields.
type walk struct {
	Data, Epochs, Seeds int
	Seed                uint64
	Cosine              bool
	Momentum            float64
	Strategies          []int // of walkStrategies
}

// walkStrategies have few names, so that a call often has another strategy under the name of an earlier one.
func walkStrategies(t *testing.T) []train.Strategy {
	return []train.Strategy{strategy.FineTune{}, strategy.FineTune{LearningRate: 0.5}, strategy.Transfer{Label: "b"}, strategy.FineTune{Label: "b"},
		strategy.LwF{Old: oldTask(t), Label: "c"}, strategy.KNN{}, strategy.FineTune{Label: "d", LearningRate: 1e30}}
}

// step changes a field.
func (w *walk) step(rng *rand.Rand, all []train.Strategy) {
	switch rng.IntN(7) {
	case 0:
		w.Data = rng.IntN(2)
	case 1:
		w.Seed = rng.Uint64N(2)
	case 2:
		w.Epochs = 1 + rng.IntN(3)
	case 3:
		w.Seeds = rng.IntN(3)
	case 4:
		w.Cosine = rng.IntN(4) == 0
	case 5:
		w.Momentum = []float64{0, 0.5}[rng.IntN(2)]
	default:
		names := map[string]bool{}
		w.Strategies = nil
		for n := 1 + rng.IntN(3); len(w.Strategies) < n; {
			if k := rng.IntN(len(all)); !names[all[k].Name()] {
				names[all[k].Name()] = true
				w.Strategies = append(w.Strategies, k)
			}
		}
	}
}

// compare makes the call in a folder; it is interrupted when so many training images have been asked for, if that is
// positive.
func (w *walk) compare(t *testing.T, m *zoo.Model, all []train.Strategy, dir string, interrupt int) (*train.Run, error) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ds := paint(t)
	ds.Train = painted(t, 1+4*uint64(w.Data), 5-w.Data, (&counter{when: interrupt, at: cancel}).asked)
	r := train.Recipe{Epochs: w.Epochs, BatchSize: 4, Seed: w.Seed, Seeds: w.Seeds, Momentum: w.Momentum, Schedule: train.Schedule{Cosine: w.Cosine},
		Dir: dir, Quiet: true, MemoryLimit: 1, DiskLimit: -1}
	var strategies []train.Strategy
	for _, k := range w.Strategies {
		strategies = append(strategies, all[k])
	}
	return r.Compare(ctx, "r", ds, m, strategies...)
}

// TestWalk changes a number and runs the cell again, 150 times, with interruptions: after each call that ended, every
// result is, to the bit, that of the same call alone, and every earlier version has its model.
func TestWalk(t *testing.T) {
	zoo.Register(tinySpec())
	m, all, dir := pretrained(t), walkStrategies(t), t.TempDir()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	alone := map[string][]train.Epoch{}
	w := walk{Epochs: 2, Strategies: []int{0}}
	for range 150 {
		for range 1 + rng.IntN(2) {
			w.step(rng, all)
		}
		interrupt := 0
		if rng.IntN(3) == 0 {
			interrupt = 1 + rng.IntN(60)
		}
		run, err := w.compare(t, m, all, dir, interrupt)
		var stopped *train.InterruptedError
		if errors.As(err, &stopped) {
			continue
		}
		if err != nil {
			t.Fatalf("%+v: %v", w, err)
		}
		for _, k := range w.Strategies {
			for _, one := range result(t, run, all[k].Name()).Seeds() {
				a := w
				a.Seed, a.Seeds, a.Strategies = one.Seed, 0, []int{k}
				key := fmt.Sprint(a)
				if _, ok := alone[key]; !ok {
					lone, err := a.compare(t, m, all, t.TempDir(), 0)
					if err != nil {
						t.Fatal(err)
					}
					alone[key] = curve(lone.Results[0].History)
				}
				if got := curve(one.History); len(got)+len(alone[key]) > 0 && !reflect.DeepEqual(got, alone[key]) {
					t.Errorf("%+v, %s, seed %d:\n%+v, alone\n%+v\n%q", w, one.Strategy, one.Seed, got, alone[key], run.Warnings)
				}
			}
		}
		checkVersions(t, run)
	}
}

// checkVersions takes the models of all earlier versions of a run, and opens the run anew.
func checkVersions(t *testing.T, run *train.Run) {
	t.Helper()
	versions, err := run.Versions()
	if err != nil {
		t.Error(err)
	}
	for _, v := range versions {
		for _, res := range v.Results {
			if _, err := res.Model(); (err != nil) != res.NoHead && len(res.History) > 0 { // KNN has no model
				t.Errorf("version %d: %v", v.Version, err)
			}
		}
	}
	if opened, err := train.Open(run.Config.Recipe.Dir, run.Name); err != nil || len(opened.Warnings) > 0 {
		t.Errorf("opened: %v, %q", err, opened.Warnings)
	}
}
