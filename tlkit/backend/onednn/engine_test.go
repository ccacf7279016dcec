//go:build cgo && linux && amd64

package onednn_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
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

// bfloat16 opens the engine with products in bfloat16; where the processor has no instructions for them,
// the test is skipped.
func bfloat16(t testing.TB) compute.Backend {
	t.Helper()
	engine(t)
	e, err := backend.Open("onednn:bf16")
	if err != nil {
		if !strings.Contains(err.Error(), "AVX512-BF16 or AMX") {
			t.Fatal(err)
		}
		t.Skip("the processor has no instructions for bfloat16")
	}
	return e.Backend
}

// TestEqualToTheBit runs one plan in several goroutines, again and again: equal inputs give equal results.
func TestEqualToTheBit(t *testing.T) { equalToTheBit(t, engine(t)) }

func TestEqualToTheBitInBfloat16(t *testing.T) { equalToTheBit(t, bfloat16(t)) }

func equalToTheBit(t *testing.T, engine compute.Backend) {
	e, err := NewExec(engine, func(x, w *Node) []*Node {
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

// TestBfloat16 holds that an engine with the option says so, that its product has the 8 bits of bfloat16, of which
// 1 + 2^-9 is 1, and that the one without has all.
func TestBfloat16(t *testing.T) {
	in := bfloat16(t)
	if !strings.Contains(in.Description(), "bfloat16") || strings.Contains(engine(t).Description(), "bfloat16") {
		t.Errorf("descriptions %q and %q, want the first one to name bfloat16", in.Description(), engine(t).Description())
	}
	const n = 64
	row, column := make([][]float32, n), make([][]float32, n)
	for i := range n {
		row[i], column[i] = make([]float32, n), make([]float32, n)
		row[i][i], column[i][i] = 1+1.0/512, 3
	}
	for e, want := range map[compute.Backend]float32{in: 3, engine(t): 3 * (1 + 1.0/512)} {
		got, err := CallOnce(e, func(a, b *Node) *Node { return MatMul(a, b) }, row, column)
		if err != nil {
			t.Fatal(err)
		}
		if got := got.Value().([][]float32)[5][5]; got != want {
			t.Errorf("%s: (1 + 2^-9) 3 = %g, want %g", e.Description(), got, want)
		}
	}
}

// TestBfloat16Missing holds that a processor without the instructions gives an error that names them. It runs in a
// process of its own, in which oneDNN may use those of AVX-512 alone.
func TestBfloat16Missing(t *testing.T) {
	engine(t)
	const asked = "TLKIT_TEST_ONEDNN_BFLOAT16"
	if os.Getenv(asked) != "" {
		_, err := backend.Open("onednn:bf16")
		fmt.Printf("error: %v\n", err)
		return
	}
	again := exec.Command(os.Args[0], "-test.run=^TestBfloat16Missing$")
	again.Env = append(os.Environ(), asked+"=1", "ONEDNN_MAX_CPU_ISA=AVX512_CORE")
	out, err := again.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "AVX512-BF16 or AMX) on this processor; compute in float32") {
		t.Errorf("%v\n%s", err, out)
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
