package zoo_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/fakehub"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo/zootest"
)

// transformersGolden is what testdata/transformers/make_goldens.py writes.
type transformersGolden struct {
	timmGolden
	Model     string          `json:"model"`
	Processor json.RawMessage `json:"processor"`
}

func readTransformersGolden(t *testing.T, name string) (g transformersGolden) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "transformers", name+".json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err == nil {
		err = json.NewDecoder(z).Decode(&g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// folder writes the files of the golden as save_pretrained does.
func (g transformersGolden) folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string][]byte{"config.json": g.Config}
	if g.Processor != nil {
		files["preprocessor_config.json"] = g.Processor
	}
	if g.StateDict != nil {
		files["model.safetensors"] = g.safetensors(t)
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

var photograph = zoo.LoadOptions{Preprocess: &vision.Preprocess{Resize: 64, Crop: 64, Mean: vision.ImageNetMean, Std: vision.ImageNetStd}}

// TestTransformers loads folders that transformers has written, with the formula's weights, and holds logits, classes
// and preprocessing against transformers'.
func TestTransformers(t *testing.T) {
	half := [3]float32{0.5, 0.5, 0.5}
	square := func(size int) vision.Preprocess {
		return vision.Preprocess{Resize: size, Squash: true, Crop: size, Interpolation: vision.Bilinear, Mean: half, Std: half}
	}
	cubic := func(p vision.Preprocess) vision.Preprocess { p.Interpolation = vision.Bicubic; return p }
	shorter := cubic(vision.Preprocess{Resize: 256, Crop: 224, Mean: half, Std: half})
	efficient := cubic(square(224))
	efficient.Std = [3]float32{0.25, 0.25, 0.25} // divided by 0.5 twice
	offset := cubic(square(240))
	offset.Mean, offset.Std = [3]float32{0.75, 0.75, 0.75}, [3]float32{0.25, 0.25, 0.25}                                                                                // 2x - 1 first
	photo := cubic(vision.Preprocess{Resize: 256, Crop: 224, Mean: [3]float32{0.48145466, 0.4578275, 0.40821073}, Std: [3]float32{0.26862954, 0.26130258, 0.27577711}}) // OpenAI's CLIP
	cropped := cubic(square(256))
	cropped.Crop = 224
	clip := photo
	clip.Resize = 224
	for _, tt := range []struct {
		name, model string
		quick       bool
		options     zoo.LoadOptions
		preprocess  vision.Preprocess
	}{
		{"resnet18", "resnet18", true, zoo.LoadOptions{}, shorter},
		{"resnet34", "resnet34", false, zoo.LoadOptions{}, cubic(square(384))},
		{"resnet50", "resnet50", false, zoo.LoadOptions{}, shorter},
		{"regnet_x_400mf", "regnet_x_400mf", true, zoo.LoadOptions{}, shorter},
		{"regnet_y_400mf", "regnet_y_400mf", true, zoo.LoadOptions{}, shorter},
		{"resnet26", "resnet26", false, zoo.LoadOptions{}, shorter},
		{"regnetx_004", "regnetx_004", true, zoo.LoadOptions{}, shorter},
		{"regnety_040", "regnety_040", false, zoo.LoadOptions{}, shorter},
		{"convnext_tiny", "convnext_tiny_eps1e-12", false, zoo.LoadOptions{}, shorter},
		{"convnextv2_atto", "convnextv2_atto_eps1e-12", true, zoo.LoadOptions{}, shorter},
		{"vit_ti_16", "vit_ti_16_eps1e-12", true, zoo.LoadOptions{}, square(224)},
		{"vit_b_16", "vit_b_16_eps1e-12", false, zoo.LoadOptions{}, square(224)},
		{"vit_b_32", "vit_b_32_eps1e-12", false, zoo.LoadOptions{}, square(224)},
		{"beit_b_16", "beit_b_16_eps1e-12", true, zoo.LoadOptions{}, cubic(square(48))},
		{"data2vec_b_16", "beit_b_16_eps1e-12", false, zoo.LoadOptions{}, cubic(square(224))},
		{"swin_t", "swin_t", true, zoo.LoadOptions{}, cubic(square(224))},
		{"swin_v2_t", "swin_v2_t", false, zoo.LoadOptions{}, square(256)},
		{"swin_b_window12", "swin_b_window12", false, zoo.LoadOptions{}, cubic(square(384))},
		{"swin_v2_b_window12to16", "swin_v2_b_window12to16", false, zoo.LoadOptions{}, square(256)},
		{"swin_v2_t_192", "swin_v2_t", false, zoo.LoadOptions{}, square(192)},
		{"tf_efficientnet_b0", "tf_efficientnet_b0", true, zoo.LoadOptions{}, efficient},
		{"tf_efficientnet_b1", "tf_efficientnet_b1", false, zoo.LoadOptions{}, offset},
		{"tf_mobilenet_v2", "tf_mobilenet_v2", true, zoo.LoadOptions{}, vision.Preprocess{Resize: 256, Crop: 224, Interpolation: vision.Bilinear, Mean: half, Std: half}},
		{"tf_mobilenet_v2_140", "tf_mobilenet_v2_140", true, zoo.LoadOptions{}, vision.Preprocess{Resize: 256, Crop: 224, Interpolation: vision.Bilinear, Mean: half, Std: half}},
		{"tf_mobilenet_v2_035", "tf_mobilenet_v2_035", true, zoo.LoadOptions{}, vision.Preprocess{Resize: 256, Crop: 224, Interpolation: vision.Bilinear, Mean: half, Std: half}},
		{"tf_mobilenet_v1", "tf_mobilenet_v1", true, zoo.LoadOptions{}, vision.Preprocess{Resize: 256, Crop: 224, Interpolation: vision.Bilinear, Mean: half, Std: half}},
		{"tf_mobilenet_v1_025", "tf_mobilenet_v1_025", true, zoo.LoadOptions{}, vision.Preprocess{Resize: 143, Crop: 128, Interpolation: vision.Bilinear, Mean: half, Std: half}},
		{"dinov2_vits14", "dinov2_vits14", true, zoo.LoadOptions{}, photo},
		{"dinov2_vits14_reg", "dinov2_vits14_reg", true, zoo.LoadOptions{}, photo},
		{"dinov2_vits14_224", "dinov2_vits14_sized", false, zoo.LoadOptions{}, photo},
		{"vit_ti_16_eps1e-02", "vit_ti_16_eps1e-02", true, zoo.LoadOptions{}, square(224)},
		{"swin_t_eps1e-02", "swin_t_eps1e-02", true, zoo.LoadOptions{}, square(224)},
		{"dinov2_vits14_eps1e-02", "dinov2_vits14_eps1e-02", true, zoo.LoadOptions{}, photo},
		{"convnext_atto_eps1e-02", "convnext_atto_eps1e-02", true, zoo.LoadOptions{}, shorter},
		{"convnextv2_atto_eps1e-02", "convnextv2_atto_eps1e-02", true, zoo.LoadOptions{}, shorter},
		{"mobilevit_xxs_eps1e-02", "mobilevit_xxs_eps1e-02", true, zoo.LoadOptions{}, vision.Preprocess{Resize: 288, Crop: 256, Interpolation: vision.Bicubic, Std: [3]float32{1, 1, 1}}},
		{"tf_mobilenet_v2_eps1e-02", "tf_mobilenet_v2_eps1e-02", true, zoo.LoadOptions{}, vision.Preprocess{Resize: 256, Crop: 224, Interpolation: vision.Bilinear, Mean: half, Std: half}},
		{"tf_efficientnet_b0_eps1e-02", "tf_efficientnet_b0_eps1e-02", true, zoo.LoadOptions{}, efficient},
		{"clip_b_32", "clip_b_32_quickgelu_mean", false, zoo.LoadOptions{}, clip},
		{"clip_xs_16", "clip_xs_16_mean", true, zoo.LoadOptions{}, clip},
		{"siglip_b_16", "siglip_b_16_gap_tanh", false, zoo.LoadOptions{}, cubic(square(224))},
		{"mobilevit_xxs", "mobilevit_xxs", true, zoo.LoadOptions{}, vision.Preprocess{Resize: 288, Crop: 256, Interpolation: vision.Bicubic, Std: [3]float32{1, 1, 1}}},
		{"deit_ti_16", "deit_ti_16_class_eps1e-12", true, zoo.LoadOptions{}, cropped},
		{"deit_ti_16_distilled", "deit_ti_16_distilled_eps1e-12", true, zoo.LoadOptions{}, cropped},
		{"timm_resnet18", "resnet18", true, photograph, *photograph.Preprocess},
	} {
		if !tt.quick && !slow {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			away(t)
			g := readTransformersGolden(t, tt.name)
			m, err := zoo.Load(g.folder(t), tt.options)
			if err != nil {
				t.Fatal(err)
			}
			if m.Spec.Name != tt.model || strings.Join(m.Classes, " ") != "ant bee cat dog elk" {
				t.Errorf("%s with classes %q", m.Spec.Name, m.Classes)
			}
			if !nearly(m.Preprocess, tt.preprocess) {
				t.Errorf("preprocessing %+v, want %+v", m.Preprocess, tt.preprocess)
			}
			if worst := logitsError(t, m, g.timmGolden); worst > 1e-4 {
				t.Errorf("the logits differ from transformers' by %g of their standard deviation", worst)
			}
		})
	}
}

