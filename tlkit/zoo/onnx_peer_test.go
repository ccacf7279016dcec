package zoo_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo/zootest"
)

// peerExports are what bench/fixtures/onnx_networks.py says of a network.
type peerExports struct {
	Size, Batch, Classes int
	Refused              map[string]string // exports that PyTorch refuses
}

// exportKinds are the ways in which a network is exported, of those that onnx_networks.py knows.
var exportKinds = []string{"dynamo", "dynamic", "script"}

// notImported says which networks are refused, and a part of the sentence that says why.
var notImported = map[string]string{
	"tv_squeezenet1_1": "must come from a linear layer",
}

// TestONNXNetworks holds networks of torchvision, timm and transformers, exported by today's PyTorch in each of its
// ways, against the logits that PyTorch computes, for a batch of two images whatever the file fixes. TLKIT_PEER_PYTHON
// names a Python with torch, torchvision, timm, transformers and onnxscript; TLKIT_PEER_ONNX may name a folder with
// what the script made before. -v prints the table.
func TestONNXNetworks(t *testing.T) {
	python, made := os.Getenv("TLKIT_PEER_PYTHON"), os.Getenv("TLKIT_PEER_ONNX")
	if python == "" || !slow && made == "" {
		t.Skip("TLKIT_PEER_PYTHON names no Python with torch, timm, transformers and onnxscript, or -tags slow is not set")
	}
	script := filepath.Join("..", "..", "bench", "fixtures", "onnx_networks.py")
	list, err := exec.Command(python, script, "--list").Output()
	if err != nil {
		t.Fatal(err)
	}
	engine := goldenEngines(t)[0]
	for _, name := range strings.Fields(string(list)) {
		t.Run(name, func(t *testing.T) {
			dir := made
			if dir == "" {
				dir = t.TempDir()
				cmd := exec.Command(python, append([]string{script, dir, name}, exportKinds...)...)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
			}
			compareExports(t, engine.Backend, dir, name)
		})
	}
}

func compareExports(t *testing.T, engine compute.Backend, dir, name string) {
	var facts peerExports
	text, err := os.ReadFile(filepath.Join(dir, name+".json"))
	if err != nil {
		t.Skip("not made")
	}
	if err := json.Unmarshal(text, &facts); err != nil {
		t.Fatal(err)
	}
	pixels := readFloats(t, filepath.Join(dir, name+".images"))
	want := readFloats(t, filepath.Join(dir, name+".logits"))
	images := channelsLast(pixels, facts.Batch, facts.Size)
	for _, kind := range exportKinds {
		if why, ok := facts.Refused[kind]; ok {
			t.Logf("| %s | %s | PyTorch exports none: %s |", name, kind, why)
			continue
		}
		m, err := zoo.Load(filepath.Join(dir, name+"."+kind+".onnx"), zoo.LoadOptions{Preprocess: &vision.Preprocess{Resize: facts.Size, Crop: facts.Size}})
		if why := notImported[name]; why != "" {
			if err == nil || !strings.Contains(err.Error(), why) {
				t.Errorf("%s: error %v, want one with %q", kind, err, why)
			}
			t.Logf("| %s | %s | refused: %v |", name, kind, err)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		got, err := zootest.Logits(engine, m, images)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		worst, scale := 0.0, 0.0
		for i := range want {
			worst, scale = max(worst, math.Abs(float64(got[i]-want[i]))), max(scale, math.Abs(float64(want[i])))
		}
		if !(worst <= 1e-4*scale) || scale == 0 || len(got) != len(want) {
			t.Errorf("%s: logits differ by %.3g, the largest is %.3g", kind, worst, scale)
		}
		t.Logf("| %s | %s | %.1e of %.2g | stages %s |", name, kind, worst, scale, strings.Join(m.Stages(), " "))
	}
}

func readFloats(t *testing.T, path string) []float32 {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	values := make([]float32, len(data)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return values
}

// channelsLast is images [batch, 3, size, size] as a tensor [batch, size, size, 3].
func channelsLast(pixels []float32, batch, size int) *tensors.Tensor {
	if len(pixels) != batch*3*size*size {
		panic(fmt.Sprintf("%d values for %d images of %d", len(pixels), batch, size))
	}
	out := make([]float32, len(pixels))
	plane := size * size
	for i := range batch {
		for c := range 3 {
			for p := range plane {
				out[(i*plane+p)*3+c] = pixels[(i*3+c)*plane+p]
			}
		}
	}
	return tensors.FromFlatDataAndDimensions(out, batch, size, size, 3)
}
