package zoo_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo/zootest"
)

// TestCheckpointFiles loads what the libraries of today save; see testdata/checkpoints/make.py. The pickles are theirs,
// the tensors are the formula's, of the shapes that theirs have.
func TestCheckpointFiles(t *testing.T) {
	away(t)
	text, err := os.ReadFile(filepath.Join("testdata", "checkpoints", "shapes.json"))
	if err != nil {
		t.Fatal(err)
	}
	var shapes map[string]map[string][]int
	if err := json.Unmarshal(text, &shapes); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		options zoo.LoadOptions
		prefix  string // of the backbone's keys in the file
		classes int
		note    string // part of the notes; "" for none
		err     string
	}{
		{"lightning", zoo.LoadOptions{}, "model.", 5, "criterion.weight", ""},
		{"lightning_compiled", zoo.LoadOptions{}, "model._orig_mod.", 5, "criterion.weight", ""},
		{"swa", zoo.LoadOptions{}, "module.", 5, "", ""},
		{"compiled_parallel", zoo.LoadOptions{}, "", 5, "", ""},
		{"timm_training", zoo.LoadOptions{}, "", 5, "", ""},
		{"timm_training", zoo.LoadOptions{Key: "state_dict_ema"}, "", 5, "", ""},
		{"fastai", zoo.LoadOptions{}, "0.", 1000, "new and random", ""},
		{"fastai_export", zoo.LoadOptions{}, "0.", 1000, "new and random", ""},
		{"whole_model", zoo.LoadOptions{}, "", 5, "", ""},
		{"dino", zoo.LoadOptions{}, "", 0, "", `several dictionaries with tensors: "student", "teacher"`},
		{"dino", zoo.LoadOptions{Key: "teacher"}, "backbone.", 1000, "new and random", ""},
		{"moco", zoo.LoadOptions{}, "", 0, "", `behind the prefixes "encoder_k." and "encoder_q."`},
		{"moco", zoo.LoadOptions{Prefix: "encoder_q."}, "encoder_q.", 5, "encoder_k.conv1.weight", ""},
		{"features", zoo.LoadOptions{}, "", 1000, "new and random", ""},
		{"sequential_head", zoo.LoadOptions{}, "", 5, "its output layer is fc.1", ""},
		{"grey", zoo.LoadOptions{}, "", 5, "one channel", ""},
		{"python313", zoo.LoadOptions{}, "", 5, "", ""},
	} {
		t.Run(tt.name+tt.options.Key+tt.options.Prefix, func(t *testing.T) {
			tt.options.Weights = filled(t, tt.name, tt.options.Key, shapes[tt.name])
			if tt.options.Weights == "" {
				_, err := weights.Open(filepath.Join("testdata", "checkpoints", tt.name+".pth"))
				if wantError(t, err, tt.err); tt.err == "" {
					t.Fatal(err)
				}
				return
			}
			tt.options.Key = ""
			m, err := zoo.Load("resnet18", tt.options)
			if tt.err != "" {
				wantError(t, err, tt.err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Classes) != tt.classes {
				t.Errorf("%d classes, want %d", len(m.Classes), tt.classes)
			}
			if notes := strings.Join(m.Notes, "\n"); !strings.Contains(notes, tt.note) {
				t.Errorf("notes %q, want %q", notes, tt.note)
			}
			p, _ := m.Param("layer4.1.conv2.weight")
			got, err := m.Values(p)
			if err != nil {
				t.Fatal(err)
			}
			key := tt.prefix + p.Key
			if strings.HasPrefix(tt.name, "fastai") {
				key = "0.7.1.conv2.weight"
			}
			if tt.name == "features" {
				key = "7.1.conv2.weight"
			}
			if want := zootest.Weights(key, p.Shape); got[0] != want[0] || got[len(got)-1] != want[len(want)-1] {
				t.Errorf("the last kernel starts with %g, want that of %s, %g", got[0], key, want[0])
			}
		})
	}
}

// filled opens a fixture and writes a file with its keys and tensors of their real shapes. It returns "" if the fixture
// can't be opened.
func filled(t *testing.T, name, place string, shapes map[string][]int) string {
	t.Helper()
	sd, err := weights.OpenWith(filepath.Join("testdata", "checkpoints", name+".pth"), weights.Options{Key: place})
	if err != nil {
		return ""
	}
	defer sd.Close()
	var entries []weights.Entry
	for _, key := range sd.Keys() {
		shape, ok := shapes[strings.TrimPrefix(sd.Nested+"."+sd.Stripped+key, ".")]
		if !ok {
			t.Fatalf("no shape for %q in %q", key, sd.Nested)
		}
		tensor, err := weights.NewTensor(shape, zootest.Weights(key, shape))
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, weights.Entry{Key: key, Tensor: tensor})
	}
	path := filepath.Join(t.TempDir(), name+".safetensors")
	if err := weights.WriteSafetensors(path, entries, nil); err != nil {
		t.Fatal(err)
	}
	return path
}
