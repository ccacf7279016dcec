//go:build cgo && (linux || darwin)

package openvino_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/openvino"
)

// engine opens the engine; without OpenVINO the test is skipped.
func engine(t testing.TB) compute.Backend {
	t.Helper()
	e, err := backend.Open("openvino")
	if err != nil {
		t.Skipf("OpenVINO is not installed: %v", err)
	}
	return e.Backend
}

// call runs a graph once and returns the values of its outputs.
func call(t testing.TB, e compute.Backend, build func(in []*Node) []*Node, in ...any) []any {
	t.Helper()
	x, err := NewExec(e, build)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Finalize()
	out, err := x.Call(in...)
	if err != nil {
		t.Fatal(err)
	}
	values := make([]any, len(out))
	for i, o := range out {
		values[i] = o.Value()
	}
	return values
}

// TestGraphs holds operations, types and the order of inputs and outputs against values that are known.
func TestGraphs(t *testing.T) {
	e := engine(t)
	for _, c := range []struct {
		name  string
		build func(in []*Node) []*Node
		in    []any
		want  []any
	}{
		{"two inputs, two outputs", func(in []*Node) []*Node { return []*Node{Sub(in[0], in[1]), Sub(in[1], in[0])} },
			[]any{[]float32{5, 7}, []float32{1, 2}}, []any{[]float32{4, 5}, []float32{-4, -5}}},
		{"numbers without axes", func(in []*Node) []*Node { return []*Node{Mul(in[0], in[1])} }, []any{float32(3), float32(4)}, []any{float32(12)}},
		{"an input that nothing uses", func(in []*Node) []*Node { return []*Node{AddScalar(in[1], 1)} }, []any{float32(3), float32(4)}, []any{float32(5)}},
		{"an input as it is, twice", func(in []*Node) []*Node { return []*Node{in[0], in[0]} }, []any{[]float32{1, 2}}, []any{[]float32{1, 2}, []float32{1, 2}}},
		{"a constant", func(in []*Node) []*Node { return []*Node{Const(in[0].Graph(), []float32{6}), Neg(in[0])} }, []any{float32(3)}, []any{[]float32{6}, float32(-3)}},
		{"bytes to floats", func(in []*Node) []*Node { return []*Node{MulScalar(ConvertDType(in[0], dtypes.Float32), 0.5)} },
			[]any{[]uint8{0, 255, 3}}, []any{[]float32{0, 127.5, 1.5}}},
		{"integers", func(in []*Node) []*Node { return []*Node{Add(in[0], in[1])} }, []any{[]int32{1, -2}, []int32{10, 20}}, []any{[]int32{11, 18}}},
		{"truths", func(in []*Node) []*Node { return []*Node{GreaterThan(in[0], Scalar(in[0].Graph(), dtypes.Float32, 1))} },
			[]any{[]float32{0, 2}}, []any{[]bool{false, true}}},
		{"rows by index", func(in []*Node) []*Node { return []*Node{Gather(in[0], in[1])} },
			[]any{[][]float32{{1, 2}, {3, 4}, {5, 6}}, [][]int32{{2}, {0}}}, []any{[][]float32{{5, 6}, {1, 2}}}},
		{"a product of matrices", func(in []*Node) []*Node { return []*Node{MatMul(in[0], in[1])} },
			[]any{[][]float32{{1, 2}, {3, 4}}, [][]float32{{5, 6}, {7, 8}}}, []any{[][]float32{{19, 22}, {43, 50}}}},
		{"a sum of all", func(in []*Node) []*Node { return []*Node{ReduceAllSum(in[0])} }, []any{[][]float32{{1, 2}, {3, 4}}}, []any{float32(10)}},
		{"axes in another order", func(in []*Node) []*Node { return []*Node{Transpose(in[0], 0, 1)} },
			[]any{[][]float32{{1, 2, 3}, {4, 5, 6}}}, []any{[][]float32{{1, 4}, {2, 5}, {3, 6}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := call(t, e, c.build, c.in...); fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

// TestFloat32 holds that products are not computed in fewer bits, as OpenVINO by itself does on processors with
// bfloat16: 1 + 2^-12 is 1 in bfloat16 (8 bits) and in float16 (11 bits).
func TestFloat32(t *testing.T) {
	e := engine(t)
	const n = 64
	row, column := make([][]float32, n), make([][]float32, n)
	for i := range n {
		row[i], column[i] = make([]float32, n), make([]float32, n)
		row[i][i], column[i][i] = 1+1.0/4096, 1-1.0/4096
	}
	got := call(t, e, func(in []*Node) []*Node { return []*Node{MatMul(in[0], in[1])} }, row, column)[0].([][]float32)[3][3]
	if want := float32(1 - 1.0/(4096*4096)); math.Abs(float64(got-want)) > 1e-7 {
		t.Errorf("%.9f, want %.9f", got, want)
	}
}

// TestBfloat16 holds that an engine with the option says so and rounds what it multiplies to 8 bits, with which 1 +
// 2^-9 is 1, and that its inputs and outputs are float32.
func TestBfloat16(t *testing.T) {
	engine(t)
	e, err := backend.Open("openvino:bf16")
	if err != nil {
		if !strings.Contains(err.Error(), "AVX512-BF16 or AMX") {
			t.Fatal(err)
		}
		t.Skip("the processor has no instructions for bfloat16")
	}
	if name, text := e.Backend.Name(), e.Backend.Description(); name != openvino.NameBfloat16 || !strings.Contains(text, "bfloat16") {
		t.Errorf("engine %q, %q; want both to name bfloat16", name, text)
	}
	const n = 64
	row, column := make([][]float32, n), make([][]float32, n)
	for i := range n {
		row[i], column[i] = make([]float32, n), make([]float32, n)
		row[i][i], column[i][i] = 1+1.0/512, 3
	}
	product := func(in []*Node) []*Node { return []*Node{MatMul(in[0], in[1])} }
	if got := call(t, e.Backend, product, row, column)[0].([][]float32)[3][3]; got != 3 {
		t.Errorf("(1 + 2^-9) 3 = %g, want 3 in bfloat16", got)
	}
}

// TestNotImplemented holds that what the engine can't compute has an error by which a caller can tell, before anything
// runs.
func TestNotImplemented(t *testing.T) {
	e := engine(t)
	for name, build := range map[string]func(x *Node) *Node{
		"a sort": func(x *Node) *Node { return Sort(x, 0, true) },
		"a sign": func(x *Node) *Node { return Sign(x) },
		"a strided gradient": func(x *Node) *Node {
			image := Reshape(x, 1, 4, 4, 1)
			kernel := Ones(x.Graph(), shape(3, 3, 1, 1))
			return Gradient(ReduceAllSum(Convolve(image, kernel).Strides(2).PadSame().Done()), x)[0]
		},
	} {
		x, err := NewExec(e, build)
		if err == nil {
			_, err = x.Call(make([]float32, 16))
		}
		if !errors.Is(err, compute.ErrNotImplemented) {
			t.Errorf("%s: error %v, want one that wraps ErrNotImplemented", name, err)
		}
	}
}

// TestConcurrent runs two graphs from several goroutines at once; each has its own values.
func TestConcurrent(t *testing.T) {
	e := engine(t)
	square, err := NewExec(e, func(x *Node) *Node { return Mul(x, x) })
	if err != nil {
		t.Fatal(err)
	}
	twice, err := NewExec(e, func(x *Node) *Node { return Add(x, x) })
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for k := range 20 {
				v := float32(i*100 + k)
				a, err1 := square.Call1(slices.Repeat([]float32{v}, 100))
				b, err2 := twice.Call1(slices.Repeat([]float32{v}, 100))
				if err := errors.Join(err1, err2); err != nil {
					t.Error(err)
					return
				}
				if x, y := tensors.MustCopyFlatData[float32](a)[99], tensors.MustCopyFlatData[float32](b)[0]; x != v*v || y != 2*v {
					t.Errorf("%g: square %g, double %g", v, x, y)
				}
			}
		})
	}
	group.Wait()
}

// TestFinalized holds that a graph that was finalized has an error, and its engine goes on.
func TestFinalized(t *testing.T) {
	e := engine(t)
	b := e.Builder("gone")
	x, err := b.Main().Parameter("x", shape(2), nil)
	if err == nil {
		err = b.Main().Return([]compute.Value{x}, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	n, err := b.Compile()
	if err != nil {
		t.Fatal(err)
	}
	in, err := e.BufferFromFlatData(0, []float32{1, 2}, shape(2))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Execute([]compute.Buffer{in}, nil, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Execute([]compute.Buffer{in}, []bool{true}, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Execute([]compute.Buffer{in}, nil, 0); err == nil || !strings.Contains(err.Error(), `"x"`) {
		t.Errorf("an input that was donated: error %v", err)
	}
	n.Finalize()
	n.Finalize()
	in, _ = e.BufferFromFlatData(0, []float32{1, 2}, shape(2))
	if _, err := n.Execute([]compute.Buffer{in}, nil, 0); err == nil || !strings.Contains(err.Error(), "finalized") {
		t.Errorf("a graph that was finalized: error %v", err)
	}
}

// TestMemory holds that the memory of a graph is freed with it: its 4 MB of constants, many times over.
func TestMemory(t *testing.T) {
	e := engine(t)
	resident := func() int {
		runtime.GC()
		text, err := os.ReadFile("/proc/self/statm")
		if err != nil {
			t.Skip("no /proc")
		}
		var size, pages int
		fmt.Sscan(string(text), &size, &pages)
		return pages * os.Getpagesize() >> 20
	}
	once := func() {
		weights := make([]float32, 1024*1024)
		for i := range weights {
			weights[i] = float32(i)
		}
		call(t, e, func(in []*Node) []*Node {
			return []*Node{MatMul(in[0], Reshape(Const(in[0].Graph(), weights), 1024, 1024))}
		}, [][]float32{make([]float32, 1024)})
	}
	for range 3 {
		once()
	}
	before := resident()
	for range 20 {
		once()
	}
	if grown := resident() - before; grown > 40 {
		t.Errorf("20 graphs of 4 MB, each finalized: %d MB more than before", grown)
	}
}

// TestBrokenLibrary holds that a file that is no library gives one line that names it. It runs in a process of its own,
// since a program has one library.
func TestBrokenLibrary(t *testing.T) {
	if path := os.Getenv("TLKIT_BROKEN_LIBRARY"); path != "" {
		t.Setenv(openvino.LibraryEnv, path)
		_, err := openvino.New("")
		fmt.Printf("error: %v\n", err)
		return
	}
	dir := t.TempDir()
	broken, absent := filepath.Join(dir, "libopenvino_c.so"), filepath.Join(dir, "absent.so")
	if err := os.WriteFile(broken, []byte("not a library"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{broken, absent} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestBrokenLibrary$")
		cmd.Env = append(os.Environ(), "TLKIT_BROKEN_LIBRARY="+path)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		line, _, _ := strings.Cut(string(out), "\n")
		if !strings.HasPrefix(line, "error: openvino: opening "+path) {
			t.Errorf("%q, want a line that names %s", line, path)
		}
	}
}

// TestOptions holds what a configuration may say.
func TestOptions(t *testing.T) {
	engine(t)
	for config, want := range map[string]string{"threads=1": "on 1 threads", "cpu,threads=2": "on 2 threads"} {
		e, err := openvino.New(config)
		if err != nil || !strings.Contains(e.Description(), want) {
			t.Errorf("%q: %v, %v; want %q", config, e, err, want)
			continue
		}
		e.Finalize()
		if !e.IsFinalized() {
			t.Errorf("%q: not finalized", config)
		}
	}
	for _, config := range []string{"gpu", "threads=0", "threads=x"} {
		if _, err := openvino.New(config); err == nil || !strings.Contains(err.Error(), config) {
			t.Errorf("%q: error %v, want one that names it", config, err)
		}
	}
}

func shape(dims ...int) shapes.Shape { return shapes.Make(dtypes.Float32, dims...) }
