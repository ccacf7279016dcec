package zoo_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestSizeOfPositions: where config.json does not say the size of images, the learned positions in the file do; where
// the images are prepared at another size, an error says both.
func TestSizeOfPositions(t *testing.T) {
	away(t)
	at := func(size int) *vision.Preprocess { return &vision.Preprocess{Resize: size, Crop: size} }
	clip, dino := "vit_xsmall_patch16_clip_224", "vit_small_patch14_dinov2"
	for _, tt := range []struct {
		network           string
		size              int // of the file's positions
		architecture      string
		args, cfg         string
		preprocess        *vision.Preprocess
		want              string // of an error
		resize, crop, net int
	}{
		// Without input_size, timm's crop_pct is of the network's own size.
		{"clip_xs_16", 64, clip, `{}`, `{"mean":[0.5,0.5,0.5],"std":[0.5,0.5,0.5],"crop_pct":0.9}`, nil, "", 71, 64, 64},
		{"clip_xs_16", 64, clip, `{}`, `{"mean":[0.5,0.5,0.5],"std":[0.5,0.5,0.5]}`, at(64), "", 64, 64, 64},
		{"clip_xs_16", 64, clip, `{"img_size":64}`, `{"mean":[0.5,0.5,0.5],"std":[0.5,0.5,0.5]}`, nil, "", 73, 64, 64},
		{"clip_xs_16", 64, clip, `{"img_size":[64,64]}`, `{}`, at(64), "", 64, 64, 64},
		{"clip_xs_16", 64, clip, `{}`, `{}`, at(64), "", 64, 64, 64},
		{"clip_xs_16", 64, clip, `{}`, `{}`, nil, "give LoadOptions.Preprocess", 0, 0, 0},
		{"clip_xs_16", 64, clip, `{}`, `{}`, at(96), "positions are for images of 64x64 pixels, but its images are prepared at 96x96", 0, 0, 0},
		{"clip_xs_16", 64, clip, `{"img_size":64}`, `{"input_size":[3,96,96]}`, nil, "prepares images of 96x96 pixels, but its learned positions are for 64x64", 0, 0, 0},
		{"clip_xs_16", 64, clip, `{}`, `{"input_size":[3,96,96]}`, nil, "positions are for images of 64x64 pixels, but its images are prepared at 96x96", 0, 0, 0},
		{"clip_xs_16", 64, clip, `{"img_size":[64,32]}`, `{}`, at(64), "img_size=[64 32]", 0, 0, 0},
		{"vit_small_patch14_dinov2_sized", 56, dino, `{}`, `{}`, at(56), "", 56, 56, 56},
		{"vit_small_patch14_dinov2_sized", 56, dino, `{"img_size":56}`, `{"mean":[0.5,0.5,0.5],"std":[0.5,0.5,0.5],"crop_pct":1.0}`, nil, "", 56, 56, 56},
		// The file alone, under the network's name.
		{"clip_xs_16", 64, "", "", "", nil, "positions are for images of 64x64 pixels, but its images are prepared at 224x224; give LoadOptions.Preprocess with a Crop of 64", 0, 0, 0},
		{"clip_xs_16", 64, "", "", "", at(64), "", 64, 64, 64},
	} {
		spec, err := zoo.Info(tt.network)
		if err != nil {
			t.Fatal(err)
		}
		spec.InputSize = tt.size
		m, err := zoo.New(spec, []string{"a", "b"}, 1)
		if err != nil {
			t.Fatal(err)
		}
		entries, err := m.StateDict()
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		path := filepath.Join(dir, "model.safetensors")
		if err := writeEntries(path, entries); err != nil {
			t.Fatal(err)
		}
		name, o := tt.network, zoo.LoadOptions{Weights: path, Preprocess: tt.preprocess}
		if tt.architecture != "" {
			name, o.Weights = dir, ""
			config := fmt.Sprintf(`{"architecture":%q,"num_classes":2,"model_args":%s,"pretrained_cfg":%s}`, tt.architecture, tt.args, tt.cfg)
			if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		got, err := zoo.Load(name, o)
		what := fmt.Sprint(tt.network, " ", tt.args, " ", tt.cfg, " ", tt.preprocess)
		if tt.want != "" {
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: error %v, want one with %q", what, err, tt.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if p := got.Preprocess; p.Resize != tt.resize || p.Crop != tt.crop || got.Spec.InputSize != tt.net || got.Spec.Name != tt.network {
			t.Errorf("%s: %s for %d pixels, prepared by %+v", what, got.Spec.Name, got.Spec.InputSize, p)
		}
		if !reflect.DeepEqual(values(t, got), values(t, m)) {
			t.Errorf("%s: other values", what)
		}
	}
	if spec, err := zoo.Info("clip_xs_16"); err != nil || spec.InputSize != 224 {
		t.Errorf("%d, %v", spec.InputSize, err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"architecture":"vit_tiny_patch16_384","num_classes":2}`), 0o666); err != nil {
		t.Fatal(err)
	}
	if spec, err := zoo.Info(dir); err != nil || spec.InputSize != 384 {
		t.Errorf("vit_tiny_patch16_384 is for %d pixels (%v)", spec.InputSize, err)
	}
}
