package zoo_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestTwinsOfFiles: a file of weights that several networks fit loads with a note that names the others, or not at all
// where it says which one it is of. With a description beside it there is nothing to name.
func TestTwinsOfFiles(t *testing.T) {
	away(t)
	at := &vision.Preprocess{Resize: 64, Crop: 64}
	own := func(name, kind string) string {
		path := filepath.Join(t.TempDir(), "model."+kind)
		if err := smallTower(t, name).Export(path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	bare := func(name string) string { return withoutDescription(t, own(name, "pth")) }
	inMetadata := withoutDescription(t, own("clip_xs_16", "safetensors"))
	g := readTransformersGolden(t, "clip_xs_16") // a classifier on the mean of the patches
	size := g.Input[2]
	classifier := g.folder(t)
	file := filepath.Join(classifier, "model.safetensors")
	at2 := &vision.Preprocess{Resize: size, Crop: size}
	for _, tt := range []struct {
		network, file string
		preprocess    *vision.Preprocess
		note, bad     string
	}{
		{"clip_xs_16", own("clip_xs_16", "pth"), at, "", ""},
		{"clip_xs_16", inMetadata, at, "", ""},
		{"clip_xs_16_eps1e-12", inMetadata, at, "", ""},
		{"clip_xs_16_quickgelu", inMetadata, at, "", "of clip_xs_16, and clip_xs_16_quickgelu takes the same tensors but has another activation (QuickGELU or GELU); name clip_xs_16"},
		{"clip_xs_16_quickgelu_eps1e-12", own("clip_xs_16", "pth"), at, "", "name clip_xs_16"},
		{"clip_xs_16", bare("clip_xs_16"), at, "clip_xs_16_quickgelu takes the same tensors and has another activation", ""},
		{"clip_xs_16_quickgelu", bare("clip_xs_16_quickgelu"), at, "clip_xs_16 (timm has some, for vit_xsmall_patch16_clip_224) takes the same tensors", ""},
		{"clip_xs_16_mean", file, at2, "clip_xs_16_quickgelu_mean takes the same tensors", ""},
		{"clip_xs_16_quickgelu_mean", file, at2, "clip_xs_16_mean takes the same tensors", ""},
		{"clip_xs_16", file, at2, "", "classifier on the mean of the patches, and clip_xs_16 has other features; name clip_xs_16_mean"},
		{"clip_xs_16_quickgelu_eps1e-12", file, at2, "", "name clip_xs_16_quickgelu_mean_eps1e-12"},
		{"deit_ti_16_distilled", bare("deit_ti_16_distilled"), at, "", ""},
		{"tf_mobilenet_v2_035", filepath.Join(readTransformersGolden(t, "tf_mobilenet_v2_035").folder(t), "model.safetensors"), nil, "", ""}, // of transformers only
	} {
		m, err := zoo.Load(tt.network, zoo.LoadOptions{Weights: tt.file, Preprocess: tt.preprocess})
		if tt.bad != "" {
			if err == nil || !strings.Contains(err.Error(), tt.bad) {
				t.Errorf("%s: error %v, want one with %q", tt.network, err, tt.bad)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.network, err)
			continue
		}
		notes := strings.Join(m.Notes, "\n")
		if !strings.Contains(notes, tt.note) || tt.note == "" && strings.Contains(notes, "takes the same tensors") {
			t.Errorf("%s: notes %q, want %q", tt.network, m.Notes, tt.note)
		}
	}
	m, err := zoo.Load(classifier)
	if err != nil || strings.Contains(strings.Join(m.Notes, "\n"), "takes the same tensors") {
		t.Errorf("with config.json: %v, notes %q", err, m.Notes)
	}
	again, err := zoo.LoadExported(own("clip_xs_16_quickgelu", "pth"))
	if err != nil || len(again.Notes) > 0 || !reflect.DeepEqual(again.Spec.Name, "clip_xs_16_quickgelu") {
		t.Errorf("an exported file: %v, %v, notes %q", again.Spec.Name, err, again.Notes)
	}
}

// withoutDescription removes the description beside an exported file.
func withoutDescription(t *testing.T, path string) string {
	t.Helper()
	if err := os.Remove(path + ".json"); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPaddedTwins: a file in torchvision's names that is loaded as a network with another padding gets a note, and
// torchvision's own gets none. The description of an exported file names the network.
func TestPaddedTwins(t *testing.T) {
	away(t)
	spec, err := zoo.Info("mobilenet_v2")
	if err != nil {
		t.Fatal(err)
	}
	spec.InputSize = 64
	m, err := zoo.New(spec, []string{"a", "b"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m.pth")
	if err := m.Export(path); err != nil {
		t.Fatal(err)
	}
	const twin = "tf_mobilenet_v2"
	if _, err := zoo.Load(twin, zoo.LoadOptions{Weights: path, Classes: m.Classes}); err == nil || !strings.Contains(err.Error(), "another padding; name mobilenet_v2") {
		t.Errorf("%s of an exported file: %v", twin, err)
	}
	withoutDescription(t, path)
	for name, want := range map[string]string{"mobilenet_v2": "", twin: "mobilenet_v2 (timm has some, for mobilenetv2_100) takes the same tensors and has another padding"} {
		loaded, err := zoo.Load(name, zoo.LoadOptions{Weights: path, Classes: m.Classes})
		if err != nil {
			t.Fatal(err)
		}
		if notes := strings.Join(loaded.Notes, "\n"); !strings.Contains(notes, want) || want == "" && notes != "" {
			t.Errorf("%s: notes %q, want %q", name, loaded.Notes, want)
		}
	}
}
