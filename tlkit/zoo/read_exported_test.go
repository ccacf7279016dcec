package zoo_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestReadExported holds that an exported file in memory gives the model that the file on disk gives: also a network
// that came from an .onnx file itself, and also where the file is not on the disk.
func TestReadExported(t *testing.T) {
	dir := t.TempDir()
	model, err := zoo.Load("resnet20.shapes")
	if err != nil {
		t.Fatal(err)
	}
	image := vision.New(40, 50)
	for i := range image.Pix {
		image.Pix[i] = uint8(i * 7)
	}
	export := func(m *zoo.Model, name string) []byte {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := m.Export(path); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	graph := export(model, "network.onnx")
	imported, err := zoo.Load(filepath.Join(dir, "network.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"a.safetensors": export(model, "a.safetensors"), "b.onnx": graph, "imported.onnx": export(imported, "imported.onnx")}
	want, err := model.Predict(image, 3)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		m, err := zoo.ReadExported(name, data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := m.Predict(image, 3)
		if err != nil {
			t.Fatal(err)
		}
		same := slices.EqualFunc(got, want, func(a, b zoo.Prediction) bool {
			return a.Class == b.Class && max(a.Probability-b.Probability, b.Probability-a.Probability) < 1e-5
		})
		if !same {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	for name, data := range map[string][]byte{"m.pth": export(model, "m.pth"), "cut.safetensors": files["a.safetensors"][:1000], "empty.onnx": nil} {
		if _, err := zoo.ReadExported(name, data); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, want an error that names the file", name, err)
		}
	}
}
