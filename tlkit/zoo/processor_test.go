package zoo_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestProcessorFields: every field of preprocessor_config.json is obeyed, or refused with its name; fields that change
// nothing of an image in a classifier may be there.
func TestProcessorFields(t *testing.T) {
	away(t)
	base := vision.Preprocess{Resize: 224, Squash: true, Crop: 224, Interpolation: vision.Bilinear, Mean: [3]float32{0.5, 0.5, 0.5}, Std: [3]float32{0.5, 0.5, 0.5}}
	cubic, raw, cropped, middle := base, base, base, base
	cropped.Resize, cropped.Interpolation = 256, vision.Bicubic
	middle.Squash, middle.Crop, middle.Interpolation = false, 192, vision.Bicubic
	cubic.Interpolation = vision.Bicubic
	raw.Mean, raw.Std = [3]float32{}, [3]float32{1, 1, 1}
	for _, tt := range []struct {
		more string
		want vision.Preprocess
		bad  string // the error's
	}{
		{`"image_processor_type":"ViTImageProcessor"`, base, ""},
		{`"feature_extractor_type":"ViTFeatureExtractor"`, base, ""},
		{`"image_processor_type":"ViTImageProcessorFast"`, base, ""},
		{`"image_processor_type":"DeiTImageProcessor"`, cubic, ""}, // transformers' default where a file has no resample
		{`"image_processor_type":"BeitImageProcessor"`, cubic, ""},
		{`"do_convert_rgb":true,"do_reduce_labels":true,"processor_class":"X","_commit":"y","default_to_square":true,"pad_size":null,"do_pad":false`, base, ""},
		{`"num_channels":3,"image_size":224`, base, ""},
		{`"image_size":{"height":224,"width":224}`, base, ""},
		{`"feature_extractor_type":"AutoFeatureExtractor"`, base, ""},
		{`"image_processor_type":"AutoImageProcessor","feature_extractor_type":"DeiTFeatureExtractor"`, cubic, ""},
		{`"image_processor_type":"CLIPImageProcessor","crop_size":192,"image_size":192`, middle, ""},
		{`"num_channels":1`, base, "num_channels is 1"},
		{`"image_size":256`, base, "image_size is 256, but images become 224x224"},
		{`"image_size":{"height":224,"width":256}`, base, "image_size is"},
		{`"do_normalize":false`, raw, ""},
		{`"image_processor_type":"DeiTImageProcessor","size":256`, cropped, ""},
		{`"image_processor_type":"CLIPImageProcessor","crop_size":192`, middle, ""},
		{`"do_pad":true`, base, "do_pad is true"},
		{`"pad_size":{"height":256}`, base, "pad_size is"},
		{`"size_divisor":32`, base, "size_divisor is 32"},
		{`"do_grayscale":true`, base, "do_grayscale is true"},
		{`"resample":5`, base, "resample is 5"},
		{`"image_processor_type":"LevitImageProcessor"`, base, "LevitImageProcessor"},
		{`"image_processor_type":"ViTImageProcessor","do_flip_channel_order":true`, base, "do_flip_channel_order is true"},
		{`"image_processor_type":"ViTImageProcessor","do_flip_channel_order":false`, base, ""},
	} {
		size := ""
		if !strings.Contains(tt.more, `"size"`) {
			size = `"size":224,`
		}
		dir := transformersGolden{timmGolden: timmGolden{Config: readTransformersGolden(t, "vit_ti_16").Config},
			Processor: []byte(`{"image_mean":[0.5,0.5,0.5],"image_std":[0.5,0.5,0.5],` + size + tt.more + `}`)}.folder(t)
		spec, err := zoo.Info(dir)
		if err != nil {
			t.Fatal(err)
		}
		if tt.bad == "" {
			if got := spec.Weights[0].Preprocess; got != tt.want {
				t.Errorf("%s: %+v, want %+v", tt.more, got, tt.want)
			}
			continue
		}
		if _, err = zoo.Load(dir); err == nil || !strings.Contains(err.Error(), tt.bad) || !strings.Contains(err.Error(), "LoadOptions.Preprocess") {
			t.Errorf("%s: error %v, want one with %q", tt.more, err, tt.bad)
		}
	}
}

