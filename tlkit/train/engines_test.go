package train_test

import (
	"math"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// TestTwoEngines: a training whose steps run on one engine and whose evaluations run on another has the figures of a
// training on one engine, with each strategy, with an average of the weights and with features that are computed once.
func TestTwoEngines(t *testing.T) {
	for _, e := range every(t) {
		t.Run(e.Name(), func(t *testing.T) {
			for _, average := range []float64{0, 0.9} {
				r := quick(t)
				r.Epochs, r.Optimizer, r.Average = 4, train.Adam, average
				one, two := "go", "gomlx" // both are in every build
				train.UseEngines(t, one, one)
				want := compare(t, r, "one", paint(t), e.model, e.Strategy).Results[0].History
				train.UseEngines(t, one, two)
				got := compare(t, r, "two", paint(t), e.model, e.Strategy).Results[0].History
				for i, w := range want {
					g := got[i]
					if !(math.Abs(g.TrainLoss-w.TrainLoss) <= 1e-4 && math.Abs(g.ValLoss-w.ValLoss) <= 1e-4) {
						t.Errorf("average %g, epoch %d: losses %g and %g, on one engine %g and %g", average, i+1, g.TrainLoss, g.ValLoss, w.TrainLoss, w.ValLoss)
					}
					for name, a := range w.Also {
						if g.Also[name] != a {
							t.Errorf("average %g, epoch %d: %s is %g, on one engine %g", average, i+1, name, g.Also[name], a)
						}
					}
				}
			}
		})
	}
}

// TestEnginesAreRecorded: a run has its engines in run.json, and goes on with a warning where they are not there any
// more. With the same engines, a longer training has the same epochs as one that was never interrupted.
func TestEnginesAreRecorded(t *testing.T) {
	r := quick(t)
	r.Epochs = 2
	e := every(t)[0]
	train.UseEngines(t, "go", "gomlx")
	run := compare(t, r, "recorded", paint(t), e.model, e.Strategy)
	want := train.EngineConfig{Steps: "go", Forward: "gomlx"}
	opened, err := train.Open(r.Dir, "recorded")
	if err != nil || opened.Config.Engines == nil || *opened.Config.Engines != want || *run.Config.Engines != want {
		t.Fatalf("engines %v in run.json, %v; want %v", opened.Config.Engines, err, want)
	}
	r.Epochs = 3
	if run = compare(t, r, "recorded", paint(t), e.model, e.Strategy); len(run.Warnings) > 0 {
		t.Errorf("the same engines: warnings %q", run.Warnings)
	}
	r.Epochs = 4
	train.UseEngines(t, "gomlx", "gomlx")
	run = compare(t, r, "recorded", paint(t), e.model, e.Strategy)
	if len(run.Warnings) != 1 || !strings.Contains(run.Warnings[0], "go for steps, gomlx for evaluations so far, on gomlx from here") {
		t.Errorf("other engines: warnings %q", run.Warnings)
	}
	// The warning is about a result that goes on. One that is trained anew, or comes back from a version, does not.
	r.BatchSize, r.Epochs = 3, 1
	train.UseEngines(t, "go", "go")
	if run = compare(t, r, "recorded", paint(t), e.model, e.Strategy); len(run.Warnings) != 1 || strings.Contains(run.Warnings[0], "so far") {
		t.Errorf("trained anew: warnings %q", run.Warnings)
	}
	r.BatchSize, r.Epochs = 4, 4
	train.UseEngines(t, "gomlx", "gomlx")
	if run = compare(t, r, "recorded", paint(t), e.model, e.Strategy); len(run.Warnings) != 1 || !strings.Contains(run.Warnings[0], "comes back from version 1") {
		t.Errorf("brought back: warnings %q", run.Warnings)
	}
}
