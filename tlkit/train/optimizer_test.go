package train

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// TestOptimizers takes two steps from weight 1 with the gradients 0.5 and -0.25 and the rates 0.1 and
// 0.05. The expected weights follow from the formulas in the documentation of torch.optim.SGD, Adam and
// AdamW, worked out by hand.
func TestOptimizers(t *testing.T) {
	tests := []struct {
		name string
		opt  optimizer
		want [2]float64
	}{
		{"gradient descent", optimizer{kind: SGD, momentum: -1}, [2]float64{0.95, 0.9625}},
		// velocity 0.5, then 0.9*0.5 - 0.25 = 0.2
		{"momentum", optimizer{kind: SGD, momentum: 0.9}, [2]float64{0.95, 0.94}},
		// gradients 0.51 and -0.25 + 0.01*0.949 = -0.24051; velocity 0.51, then 0.21849
		{"momentum and decay", optimizer{kind: SGD, momentum: 0.9, weightDecay: 0.01}, [2]float64{0.949, 0.9380755}},
		// second step: mean 0.02/0.19, square 0.00031225/0.001999
		{"adam", optimizer{kind: Adam}, [2]float64{0.9, 0.8866831491}},
		// gradients 0.51 and -0.241: mean 0.0218/0.19, square 0.0003179209/0.001999
		{"adam and decay", optimizer{kind: Adam, weightDecay: 0.01}, [2]float64{0.9, 0.8856146726}},
		// the decay takes 0.1*0.01*1, then 0.05*0.01*0.899
		{"adamw", optimizer{kind: AdamW, weightDecay: 0.01}, [2]float64{0.899, 0.8852336491}},
	}
	engine, err := backend.Default()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := nn.Param{Key: "w", Shape: []int{1}}
			store := model.NewStore()
			v, err := store.CreateVariable(p.Path(), tensors.FromValue([]float32{1}))
			if err != nil {
				t.Fatal(err)
			}
			if err := tt.opt.prepare(store, p); err != nil {
				t.Fatal(err)
			}
			exec, err := model.NewExec(engine.Backend, store, func(_ *model.Scope, in []*Node) *Node {
				store.SetTraining(in[0].Graph(), true)
				tt.opt.update(store, p, in[0], in[1], in[2])
				return v.NodeValue(in[0].Graph())
			})
			if err != nil {
				t.Fatal(err)
			}
			defer exec.Finalize()
			for i, grad := range []float32{0.5, -0.25} {
				rate := []float32{0.1, 0.05}[i]
				out, err := exec.Call1([]float32{grad}, rate, float32(i+1))
				if err != nil {
					t.Fatal(err)
				}
				got := float64(tensors.MustCopyFlatData[float32](out)[0])
				if math.Abs(got-tt.want[i]) > 2e-6 {
					t.Errorf("weight %.8f after step %d, want %.8f", got, i+1, tt.want[i])
				}
			}
		})
	}
}

func TestScheduleFactor(t *testing.T) {
	tests := []struct {
		name string
		s    Schedule
		at   float64
		want float64
	}{
		{"constant", Schedule{}, 7.5, 1},
		{"step, before", Schedule{StepEvery: 7}, 6.99, 1},
		{"step, after", Schedule{StepEvery: 7}, 7, 0.1},
		{"step, twice", Schedule{StepEvery: 3, StepFactor: 0.5}, 6.5, 0.25},
		{"cosine, start", Schedule{Cosine: true}, 0, 1},
		{"cosine, half", Schedule{Cosine: true}, 5, 0.5},
		{"cosine, quarter", Schedule{Cosine: true}, 2.5, 0.5 + math.Sqrt2/4},
		{"cosine, end", Schedule{Cosine: true}, 10, 0},
		{"warm-up, first step", Schedule{Warmup: 2}, 0, 0.01},
		{"warm-up, half", Schedule{Warmup: 2}, 1, 0.5},
		{"warm-up, over", Schedule{Warmup: 2}, 2, 1},
		{"warm-up of half an epoch", Schedule{Warmup: 0.5}, 0.25, 0.5},
		{"warm-up and cosine", Schedule{Warmup: 2, Cosine: true}, 6, 0.5},
		{"warm-up longer than training", Schedule{Warmup: 20, Cosine: true}, 10, 0.5},
		{"step and cosine", Schedule{StepEvery: 5, Cosine: true}, 5, 0.05},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.s.Factor(tt.at, 10); math.Abs(got-tt.want) > 1e-12 {
				t.Errorf("Factor(%g, 10) = %g, want %g", tt.at, got, tt.want)
			}
		})
	}
}

func TestBestOf(t *testing.T) {
	tests := []struct {
		name    string
		history []Epoch
		want    int
	}{
		{"none", nil, -1},
		{"highest", []Epoch{{ValAccuracy: 0.5}, {ValAccuracy: 0.75}, {ValAccuracy: 0.625}}, 1},
		{"lower loss of equals", []Epoch{{ValAccuracy: 0.5, ValLoss: 2}, {ValAccuracy: 0.5, ValLoss: 1}, {ValAccuracy: 0.5, ValLoss: 3}}, 1},
		{"first of equals", []Epoch{{ValAccuracy: 0.5, ValLoss: 1}, {ValAccuracy: 0.5, ValLoss: 1}}, 0},
	}
	for _, tt := range tests {
		if got := RestoreBest.of(tt.history); got != tt.want {
			t.Errorf("%s: bestOf = %d, want %d", tt.name, got, tt.want)
		}
	}
}
