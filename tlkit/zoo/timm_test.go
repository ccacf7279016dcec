package zoo_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/internal/fakehub"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo/zootest"
)

// timmGolden is what testdata/timm/make_goldens.py writes.
type timmGolden struct {
	Config    json.RawMessage  `json:"config"`
	Input     []int            `json:"input"`
	StateDict []zootest.Tensor `json:"state_dict"`
	Logits    []float64        `json:"logits"`
	Std       float64          `json:"std"`
	// Scale, if set, is the factor of the formula's kernels.
	Scale float32 `json:"scale"`
}

func readTimmGolden(t *testing.T, path string) timmGolden {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var g timmGolden
	if err := json.NewDecoder(z).Decode(&g); err != nil {
		t.Fatal(err)
	}
	return g
}

// params counts timm's parameters.
func (g timmGolden) params(name string) (n int) {
	for _, k := range g.StateDict {
		if strings.Contains(k.Key, ".running_") || strings.Contains(name, "distilled") && k.Key == "head_dist.bias" { // one bias in place of two
			continue
		}
		size := 1
		for _, d := range k.Shape {
			size *= d
		}
		n += size
		if strings.HasPrefix(name, "swinv2") && strings.HasSuffix(k.Key, "attn.v_bias") { // torchvision's keys have one, too, of zeros
			n += size
		}
	}
	return n
}

// safetensors is the file with the formula's weights.
func (g timmGolden) safetensors(t *testing.T) []byte {
	t.Helper()
	var entries []weights.Entry
	for _, k := range g.StateDict {
		values := zootest.Weights(k.Key, k.Shape)
		if g.Scale != 0 && len(k.Shape) > 1 {
			for i := range values {
				values[i] *= g.Scale
			}
		}
		tensor, err := weights.NewTensor(k.Shape, values)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, weights.Entry{Key: k.Key, Tensor: tensor})
	}
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := weights.WriteSafetensors(path, entries, nil); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// quickTimm are the small models whose logits are computed always; the keys, shapes and logits of all of them with
// -tags slow.
var quickTimm = map[string]bool{"resnet18": true, "mobilenetv3_large_100": true, "mobilenetv3_small_100": true, "tf_efficientnet_b0": true, "mobilenetv2_100": true, "efficientnet_b0": true, "mnasnet_050": true,
	"tf_efficientnetv2_b0": true, "efficientnet_es": true, "efficientnet_lite0": true, "tf_efficientnet_lite0": true, "resnet10t": true, "seresnext26d_32x4d": true,
	"mobilenetv2_050": true, "mobilenetv2_110d": true, "mobilenetv3_small_050": true, "tf_mobilenetv3_small_minimal_100": true, "regnetx_002": true, "regnety_008": true,
	"eva02_tiny_patch14_224": true, "vit_small_patch14_reg4_dinov2@224": true, "mobilevit_xxs": true,
	"regnety_004": true, "densenet121": true, "convnextv2_atto": true, "convnext_atto": true, "vit_tiny_patch16_224": true, "vit_xsmall_patch16_clip_224": true,
	"deit_tiny_distilled_patch16_224": true}

// TestTimm loads timm's models, with the formula's weights under timm's keys, from a hub, and holds their logits
// against timm's.
func TestTimm(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "timm", "*.json.gz"))
	if err != nil || len(files) < 20 {
		t.Fatalf("%d golden files (%v)", len(files), err)
	}
	engine, err := backend.Default()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".json.gz")
		if !slow && !quickTimm[name] {
			continue
		}
		t.Run(name, func(t *testing.T) {
			g := readTimmGolden(t, path)
			h := fakehub.New(t)
			h.Isolate(t)
			repo, _, _ := strings.Cut(name, "@")
			h.AddRepo("timm/"+repo, map[string][]byte{"config.json": g.Config, "model.safetensors": g.safetensors(t)})
			m, err := zoo.Load("hf://timm/" + repo)
			if err != nil {
				t.Fatal(err)
			}
			if n, _ := m.NumParams(); n != g.params(name) && name != "inception_v3" { // timm's has no auxiliary head
				t.Errorf("%d parameters, timm's has %d", n, g.params(name))
			}
			got, err := zootest.Logits(engine.Backend, m, formulaImage(g.Input[2]))
			if err != nil {
				t.Fatal(err)
			}
			worst := 0.0
			for i, want := range g.Logits {
				worst = max(worst, math.Abs(float64(got[i])-want)/g.Std)
				if math.IsNaN(float64(got[i])) {
					worst = math.Inf(1)
				}
			}
			t.Logf("error %.2g of the logits' standard deviation", worst)
			if worst > 1e-3 || len(got) != len(g.Logits) {
				t.Errorf("%d logits differ from timm's by %g of their standard deviation", len(got), worst)
			}
		})
	}
}