// nearly compares with a tolerance for the numbers of the normalisation.
func nearly(a, b vision.Preprocess) bool {
	for c := range 3 {
		if math.Abs(float64(a.Mean[c]-b.Mean[c])) > 1e-6 || math.Abs(float64(a.Std[c]-b.Std[c])) > 1e-6 {
			return false
		}
	}
	a.Mean, a.Std = b.Mean, b.Std
	return a == b
}

// logitsError is the largest difference of the formula image's logits, over the standard deviation of those wanted.
func logitsError(t *testing.T, m *zoo.Model, g timmGolden) float64 {
	t.Helper()
	engine, err := backend.Default()
	if err != nil {
		t.Fatal(err)
	}
	got, err := zootest.Logits(engine.Backend, m, formulaImage(g.Input[2]))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(g.Logits) {
		t.Fatalf("%d logits, want %d", len(got), len(g.Logits))
	}
	worst := 0.0
	for i, want := range g.Logits {
		if d := math.Abs(float64(got[i])-want) / g.Std; !(d <= worst) { // also true for NaN
			worst = d
		}
	}
	t.Logf("error %.2g of the logits' standard deviation", worst)
	return worst
}

// TestTransformersHub loads the same files from a repository, and those of a model without an output layer.
func TestTransformersHub(t *testing.T) {
	h := fakehub.New(t)
	h.Isolate(t)
	g := readTransformersGolden(t, "resnet18")
	files := map[string][]byte{"config.json": g.Config, "preprocessor_config.json": g.Processor, "model.safetensors": g.safetensors(t)}
	h.AddRepo("someone/resnet", files)
	m, err := zoo.Load("hf://someone/resnet")
	if err != nil || m.Classes[4] != "elk" || m.Weights != "hf://someone/resnet" {
		t.Fatalf("%v", err)
	}
	if worst := logitsError(t, m, g.timmGolden); worst > 1e-3 {
		t.Errorf("error %g", worst)
	}
	spec, err := zoo.Info("hf://someone/resnet")
	if err != nil || spec.Name != "resnet18" || len(spec.Weights[0].Classes) != 5 {
		t.Errorf("Info: %+v, %v", spec, err)
	}

	features := g.timmGolden
	features.StateDict = nil
	for _, k := range g.StateDict { // as AutoModel saves it
		if key, ok := strings.CutPrefix(k.Key, "resnet."); ok {
			features.StateDict = append(features.StateDict, zootest.Tensor{Key: key, Shape: k.Shape})
		}
	}
	h.AddRepo("someone/features", map[string][]byte{"config.json": []byte(strings.Replace(string(g.Config), "ResNetForImageClassification", "ResNetModel", 1)),
		"preprocessor_config.json": g.Processor, "model.safetensors": features.safetensors(t)})
	m, err = zoo.Load("hf://someone/features", zoo.LoadOptions{Classes: []string{"x", "y"}})
	if err != nil || len(m.Classes) != 2 || !strings.Contains(strings.Join(m.Notes, " "), "new and random, for 2 classes") {
		t.Errorf("features only: %v", err)
	}
}

