package zoo_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// smallTower is a transformer of the registry with random values, for images of 64x64.
func smallTower(t *testing.T, name string) *zoo.Model {
	t.Helper()
	spec, err := zoo.Info(name)
	if err != nil {
		t.Fatal(err)
	}
	spec.InputSize = 64
	m, err := zoo.New(spec, []string{"a", "b"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	m.Preprocess.Resize, m.Preprocess.Crop = 64, 64
	return m
}

// TestExportTowers: networks that are built from tokens come back from .pth and from .onnx.
func TestExportTowers(t *testing.T) {
	names := []string{"clip_xs_16_quickgelu", "clip_xs_16_mean", "deit_ti_16_distilled", "eva02_ti_14"}
	if slow {
		names = append(names, "deit3_s_16", "siglip_b_16_tanh", "siglip_b_16_gap", "eva02_b_16_clip")
	}
	for _, name := range names {
		m := smallTower(t, name)
		image := noise(1, 64, 64)
		want, err := m.Logits([]*vision.Image{image})
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		for _, file := range []string{"m.pth", "m.onnx"} {
			path := filepath.Join(dir, file)
			if err := m.Export(path); err != nil {
				t.Fatal(err)
			}
			c, err := zoo.LoadExported(path)
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.Logits([]*vision.Image{image})
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %s: logits %v (%v), want %v", name, file, got, err, want)
			}
		}
		c, err := zoo.Load(filepath.Join(dir, "m.onnx"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Logits([]*vision.Image{image})
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range want[0] {
			if d := math.Abs(float64(got[0][i] - w)); !(d <= 1e-4) {
				t.Errorf("%s: logits %v of the .onnx file, want %v", name, got, want)
			}
		}
	}
}

// TestSigLIPTower: the attention under the output layer, whose queries, keys and values transformers keeps in one
// tensor, is read from transformers' names.
func TestSigLIPTower(t *testing.T) {
	if !slow {
		t.Skip("a network of 93 million values; run with -tags slow")
	}
	spec, err := zoo.Info("siglip_b_16_tanh")
	if err != nil {
		t.Fatal(err)
	}
	spec.InputSize = 32
	m, err := zoo.New(spec, []string{"a"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := values(t, m)
	const width = 768
	for _, kind := range []string{"weight", "bias"} { // distinct values: biases start at zero
		key := "attn_pool.in_proj_" + kind
		n := 3 * width
		if kind == "weight" {
			n *= width
		}
		ramp := make([]float32, n)
		for i := range ramp {
			ramp[i] = float32(i%1000) / 1000
		}
		want["attn_pool.q."+kind], want["attn_pool.kv."+kind], want[key] = ramp[:n/3], ramp[n/3:], ramp
	}
	var entries []weights.Entry
	names := strings.NewReplacer("attn_pool.in_proj", "head.attention.in_proj", "attn_pool.latent", "head.probe", "attn_pool.proj", "head.attention.out_proj",
		"attn_pool.norm", "head.layernorm", "attn_pool.mlp", "head.mlp", "patch_embed.proj", "embeddings.patch_embedding", "blocks.", "encoder.layers.",
		".norm1", ".layer_norm1", ".norm2", ".layer_norm2", ".attn.proj", ".self_attn.out_proj")
	add := func(key string, shape []int, values []float32) {
		tensor, err := weights.NewTensor(shape, values)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, weights.Entry{Key: "vision_model." + key, Tensor: tensor})
	}
	for _, p := range m.Params() {
		v := want[p.Key]
		switch {
		case m.InHead(p) || strings.HasPrefix(p.Key, "attn_pool.q.") || strings.HasPrefix(p.Key, "attn_pool.kv."):
		case strings.Contains(p.Key, ".attn.qkv."):
			for i, part := range []string{"q", "k", "v"} {
				key := strings.Replace(names.Replace(p.Key), ".attn.qkv.", fmt.Sprintf(".self_attn.%s_proj.", part), 1)
				add(key, append([]int{width}, p.Shape[1:]...), v[i*len(v)/3:(i+1)*len(v)/3])
			}
		case p.Key == "pos_embed":
			add("embeddings.position_embedding.weight", p.Shape[1:], v)
		case strings.HasPrefix(p.Key, "norm."):
			add("post_layer"+p.Key, p.Shape, v)
		default:
			add(names.Replace(p.Key), p.Shape, v)
		}
	}
	add("head.attention.in_proj_weight", []int{3 * width, width}, want["attn_pool.in_proj_weight"])
	add("head.attention.in_proj_bias", []int{3 * width}, want["attn_pool.in_proj_bias"])
	path := filepath.Join(t.TempDir(), "tower.safetensors")
	if err := writeEntries(path, entries); err != nil {
		t.Fatal(err)
	}
	read, err := zoo.Load("siglip_b_16_tanh", zoo.LoadOptions{Weights: path, Preprocess: &vision.Preprocess{Resize: 32, Crop: 32, Std: vision.ImageNetStd}})
	if err != nil {
		t.Fatal(err)
	}
	got := values(t, read)
	for _, p := range m.Params() {
		if !m.InHead(p) && !reflect.DeepEqual(got[p.Key], want[p.Key]) {
			t.Errorf("%s has other values than the file", p.Key)
		}
	}
}

// TestTowerConfigs: config.json of towers as people have them: with what is usual left out, beside other parts, alone,
// and with the values of older files, which stand above the others.
func TestTowerConfigs(t *testing.T) {
	large := `"hidden_act":"gelu","hidden_size":1280,"intermediate_size":5120,"num_attention_heads":16,"num_hidden_layers":32,"patch_size":14`
	for _, tt := range []struct {
		config, model string
		size          int
	}{
		{`{"model_type":"clip","architectures":["CLIPModel"],"text_config":{},"vision_config":{},"vision_config_dict":null}`, "clip_b_32_quickgelu", 224},
		{`{"model_type":"clip","architectures":["CLIPForImageClassification"],"vision_config":{"image_size":336,"id2label":{"0":"LABEL_0"}},"id2label":{"0":"ant","1":"bee"}}`, "clip_b_32_quickgelu_mean", 336},
		{`{"model_type":"clip","architectures":["CLIPModel"],"vision_config":{` + large + `}}`, "clip_h_14", 224},
		{`{"model_type":"clip","architectures":["CLIPModel"],"vision_config":{"hidden_act":"quick_gelu"},"vision_config_dict":{` + large + `}}`, "clip_h_14", 224},
		{`{"model_type":"clip_vision_model","architectures":["CLIPVisionModel"],"patch_size":16}`, "clip_b_16_quickgelu", 224},
		{`{"model_type":"siglip","architectures":["SiglipModel"],"text_config":{},"vision_config":{"model_type":"siglip_vision_model"}}`, "siglip_b_16_tanh", 224},
		{`{"model_type":"siglip_vision_model","architectures":["SiglipVisionModel"],"image_size":256,"patch_size":32}`, "siglip_b_32_tanh", 256},
	} {
		dir := t.TempDir()
		processor := fmt.Sprintf(`{"feature_extractor_type":"CLIPFeatureExtractor","size":%d,"do_center_crop":true,"crop_size":%d,
			"image_mean":[0.5,0.5,0.5],"image_std":[0.5,0.5,0.5]}`, tt.size, tt.size)
		for name, text := range map[string]string{"config.json": tt.config, "preprocessor_config.json": processor} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		spec, err := zoo.Info(dir)
		if err != nil {
			t.Errorf("%s: %v", tt.config, err)
			continue
		}
		w := spec.Weights[0]
		if spec.Name != tt.model || spec.InputSize != tt.size || w.Preprocess.Squash || w.Preprocess.Crop != tt.size {
			t.Errorf("%s: %s for %d pixels, prepared by %+v; want %s for %d", tt.config, spec.Name, spec.InputSize, w.Preprocess, tt.model, tt.size)
		}
		if classifier := strings.HasSuffix(tt.model, "_mean"); classifier != (strings.Join(w.Classes, " ") == "ant bee") {
			t.Errorf("%s: classes %q", tt.config, w.Classes)
		}
	}
}
