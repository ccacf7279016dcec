package zoo_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo/zootest"
)

const onnxFixtures = "../internal/onnx/read/testdata"

var onnxPreprocess = zoo.LoadOptions{Preprocess: &vision.Preprocess{Resize: 32, Crop: 32}}

// TestONNX holds imported networks against PyTorch, for one image and for the same image among others.
func TestONNX(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(onnxFixtures, "goldens.json"))
	if err != nil {
		t.Fatal(err)
	}
	var goldens map[string]struct {
		Logits  []float64 `json:"logits"`
		Softmax bool      `json:"softmax"`
	}
	if err := json.Unmarshal(text, &goldens); err != nil || len(goldens) < 6 {
		t.Fatalf("%d goldens, %v", len(goldens), err)
	}
	engine, err := backend.Default()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range goldens {
		t.Run(name, func(t *testing.T) {
			m, err := zoo.Load(filepath.Join(onnxFixtures, name+".onnx"), onnxPreprocess)
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Stages()) < 3 || len(m.Classes) != len(want.Logits) || m.Classes[0] != "class 0" {
				t.Errorf("stages %q, classes %q", m.Stages(), m.Classes)
			}
			var one []float32
			formulaImage(32).MustConstFlatData(func(flat any) { one = slices.Clone(flat.([]float32)) })
			for _, batch := range []int{1, 4} {
				pixels := make([]float32, 0, batch*len(one))
				for range batch - 1 {
					pixels = append(pixels, make([]float32, len(one))...)
				}
				pixels = append(pixels, one...)
				got, err := zootest.Logits(engine.Backend, m, tensors.FromFlatDataAndDimensions(pixels, batch, 32, 32, 3))
				if err != nil {
					t.Fatal(err)
				}
				got = got[len(got)-len(want.Logits):]
				shift := 0.0
				if want.Softmax { // the logits are known up to a constant
					for i := range got {
						shift += (want.Logits[i] - float64(got[i])) / float64(len(got))
					}
				}
				for i := range got {
					if d := math.Abs(float64(got[i]) + shift - want.Logits[i]); !(d < 1e-5) {
						t.Errorf("batch %d, logit %d: %g, PyTorch %g", batch, i, float64(got[i])+shift, want.Logits[i])
					}
				}
			}
			sameFromGraph(t, name, m)
		})
	}
}

// sameFromGraph fails unless the network of an .onnx file makes the same model without its weights.
func sameFromGraph(t *testing.T, name string, m *zoo.Model) {
	t.Helper()
	spec, err := zoo.GraphSpec(name, m.Spec.Graph)
	if err != nil {
		t.Fatal(err)
	}
	again, err := zoo.New(spec, m.Classes, 0)
	if err != nil {
		t.Fatal(err)
	}
	if keysOf(again) != keysOf(m) {
		t.Errorf("variables\n%s, from the graph alone\n%s", keysOf(m), keysOf(again))
	}
}

func keysOf(m *zoo.Model) string {
	var keys []string
	for _, p := range m.Params() {
		keys = append(keys, p.Stage+":"+p.Key)
	}
	return strings.Join(keys, "\n")
}

// TestONNXVerbs: what can be done with any model can be done with an imported one.
func TestONNXVerbs(t *testing.T) {
	for _, name := range []string{"resnet", "resnet_bn", "mobile", "vit"} {
		m, err := zoo.Load(filepath.Join(onnxFixtures, name+".onnx"), onnxPreprocess)
		if err != nil {
			t.Fatal(err)
		}
		c, err := m.Clone()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.ReplaceHead([]string{"a", "b", "c", "d", "e", "f", "g"}, 1); err != nil {
			t.Fatal(err)
		}
		c.SetTrainable(c.InHead)
		total, trained := c.NumParams()
		head, _ := c.Param(c.HeadKey() + ".weight")
		if trained != 7*(head.Shape[1]+1) || total <= trained || head.Shape[0] != 7 {
			t.Errorf("%s: %d of %d parameters are trained, head %v", name, trained, total, head.Shape)
		}
		image := &vision.Image{Width: 40, Height: 50, Pix: make([]uint8, 40*50*3)}
		for _, m := range []*zoo.Model{m, c} {
			p, err := m.Predict(image, 2)
			if err != nil || len(p) != 2 || math.IsNaN(p[0].Probability) {
				t.Errorf("%s: %v, %v", name, p, err)
			}
		}
		if _, err := m.Summary(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		// Written and read as a state dict.
		entries, err := c.StateDict()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "w.safetensors")
		if err := writeEntries(path, entries); err != nil {
			t.Fatal(err)
		}
		o := onnxPreprocess
		o.Weights, o.Classes = path, c.Classes
		if _, err := zoo.Load(filepath.Join(onnxFixtures, name+".onnx"), o); err == nil {
			t.Errorf("%s: weights of 7 classes went into a file of %d", name, len(m.Classes))
		}
		var buffers int
		for _, p := range m.Params() {
			if p.Buffer {
				buffers++
			}
			if p.Layout == nn.ConvKernel && len(p.Shape) != 4 {
				t.Errorf("%s: %s %v", name, p.Key, p.Shape)
			}
		}
		if want := map[string]int{"resnet_bn": 12}[name]; buffers != want {
			t.Errorf("%s: %d buffers, want %d", name, buffers, want)
		}
	}
}

// TestONNXErrors: each says what is missing.
func TestONNXErrors(t *testing.T) {
	resnet := filepath.Join(onnxFixtures, "resnet.onnx")
	broken := filepath.Join(t.TempDir(), "broken.onnx")
	data, err := os.ReadFile(resnet)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(broken, data[:len(data)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	alone := filepath.Join(t.TempDir(), "external.onnx")
	if data, err = os.ReadFile(filepath.Join(onnxFixtures, "external.onnx")); err == nil {
		err = os.WriteFile(alone, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(o *zoo.LoadOptions)) zoo.LoadOptions {
		o := onnxPreprocess
		change(&o)
		return o
	}
	for _, tt := range []struct {
		path string
		o    zoo.LoadOptions
		want []string
	}{
		{filepath.Join(onnxFixtures, "odd.onnx"), onnxPreprocess, []string{"can't be imported: If"}},
		{resnet, zoo.LoadOptions{}, []string{"LoadOptions.Preprocess", "vision.ImageNetMean"}},
		{resnet, with(func(o *zoo.LoadOptions) { o.Preprocess = &vision.Preprocess{Crop: 64} }), []string{"32x32", "64"}},
		{resnet, with(func(o *zoo.LoadOptions) { o.Preprocess = &vision.Preprocess{Resize: -1} }), []string{"Preprocess.Resize"}},
		{resnet, with(func(o *zoo.LoadOptions) { o.Classes = []string{"a"} }), []string{"5 classes", "names 1"}},
		{resnet, with(func(o *zoo.LoadOptions) { o.Weights = "IMAGENET1K_V1" }), []string{"IMAGENET1K_V1"}},
		{resnet, with(func(o *zoo.LoadOptions) { o.Output = "auxiliary" }), []string{`no output "auxiliary" (LoadOptions.Output); expected one of`}},
		{"resnet20", zoo.LoadOptions{Output: "logits"}, []string{"is for .onnx files", "leave it empty"}},
		{broken, onnxPreprocess, []string{"damaged"}},
		{alone, onnxPreprocess, []string{"external.onnx.data", "copy"}},
		{"absent.onnx", onnxPreprocess, []string{"absent.onnx"}},
	} {
		_, err := zoo.Load(tt.path, tt.o)
		for _, want := range tt.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want one with %q", tt.path, err, want)
			}
		}
	}
}
