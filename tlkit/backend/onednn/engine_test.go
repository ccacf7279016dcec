//go:build cgo && linux && amd64

package onednn_test

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/support/backendtest"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/onednn"
)

// engine opens the engine; without oneDNN the test is skipped.
func engine(t testing.TB) compute.Backend {
	t.Helper()
	e, err := backend.Open("onednn")
	if err != nil {
		t.Skipf("oneDNN is not installed: %v", err)
	}
	return e.Backend
}

// TestCompliance runs the suite that GoMLX's own engines must pass.
func TestCompliance(t *testing.T) { backendtest.RunAll(t, engine(t), nil) }

func random(seed uint64, dims ...int) *tensors.Tensor {
	rng := rand.New(rand.NewPCG(seed, 1))
	n := 1
	for _, d := range dims {
		n *= d
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(rng.NormFloat64())
	}
	return tensors.FromFlatDataAndDimensions(values, dims...)
}

// TestEqualToTheBit runs one plan in several goroutines, again and again: equal inputs give equal results.
func TestEqualToTheBit(t *testing.T) {
	e, err := NewExec(engine(t), func(x, w *Node) []*Node {
		y := MaxScalar(Convolve(x, w).PadSame().Done(), 0)
		return []*Node{y, MatMul(Reshape(y, 8, -1), Transpose(Reshape(y, 8, -1), 0, 1)), Softmax(Reshape(x, 8, -1), -1)}
	})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			x, w := random(uint64(i), 8, 19, 19, 24), random(99, 3, 3, 24, 40)
			first := make([][]float32, 3)
			for range 5 {
				out, err := e.Call(x, w)
				if err != nil {
					t.Error(err)
					return
				}
				for o := range out {
					got := tensors.MustCopyFlatData[float32](out[o])
					if first[o] == nil {
						first[o] = got
					}
					for j := range got {
						if got[j] != first[o][j] {
							t.Errorf("goroutine %d, result %d: value %d is %g, was %g", i, o, j, got[j], first[o][j])
							return
						}
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestNames(t *testing.T) {
	e := engine(t)
	if e.Name() != onednn.Name || !strings.HasPrefix(e.Description(), "oneDNN 3.") {
		t.Errorf("engine %q, %q", e.Name(), e.Description())
	}
}

func TestNewWithoutLibrary(t *testing.T) {
	t.Setenv(onednn.LibraryEnv, "")
	if _, err := onednn.New(""); err == nil || !strings.Contains(err.Error(), onednn.LibraryEnv) {
		t.Errorf("error %v, want one that names %s", err, onednn.LibraryEnv)
	}
	t.Setenv(onednn.LibraryEnv, "/nowhere/libdnnl.so")
	if _, err := onednn.New(""); err == nil || !strings.Contains(err.Error(), "/nowhere/libdnnl.so") {
		t.Errorf("error %v, want one that names the file", err)
	}
}