// formulaImage is the formula's image [1, size, size, 3].
func formulaImage(size int) *tensors.Tensor {
	u := zootest.Uniform("input", 3*size*size)
	nhwc := make([]float32, len(u))
	for c := range 3 {
		for p := range size * size {
			nhwc[p*3+c] = float32(u[c*size*size+p])
		}
	}
	return tensors.FromFlatDataAndDimensions(nhwc, 1, size, size, 3)
}

// TestTimmRefused: networks that look alike and are not must not load.
func TestTimmRefused(t *testing.T) {
	h := fakehub.New(t)
	h.Isolate(t)
	config := func(architecture, more string) []byte {
		return []byte(fmt.Sprintf(`{"architecture":%q,"num_classes":10,%s"pretrained_cfg":{"tag":"x","input_size":[3,224,224],
			"interpolation":"bicubic","crop_pct":0.95,"mean":[0.5,0.5,0.5],"std":[0.5,0.5,0.5]}}`, architecture, more))
	}
	for i, tt := range []struct{ config, want string }{
		{string(config("mobilenetv3_large_150d", "")), "widths or layers"},
		{string(config("mobilenetv3_rw", "")), "a norm and no bias"},
		{string(config("resnetrs50", "")), "in place of the pooling"},
		{string(config("ecaresnet50d", "")), "ECA"},
		{string(config("resnetaa50", "")), "Export it to ONNX"},
		{string(config("efficientnet_b8", "")), "no network of the zoo"},
		{string(config("efficientnet_b0_gn", "")), "a variant of efficientnet_b0 to b7 with other layers"},
		{string(config("tf_efficientnet_b8", "")), "no network of the zoo"},
		{string(config("gc_efficientnetv2_rw_t", "")), "global context"},
		{string(config("maxvit_tiny_tf_224", "")), "padding"},
		{string(config("regnety_040_sgn", "")), "groups of channels"},
		{string(config("vit_giant_patch14_clip_224", "")), "widths and depths"},
		{string(config("vit_giant_patch14_dinov2", "")), "SwiGLU"},
		{string(config("vit_base_patch16_siglip_224", `"global_pool":"avg",`)), `global_pool is "avg", but siglip_b_16 has "map"`},
		{string(config("eva02_base", "")), "none of the architectures"},
		{string(config("ghostnet_100", "")), "Export it to ONNX"},
		{string(config("mobilevitv2_050", "")), "linear"},
		{string(config("eva02_enormous_patch14_clip_224", "")), "after the branches"},
		{string(config("vit_base_patch16_224", `"global_pool":"avg",`)), "global_pool"},
		{string(config("resnet50", `"model_args":{"output_stride":8},`)), "output_stride"},
		{string(config("resnet50", `"label_names":["a","b"],`)), "2 label_names for 10"},
		{strings.Replace(string(config("resnet50", "")), "bicubic", "hamming", 1), "hamming"},
		{strings.Replace(string(config("resnet50", "")), `"crop_pct"`, `"crop_mode":"border","crop_pct"`, 1), "border"},
		{strings.Replace(string(config("resnet50", "")), "[3,224,224]", "[3,224,192]", 1), "input_size"},
		{`{"model_type":"vit","architectures":["ViTForImageClassification"]}`, "transformers"},
		{`{}`, "no architecture"},
		{`not json`, "config.json"},
	} {
		id := fmt.Sprintf("timm/refused%d", i)
		h.AddRepo(id, map[string][]byte{"config.json": []byte(tt.config)})
		_, err := zoo.Load("hf://" + id)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), id) {
			t.Errorf("%s: error %v, want one with %q", tt.config, err, tt.want)
		}
	}
}

// TestTimmNamesExist: every architecture maps to a model of the zoo.
func TestTimmNamesExist(t *testing.T) {
	names := zoo.TimmArchitectures()
	if len(names) < 50 {
		t.Errorf("%d architectures", len(names))
	}
	h := fakehub.New(t)
	h.Isolate(t)
	for _, name := range names {
		h.AddRepo("timm/"+name, map[string][]byte{"config.json": []byte(fmt.Sprintf(`{"architecture":%q,"pretrained_cfg":{"tag":"a1_in1k",
			"input_size":[3,224,224],"crop_pct":0.95,"interpolation":"bicubic","license":"apache-2.0","mean":[0.5,0.5,0.5],"std":[0.25,0.25,0.25]}}`, name))})
		spec, err := zoo.Info("hf://timm/" + name)
		if err != nil {
			t.Error(err)
			continue
		}
		w, err := spec.WeightSet("")
		if err != nil || w.Licence != "apache-2.0" || w.Preprocess.Resize != 235 || w.Preprocess.Crop != 224 || w.Preprocess.Std[0] != 0.25 ||
			w.Preprocess.Interpolation != "bicubic" || len(w.Classes) != 1000 || w.Classes[0] != "tench" {
			t.Errorf("%s: weight set %v %v %v, error %v", name, w.Name, w.Licence, w.Preprocess, err)
		}
	}
}

