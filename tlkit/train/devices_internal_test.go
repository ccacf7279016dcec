package train

import (
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
)

// TestDividedStep: variables are on each device after a step, and sums are those of all rows of a batch, also of one
// that can't be divided.
func TestDividedStep(t *testing.T) {
	e, err := backend.Open("xla:cpu")
	if err != nil {
		t.Skipf("XLA is not installed: %v", err)
	}
	if n := e.Backend.NumDevices(); n < 2 {
		t.Skipf("XLA has %d device here, the test needs 2", n)
	}
	pair := alone(e.Backend)
	if pair.devices, err = newDevices(e.Backend, e.Config, 2); err != nil {
		t.Fatal(err)
	}
	store := model.NewStore()
	v, err := store.CreateVariable("/sum", tensors.FromScalar(float32(0)))
	if err != nil {
		t.Fatal(err)
	}
	step, err := newStep(pair, store, []bool{true, false}, func(in []*Node) []*Node {
		sum := ReduceAllSum(Mul(in[0], in[1]))
		v.SetNodeValue(Add(v.NodeValue(sum.Graph()), sum))
		return []*Node{sum, in[1]}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer step.Finalize()
	for _, c := range []struct {
		rows      []float32
		sum, ever float32
	}{{[]float32{1, 2, 3, 4}, 20, 20}, {[]float32{5, 6, 7}, 36, 56}, {[]float32{1, 1}, 4, 60}} {
		out, err := step.Call(tensors.FromValue(c.rows), float32(2))
		if err != nil {
			t.Fatal(err)
		}
		if got := tensors.ToScalar[float32](out[0]); len(out) != 2 || got != c.sum || tensors.ToScalar[float32](out[1]) != 2 {
			t.Errorf("%v: %d outputs, sum %g, want %g", c.rows, len(out), got, c.sum)
		}
		placed, err := v.DistributedValue()
		if err != nil {
			t.Fatal(err)
		}
		for i, shard := range placed.Shards() {
			if on, err := shard.Device(); err != nil || on != compute.DeviceNum(i) || tensors.ToScalar[float32](shard) != c.ever {
				t.Errorf("copy %d of the variable is %v on device %d, %v; want %g", i, shard, on, err, c.ever)
			}
		}
		if got := tensors.ToScalar[float32](v.MustValue()); got != c.ever {
			t.Errorf("the variable is %g, want %g", got, c.ever)
		}
	}
}