// TestTransformersFolders: folders of transformers' models as people have them.
func TestTransformersFolders(t *testing.T) {
	away(t)
	g := readTransformersGolden(t, "resnet18")
	named := strings.Fields("ant bee cat dog elk")
	edit := func(dir, name string, replace ...string) {
		t.Helper()
		path := filepath.Join(dir, name)
		text, err := os.ReadFile(path)
		if err == nil {
			changed := strings.NewReplacer(replace...).Replace(string(text))
			if changed == string(text) {
				t.Errorf("%s has none of %q", name, replace)
			}
			err = os.WriteFile(path, []byte(changed), 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name   string
		change func(dir string) string // the folder to load
		note   string
		err    string
	}{
		{"no architectures", func(dir string) string {
			edit(dir, "config.json", `["ResNetForImageClassification"]`, "null")
			return dir
		}, "", ""},
		{"label2id alone", func(dir string) string { edit(dir, "config.json", `"id2label"`, `"was"`); return dir }, "", ""},
		{"label2id as text", func(dir string) string {
			edit(dir, "config.json", `"id2label"`, `"was"`, `"ant":0`, `"ant":"0"`)
			return dir
		}, "", ""},
		{"two sides", func(dir string) string {
			text := `{"size":[224,224],"do_resize":true,"resample":1,"image_mean":[0.5,0.5,0.5],"image_std":[0.5,0.5,0.5]}`
			if err := os.WriteFile(filepath.Join(dir, "preprocessor_config.json"), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
			return dir
		}, "", ""},
		{"a byte order mark", func(dir string) string {
			path := filepath.Join(dir, "config.json")
			text, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, append([]byte("\xef\xbb\xbf"), text...), 0o666)
			}
			if err != nil {
				t.Fatal(err)
			}
			return dir
		}, "", ""},
		{"several classes in an image", func(dir string) string {
			edit(dir, "config.json", `"model_type"`, `"problem_type":"multi_label_classification","model_type"`)
			return dir
		}, "sigmoid", ""},
		{"cut short", func(dir string) string {
			if err := os.Truncate(filepath.Join(dir, "config.json"), 40); err != nil {
				t.Fatal(err)
			}
			return dir
		}, "", "damaged or cut short, download it again"},
		{"processor_config.json", func(dir string) string {
			text, err := os.ReadFile(filepath.Join(dir, "preprocessor_config.json"))
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, "processor_config.json"), []byte(`{"image_processor":`+string(text)+`}`), 0o666)
			}
			if err == nil {
				err = os.Remove(filepath.Join(dir, "preprocessor_config.json"))
			}
			if err != nil {
				t.Fatal(err)
			}
			return dir
		}, "", ""},
		{"the hub's cache", func(dir string) string {
			repo := filepath.Join(t.TempDir(), "models--x--y")
			err := os.CopyFS(filepath.Join(repo, "snapshots", "abc"), os.DirFS(dir))
			if err == nil {
				err = os.CopyFS(filepath.Join(repo, "snapshots", "older"), os.DirFS(dir))
			}
			if err == nil {
				err = os.Mkdir(filepath.Join(repo, "refs"), 0o777)
			}
			if err == nil {
				err = os.WriteFile(filepath.Join(repo, "refs", "main"), []byte("abc\n"), 0o666)
			}
			if err != nil {
				t.Fatal(err)
			}
			return repo
		}, "", ""},
		{"a folder of checkpoints", func(dir string) string {
			run := t.TempDir()
			if err := os.CopyFS(filepath.Join(run, "checkpoint-500"), os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			return run
		}, "", "checkpoint-500"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := zoo.Load(tt.change(g.folder(t)))
			if tt.err != "" {
				wantError(t, err, tt.err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if notes := strings.Join(m.Notes, "\n"); !slices.Equal(m.Classes, named) || !strings.Contains(notes, tt.note) || tt.note == "" && notes != "" {
				t.Errorf("classes %q, notes %q", m.Classes, notes)
			}
		})
	}
}

