package train_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

func TestFindLR(t *testing.T) {
	ds, m := paint(t), pretrained(t)
	before := snapshot(t, m)
	r := quick(t)
	r.BatchSize = 15
	c, err := r.FindLR(t.Context(), ds, m, strategy.Transfer{})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(snapshot(t, m), before) || len(tree(t, r.Dir)) != 0 {
		t.Error("the range test changed the model, or wrote files")
	}
	n := len(c.Rates)
	if n < 50 || len(c.Losses) != n || len(c.Smoothed) != n || c.Rates[0] != 1e-6 || math.Abs(c.Rates[1]/c.Rates[0]-math.Pow(1e7, 1./99)) > 1e-9 {
		t.Errorf("%d rates from %v", n, c.Rates[:2])
	}
	if !(c.Suggested > 1e-5 && c.Suggested <= c.Lowest) {
		t.Errorf("suggested %g, lowest loss at %g", c.Suggested, c.Lowest)
	}
	again, err := r.FindLR(t.Context(), ds, m, strategy.Transfer{})
	if err != nil || !reflect.DeepEqual(again, c) {
		t.Errorf("a second test gives another curve: %v", err)
	}
	b, err := c.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"try a learning rate of", "suggested"} {
		if !strings.Contains(b["text/plain"].(string), want) {
			t.Errorf("the text lacks %q:\n%s", want, b["text/plain"])
		}
	}
	if _, err := r.FindLR(t.Context(), ds, m, strategy.KNN{}); err == nil || !strings.Contains(err.Error(), "trains nothing") {
		t.Errorf("of a baseline: %v", err)
	}
}

// TestFindLRNoisy: with two images per step the noise of single steps is no fall.
func TestFindLRNoisy(t *testing.T) {
	for _, seed := range []uint64{1, 5} {
		r := quick(t)
		r.BatchSize, r.Seed = 2, seed
		c, err := r.FindLR(t.Context(), paint(t), pretrained(t), strategy.FineTune{})
		if err != nil {
			t.Fatal(err)
		}
		if c.Suggested != 0 && c.Suggested < 1e-2 {
			t.Errorf("seed %d: suggested %g; other seeds have 0.1 to 2", seed, c.Suggested)
		}
	}
}

// TestFindLRPhases: the rate that is found is that of a strategy's last phase, its LearningRate, as if there were no
// phases before; the text says of which phase.
func TestFindLRPhases(t *testing.T) {
	ds, m, old := paint(t), pretrained(t), oldTask(t)
	for _, kind := range []train.Optimizer{train.SGD, train.Adam} {
		r := quick(t)
		r.BatchSize, r.Optimizer = 15, kind
		find := func(s train.Strategy) *train.LRCurve {
			c, err := r.FindLR(t.Context(), ds, m, s)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		head := find(strategy.Transfer{})
		for _, tt := range []struct {
			with, without train.Strategy
			phases        int
		}{
			{strategy.FineTune{HeadFirst: 2, HeadRate: 7}, strategy.FineTune{}, 2},
			{strategy.FineTune{Unfreeze: 1}, strategy.FineTune{}, 4},
			{strategy.FineTune{HeadFirst: 1, From: "layer2"}, strategy.FineTune{From: "layer2"}, 2},
			{strategy.LwF{}, strategy.LwF{Warmup: -1}, 2},
			{strategy.Joint{Old: old}, strategy.Joint{Old: old, Warmup: -1}, 2},
		} {
			with, without := find(tt.with), find(tt.without)
			if !reflect.DeepEqual(with.Losses, without.Losses) || with.Suggested != without.Suggested {
				t.Errorf("%s, %+v: losses %v, without phases %v", kind, tt.with, with.Losses[:3], without.Losses[:3])
			}
			if reflect.DeepEqual(with.Losses, head.Losses) {
				t.Errorf("%s, %+v: the losses are those of the head alone", kind, tt.with)
			}
			want := fmt.Sprintf("for the last of its %d phases", tt.phases)
			if with.Phases != tt.phases || with.Suggested > 0 && !strings.Contains(with.String(), want) || strings.Contains(without.String(), "phases") {
				t.Errorf("%s, %+v: %d phases, says %q, without phases %q", kind, tt.with, with.Phases, with, without)
			}
		}
	}
}

// interrupting is a strategy during whose planning an interrupt comes.
type interrupting struct{ train.Strategy }

func (s interrupting) Plan(m *zoo.Model, task train.Task) (train.Plan, error) {
	came := make(chan os.Signal, 1)
	signal.Notify(came, os.Interrupt)
	defer signal.Stop(came)
	if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
		return train.Plan{}, err
	}
	<-came
	return s.Strategy.Plan(m, task)
}

// TestFindLRInterrupt: an interrupt, as a notebook's stop button sends it, ends the range test.
func TestFindLRInterrupt(t *testing.T) {
	if _, err := quick(t).FindLR(t.Context(), paint(t), pretrained(t), interrupting{strategy.Transfer{}}); !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	} else {
		wantError(t, err, `range test of strategy "transfer" was stopped after 0 of at most 100 steps`, "nothing of it is kept")
	}
}

func TestBaselines(t *testing.T) {
	ds, m := paint(t), pretrained(t)
	r := quick(t)
	run := compare(t, r, "run", ds, m, strategy.KNN{}, strategy.LogisticRegression{}, strategy.LogisticRegression{L2: 100, Label: "flat"}, strategy.Transfer{})
	knn, logistic, flat := result(t, run, "knn"), result(t, run, "logistic"), result(t, run, "flat")
	if knn.Trainable != 0 || logistic.Trainable != 8*3+3 || logistic.Params != result(t, run, "transfer").Params {
		t.Errorf("trained values: %d and %d of %d", knn.Trainable, logistic.Trainable, logistic.Params)
	}
	for _, res := range run.Results {
		if len(res.History) != 2 || !res.Done {
			t.Errorf("%s: %d epochs, done %v", res.Strategy, len(res.History), res.Done)
		}
	}
	if a, b := logistic.History[0], logistic.History[1]; a.TrainLoss != b.TrainLoss || a.ValLoss != b.ValLoss {
		t.Error("a baseline's epochs differ")
	}
	// At such a strength nothing but the classes' equal shares is left.
	if got := flat.History[0].TrainLoss; math.Abs(got-math.Log(3)) > 0.01 {
		t.Errorf("loss %g at a very strong L2, want log 3", got)
	}
	if a, b := logistic.History[0].TrainLoss, flat.History[0].TrainLoss; !(a < b) {
		t.Errorf("training loss %g, at a very strong L2 %g", a, b)
	}
	// All but the head is the pretrained model, to the bit.
	for key, values := range saved(t, run, "logistic", "best.safetensors") {
		if !strings.HasPrefix(key, "fc.") && !reflect.DeepEqual(values, snapshot(t, m)[key]) {
			t.Errorf("%s changed", key)
		}
	}
	_, err := r.Compare(t.Context(), "bad", ds, m, strategy.LogisticRegression{L2: -1})
	wantError(t, err, "L2 is -1")
	_, err = r.Compare(t.Context(), "bad", ds, m, strategy.KNN{K: -1})
	wantError(t, err, "K is -1")
}
