package zoo_test

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo/zootest"
)

// TestReparametrized: tensors that torch.nn.utils keeps in parts are computed as PyTorch's forward pass does, and what
// a profiler leaves is no weight.
func TestReparametrized(t *testing.T) {
	away(t)
	m := small(t, []string{"a", "b"}, 1)
	entries, err := m.StateDict()
	if err != nil {
		t.Fatal(err)
	}
	tensor := func(shape []int, values ...float32) weights.Tensor {
		out, err := weights.NewTensor(shape, values)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	type made = []weights.Entry
	for _, tt := range []struct {
		name  string
		parts func(key string, shape []int, w []float32) made // of a kernel
		want  func(i int, w, v float32) float64               // of a value; v is that of the whole kernel's formula
		note  string
	}{
		{"pruned", func(key string, shape []int, w []float32) made {
			mask := make([]float32, len(w))
			for i := range mask {
				mask[i] = float32(i % 2)
			}
			return made{{Key: key + "_orig", Tensor: tensor(shape, w...)}, {Key: key + "_mask", Tensor: tensor(shape, mask...)}}
		}, func(i int, w, _ float32) float64 { return float64(w) * float64(i%2) }, "are pruned"},
		{"weight norm", func(key string, shape []int, w []float32) made {
			return made{{Key: key + "_g", Tensor: lengths(t, shape, w)}, {Key: key + "_v", Tensor: tensor(shape, times(w, 2)...)}}
		}, func(_ int, w, _ float32) float64 { return float64(w) }, "are weight-normalised"},
		{"weight norm today", func(key string, shape []int, w []float32) made {
			base := strings.TrimSuffix(key, "weight") + "parametrizations.weight."
			return made{{Key: base + "original0", Tensor: lengths(t, shape, w)}, {Key: base + "original1", Tensor: tensor(shape, times(w, 0.5)...)}}
		}, func(_ int, w, _ float32) float64 { return float64(w) }, "are weight-normalised"},
		{"spectral norm", func(key string, shape []int, w []float32) made {
			u, v := make([]float32, shape[0]), make([]float32, len(w)/shape[0])
			u[0], v[0] = 1, 1 // so that sigma is the first value
			return made{{Key: key + "_orig", Tensor: tensor(shape, w...)}, {Key: key + "_u", Tensor: tensor([]int{len(u)}, u...)}, {Key: key + "_v", Tensor: tensor([]int{len(v)}, v...)}}
		}, func(_ int, w, first float32) float64 { return float64(w) / float64(first) }, "are spectrally normalised"},
		{"a profiler's counts", func(key string, shape []int, w []float32) made {
			return made{{Key: key, Tensor: tensor(shape, w...)}, {Key: strings.TrimSuffix(key, "weight") + "total_ops", Tensor: tensor([]int{1}, 3)}}
		}, func(_ int, w, _ float32) float64 { return float64(w) }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var file []weights.Entry
			kernels := map[string][]float32{}
			for _, e := range entries {
				if len(e.Shape) != 4 {
					file = append(file, e)
					continue
				}
				kernels[e.Key] = zootest.Weights(e.Key, e.Shape)
				file = append(file, tt.parts(e.Key, e.Shape, kernels[e.Key])...)
			}
			path := filepath.Join(t.TempDir(), "w.safetensors")
			if err := weights.WriteSafetensors(path, file, nil); err != nil {
				t.Fatal(err)
			}
			got, err := zoo.Load("resnet20", zoo.LoadOptions{Weights: path, Classes: []string{"a", "b"}})
			if err != nil {
				t.Fatal(err)
			}
			if notes := strings.Join(got.Notes, "\n"); !strings.Contains(notes, tt.note) || tt.note == "" && notes != "" {
				t.Errorf("notes %q, want %q", notes, tt.note)
			}
			for key, w := range kernels {
				p, _ := got.Param(key)
				values, err := got.Values(p)
				if err != nil {
					t.Fatal(err)
				}
				for i, v := range values {
					if want := tt.want(i, w[i], w[0]); !(math.Abs(float64(v)-want) <= 1e-5*(1+math.Abs(want))) {
						t.Fatalf("%s: value %d is %g, want %g", key, i, v, want)
					}
				}
			}
		})
	}
}

