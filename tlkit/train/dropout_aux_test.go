package train_test

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// droppingSpec is the tiny network with dropout before its middle and its head, and an auxiliary head on layer1 whose
// loss has the given weight.
func droppingSpec(rate, aux float64) zoo.Spec {
	s := tinySpec()
	s.Build = func() zoo.Architecture {
		a := tinySpec().Build()
		inner := a.Stages[2].Forward
		a.Stages[2].Forward = func(s *nn.Scope, x *Node) *Node {
			return inner(s, nn.Dropout(s.In("layer2.conv"), x, rate))
		}
		a.Head.Forward = func(s *nn.Scope, x *Node, n int) *Node { return nn.Linear(s, nn.Dropout(s, x, rate), n) }
		a.Aux = []zoo.AuxHead{{After: "layer1", Key: "aux", Output: "fc", Weight: aux,
			Forward: func(s *nn.Scope, x *Node, n int) *Node {
				x = nn.GlobalMeanPool(nn.Conv2D(s.In("conv"), x, 3, 1).Done())
				return nn.Linear(s.In("fc"), x, n)
			}}}
		return a
	}
	return s
}

// TestDropoutInTraining: dropout acts, equal seeds drop equal values, and a run that goes on from a checkpoint drops
// what a run in one go does.
func TestDropoutInTraining(t *testing.T) {
	r := quick(t)
	long := r
	long.Epochs = 4
	m := pretend(t, droppingSpec(0.4, 0.3))
	want := curve(compare(t, long, "whole", paint(t), m, strategy.FineTune{}).Results[0].History)
	compare(t, r, "parts", paint(t), m, strategy.FineTune{})
	got := curve(compare(t, long, "parts", paint(t), m, strategy.FineTune{}).Results[0].History)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("continued:\n%+v, in one go\n%+v", got, want)
	}
	without := curve(compare(t, long, "none", paint(t), pretend(t, droppingSpec(0, 0.3)), strategy.FineTune{}).Results[0].History)
	if without[0].TrainLoss == want[0].TrainLoss {
		t.Errorf("with and without dropout the loss is %g", want[0].TrainLoss)
	}
}

// TestDropoutAndCache: whether frozen features are computed once or in every step makes no difference.
func TestDropoutAndCache(t *testing.T) {
	var histories [2][]train.Epoch
	for i, limit := range []int64{0, 1} {
		r := quick(t)
		r.MemoryLimit = limit
		histories[i] = curve(compare(t, r, "r", paint(t), pretend(t, droppingSpec(0.4, 0.3)), strategy.Transfer{}).Results[0].History)
	}
	for i, e := range histories[0] {
		if o := histories[1][i]; math.Abs(e.TrainLoss-o.TrainLoss) > 1e-5 || math.Abs(e.ValLoss-o.ValLoss) > 1e-5 {
			t.Errorf("epoch %d: %+v with the cache, %+v without", i+1, e, o)
		}
	}
}

// TestAuxiliaryLoss: the loss of an auxiliary head trains it and the stages before it, those behind it only through
// them; frozen it is left alone.
func TestAuxiliaryLoss(t *testing.T) {
	r := quick(t)
	r.Epochs, r.BatchSize = 1, 15 // a single step, in which nothing yet depends on what has changed
	final := func(name string, aux float64, s train.Strategy) (before, after map[string][]float32) {
		m := pretend(t, droppingSpec(0, aux))
		run := compare(t, r, name, paint(t), m, s)
		return snapshot(t, m), saved(t, run, s.Name(), "checkpoint.safetensors")
	}
	start, with := final("with", 0.3, strategy.FineTune{})
	_, off := final("off", 0, strategy.FineTune{})
	for key := range start {
		if strings.HasSuffix(key, "running_mean") || strings.HasSuffix(key, "running_var") {
			continue
		}
		shaped := strings.HasPrefix(key, "stem.") || strings.HasPrefix(key, "layer1.") || strings.HasPrefix(key, "aux.")
		if same := slices.Equal(with[key], off[key]); same == shaped {
			t.Errorf("%s: the auxiliary loss changed it: %v, want %v", key, !same, shaped)
		}
	}
	if slices.Equal(start["aux.conv.weight"], with["aux.conv.weight"]) || !slices.Equal(start["aux.conv.weight"], off["aux.conv.weight"]) {
		t.Error("the auxiliary head is not trained by its own loss alone")
	}

	start, frozen := final("frozen", 0.3, strategy.Transfer{})
	if !slices.Equal(start["aux.conv.weight"], frozen["aux.conv.weight"]) {
		t.Error("transfer changed the auxiliary head")
	}
}
