package train_test

import (
	"math"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// TestEvaluationsOnOpenVINO: a training whose frozen stages and evaluations run on OpenVINO has the figures of one on
// pure Go, with each strategy.
func TestEvaluationsOnOpenVINO(t *testing.T) {
	if _, err := backend.Open("openvino"); err != nil {
		t.Skipf("OpenVINO is not installed: %v", err)
	}
	for _, e := range every(t) {
		t.Run(e.Name(), func(t *testing.T) {
			r := quick(t)
			r.Epochs = 4
			train.UseEngines(t, "go", "go")
			want := compare(t, r, "one", paint(t), e.model, e.Strategy).Results[0].History
			train.UseEngines(t, "go", "openvino")
			run := compare(t, r, "two", paint(t), e.model, e.Strategy)
			for i, w := range want {
				g := run.Results[0].History[i]
				if !(math.Abs(g.TrainLoss-w.TrainLoss) <= 1e-4 && math.Abs(g.ValLoss-w.ValLoss) <= 1e-4) {
					t.Errorf("epoch %d: losses %g and %g, on one engine %g and %g", i+1, g.TrainLoss, g.ValLoss, w.TrainLoss, w.ValLoss)
				}
			}
			if got := run.Config.Engines; got == nil || got.Forward != "openvino" {
				t.Errorf("run.json has the engines %v", got)
			}
		})
	}
}
