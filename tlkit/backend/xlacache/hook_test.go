//go:build cgo && (linux || darwin)

package xlacache

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/pjrt"
	"github.com/gomlx/gomlx/core/graph"
)

// cpuPlugin returns the path of the opened PJRT plugin for the CPU and its engine.
func cpuPlugin(t *testing.T) (string, compute.Backend) {
	t.Helper()
	xla.EnableAutoInstall(false)
	if !slices.Contains(xla.GetAvailablePlugins(), "cpu") {
		t.Skip("the PJRT CPU plugin is not installed: ./install.sh --engine xla")
	}
	b, err := xla.New("cpu")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Finalize)
	p, err := pjrt.GetPlugin("cpu")
	if err != nil {
		t.Fatal(err)
	}
	return p.Path(), b
}

// softmax compiles and runs a small graph.
func softmax(t *testing.T, b compute.Backend) []float32 {
	t.Helper()
	out, err := graph.CallOnce(b, func(x *graph.Node) *graph.Node {
		return graph.Softmax(graph.Dot(x, graph.Transpose(x, 0, 1)).Product())
	}, [][]float32{{1, 2, 3}, {4, 5, 7}, {0.5, -1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(out.Value().([][]float32)...)
}

// TestEnable: what one engine compiled is read by the next, with the same results to the bit; a file that is spoilt, or
// that the plugin can't load, is told and compiled again.
func TestEnable(t *testing.T) {
	path, b := cpuPlugin(t)
	usual := worthKeeping
	worthKeeping = 0
	t.Cleanup(func() { worthKeeping = usual })
	dir := t.TempDir()
	var told []string
	if err := Enable(path, Store{Dir: dir}, func(err error) { told = append(told, err.Error()) }); err != nil {
		t.Fatal(err)
	}
	step := func(what string, b compute.Backend, wantCompiled, wantLoaded int64) []float32 {
		t.Helper()
		compiled0, loaded0 := compiled.Load(), loaded.Load()
		got := softmax(t, b)
		if c, l := compiled.Load(), loaded.Load(); c-compiled0 != wantCompiled || l-loaded0 != wantLoaded {
			t.Errorf("%s: %d compiled, %d loaded, want %d and %d", what, c-compiled0, l-loaded0, wantCompiled, wantLoaded)
		}
		return got
	}
	want := step("the first engine", b, 1, 0)
	_, next := cpuPlugin(t)
	if got := step("the next engine", next, 0, 1); !slices.Equal(got, want) {
		t.Errorf("the loaded program computes %v, the compiled one %v", got, want)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(files) != 1 || len(told) != 0 {
		t.Fatalf("files %q, told %q, want one file and nothing", files, told)
	}
	garbage := []byte("no program")
	sum := sha256.Sum256(garbage)
	for what, content := range map[string][]byte{"a spoilt file": garbage, "a file that the plugin can't load": append(sum[:], garbage...)} {
		told = nil
		if err := os.WriteFile(files[0], content, 0o600); err != nil {
			t.Fatal(err)
		}
		_, next := cpuPlugin(t)
		if got := step(what, next, 1, 0); !slices.Equal(got, want) {
			t.Errorf("%s: computed %v, want %v", what, got, want)
		}
		if len(told) != 1 || !strings.Contains(told[0], files[0]) {
			t.Errorf("%s: told %q, want a line that names the file", what, told)
		}
	}
	t.Setenv("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
	_, next = cpuPlugin(t)
	step("other flags", next, 1, 0)
}

func TestEnableNothingOpen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "plugin.so")
	if err := os.WriteFile(file, []byte("no library"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{file: "no library is open there", file + ".none": "no such file"} {
		if err := Enable(path, Store{}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Enable(%s): %v, want %q", path, err, want)
		}
	}
}

func TestMachine(t *testing.T) {
	if m := machine(); !strings.Contains(string(m), "\n") || string(m) != string(machine()) {
		t.Errorf("machine() = %q, want a description that stays", m)
	}
}
