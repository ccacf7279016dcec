package nn_test

import (
	"fmt"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// slowMean averages rows and columns [r0, r1) x [c0, c1) of x, cut to the image, over area values.
func slowMean(x []float32, h, w, c, n, r0, r1, c0, c1, ch int, area float32) float32 {
	sum := float32(0)
	for r := max(0, r0); r < min(h, r1); r++ {
		for col := max(0, c0); col < min(w, c1); col++ {
			sum += x[((n*h+r)*w+col)*c+ch]
		}
	}
	return sum / area
}

// checkMeans holds a pooling against means over the windows that edges gives for each output row or column, and its
// gradients against the transpose of the same means.
func checkMeans(t *testing.T, what string, h, w, oh, ow int, rows, cols func(i int) (from, to int, size float32), f func(x *Node) *Node) {
	t.Helper()
	const n, c = 2, 3
	x := random(11, n, h, w, c)
	flat := tensors.MustCopyFlatData[float32](x)
	want := make([]float32, 0, n*oh*ow*c)
	grad := make([]float32, len(flat))
	ramp := outputRamp(n * oh * ow * c)
	for b := range n {
		for i := range oh {
			for j := range ow {
				r0, r1, rs := rows(i)
				c0, c1, cs := cols(j)
				for ch := range c {
					v := ramp[len(want)] / (rs * cs)
					want = append(want, slowMean(flat, h, w, c, b, r0, r1, c0, c1, ch, rs*cs))
					for r := max(0, r0); r < min(h, r1); r++ {
						for col := max(0, c0); col < min(w, c1); col++ {
							grad[((b*h+r)*w+col)*c+ch] += v
						}
					}
				}
			}
		}
	}
	for name, b := range engines(t) {
		got := valueAndGradients(t, b, func(in []*Node) *Node { return f(in[0]) }, x)
		compare(t, name+" "+what, got, []*tensors.Tensor{
			tensors.FromFlatDataAndDimensions(want, n, oh, ow, c),
			tensors.FromFlatDataAndDimensions(grad, n, h, w, c),
		}, 1e-5)
	}
}

func TestAvgPool2D(t *testing.T) {
	for _, c := range []struct{ h, w, window, stride, pad int }{
		{8, 6, 2, 2, 0}, {7, 9, 2, 2, 0}, {8, 7, 3, 1, 1}, {9, 8, 3, 2, 1}, {17, 17, 5, 3, 0}, {6, 6, 2, 3, 0},
	} {
		size := func(in int) int { return (in+2*c.pad-c.window)/c.stride + 1 }
		edges := func(i int) (int, int, float32) {
			return i*c.stride - c.pad, i*c.stride - c.pad + c.window, float32(c.window)
		}
		checkMeans(t, fmt.Sprintf("%+v", c), c.h, c.w, size(c.h), size(c.w), edges, edges, func(x *Node) *Node {
			return nn.AvgPool2D(x, c.window).Stride(c.stride).Pad(c.pad).Done()
		})
	}
}

func TestAdaptiveAvgPool2D(t *testing.T) {
	for _, c := range []struct{ h, w, oh, ow int }{{14, 14, 4, 4}, {8, 8, 4, 4}, {7, 7, 7, 7}, {1, 1, 3, 3}, {5, 9, 2, 6}} {
		edges := func(in, out int) func(int) (int, int, float32) {
			return func(i int) (int, int, float32) {
				from, to := i*in/out, ((i+1)*in+out-1)/out
				return from, to, float32(to - from)
			}
		}
		checkMeans(t, fmt.Sprintf("%+v", c), c.h, c.w, c.oh, c.ow, edges(c.h, c.oh), edges(c.w, c.ow), func(x *Node) *Node {
			return nn.AdaptiveAvgPool2D(x, c.oh, c.ow)
		})
	}
}
