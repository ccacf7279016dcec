package zoo_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute-onnx/support/protos"
	"google.golang.org/protobuf/proto"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestPreparedTwice: a file that normalises its images itself is noted where Preprocess does it, too.
func TestPreparedTwice(t *testing.T) {
	dir, _ := unpackNetworks(t, "operators.zip", 150)
	const note = "the file computes with the images itself before its first layer (Sub, Div)"
	for _, tt := range []struct {
		name string
		p    vision.Preprocess
		want bool
	}{
		{"fixed_mean", vision.Preprocess{Mean: vision.ImageNetMean, Std: vision.ImageNetStd}, true},
		{"fixed_mean", vision.Preprocess{Std: vision.ImageNetStd}, true},
		{"fixed_mean", vision.Preprocess{}, false},
		{"fixed_mean", vision.Preprocess{Std: [3]float32{1, 1, 1}}, false},
		{"fixed_blur", vision.Preprocess{Mean: vision.ImageNetMean, Std: vision.ImageNetStd}, false},
	} {
		tt.p.Resize, tt.p.Crop = 19, 19
		m, err := zoo.Load(filepath.Join(dir, tt.name+".onnx"), zoo.LoadOptions{Preprocess: &tt.p})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(strings.Join(m.Notes, "\n"), note); got != tt.want {
			t.Errorf("%s, mean %v, deviation %v: notes %q, want %q: %v", tt.name, tt.p.Mean, tt.p.Std, m.Notes, note, tt.want)
		}
	}
}

// TestConstantsInWeightFiles: PyTorch's state dict has the buffers that are constants of the graph. A weight file may
// have them, in the module of weights or behind a prefix, with the graph's values or their rounding.
func TestConstantsInWeightFiles(t *testing.T) {
	dir, _ := unpackNetworks(t, "operators.zip", 150)
	for _, tt := range []struct {
		name      string
		constants []string
		noted     bool
	}{
		{"fixed_mean", []string{"front.w1", "front.w3"}, true},
		{"fixed_blur", []string{"front.w3"}, true},
		{"fixed_mask", []string{"front.w7"}, false},
	} {
		path := filepath.Join(dir, tt.name+".onnx")
		renameInitializers(t, path, "front.")
		o := zoo.LoadOptions{Preprocess: &vision.Preprocess{Resize: 19, Crop: 19}}
		m, err := zoo.Load(path, o)
		if err != nil {
			t.Fatal(err)
		}
		note := "taken for constants, which no training changes: " + strings.Join(tt.constants, ", ")
		if slices.Contains(m.Notes, note) != tt.noted {
			t.Errorf("%s: notes %q, want %q: %v", tt.name, m.Notes, note, tt.noted)
		}
		graph, err := weights.OpenONNX(path)
		if err != nil {
			t.Fatal(err)
		}
		defer graph.Close()
		for _, factor := range []float32{1, 1.001, 1.5} {
			var constants []weights.Entry
			for _, key := range tt.constants {
				c, ok := graph.Get(key)
				if !ok {
					t.Fatalf("%s has no %s", tt.name, key)
				}
				constants = append(constants, weights.Entry{Key: key, Tensor: scaledTensor(t, c, factor)})
			}
			for _, prefix := range []string{"", "model."} {
				o.Weights = checkpoint(t, m, func(entries []weights.Entry) []weights.Entry {
					return renamed(func(key string) string { return prefix + key })(append(entries, constants...))
				})
				loaded, err := zoo.Load(path, o)
				if factor > 1.1 {
					wantError(t, err, "constants of its graph: "+prefix+tt.constants[0])
				} else if err != nil || strings.Contains(strings.Join(loaded.Notes, "\n"), "left unread") {
					t.Errorf("%s, prefix %q, constants times %g: error %v", tt.name, prefix, factor, err)
				}
			}
		}
	}
}

// scaledTensor returns a tensor whose values are multiplied by a factor.
func scaledTensor(t *testing.T, of weights.Tensor, factor float32) weights.Tensor {
	t.Helper()
	values, err := of.Float32()
	if err != nil {
		t.Fatal(err)
	}
	for i := range values {
		values[i] *= factor
	}
	scaled, err := weights.NewTensor(of.Shape, values)
	if err != nil {
		t.Fatal(err)
	}
	return scaled
}

// renameInitializers puts a prefix before the names of all initializers of an .onnx file.
func renameInitializers(t *testing.T, path, prefix string) {
	t.Helper()
	data, err := os.ReadFile(path)
	m := &protos.ModelProto{}
	if err == nil {
		err = proto.Unmarshal(data, m)
	}
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, i := range m.Graph.Initializer {
		names[i.Name] = prefix + i.Name
		i.Name = names[i.Name]
	}
	for _, n := range m.Graph.Node {
		for i, in := range n.Input {
			if name := names[in]; name != "" {
				n.Input[i] = name
			}
		}
	}
	if data, err = proto.Marshal(m); err == nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
