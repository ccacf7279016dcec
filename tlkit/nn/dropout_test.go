package nn_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// TestDropout: in training the share given becomes zero, the rest grows, the gradient passes where values did, and two
// layers of one pass drop different values; in inference and before a frozen layer nothing happens.
func TestDropout(t *testing.T) {
	const n, rate = 20000, 0.3
	ones := make([]float32, n)
	for i := range ones {
		ones[i] = 1
	}
	for name, b := range engines(t) {
		run := func(training, trainable, drop bool) (a, second, grad []float32) {
			store := model.NewStore()
			store.VariableWithValue("/fc/weight", []float32{1}).SetTrainable(trainable)
			e := MustNewExec(b, func(x, state *Node) []*Node {
				pass := &nn.Pass{Training: training, RNG: state, BatchStatsWhenFrozen: drop}
				s := nn.NewScope(store, pass).In("fc")
				y := nn.Dropout(s, x, rate)
				z := nn.Dropout(s, x, rate)
				return []*Node{y, z, Gradient(ReduceAllSum(MulScalar(y, 3)), x)[0]}
			})
			out := e.MustCall(tensors.FromFlatDataAndDimensions(ones, n), []uint64{7, 8, 9})
			return tensors.MustCopyFlatData[float32](out[0]), tensors.MustCopyFlatData[float32](out[1]),
				tensors.MustCopyFlatData[float32](out[2])
		}
		for _, c := range []struct{ training, trainable, always, drops bool }{
			{true, true, false, true}, {false, true, false, false}, {true, false, false, false}, {true, false, true, true},
		} {
			y, z, grad := run(c.training, c.trainable, c.always)
			zeros, same := 0, 0
			for i, v := range y {
				if v == 0 {
					zeros++
				} else if want := float32(1); c.drops && math.Abs(float64(v)-1/(1-rate)) > 1e-5 || !c.drops && v != want {
					t.Fatalf("%s %+v: value %g among those kept", name, c, v)
				}
				if math.Abs(float64(grad[i]-3*v)) > 1e-4 {
					t.Fatalf("%s %+v: gradient %g where the value is %g", name, c, grad[i], v)
				}
				if v == z[i] {
					same++
				}
			}
			if c.drops && math.Abs(float64(zeros)/n-rate) > 0.02 || !c.drops && zeros > 0 {
				t.Errorf("%s %+v: %d of %d values dropped", name, c, zeros, n)
			}
			if c.drops && math.Abs(float64(same)/n-(rate*rate+(1-rate)*(1-rate))) > 0.02 {
				t.Errorf("%s %+v: two layers agree on %d of %d values", name, c, same, n)
			}
		}
	}
}
