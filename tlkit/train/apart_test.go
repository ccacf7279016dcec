package train

import (
	"math"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// splitting chooses how steps whose first stages are frozen are computed on an engine, until the test ends.
func splitting(t testing.TB, engine string, apart bool) {
	before := frozenApart
	frozenApart = func(e compute.Backend) bool {
		if e.Name() == engine {
			return apart
		}
		return before(e)
	}
	t.Cleanup(func() { frozenApart = before })
}

func engines(t testing.TB) []*backend.Engine {
	var all []*backend.Engine
	for _, config := range []string{"go", "onnx:cpu,intra_op_num_threads=1"} {
		e, err := backend.Open(config)
		if err != nil {
			t.Logf("without engine %s: %v", config, err)
			continue
		}
		all = append(all, e)
	}
	return all
}

// TestFrozenApart: a step whose frozen stages were computed before it trains to the same losses and weights
// as one graph does, with all stages frozen and with some, with gradients gathered over two batches and
// with images drawn beside.
func TestFrozenApart(t *testing.T) {
	split := drawings(t, 12)
	for _, e := range engines(t) {
		for _, tt := range []struct {
			name string
			s    Strategy
		}{{"head", stagesFrom{rate: 0.1}}, {"layer3", stagesFrom{"layer3", 0.01}}} {
			var losses [2][]float64
			var values [2][]float32
			for i, apart := range []bool{false, true} {
				splitting(t, e.Backend.Name(), apart)
				m, err := zoo.Load("resnet20", zoo.LoadOptions{Weights: zoo.Random, Seed: 3})
				if err != nil {
					t.Fatal(err)
				}
				r, err := Recipe{BatchSize: 4, Accumulate: 2}.withDefaults()
				if err != nil {
					t.Fatal(err)
				}
				plan, err := tt.s.Plan(m, Task{Classes: []string{"a", "b"}, Recipe: r})
				if err != nil {
					t.Fatal(err)
				}
				plan.Extra = []ExtraBatch{{Split: split}}
				tr, err := newTrainer(alone(e.Backend), m, plan, r)
				if err != nil {
					t.Fatal(err)
				}
				tr.begin(0, 3)
				if err := tr.compile(0, 0); err != nil {
					t.Fatal(err)
				}
				for _, p := range tr.now {
					v, err := m.Variable(p).Value()
					if err != nil {
						t.Fatal(err)
					}
					if !v.IsOnDevice(0) || v.HasLocal() {
						t.Errorf("%s, before the first step: %s is on the engine: %v, and a second time in Go: %v", e.Backend.Name(), p.Key, v.IsOnDevice(0), v.HasLocal())
					}
				}
				if tr.apart != apart {
					t.Fatalf("%s: the frozen stages are apart: %v, want %v", tt.name, tr.apart, apart)
				}
				s := newImages(split, smallPre, vision.StandardAugment(), 4, 32, nil)
				beside := []*drawn{{source: s, per: 3, seed: 1}}
				step := 0
				for epoch := range 2 {
					for b := range feed(t.Context(), s, beside, order(s.len(), 1, epoch), 4, epoch, step) {
						if b.err != nil {
							t.Fatal(b.err)
						}
						step++
						f, err := tr.trainStep(b, stepInfo{rate: plan.LearningRate, step: step, update: (step + 1) / 2, seen: 4 * (2 - step%2), whole: step%2 == 0}, nil)
						if err != nil {
							t.Fatal(err)
						}
						losses[i] = append(losses[i], f.loss)
					}
				}
				for _, p := range tr.trained {
					v, err := m.Variable(p).Value()
					if err != nil {
						t.Fatal(err)
					}
					values[i] = append(values[i], tensors.MustCopyFlatData[float32](v)...)
				}
				tr.close()
			}
			for k := range losses[0] {
				if math.Abs(losses[0][k]-losses[1][k]) > 1e-5*math.Max(1, losses[0][k]) {
					t.Errorf("%s on %s: losses %v in one graph, %v apart", tt.name, e.Config, losses[0], losses[1])
					break
				}
			}
			worst := 0.0
			for k, v := range values[0] {
				worst = max(worst, math.Abs(float64(v-values[1][k])))
			}
			t.Logf("%s on %s: trained values differ by %.2g at most", tt.name, e.Config, worst)
			if worst > 1e-4 {
				t.Errorf("%s on %s: trained values differ by %g", tt.name, e.Config, worst)
			}
		}
	}
}
