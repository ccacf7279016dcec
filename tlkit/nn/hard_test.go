package nn_test

import (
	"fmt"
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// outputRamp are the weights that valueAndGradients gives the values of a result.
func outputRamp(n int) []float32 {
	ramp := make([]float32, n)
	for i := range ramp {
		ramp[i] = float32(math.Sin(float64(i)) + 0.3)
	}
	return ramp
}

// TestHardActivations holds values and slopes against PyTorch's piecewise definitions, on both sides of each bend and
// on it.
func TestHardActivations(t *testing.T) {
	at := []float32{-5, -3, -2.5, -1, 0, 0.5, 2, 3, 7}
	x := tensors.FromFlatDataAndDimensions(at, len(at))
	for name, b := range engines(t) {
		for what, c := range map[string]struct {
			f           func(x *Node) *Node
			want, slope func(x float32) float32
		}{
			"hard sigmoid": {nn.HardSigmoid,
				func(x float32) float32 { return min(max(x/6+0.5, 0), 1) },
				func(x float32) float32 {
					if x > -3 && x < 3 {
						return 1. / 6
					}
					return 0
				}},
			"hard swish": {nn.HardSwish,
				func(x float32) float32 { return x * min(max(x/6+0.5, 0), 1) },
				func(x float32) float32 {
					switch {
					case x <= -3:
						return 0
					case x >= 3:
						return 1
					}
					return x/3 + 0.5
				}},
		} {
			value, grad := make([]float32, len(at)), outputRamp(len(at))
			for i, v := range at {
				value[i] = c.want(v)
				grad[i] *= c.slope(v)
			}
			got := valueAndGradients(t, b, func(in []*Node) *Node { return c.f(in[0]) }, x)
			compare(t, name+" "+what, got, []*tensors.Tensor{
				tensors.FromFlatDataAndDimensions(value, len(at)), tensors.FromFlatDataAndDimensions(grad, len(at)),
			}, 1e-5)
		}
	}
}

// TestChannelShuffle: six channels in two groups are dealt as 0 3 1 4 2 5, and split and joined parts are the whole.
func TestChannelShuffle(t *testing.T) {
	for name, b := range engines(t) {
		x := tensors.FromFlatDataAndDimensions([]float32{0, 1, 2, 3, 4, 5}, 1, 1, 1, 6)
		e := MustNewExec(b, func(x *Node) *Node { return nn.ChannelShuffle(x, 2) })
		if got := fmt.Sprint(tensors.MustCopyFlatData[float32](e.MustCall1(x))); got != "[0 3 1 4 2 5]" {
			t.Errorf("%s: channels come out as %s, want [0 3 1 4 2 5]", name, got)
		}
		y := random(3, 2, 4, 5, 6)
		got := valueAndGradients(t, b, func(in []*Node) *Node {
			halves := nn.SplitChannels(in[0], 2)
			return nn.ChannelShuffle(Concatenate([]*Node{halves[0], MulScalar(halves[1], 2)}, -1), 2)
		}, y)
		flat, ramp := tensors.MustCopyFlatData[float32](y), outputRamp(240)
		want, grad := make([]float32, 240), make([]float32, 240)
		for i, v := range flat {
			half, j := i%6/3, i%3
			to := i - i%6 + j*2 + half
			factor := float32(1 + half)
			want[to], grad[i] = v*factor, ramp[to]*factor
		}
		compare(t, name, got, []*tensors.Tensor{
			tensors.FromFlatDataAndDimensions(want, 2, 4, 5, 6), tensors.FromFlatDataAndDimensions(grad, 2, 4, 5, 6),
		}, 1e-5)
	}
}
