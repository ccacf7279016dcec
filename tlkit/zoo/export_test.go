package zoo_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestExport: what is exported comes back to the bit, with classes and preprocessing, also without the file beside it
// where the format has room for metadata.
func TestExport(t *testing.T) {
	m := small(t, []string{"ants", "bees & \"wasps\""}, 3)
	ramp(t, m)
	m.Weights = "ants-vs-bees/finetune"
	m.Preprocess.Interpolation = vision.Bilinear
	image := noise(1, 20, 10)
	want, err := m.Logits([]*vision.Image{image})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"m.pth", "m.pt", "m.safetensors", "m.onnx", "M.ONNX"} {
		path := filepath.Join(dir, name)
		if err := m.Export(path); err != nil {
			t.Fatal(err)
		}
		var about zoo.Exported
		text, err := os.ReadFile(path + ".json")
		if err == nil {
			err = json.Unmarshal(text, &about)
		}
		if err != nil || about.Model != "resnet20" || !slices.Equal(about.Classes, m.Classes) || about.Preprocess != m.Preprocess || about.Format != "tlkit-model-1" {
			t.Errorf("%s.json: %v, %s", name, err, text)
		}
		if info, err := os.Stat(path + ".json"); err != nil || info.Mode().Perm()&0o044 == 0 {
			t.Errorf("%s.json can't be read by others: %v", name, info.Mode())
		}
		if name != "m.pth" && name != "m.pt" {
			if err := os.Remove(path + ".json"); err != nil {
				t.Fatal(err)
			}
		}
		c, err := zoo.LoadExported(path)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(values(t, c), values(t, m)) || !slices.Equal(c.Classes, m.Classes) || c.Preprocess != m.Preprocess || c.Weights != m.Weights {
			t.Errorf("%s: the model differs: classes %q, preprocessing %+v, weights %q", name, c.Classes, c.Preprocess, c.Weights)
		}
		got, err := c.Logits([]*vision.Image{image})
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: logits %v (%v), want %v", name, got, err, want)
		}
		// By its name; an .onnx file as any other program's is: an imported network, with what the metadata says.
		c, err = zoo.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(c.Classes, m.Classes) || c.Preprocess != m.Preprocess {
			t.Errorf("Load(%s): classes %q, preprocessing %+v, want %q, %+v", name, c.Classes, c.Preprocess, m.Classes, m.Preprocess)
		}
		got, err = c.Logits([]*vision.Image{image})
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range want[0] {
			if d := math.Abs(float64(got[0][i] - w)); !(d <= 1e-4*(1+math.Abs(float64(w)))) {
				t.Errorf("Load(%s): logits %v, want %v", name, got, want)
			}
		}
	}

	// PyTorch reads this very file; see TestExportPeer and testdata/check_export.py.
	data, err := os.ReadFile(filepath.Join(dir, "m.pth"))
	if err != nil {
		t.Fatal(err)
	}
	const golden = "6fb3cecbc5ec76183c3c9ab92a67d4c446d1d498fb14dd44d2ec38b69fe5c6a5"
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != golden {
		t.Errorf("m.pth has SHA-256 %x, want %s", sum, golden)
	}
}

