package zoo_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo/zootest"
)

// goldenEngines are the pure-Go engine, ONNX Runtime, OpenVINO and oneDNN where they are installed, and what
// GOMLX_BACKEND asks for.
func goldenEngines(t *testing.T) []*backend.Engine {
	t.Helper()
	names := []string{"go", "onnx:cpu", "openvino", "onednn"}
	if asked := os.Getenv("GOMLX_BACKEND"); asked != "" && !slices.Contains(names, asked) {
		names = append(names, asked)
	}
	var engines []*backend.Engine
	for _, name := range names {
		engine, err := backend.Open(name)
		switch {
		case err == nil:
			engines = append(engines, engine)
		case name == "onnx:cpu" || name == "openvino" || name == "onednn":
			t.Logf("left out: %v", err)
		default:
			t.Fatal(err)
		}
	}
	return engines
}

// TestGolden holds keys, shapes, parameter counts and logits against what PyTorch computed, on every engine there is,
// and logs a table. The small models and resnet18 run always; with -tags slow all of them do:
//
//	go test ./tlkit/zoo -run Golden -tags slow -v -timeout 60m
//
// TLKIT_GOLDEN names another folder of golden files, made by the same formula.
func TestGolden(t *testing.T) {
	dir := os.Getenv("TLKIT_GOLDEN")
	if dir == "" {
		dir = testutil.Shared(t, "golden/torchvision")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files in %s (%v)", dir, err)
	}
	engines := goldenEngines(t)
	var table strings.Builder
	fmt.Fprintf(&table, "\n%-22s %9s %8s", "model", "params", "std")
	for _, e := range engines {
		fmt.Fprintf(&table, " %10s", e.Config)
	}
	for _, path := range files {
		f, err := zootest.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := zoo.Info(f.Model); err != nil {
			t.Errorf("%s: %v", filepath.Base(path), err)
			continue
		}
		if !slow && f.NumParams > 8e6 && f.Model != "resnet18" {
			continue
		}
		fmt.Fprintf(&table, "\n%-22s %9d %8.3g", f.Model, f.NumParams, f.Std)
		for i, engine := range engines {
			if i > 0 && !slow && f.NumParams > 4e6 {
				continue // one engine will do for CI
			}
			t.Run(f.Model+"/"+engine.Config, func(t *testing.T) {
				r, err := f.Compare(engine.Backend)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&table, " %10.2g", r.Error)
				if c, ok := chaotic[f.Model]; ok {
					if !(r.Error <= c.apart) {
						t.Errorf("logits differ by %g of their standard deviation, more than the %g of PyTorch in single and in double precision (see chaotic)", r.Error, c.apart)
					}
					return
				}
				if tolerance := max(r.Tolerance, amplified[f.Model+" on "+engine.Config]); !(r.Error <= tolerance) || r.Argmax != f.Argmax {
					t.Errorf("logits differ by %g of their standard deviation, want %g; argmax %d, want %d",
						r.Error, tolerance, r.Argmax, f.Argmax)
				}
			})
		}
	}
	t.Log(table.String())
}