// TestTimmConfig: values decide, not that they are written down; timm 1.0.31 writes all arguments.
func TestTimmConfig(t *testing.T) {
	h := fakehub.New(t)
	h.Isolate(t)
	for i, tt := range []struct {
		args, cfg, more string
		mean            float32
		resize          int
		squash          bool
		class           string // the first
	}{
		{`{"in_chans":3,"num_classes":2,"global_pool":"avg","drop_rate":0.2,"drop_path_rate":0.1,"act_layer":null,"block_args":null}`, ``, ``, 0.25, 235, false, "class 0"},
		{`{"output_stride":32,"pretrained":true,"img_size":[224,224],"features_only":false}`, ``, `"label_names":["ant","bee"],`, 0.25, 235, false, "ant"},
		{`null`, ``, `"label_names":{"1":"bee","0":"ant"},`, 0.25, 235, false, "ant"},
		{`{}`, ``, `"label_names":["n01","n02"],"label_descriptions":{"n01":"ant, emmet","n02":"bee"},`, 0.25, 235, false, "ant, emmet"},
		{`{"in_chans":1}`, `"input_size":[1,224,224],"mean":[0.449],"std":[0.226],`, ``, 0.449, 235, false, "class 0"},
		{`{}`, `"crop_mode":"squash",`, ``, 0.25, 235, true, "class 0"},
	} {
		cfg := tt.cfg
		if !strings.Contains(cfg, "input_size") {
			cfg += `"input_size":[3,224,224],"mean":[0.25,0.25,0.25],"std":[0.5,0.5,0.5],`
		}
		id := fmt.Sprintf("timm/config%d", i)
		h.AddRepo(id, map[string][]byte{"config.json": []byte(`{"architecture":"resnet18","num_classes":2,` + tt.more + `"model_args":` + tt.args +
			`,"pretrained_cfg":{` + cfg + `"tag":"x","interpolation":"bicubic","crop_pct":0.95}}`)})
		spec, err := zoo.Info("hf://" + id)
		if err != nil {
			t.Errorf("%s: %v", tt.args, err)
			continue
		}
		w := spec.Weights[0]
		if p := w.Preprocess; p.Mean != [3]float32{tt.mean, tt.mean, tt.mean} || p.Resize != tt.resize || p.Crop != 224 || p.Squash != tt.squash || len(w.Classes) != 2 || w.Classes[0] != tt.class {
			t.Errorf("%s %s %s: %+v, classes %q", tt.args, tt.cfg, tt.more, p, w.Classes)
		}
	}
}

// TestTimmConfigsAsWritten reads config.json as timm writes it of every network that is mapped.
func TestTimmConfigsAsWritten(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "timm", "*.json.gz"))
	if err != nil || len(files) < 20 {
		t.Fatalf("%d golden files (%v)", len(files), err)
	}
	for _, path := range files {
		dir := t.TempDir()
		g := readTimmGolden(t, path)
		if err := os.WriteFile(filepath.Join(dir, "config.json"), g.Config, 0o666); err != nil {
			t.Fatal(err)
		}
		spec, err := zoo.Info(dir)
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(path), err)
			continue
		}
		if w := spec.Weights[0]; len(w.Classes) != 10 || w.Preprocess.Crop != spec.InputSize || w.Licence == "" {
			t.Errorf("%s: %d classes, crop %d of %d, licence %q", filepath.Base(path), len(w.Classes), w.Preprocess.Crop, spec.InputSize, w.Licence)
		}
	}
}

// TestTimmOut: networks that torchvision lacks, with timm's weights, are exported by the code for all, and what is
// exported gives timm's logits.
func TestTimmOut(t *testing.T) {
	away(t)
	for _, name := range []string{"tf_mobilenetv3_small_minimal_100", "mobilenetv2_050", "regnety_008", "tf_efficientnet_lite0", "tf_efficientnetv2_b0", "efficientnet_es", "seresnext26d_32x4d"} {
		if !slow && name != "mobilenetv2_050" && name != "seresnext26d_32x4d" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			g := readTimmGolden(t, filepath.Join("testdata", "timm", name+".json.gz"))
			for file, data := range map[string][]byte{"config.json": g.Config, "model.safetensors": g.safetensors(t)} {
				if err := os.WriteFile(filepath.Join(dir, file), data, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			size := g.Input[2]
			m, err := zoo.Load(dir, zoo.LoadOptions{Preprocess: &vision.Preprocess{Resize: size, Crop: size}})
			if err != nil {
				t.Fatal(err)
			}
			for file, read := range map[string]func(string) (*zoo.Model, error){
				"out.pth":  func(path string) (*zoo.Model, error) { return zoo.LoadExported(path) },
				"out.onnx": func(path string) (*zoo.Model, error) { return zoo.Load(path) }, // the graph, not the registry
			} {
				path := filepath.Join(dir, file)
				if err := m.Export(path); err != nil {
					t.Fatal(err)
				}
				again, err := read(path)
				if err != nil {
					t.Fatal(err)
				}
				if worst := logitsError(t, again, g); !(worst <= 1e-3) {
					t.Errorf("%s: the logits differ from timm's by %g of their standard deviation", file, worst)
				}
			}
		})
	}
}
