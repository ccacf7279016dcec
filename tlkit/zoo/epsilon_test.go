package zoo_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo/zootest"
)

// TestEpsilonTravels: a network whose norms add another number to the variance is found by its name, and exported
// files have it.
func TestEpsilonTravels(t *testing.T) {
	away(t)
	engine, err := backend.Default()
	if err != nil {
		t.Fatal(err)
	}
	logits := func(m *zoo.Model) []float32 {
		t.Helper()
		got, err := zootest.Logits(engine.Backend, m, formulaImage(224))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	apart := func(a, b []float32) (worst float64) { // over the larger of a
		for i := range a {
			worst = max(worst, math.Abs(float64(a[i]-b[i])))
		}
		return worst / float64(max(a[0], -a[0], a[1], -a[1]))
	}
	random := zoo.LoadOptions{Weights: zoo.Random, Classes: []string{"ant", "bee"}, Seed: 3}
	// In any spelling of the number; the name that it gets is one.
	m, err := zoo.Load("MobileNet_V3_small_eps0.1", random)
	if err != nil {
		t.Fatal(err)
	}
	if m.Spec.Name != "mobilenet_v3_small_eps1e-01" {
		t.Errorf("its name is %s", m.Spec.Name)
	}
	usual, err := zoo.Load("mobilenet_v3_small", random)
	if err != nil {
		t.Fatal(err)
	}
	want := logits(m)
	if apart(want, logits(usual)) < 1e-3 {
		t.Errorf("the logits %v are those of the usual epsilon", want)
	}
	for _, file := range []string{"a.safetensors", "a.pth", "a.onnx"} {
		path := filepath.Join(t.TempDir(), file)
		if err := m.Export(path); err != nil {
			t.Fatal(err)
		}
		again, err := zoo.LoadExported(path)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if again.Spec.Name != m.Spec.Name || apart(want, logits(again)) > 1e-4 {
			t.Errorf("%s: %s with logits %v, want %v", file, again.Spec.Name, logits(again), want)
		}
	}
	if spec, err := zoo.Info("mobilenet_v3_small_eps1e-03"); err != nil || spec.Name != "mobilenet_v3_small" || len(spec.Weights) == 0 {
		t.Errorf("the usual epsilon is %+v, %v", spec.Name, err)
	}
	for _, name := range []string{"resnet18_eps1e-3", "mobilenet_v3_small_eps", "mobilenet_v3_small_epsNaN", "mobilenet_v3_small_eps-1", "mobilenet_v3_small_eps0"} {
		if _, err := zoo.Info(name); err == nil || !strings.Contains(err.Error(), "unknown model") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := zoo.Load("mobilenet_v3_small_eps1.5e-06"); err == nil || !strings.Contains(err.Error(), "without weights") {
		t.Errorf("no published weights are of that network, but Load says %v", err)
	}
}

// TestTransformersFileAlone: a weight file does not say its epsilon; a note does.
func TestTransformersFileAlone(t *testing.T) {
	away(t)
	folder := readTransformersGolden(t, "vit_ti_16").folder(t)
	file := zoo.LoadOptions{Weights: filepath.Join(folder, "model.safetensors")}
	m, err := zoo.Load("vit_ti_16", file)
	if err != nil || !strings.Contains(strings.Join(m.Notes, "\n"), "name vit_ti_16_eps1e-12") {
		t.Fatalf("%v", err)
	}
	if m, err = zoo.Load("vit_ti_16_eps1e-12", file); err != nil || strings.Contains(strings.Join(m.Notes, "\n"), "layer_norm_eps") {
		t.Errorf("%v, notes %q", err, m.Notes)
	}
}

// TestFilesOfEpsilonVariants: a weight file of timm or transformers fits a network under each epsilon. Where the file's
// library usually has another one, a note names the network with that. So it is with the padding.
func TestFilesOfEpsilonVariants(t *testing.T) {
	away(t)
	for _, tt := range []struct {
		timm, network string
		usual         string // the network that the note names for the epsilon, "" for no note
		twin          string // the one that it names for the padding
	}{
		{"vit_tiny_patch16_224", "vit_ti_16", "", ""},
		{"vit_tiny_patch16_224", "vit_ti_16_eps1e-12", "vit_ti_16", ""},
		{"efficientnet_b0", "efficientnet_b0", "", "tf_efficientnet_b0"},
		{"efficientnet_b0", "efficientnet_b0_eps1e-3", "efficientnet_b0", "tf_efficientnet_b0"},
		{"tf_efficientnet_b0", "tf_efficientnet_b0_eps1e-5", "tf_efficientnet_b0", "efficientnet_b0"},
		{"efficientnet_lite0", "efficientnet_lite0", "", "timm_efficientnet_lite0"},
		{"efficientnet_lite0", "timm_efficientnet_lite0", "", "efficientnet_lite0"},
		{"mobilenetv3_large_100", "mobilenet_v3_large_eps1e-05", "", "tf_mobilenetv3_large_100"},
		{"mobilenetv3_large_100", "mobilenet_v3_large", "mobilenet_v3_large_eps1e-05", "tf_mobilenetv3_large_100"},
		{"mobilenetv3_small_100", "mobilenet_v3_small_eps0.01", "mobilenet_v3_small_eps1e-05", "tf_mobilenetv3_small_100"},
	} {
		path := filepath.Join(t.TempDir(), "model.safetensors")
		file := readTimmGolden(t, filepath.Join("testdata", "timm", tt.timm+".json.gz")).safetensors(t)
		if err := os.WriteFile(path, file, 0o666); err != nil {
			t.Fatal(err)
		}
		m, err := zoo.Load(tt.network, zoo.LoadOptions{Weights: path})
		if err != nil {
			t.Errorf("%s: %v", tt.network, err)
			continue
		}
		notes := strings.Join(m.Notes, "\n")
		if named := strings.Contains(notes, ": name "); named != (tt.usual != "") || !strings.Contains(notes, ": name "+tt.usual) && named {
			t.Errorf("%s: notes %q, want the name %q", tt.network, m.Notes, tt.usual)
		}
		const pads = "pads in another way: if the file is of that one, name "
		if named := strings.Contains(notes, pads); named != (tt.twin != "") || named && !strings.Contains(notes, pads+tt.twin) {
			t.Errorf("%s: notes %q, want the twin %q", tt.network, m.Notes, tt.twin)
		}
	}
	folder := readTransformersGolden(t, "tf_efficientnet_b0").folder(t)
	if _, err := zoo.Load("tf_efficientnet_b0_eps1e-5", zoo.LoadOptions{Weights: filepath.Join(folder, "model.safetensors")}); err != nil {
		t.Error(err)
	}
}