// TestTimmFields: fields that timm's pretrained_cfg leaves out have timm's defaults (timm.data.resolve_data_config),
// and outputs for no class are refused.
func TestTimmFields(t *testing.T) {
	away(t)
	photo := vision.Preprocess{Resize: 256, Crop: 224, Interpolation: vision.Bicubic, Mean: vision.ImageNetMean, Std: vision.ImageNetStd}
	half := photo
	half.Mean, half.Std = [3]float32{0.5, 0.5, 0.5}, [3]float32{0.5, 0.5, 0.5}
	large := photo
	large.Resize, large.Crop = 438, 384
	for _, tt := range []struct {
		cfg, more string
		want      vision.Preprocess
		bad       string
	}{
		{`{"input_size":[3,384,384]}`, ``, large, ""},
		{`{"mean":[0.5,0.5,0.5],"std":[0.5,0.5,0.5]}`, ``, half, ""},
		{`{"input_size":[3,224,224],"test_input_size":[3,288,288],"test_crop_pct":1.0,"pool_size":[7,7],"min_input_size":null}`, `"labels":["ant","bee"],`, photo, ""},
		{`{"input_size":[3,224,224],"label_offset":1}`, ``, photo, "label_offset is 1"},
		{`{"input_size":[3,224,224],"crop_mode":"border"}`, ``, photo, "crop_mode"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"architecture":"resnet18","num_classes":2,`+tt.more+`"pretrained_cfg":`+tt.cfg+`}`), 0o666); err != nil {
			t.Fatal(err)
		}
		if tt.bad != "" {
			if _, err := zoo.Load(dir); err == nil || !strings.Contains(err.Error(), tt.bad) {
				t.Errorf("%s: error %v, want one with %q", tt.cfg, err, tt.bad)
			}
			continue
		}
		spec, err := zoo.Info(dir)
		if err != nil {
			t.Errorf("%s: %v", tt.cfg, err)
			continue
		}
		w := spec.Weights[0]
		if w.Preprocess != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.cfg, w.Preprocess, tt.want)
		}
		if tt.more != "" && !slices.Equal(w.Classes, []string{"ant", "bee"}) {
			t.Errorf("%s: classes %q", tt.more, w.Classes)
		}
	}
}

// TestMobileViT: a MobileViT of transformers without its processor takes blue, green and red, as MobileViT's processor
// usually gives them, and so does its weight file alone; both say so.
func TestMobileViT(t *testing.T) {
	away(t)
	g := readTransformersGolden(t, "mobilevit_xxs")
	dir := g.folder(t)
	described, err := zoo.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "preprocessor_config.json")); err != nil {
		t.Fatal(err)
	}
	o := zoo.LoadOptions{Preprocess: &described.Preprocess}
	for _, load := range []func() (*zoo.Model, error){
		func() (*zoo.Model, error) { return zoo.Load(dir, o) },
		func() (*zoo.Model, error) {
			o.Weights = filepath.Join(dir, "model.safetensors")
			return zoo.Load("mobilevit_xxs", o)
		},
	} {
		m, err := load()
		if err != nil {
			t.Fatal(err)
		}
		if worst := logitsError(t, m, g.timmGolden); worst > 1e-4 || !strings.Contains(strings.Join(m.Notes, "\n"), "blue, green and red") {
			t.Errorf("the logits differ from transformers' by %g of their standard deviation, notes %q", worst, m.Notes)
		}
	}
	for old, now := range map[string]string{`"patch_size":2`: `"patch_size":4`, `"hidden_act":"silu"`: `"hidden_act":"relu"`, `"expand_ratio":2.0`: `"expand_ratio":4.0`} {
		config := strings.Replace(string(g.Config), old, now, 1)
		if config == string(g.Config) {
			t.Errorf("no %s in %s", old, config)
		}
		if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := zoo.Info(dir); err == nil || !strings.Contains(err.Error(), "no network of the zoo") {
			t.Errorf("%s: %v", now, err)
		}
	}
}

// TestFlippedChannels: a network that takes blue, green and red, as MobileViT's processor gives them, sees what it sees
// in transformers: its logits are those of the same weights on the image with its channels turned around.
func TestFlippedChannels(t *testing.T) {
	away(t)
	g := readTransformersGolden(t, "vit_ti_16")
	processor := `{"size":{"shortest_edge":256},"crop_size":{"height":224,"width":224},"image_processor_type":"MobileViTImageProcessor"`
	load := func(more string) *zoo.Model {
		g.Processor = []byte(processor + more + "}")
		m, err := zoo.Load(g.folder(t))
		if err != nil {
			t.Fatal(err)
		}
		want := vision.Preprocess{Resize: 256, Crop: 224, Interpolation: vision.Bicubic, Std: [3]float32{1, 1, 1}} // MobileViT's has no normalisation
		if m.Preprocess != want {
			t.Errorf("%s: %+v, want %+v", more, m.Preprocess, want)
		}
		if notes := strings.Join(m.Notes, "\n"); strings.Contains(notes, "do_flip_channel_order") != !strings.Contains(more, "false") {
			t.Errorf("%s: notes %q", more, m.Notes)
		}
		return m
	}
	image := noise(1, 224, 224)
	turned := vision.New(224, 224)
	for i := range turned.Pix {
		turned.Pix[i] = image.Pix[i/3*3+2-i%3]
	}
	logits := func(m *zoo.Model, image *vision.Image) []float32 {
		out, err := m.Logits([]*vision.Image{image})
		if err != nil {
			t.Fatal(err)
		}
		return out[0]
	}
	plain := load(`,"do_crop":null,"do_center_crop":true,"do_flip_channel_order":false`)
	want := logits(plain, turned)
	for _, more := range []string{`,"do_center_crop":true`, `,"do_center_crop":true,"do_flip_channel_order":true`} {
		got := logits(load(more), image)
		for i, w := range want {
			if d := got[i] - w; !(d < 1e-4 && d > -1e-4) {
				t.Errorf("%s: logits %v, want %v", more, got, want)
				break
			}
		}
	}
	if reflect.DeepEqual(logits(plain, image), want) {
		t.Error("the order of the channels makes no difference")
	}
}