// TestAttentionParts: a file that lacks a layer's queries, keys or values is not read as if these were zero.
func TestAttentionParts(t *testing.T) {
	away(t)
	for _, tt := range []struct{ name, key, want string }{
		{"vit_ti_16", "vit.encoder.layer.3.attention.attention.key.weight", "encoder.layers.encoder_layer_3.self_attention.in_proj_weight (keys)"},
		{"vit_ti_16", "vit.encoder.layer.3.attention.attention.query.bias", "encoder.layers.encoder_layer_3.self_attention.in_proj_bias (queries)"},
		{"beit_b_16", "beit.encoder.layer.3.attention.attention.value.weight", "blocks.3.attn.qkv.weight (values)"},
		{"swin_t", "swin.encoder.layers.0.blocks.1.attention.self.key.bias", "features.1.1.attn.qkv.bias (keys)"},
		{"swin_v2_t", "swinv2.encoder.layers.0.blocks.1.attention.self.key.weight", "features.1.1.attn.qkv.weight (keys)"},
		{"swin_v2_t", "swinv2.encoder.layers.0.blocks.1.attention.self.value.bias", "features.1.1.attn.qkv.bias (values)"},
		{"clip_xs_16", "vision_model.encoder.layers.3.self_attn.k_proj.bias", "blocks.3.attn.qkv.bias (keys)"},
		{"deit_ti_16_distilled", "deit.encoder.layer.3.attention.attention.value.weight", "blocks.3.attn.qkv.weight (values)"},
		{"dinov2_vits14", "dinov2.encoder.layer.3.attention.attention.query.weight", "blocks.3.attn.qkv.weight (queries)"},
	} {
		g := readTransformersGolden(t, tt.name)
		for i, k := range g.StateDict {
			if k.Key == tt.key { // as in a model that peft has wrapped, without the adapter's own weights
				g.StateDict[i].Key = strings.Replace(k.Key, ".weight", ".base_layer.weight", 1)
				g.StateDict[i].Key = strings.Replace(g.StateDict[i].Key, ".bias", ".base_layer.bias", 1)
			}
		}
		_, err := zoo.Load(g.folder(t), zoo.LoadOptions{Preprocess: &vision.Preprocess{Crop: g.Input[2], Resize: g.Input[2], Std: vision.ImageNetStd}})
		wantError(t, err, "missing: "+tt.want)
	}
}

