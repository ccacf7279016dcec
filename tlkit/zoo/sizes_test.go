package zoo_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestImageSizes: images of sizes at which timm's or transformers' network computes other numbers are refused, and
// those at which both compute the same are not. Each row was compared with the library's logits: below 1e-5 of their
// standard deviation, or above 0.01.
func TestImageSizes(t *testing.T) {
	away(t)
	timm := func(architecture string) func(int) string {
		return func(size int) string {
			return fmt.Sprintf(`{"architecture":%q,"num_classes":2,"model_args":{"img_size":[%d,%d]},"pretrained_cfg":{"input_size":[3,%d,%d],
				"mean":[0.5,0.5,0.5],"std":[0.5,0.5,0.5]}}`, architecture, size, size, size, size)
		}
	}
	transformers := func(name string, replace ...string) func(int) string {
		config := strings.NewReplacer(replace...).Replace(string(readTransformersGolden(t, name).Config))
		return func(int) string { return config }
	}
	for _, tt := range []struct {
		config    func(int) string
		same      []int
		different []int
		why       string
	}{
		{timm("swin_tiny_patch4_window7_224"), []int{224, 448}, []int{256, 320, 384}, "before it pads"},
		{timm("swinv2_tiny_window8_256"), []int{256, 384, 512}, []int{224, 320}, "before it pads"},
		{timm("swinv2_tiny_window8_256"), nil, []int{192}, "that small"},
		{timm("swinv2_tiny_window16_256"), []int{256}, []int{512}, "stage 4 16x16"},
		{timm("swinv2_tiny_window16_256"), nil, []int{192}, "stage 3 12x12"},
		{timm("swinv2_base_window12to24_192to384"), []int{384}, []int{768}, "stage 4 24x24"},
		{timm("mobilevit_xxs"), []int{192, 256, 320}, []int{224, 288}, "whole squares"},
		{timm("vgg11"), []int{96, 224, 255}, []int{256, 288}, "averages"},
		{transformers("swin_t"), []int{224, 256, 384, 448}, []int{226}, "whole patches"},
		{transformers("swin_v2_t"), []int{132, 192, 224, 256}, []int{128, 260, 384}, "or not"},
		{transformers("swin_v2_t", `"image_size":256`, `"image_size":224`), nil, []int{192, 224, 256}, "windows of stage 4 7x7"},
		{transformers("swin_v2_t", `"image_size":256`, `"image_size":384`), []int{320, 384}, []int{256}, "or not"},
		{transformers("tf_efficientnet_b0"), nil, []int{63}, "odd sides"},
		{transformers("tf_efficientnet_b0"), []int{64, 224, 256}, []int{240}, "depthwise_padding"},
		{transformers("tf_efficientnet_b1"), []int{240}, []int{224, 256}, "depthwise_padding [16]"},
	} {
		for _, size := range append(tt.same, tt.different...) {
			dir := t.TempDir()
			files := map[string]string{"config.json": tt.config(size), "preprocessor_config.json": fmt.Sprintf(`{"size":{"height":%d,"width":%d},
				"image_mean":[0.5,0.5,0.5],"image_std":[0.5,0.5,0.5]}`, size, size)}
			for name, text := range files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			_, err := zoo.Load(dir)
			if slices.Contains(tt.different, size) {
				wantError(t, err, fmt.Sprintf("images of %dx%d", size, size), tt.why, "ONNX", "LoadOptions.Preprocess")
			} else {
				wantError(t, err, "has neither model.safetensors")
			}
		}
	}
}

// TestImageSizeChosen: who chooses the size gets the network, and a note.
func TestImageSizeChosen(t *testing.T) {
	away(t)
	g := readTransformersGolden(t, "tf_efficientnet_b0")
	odd := zoo.LoadOptions{Preprocess: &vision.Preprocess{Resize: 240, Crop: 240, Mean: vision.ImageNetMean, Std: vision.ImageNetStd}}
	m, err := zoo.Load(g.folder(t), odd)
	if err != nil || !strings.Contains(strings.Join(m.Notes, "\n"), "computes other numbers here") {
		t.Fatalf("error %v", err)
	}
	g.Processor = json.RawMessage(strings.ReplaceAll(string(g.Processor), "224", "240"))
	_, err = zoo.Load(g.folder(t))
	wantError(t, err, "with a Crop of 224, at which both compute the same")
}
