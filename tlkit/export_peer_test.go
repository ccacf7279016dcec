package tlkit_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/tlkit"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo/zootest"
)

// TestTrainedPeer fine-tunes a model for two classes and loads what it exports in PyTorch, with strict=True, and in
// ONNX Runtime: all must give the logits that the model has here. It runs where TLKIT_PEER_PYTHON names a Python with
// torch, torchvision, safetensors, onnx and onnxruntime.
func TestTrainedPeer(t *testing.T) {
	python := testutil.PeerPython(t, "torch, torchvision, safetensors, onnx and onnxruntime")
	script, err := filepath.Abs("zoo/testdata/check_export.py")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	const name, size = "shufflenet_v2_x0_5", 64
	model := tlkit.MustLoad(name, tlkit.LoadOptions{Weights: zoo.Random, Seed: 1})
	model.Preprocess.Resize, model.Preprocess.Crop = size, size
	recipe := tlkit.Recipe{Epochs: 2, BatchSize: 4, Quiet: true}
	run := recipe.MustCompare("peer", dots(t), model, tlkit.FineTune{LearningRate: 0.01})
	dir := t.TempDir()
	for _, ext := range []string{".pth", ".safetensors", ".onnx"} {
		if err := run.Best().Export(filepath.Join(dir, name+ext)); err != nil {
			t.Fatal(err)
		}
	}
	trained, err := run.Best().Model()
	if err != nil {
		t.Fatal(err)
	}
	engine, err := backend.Default()
	if err != nil {
		t.Fatal(err)
	}
	planes := zootest.Uniform("input", 3*size*size)
	raw, nhwc := make([]float32, len(planes)), make([]float32, len(planes))
	for i, v := range planes {
		raw[i] = float32(v)
		nhwc[i%(size*size)*3+i/(size*size)] = float32(v)
	}
	want, err := zootest.Logits(engine.Backend, trained, tensors.FromFlatDataAndDimensions(nhwc, 1, size, size, 3))
	if err != nil {
		t.Fatal(err)
	}
	data, err := binary.Append(nil, binary.LittleEndian, raw)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "input.f32"), data, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, script, dir, name)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var got map[string]json.RawMessage
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"pth", "safetensors", "onnx"} {
		var logits [][]float64
		if err := json.Unmarshal(got[kind], &logits); err != nil || len(logits) != 1 || len(logits[0]) != len(want) {
			t.Fatalf("%s: %s, %v", kind, got[kind], err)
		}
		for i, w := range want {
			if d := math.Abs(logits[0][i] - float64(w)); !(d <= 1e-4*(1+math.Abs(float64(w)))) {
				t.Errorf("%s: logits %v, here %v", kind, logits[0], want)
			}
		}
	}
}