// TestClassNames: names may be numbers, and the caller's stand in for those that can't be read.
func TestClassNames(t *testing.T) {
	away(t)
	for _, tt := range []struct {
		names, options, want []string
	}{
		{[]string{`"0":"ant"`, `"0":0`, `"1":"bee"`, `"1":1.5`, `"4":"elk"`, `"4":"x"`}, nil, []string{"0", "1.5", "cat", "dog", "x"}},
		{[]string{`"0":"ant"`, `"0":[]`}, []string{"a", "b", "c", "d", "e"}, []string{"a", "b", "c", "d", "e"}},
	} {
		g := readTransformersGolden(t, "resnet18")
		g.Config = json.RawMessage(strings.NewReplacer(tt.names...).Replace(string(g.Config)))
		m, err := zoo.Load(g.folder(t), zoo.LoadOptions{Classes: tt.options})
		if err != nil || !slices.Equal(m.Classes, tt.want) {
			t.Errorf("%q: %v", tt.names, err)
		}
	}
}

// TestPreprocessStandsIn: a preprocessing that is not known here stops nobody who gives one.
func TestPreprocessStandsIn(t *testing.T) {
	away(t)
	transformers := readTransformersGolden(t, "resnet18")
	transformers.Processor = json.RawMessage(strings.Replace(string(transformers.Processor), `"resample":3`, `"resample":4`, 1))
	timm := transformersGolden{timmGolden: readTimmGolden(t, filepath.Join("testdata", "timm", "resnet18.json.gz"))}
	timm.Config = json.RawMessage(strings.Replace(string(timm.Config), `"bicubic"`, `"hamming"`, 1))
	for want, g := range map[string]transformersGolden{"resample is 4": transformers, "hamming": timm} {
		dir := g.folder(t)
		_, err := zoo.Load(dir)
		wantError(t, err, want, "LoadOptions.Preprocess stands in for it")
		m, err := zoo.Load(dir, photograph)
		if err != nil || m.Preprocess != *photograph.Preprocess {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// TestTransformersRefused: what is not the same network, or does not say how images are prepared, must not load.
func TestTransformersRefused(t *testing.T) {
	h := fakehub.New(t)
	h.Isolate(t)
	config := func(name string, replace ...string) string {
		return strings.NewReplacer(replace...).Replace(string(readTransformersGolden(t, name).Config))
	}
	processor := string(readTransformersGolden(t, "vit_b_16").Processor)
	for i, tt := range []struct{ config, processor, want string }{
		{config("dinov2_giant"), processor, "SwiGLU"},
		{config("dinov2_vits14", `"image_size":518`, `"image_size":196`), processor, "learned positions are for 196x196"},
		{config("tf_mobilenet_v1", `"depth_multiplier":1.0`, `"depth_multiplier":1.4`), processor, "no network of the zoo"},
		{config("tf_mobilenet_v1", `"tf_padding":true`, `"tf_padding":false`), processor, "no network of the zoo"},
		{`{"model_type":"beit"}`, processor, "no network of the zoo"},
		{`{"model_type":"deit"}`, processor, "no network of the zoo. Export it to ONNX"},
		{config("vit_ti_16", `"layer_norm_eps":1e-12`, `"layer_norm_eps":-1`), processor, "add -1 to the variance"},
		{config("convnext_tiny", `"layer_norm_eps":1e-12`, `"layer_norm_eps":0`), processor, "add 0 to the variance"},
		{config("tf_efficientnet_b0", `"batch_norm_eps":0.001`, `"batch_norm_eps":1`), processor, "add 1 to the variance"},
		{config("regnet_x_400mf", `"downsample_in_first_stage":true`, `"downsample_in_first_stage":false`), processor, "no network of the zoo"},
		{strings.Replace(config("vit_b_16"), `"vit"`, `"llama"`, 1), processor, `"llama" model of transformers; those of type beit, clip, clip_vision_model, convnext, convnextv2, data2vec-vision, deit, dinov2`},
		{`{"model_type":"cvt","architectures":["CvtForImageClassification"],"embed_dim":[64,192,384],"patch_size":[7,3,3]}`, processor, `"cvt" model of transformers; those of type`},
		{config("swin_v2_t", `"pretrained_window_sizes":[0,0,0,0]`, `"pretrained_window_sizes":[12,12,12,6]`), processor, "no network of the zoo"},
		{config("tf_efficientnet_b0", `"pooling_type":"mean"`, `"pooling_type":"max"`), processor, "no network of the zoo"},
		{config("tf_efficientnet_b0", `"strides":[1,2,2,2,1,2,1]`, `"strides":[1,2,2,2,1,1,1]`), processor, "no network of the zoo"},
		{config("tf_mobilenet_v2", `"first_layer_is_expansion":true`, `"first_layer_is_expansion":false`), processor, "no network of the zoo"},
		{config("tf_mobilenet_v2", `"output_stride":32`, `"output_stride":16`), processor, "no network of the zoo"},
		{config("vit_b_16", `"num_hidden_layers":12`, `"num_hidden_layers":11`), processor, "no network of the zoo"},
		{config("vit_b_16", `"hidden_act":"gelu"`, `"hidden_act":"quick_gelu"`), processor, "no network of the zoo"},
		{config("swin_t", `"window_size":7`, `"window_size":12`), processor, "no network of the zoo"},
		{config("resnet18", `"downsample_in_first_stage":false`, `"downsample_in_first_stage":true`), processor, "no network of the zoo"},
		{config("tf_mobilenet_v2", `"tf_padding":true`, `"tf_padding":false`), processor, "no network of the zoo"},
		{config("resnet18", `"num_channels":3`, `"num_channels":4`), processor, "no network of the zoo"},
		{config("resnet18"), "", "LoadOptions.Preprocess"},
		{config("resnet18"), `{"size":{"shortest_edge":224}}`, "one size"},
		{config("resnet18"), strings.Replace(processor, `"resample":2`, `"resample":5`, 1), "resample is 5"},
		{config("resnet18"), strings.Replace(processor, `"do_rescale":true`, `"do_rescale":false`, 1), "do_rescale"},
		{config("resnet18"), `{"size":224,"image_mean":[0.5,0.5]}`, "image_mean"},
		{config("resnet18"), `{"size":{"shortest_edge":256},"do_center_crop":true,"crop_size":{"height":224,"width":192}}`, "crop_size is 224x192, expected a square"},
		{config("resnet18"), `{"size":[224,192]}`, "expected a square"},
		{config("resnet18"), `{"size":"large"}`, `a size is "large", expected a number of pixels`},
		{config("resnet18", `"0":"ant"`, `"0":{}`), processor, "LoadOptions.Classes stands in"},
		{config("vit_b_16", `"image_size":224`, `"image_size":384`), processor, "learned positions"},
		{config("beit_b_16", `"use_shared_relative_position_bias":false`, `"use_shared_relative_position_bias":true`), processor, "no network of the zoo"},
		{config("beit_b_16"), processor, "learned positions are for 48x48"},
		{config("resnet18", `"0":"ant"`, `"7":"ant"`), processor, `"7"`},
	} {
		id := fmt.Sprintf("someone/refused%d", i)
		files := map[string][]byte{"config.json": []byte(tt.config)}
		if tt.processor != "" {
			files["preprocessor_config.json"] = []byte(tt.processor)
		}
		h.AddRepo(id, files)
		_, err := zoo.Load("hf://" + id)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), id) {
			t.Errorf("%d: error %v, want one with %q", i, err, tt.want)
		}
	}
}