// TestOtherParametrization: a tensor in parts of a kind that is not computed is refused by its name, in a layer of the
// backbone, in one under the output layer and in the output layer, unless that is new.
func TestOtherParametrization(t *testing.T) {
	away(t)
	for _, tt := range []struct {
		model, key string
		head       zoo.HeadChoice
		refused    bool
	}{
		{"resnet20", "layer1.0.conv1.weight", zoo.HeadAsFound, true},
		{"resnet20", "head", zoo.HeadAsFound, true},
		{"resnet20", "head", zoo.HeadNew, false},
		{"mobilenet_v3_small", "classifier.0.weight", zoo.HeadAsFound, true},
	} {
		spec, err := zoo.Info(tt.model)
		if err != nil {
			t.Fatal(err)
		}
		m, err := zoo.New(spec, []string{"a", "b"}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if tt.key == "head" {
			tt.key = m.HeadKey() + ".weight"
		}
		layer := strings.TrimSuffix(tt.key, ".weight")
		path := checkpoint(t, m, func(entries []weights.Entry) []weights.Entry {
			for i, e := range entries {
				entries[i].Key = "model." + e.Key
				if e.Key == tt.key { // as torch.nn.utils.parametrizations.orthogonal
					entries[i].Key = "model." + layer + ".parametrizations.weight.original"
					entries = append(entries, weights.Entry{Key: "model." + layer + ".parametrizations.weight.0.base", Tensor: e.Tensor})
				}
			}
			return entries
		})
		_, err = zoo.Load(tt.model, zoo.LoadOptions{Weights: path, Head: tt.head, Classes: []string{"a", "b"}})
		want := fmt.Sprintf("%s is kept in parts from which each pass computes it", tt.key)
		if tt.refused && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "remove_parametrizations(model."+layer+", \"weight\")")) {
			t.Errorf("%s, %s: error %v, want %q", tt.model, tt.key, err, want)
		}
		if !tt.refused && err != nil {
			t.Errorf("%s, %s: %v", tt.model, tt.key, err)
		}
	}
}

// times multiplies all values.
func times(w []float32, factor float32) []float32 {
	out := make([]float32, len(w))
	for i := range w {
		out[i] = factor * w[i]
	}
	return out
}

// lengths are the Euclidean lengths along the first axis.
func lengths(t *testing.T, shape []int, w []float32) weights.Tensor {
	t.Helper()
	size := len(w) / shape[0]
	g := make([]float32, shape[0])
	for i := range g {
		sum := 0.0
		for _, v := range w[i*size : (i+1)*size] {
			sum += float64(v) * float64(v)
		}
		g[i] = float32(math.Sqrt(sum))
	}
	out, err := weights.NewTensor([]int{shape[0], 1, 1, 1}, g)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestSpectralTransposed: the vectors of a transposed convolution belong to its second axis
// (torch.nn.utils.spectral_norm). Such a layer beside the network, as of a decoder, does not keep the
// file from loading.
func TestSpectralTransposed(t *testing.T) {
	away(t)
	m := small(t, []string{"a", "b"}, 1)
	path := checkpoint(t, m, renamed(before(""), tensor(t, "decoder.weight_orig", 4, 8, 3, 3), tensor(t, "decoder.weight_u", 8), tensor(t, "decoder.weight_v", 36)))
	loaded, err := zoo.Load("resnet20", zoo.LoadOptions{Weights: path, Classes: m.Classes})
	if err != nil {
		t.Fatal(err)
	}
	if notes := strings.Join(loaded.Notes, "\n"); !strings.Contains(notes, "spectrally normalised") || !strings.Contains(notes, "no such tensors: decoder.weight") {
		t.Errorf("notes %q", notes)
	}
	bad := checkpoint(t, m, renamed(before(""), tensor(t, "decoder.weight_orig", 4, 8, 3, 3), tensor(t, "decoder.weight_u", 9), tensor(t, "decoder.weight_v", 32)))
	_, err = zoo.Load("resnet20", zoo.LoadOptions{Weights: bad})
	wantError(t, err, "vectors of 9 and 32 for a tensor of shape [4 8 3 3]")
}
