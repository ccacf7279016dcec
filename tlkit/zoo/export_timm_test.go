package zoo_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo/zootest"
)

// timmOwn are networks whose keys are timm's, by timm's name: timm loads their files strictly. Those of timm's that are
// the same network as one of torchvision's have torchvision's keys.
var timmOwn = map[string]string{
	"deit_tiny_distilled_patch16_224": "deit_ti_16_distilled", "resnet10t": "resnet10t", "seresnext26d_32x4d": "seresnext26d_32x4d",
	"convnextv2_atto": "convnextv2_atto", "mobilevit_xxs": "mobilevit_xxs", "vit_xsmall_patch16_clip_224": "clip_xs_16",
	"eva02_tiny_patch14_224": "eva02_ti_14", "vit_small_patch14_reg4_dinov2": "vit_small_patch14_reg4_dinov2",
	"deit3_small_patch16_224": "deit3_s_16", "beit_base_patch16_224": "beit_b_16", "vit_base_patch16_siglip_224": "siglip_b_16",
	"vit_base_patch16_siglip_gap_224": "siglip_b_16_gap", "eva02_base_patch16_clip_224": "eva02_b_16_clip",
}

// timmOwnModels makes the networks of timmOwn with random values, the large ones with -tags slow only.
func timmOwnModels(t *testing.T, test func(timm string, m *zoo.Model)) {
	large := []string{"deit3_s_16", "beit_b_16", "siglip_b_16", "siglip_b_16_gap", "eva02_b_16_clip"}
	for _, timm := range slices.Sorted(maps.Keys(timmOwn)) {
		name := timmOwn[timm]
		if !slow && slices.Contains(large, name) {
			continue
		}
		spec, err := zoo.Info(name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := zoo.New(spec, []string{"a", "b", "c"}, 1)
		if err != nil {
			t.Fatal(err)
		}
		m.Preprocess = vision.Preprocess{Resize: spec.InputSize, Crop: spec.InputSize}
		test(timm, m)
	}
}

// TestExportTimmKeys: the files of networks with timm's keys have the keys and shapes of timm's state dict, and come
// back with the same values.
func TestExportTimmKeys(t *testing.T) {
	timmOwnModels(t, func(timm string, m *zoo.Model) {
		golden := filepath.Join("testdata", "timm", timm+".json.gz")
		if _, err := os.Stat(golden); err != nil {
			return
		}
		want := map[string]string{}
		for _, k := range readTimmGolden(t, golden).StateDict {
			shape := slices.Clone(k.Shape)
			if slices.Contains([]string{"head.weight", "head.bias", "head_dist.weight", "head_dist.bias", "fc.weight", "fc.bias", "head.fc.weight", "head.fc.bias"}, k.Key) {
				shape[0] = len(m.Classes)
			}
			want[k.Key] = fmt.Sprint(shape)
		}
		for _, ext := range []string{".pth", ".safetensors"} {
			path := filepath.Join(t.TempDir(), "m"+ext)
			if err := m.Export(path); err != nil {
				t.Fatal(err)
			}
			sd, err := weights.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, e := range sd.Entries() {
				if e.DType.IsFloat() {
					got[e.Key] = fmt.Sprint(e.Shape)
				}
			}
			sd.Close()
			for key, shape := range want {
				if got[key] != shape {
					t.Errorf("%s, %s: %s %s, timm has %s", timm, ext, key, got[key], shape)
				}
			}
			if len(got) > len(want) {
				t.Errorf("%s, %s: %d tensors, timm has %d", timm, ext, len(got), len(want))
			}
			for _, load := range []func() (*zoo.Model, error){
				func() (*zoo.Model, error) { return zoo.LoadExported(path) },
				func() (*zoo.Model, error) {
					return zoo.Load(m.Spec.Name, zoo.LoadOptions{Weights: path, Classes: m.Classes, Preprocess: &m.Preprocess})
				},
			} {
				again, err := load()
				if err != nil {
					t.Errorf("%s, %s: %v", timm, ext, err)
				} else if !reflect.DeepEqual(values(t, again), values(t, m)) {
					t.Errorf("%s, %s: other values come back", timm, ext)
				}
			}
		}
	})
}

// TestOneOutputLayer: a distilled DeiT as versions before wrote it, with one output layer, still loads, and so does one
// with a hidden layer.
func TestOneOutputLayer(t *testing.T) {
	m := smallTower(t, "deit_ti_16_distilled")
	entries, err := m.StateDict()
	if err != nil {
		t.Fatal(err)
	}
	before := filepath.Join(t.TempDir(), "before.safetensors")
	if err := weights.WriteSafetensors(before, entries, nil); err != nil {
		t.Fatal(err)
	}
	again := smallTower(t, "deit_ti_16_distilled")
	sd, err := weights.Open(before)
	if err != nil {
		t.Fatal(err)
	}
	defer sd.Close()
	if err := again.LoadStateDict(sd); err != nil || !reflect.DeepEqual(values(t, again), values(t, m)) {
		t.Errorf("one output layer: other values, or %v", err)
	}
	if err := m.ReplaceHeadHidden([]string{"a", "b"}, 5, 1); err != nil {
		t.Fatal(err)
	}
	hidden := filepath.Join(t.TempDir(), "hidden.pth")
	if err := m.Export(hidden); err != nil {
		t.Fatal(err)
	}
	if again, err = zoo.LoadExported(hidden); err != nil || !reflect.DeepEqual(values(t, again), values(t, m)) {
		t.Errorf("a hidden layer: other values, or %v", err)
	}
}

// TestExportTimmPeer loads exported files into timm with strict=True and compares the logits. It runs where
// TLKIT_PEER_PYTHON names a Python with torch, timm and safetensors.
func TestExportTimmPeer(t *testing.T) {
	engine, err := backend.Default()
	if err != nil {
		t.Fatal(err)
	}
	dir, want := t.TempDir(), map[string][]float32{}
	timmOwnModels(t, func(timm string, m *zoo.Model) {
		for _, ext := range []string{".pth", ".safetensors"} {
			if err := m.Export(filepath.Join(dir, timm+ext)); err != nil {
				t.Fatal(err)
			}
		}
		size := m.Spec.InputSize
		var raw []float32
		for _, v := range zootest.Uniform("input", 3*size*size) {
			raw = append(raw, float32(v))
		}
		data, err := binary.Append(nil, binary.LittleEndian, raw)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, timm+".f32"), data, 0o666)
		}
		if err == nil {
			want[timm], err = zootest.Logits(engine.Backend, m, formulaImage(size))
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	var got map[string][][]float64
	if err := json.Unmarshal(peer(t, "check_timm.py", append([]string{dir}, slices.Sorted(maps.Keys(want))...)...), &got); err != nil {
		t.Fatal(err)
	}
	for name, logits := range want {
		if len(got[name]) != 2 {
			t.Fatalf("%s: %v", name, got[name])
		}
		for i, w := range logits {
			for _, file := range got[name] {
				if d := math.Abs(file[i] - float64(w)); !(d <= 1e-4*(1+math.Abs(float64(w)))) {
					t.Errorf("%s: timm's logits %v, here %v", name, file, logits)
				}
			}
		}
	}
}
