package train_test

import (
	"math"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// TestStepsOnOneDNN: a training whose steps run on oneDNN has the losses of one on pure Go, and one that was stopped
// and resumed has weights that are equal to the bit.
func TestStepsOnOneDNN(t *testing.T) {
	if _, err := backend.Open("onednn"); err != nil {
		t.Skipf("oneDNN is not installed: %v", err)
	}
	m := pretrained(t)
	r := quick(t)
	r.Epochs, r.MemoryLimit = 3, 1
	train.UseEngines(t, "go", "go")
	want := compare(t, r, "go", paint(t), m, strategy.FineTune{}).Results[0].History
	train.UseEngines(t, "onednn", "go")
	whole := compare(t, r, "whole", paint(t), m, strategy.FineTune{})
	for i, w := range want {
		if g := whole.Results[0].History[i]; !(math.Abs(g.TrainLoss-w.TrainLoss) <= 1e-3 && math.Abs(g.ValLoss-w.ValLoss) <= 1e-3) {
			t.Errorf("epoch %d: losses %g and %g, on pure Go %g and %g", i+1, g.TrainLoss, g.ValLoss, w.TrainLoss, w.ValLoss)
		}
	}
	if got := whole.Config.Engines; got == nil || got.Steps != "onednn" {
		t.Errorf("run.json has the engines %v", got)
	}

	resumesEqually(t, r, m, whole, 15+13)
}

// TestStepsOnOneDNNWithoutARecord: a run from before engines were recorded can't have run on oneDNN. It goes on there
// with one warning, and on Go without.
func TestStepsOnOneDNNWithoutARecord(t *testing.T) {
	if _, err := backend.Open("onednn"); err != nil {
		t.Skipf("oneDNN is not installed: %v", err)
	}
	m := pretrained(t)
	r := quick(t)
	for i, steps := range []string{"go", "go", "onednn", "onednn"} {
		r.Epochs = i + 1
		train.UseEngines(t, steps, "go")
		run := compare(t, r, "older", paint(t), m, strategy.FineTune{})
		want := 0
		if i == 2 {
			want = 1
		}
		if len(run.Warnings) != want || want == 1 && !strings.Contains(run.Warnings[0], "engines that run.json does not name so far, on onednn for steps") {
			t.Errorf("call %d, on %s: warnings %q", i+1, steps, run.Warnings)
		}
		if i < 2 {
			if err := train.ForgetEngines(run); err != nil {
				t.Fatal(err)
			}
		}
	}
}
