package zoo_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	onnxbackend "github.com/gomlx/compute-onnx"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo/zootest"
)

// exportCases are the golden files whose models are exported: small ones, with -tags slow all. TLKIT_GOLDEN names
// another folder of golden files.
func exportCases(t *testing.T) []*zootest.File {
	t.Helper()
	dir := testutil.Shared(t, "golden/torchvision")
	if extra := os.Getenv("TLKIT_GOLDEN"); extra != "" {
		dir = extra
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no golden files in %s (%v)", dir, err)
	}
	small := map[string]bool{}
	for _, name := range []string{"squeezenet1_1", "shufflenet_v2_x0_5", "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_small",
		"efficientnet_b0", "regnet_y_400mf"} {
		small[name] = true
	}
	var files []*zootest.File
	for _, path := range paths {
		if name := strings.TrimSuffix(filepath.Base(path), ".json"); !slow && !small[name] {
			continue
		}
		f, err := zootest.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// planes returns the golden formula's image as the ONNX model takes it, and after it n-1 others.
func planes(f *zootest.File, n int) []float32 {
	size := 3 * f.Input[2] * f.Input[3]
	pixels := make([]float32, 0, n*size)
	for _, v := range zootest.Uniform("input", size) {
		pixels = append(pixels, float32(v))
	}
	for i := size; i < n*size; i++ {
		pixels = append(pixels, pixels[(i*7+3)%size])
	}
	return pixels
}

// TestExportONNXGolden runs exported models in ONNX Runtime itself, through nothing of ours: with one image and with
// three, since the size of the batch is free. The logits must be PyTorch's.
func TestExportONNXGolden(t *testing.T) {
	runtime := onnxRuntime(t)
	for _, f := range exportCases(t) {
		t.Run(f.Model, func(t *testing.T) {
			m, err := f.Build()
			if err != nil {
				t.Fatal(err)
			}
			m.Preprocess = vision.Preprocess{Crop: f.Input[2]}
			path := filepath.Join(t.TempDir(), "m.onnx")
			if err := m.Export(path); err != nil {
				t.Fatal(err)
			}
			file, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			loaded, err := onnxbackend.LoadModel(runtime, file)
			if err != nil {
				t.Fatal(err)
			}
			defer loaded.Finalize()
			pixels, classes := planes(f, 3), len(f.Logits)
			one := runONNX(t, runtime, loaded, pixels[:len(pixels)/3], 1, f.Input[2], classes)
			three := runONNX(t, runtime, loaded, pixels, 3, f.Input[2], classes)
			worst, apart := 0.0, 0.0
			for i, want := range f.Logits {
				worst = math.Max(worst, math.Abs(float64(one[i])-want)/f.Std)
				apart = math.Max(apart, math.Abs(float64(one[i]-three[i]))/f.Std)
			}
			t.Logf("%.2g of the logits' standard deviation from PyTorch", worst)
			if limit := goldenLimit(f); !(worst <= limit) || !(apart <= limit) {
				t.Errorf("the logits differ by %g of their standard deviation, with three images by %g from those with one; want %g", worst, apart, limit)
			}
		})
	}
}

// goldenLimit is what rounding may make of a golden file's logits, over their deviation.
func goldenLimit(f *zootest.File) float64 {
	if c, ok := chaotic[f.Model]; ok {
		return c.apart
	}
	if f.Model == "efficientnet_v2_s" {
		return 1e-2 // its weights make it ill-conditioned; see chaotic_test.go
	}
	return 1e-4
}

func onnxRuntime(t *testing.T) compute.Backend {
	t.Helper()
	engine, err := backend.Open("onnx:cpu")
	if err != nil {
		t.Skip(err)
	}
	return engine.Backend
}

func runONNX(t *testing.T, runtime compute.Backend, model compute.Executable, pixels []float32, n, size, classes int) []float32 {
	t.Helper()
	in, err := runtime.BufferFromFlatData(0, pixels, shapes.Make(dtypes.Float32, n, 3, size, size))
	if err != nil {
		t.Fatal(err)
	}
	out, err := model.Execute([]compute.Buffer{in}, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	logits := make([]float32, n*classes)
	if err := out[0].ToFlatData(logits); err != nil {
		t.Fatal(err)
	}
	return logits
}

// TestExportPeer loads exported models in Python: .pth and .safetensors in PyTorch with strict=True, .onnx in
// onnx.checker and onnxruntime. It runs where TLKIT_PEER_PYTHON names a Python that has them.
func TestExportPeer(t *testing.T) {
	python := testutil.PeerPython(t, "torch, torchvision, safetensors, onnx and onnxruntime")
	script, err := filepath.Abs("testdata/check_export.py")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range exportCases(t) {
		t.Run(f.Model, func(t *testing.T) {
			m, err := f.Build()
			if err != nil {
				t.Fatal(err)
			}
			m.Preprocess = vision.Preprocess{Crop: f.Input[2]}
			dir := t.TempDir()
			for _, ext := range []string{".pth", ".safetensors", ".onnx"} {
				if err := m.Export(filepath.Join(dir, f.Model+ext)); err != nil {
					t.Fatal(err)
				}
			}
			raw, err := binary.Append(nil, binary.LittleEndian, planes(f, 2))
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, "input.f32"), raw, 0o666)
			}
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(python, script, dir, f.Model)
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			var got struct {
				ONNX        [][]float64 `json:"onnx"`
				One         [][]float64 `json:"onnx_one"`
				PTH         [][]float64 `json:"pth"`
				Safetensors [][]float64 `json:"safetensors"`
				Nodes       int
				Transposes  int
			}
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatalf("%v in %s", err, out)
			}
			limit := goldenLimit(f)
			differ := func(what string, a, b []float64) {
				worst := 0.0
				for i := range b {
					worst = math.Max(worst, math.Abs(a[i]-b[i])/f.Std)
				}
				t.Logf("%s: %.2g", what, worst)
				if !(worst <= limit) || len(a) != len(b) {
					t.Errorf("%s: the logits differ by %g of their standard deviation, want %g", what, worst, limit)
				}
			}
			t.Logf("%d nodes, %d of them Transpose", got.Nodes, got.Transposes)
			differ("ONNX and golden", got.ONNX[0], f.Logits)
			differ("ONNX, one image and two", got.One[0], got.ONNX[0])
			differ("ONNX and PyTorch, second image", got.ONNX[1], got.PTH[1])
			differ("PyTorch from .pth and golden", got.PTH[0], f.Logits)
			differ("PyTorch from .safetensors and golden", got.Safetensors[0], f.Logits)
		})
	}
}