// ramp gives the model values that are the same on every machine.
func ramp(t *testing.T, m *zoo.Model) {
	t.Helper()
	var entries []weights.Entry
	for _, p := range m.Params() {
		v := make([]float32, p.Size())
		for i := range v {
			v[i] = float32(i*37%64-20) / 256
			if p.Buffer || len(p.Shape) == 1 {
				v[i] += 1
			}
		}
		tensor, err := weights.NewTensor(p.Shape, v)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, weights.Entry{Key: p.Key, Tensor: tensor})
	}
	sd, err := weights.New(entries)
	if err == nil {
		err = m.LoadStateDict(sd)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestExportONNXAux: an .onnx file has no auxiliary heads; they are new in the model that comes back, all else is as it
// was.
func TestExportONNXAux(t *testing.T) {
	m := wholeNet(t)
	path := filepath.Join(t.TempDir(), "m.onnx")
	if err := m.Export(path); err != nil {
		t.Fatal(err)
	}
	c, err := zoo.LoadExported(path)
	if err != nil {
		t.Fatal(err)
	}
	before, after := values(t, m), values(t, c)
	for _, p := range m.Params() {
		if aux := p.Key[:3] == "aux" || (len(p.Key) > 9 && p.Key[:9] == "AuxLogits"); !aux && !slices.Equal(before[p.Key], after[p.Key]) {
			t.Errorf("%s differs", p.Key)
		}
	}
}

func wholeNet(t *testing.T) *zoo.Model {
	m, err := zoo.Load("googlenet", zoo.LoadOptions{Weights: zoo.Random, Classes: []string{"a", "b"}, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestExportErrors(t *testing.T) {
	m := small(t, []string{"a", "b"}, 1)
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	wantError(t, m.Export(file("m.bin")), `"resnet20"`, "m.bin", ".pth, .safetensors or .onnx")
	wantError(t, m.Export(file("none/m.pth")), "none")
	classes := m.Classes
	m.Classes = []string{"\xe9t\xe9", "\xe8t\xe8"}
	wantError(t, m.Export(file("m.pth")), `"\xe9t\xe9"`, "UTF-8")
	m.Classes = classes

	entries, err := m.StateDict()
	if err != nil {
		t.Fatal(err)
	}
	if err := weights.WritePTH(file("bare.pth"), entries); err != nil {
		t.Fatal(err)
	}
	_, err = zoo.LoadExported(file("bare.pth"))
	wantError(t, err, "bare.pth", `"tlkit"`, "bare.pth.json", "LoadOptions")
	good := `{"format":"tlkit-model-1","model":"resnet20","classes":["a","b"],"input_size":32,"preprocess":{"mean":[0,0,0],"std":[1,1,1]}}`
	for _, c := range []struct {
		name, about string
		want        []string
	}{
		{"text", "no JSON", []string{"bare.pth.json"}},
		{"format", `{"format":"tlkit-model-9"}`, []string{`"tlkit-model-9"`, `"tlkit-model-1"`}},
		{"model", `{"format":"tlkit-model-1","model":"resnet21","classes":["a"],"input_size":32}`, []string{"resnet21", "resnet20"}},
		{"classes", `{"format":"tlkit-model-1","model":"resnet20","input_size":32}`, []string{"0 classes"}},
		{"size", `{"format":"tlkit-model-1","model":"resnet20","classes":["a"],"input_size":-1}`, []string{"input_size -1"}},
		{"preprocess", `{"format":"tlkit-model-1","model":"resnet20","classes":["a"],"input_size":32,"preprocess":{"crop":-2}}`, []string{"Crop -2"}},
		{"count", good[:len(good)-1] + `,"classes":["a","b","c"]}`, []string{"3 classes", "linear.weight"}},
	} {
		if err := os.WriteFile(file("bare.pth.json"), []byte(c.about), 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := zoo.LoadExported(file("bare.pth"))
		t.Run(c.name, func(t *testing.T) { wantError(t, err, c.want...) })
	}
	if err := os.WriteFile(file("bare.pth.json"), []byte(good), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := zoo.LoadExported(file("bare.pth")); err != nil {
		t.Errorf("a checkpoint with a description written by hand: %v", err)
	}
	_, err = zoo.LoadExported(file("none.onnx"))
	wantError(t, err, "none.onnx")

	// A network that ONNX has no words for says so.
	odd := m.Spec
	odd.Build = func() zoo.Architecture {
		a := m.Spec.Build()
		a.Head.Forward = oddHead
		return a
	}
	o, err := zoo.New(odd, []string{"a", "b"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, o.Export(file("odd.onnx")), `"resnet20"`, "ONNX", "Sign")
	if _, err := os.Stat(file("odd.onnx")); err == nil {
		t.Error("a file is left of a failed export")
	}
}
