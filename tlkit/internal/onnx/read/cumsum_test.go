package read

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gomlx/compute/gobackend"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gomlx/compute-onnx/support/protos"
)

// TestCumSum: sums along axes of any length, with their gradients, as loops give them.
func TestCumSum(t *testing.T) {
	engine, err := gobackend.New("")
	if err != nil {
		t.Fatal(err)
	}
	for _, length := range []int{1, 2, 7, 8, 5000} {
		for i := range 4 {
			exclusive, reverse := i&1, i>>1
			name := fmt.Sprintf("length %d, exclusive %d, reverse %d", length, exclusive, reverse)
			x := make([]float32, 2*length) // [2, length]
			for k := range x {
				x[k] = float32(k%7 - 3)
			}
			node := &node{op: "CumSum", in: []string{"x", "axis"}, out: []string{"y"}, attrs: map[string]*protos.AttributeProto{
				"exclusive": {I: int64(exclusive)}, "reverse": {I: int64(reverse)}}}
			results, err := ExecOnceN(engine, func(in *Node) []*Node {
				r := &run{net: &Net{}, g: in.Graph(), vals: map[string]value{"x": {n: in}, "axis": {c: tensors.FromValue(int64(-1))}}}
				y, ok := cumSum(r, node)
				if !ok {
					t.Errorf("%s: refused", name)
					return []*Node{in, in}
				}
				return []*Node{y.n, Gradient(ReduceAllSum(Mul(y.n, in)), in)[0]}
			}, tensors.FromFlatDataAndDimensions(x, 2, length))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			sums, slopes := make([]float32, 2*length), make([]float32, 2*length)
			for row := range 2 {
				for to := range length {
					for from := range length {
						if from < to && reverse == 0 || from > to && reverse == 1 || from == to && exclusive == 0 {
							a, b := row*length+from, row*length+to
							sums[b] += x[a]
							slopes[a] += x[b] // d(sum of y x)/dx: the y's that x is in, and
							slopes[b] += x[a] // y itself
						}
					}
				}
			}
			for k, want := range [][]float32{sums, slopes} {
				if got := tensors.MustCopyFlatData[float32](results[k]); !slices.Equal(got, want) {
					t.Errorf("%s, result %d: %.50v, want %.50v", name, k, got[:min(8, len(got))], want[:min(8, len(want))])
				}
			}
		}
	}
}
