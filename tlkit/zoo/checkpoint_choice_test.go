package zoo_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestCheckpointChoice: a file with several sets of weights is never read by a guess in silence.
func TestCheckpointChoice(t *testing.T) {
	away(t)
	m := small(t, []string{"a", "b"}, 1)
	for _, tt := range []struct {
		names []string
		key   string
		note  string // "" for none
		err   string // "" for none
	}{
		{[]string{"model", "model_ema"}, "", "further tensors in model_ema, which are not read; LoadOptions.Key", ""},
		{[]string{"model", "model_ema"}, "model_ema", "", ""},
		{[]string{"state_dict_ema", "state_dict"}, "", "state_dict_ema", ""},
		{[]string{"model_ema"}, "", "", ""},
		{[]string{"student", "teacher"}, "", "", `"student", "teacher"; choose one with LoadOptions.Key`},
		{[]string{"student", "teacher"}, "teacher", "", ""},
		{[]string{"student", "teacher"}, "pupil", "", `no dictionary "pupil" in it (LoadOptions.Key)`},
		{[]string{"model", "net"}, "", "", "choose one with LoadOptions.Key"},
	} {
		t.Run(strings.Join(tt.names, "+")+"/"+tt.key, func(t *testing.T) {
			path := nested(t, m, tt.names...)
			loaded, err := zoo.Load("resnet20", zoo.LoadOptions{Weights: path, Key: tt.key, Classes: m.Classes})
			if tt.err != "" {
				wantError(t, err, tt.err)
				var key *weights.KeyError
				if !errors.As(err, &key) || !slices.Equal(key.Found, tt.names) || key.Path != path {
					t.Errorf("%+v, want the names %q", key, tt.names)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if notes := strings.Join(loaded.Notes, "\n"); !strings.Contains(notes, tt.note) || tt.note == "" && notes != "" {
				t.Errorf("notes %q, want %q", notes, tt.note)
			}
		})
	}
}

// TestCheckpointValues: whole numbers are no weights, values that are not finite are named, and a file in several parts
// is opened by its index.
func TestCheckpointValues(t *testing.T) {
	away(t)
	m := small(t, []string{"a", "b"}, 1)
	with := func(key string, change func(e *weights.Entry)) string {
		return checkpoint(t, m, func(entries []weights.Entry) []weights.Entry {
			for i := range entries {
				if entries[i].Key == key {
					change(&entries[i])
				}
			}
			return entries
		})
	}
	whole := with("layer1.0.conv1.weight", func(e *weights.Entry) {
		x, err := weights.NewInt64Tensor(e.Shape, make([]int64, e.Len()))
		if err != nil {
			t.Fatal(err)
		}
		e.Tensor = x
	})
	_, err := zoo.Load("resnet20", zoo.LoadOptions{Weights: whole})
	wantError(t, err, "layer1.0.conv1.weight has whole numbers", "quantised")

	broken := with("layer2.0.conv1.weight", func(e *weights.Entry) {
		values, err := e.Float32()
		if err != nil {
			t.Fatal(err)
		}
		values = slices.Clone(values)
		values[7] = float32(math.NaN())
		if e.Tensor, err = weights.NewTensor(e.Shape, values); err != nil {
			t.Fatal(err)
		}
	})
	loaded, err := zoo.Load("resnet20", zoo.LoadOptions{Weights: broken, Classes: m.Classes})
	if err != nil {
		t.Fatal(err)
	}
	if notes := strings.Join(loaded.Notes, "\n"); !strings.Contains(notes, "not finite") || !strings.Contains(notes, "layer2.0.conv1.weight") {
		t.Errorf("notes %q", notes)
	}
	filled := func(key string, value float32) string {
		return checkpoint(t, m, func(entries []weights.Entry) []weights.Entry {
			for i, e := range entries {
				if e.DType.IsFloat() && strings.HasSuffix(e.Key, key) {
					if entries[i].Tensor, err = weights.NewTensor(e.Shape, slices.Repeat([]float32{value}, e.Len())); err != nil {
						t.Fatal(err)
					}
				}
			}
			return entries
		})
	}
	for path, want := range map[string]string{
		filled("layer2.0.conv1.weight", -1e30):     "values beyond 1e12, as a training that diverges leaves them, are in layer2.0.conv1.weight",
		filled("layer2.0.bn1.running_var", -0.125): "variances below zero, which have no root, are in layer2.0.bn1.running_var",
		filled("", 0): "all its values are zero",
	} {
		if loaded, err = zoo.Load("resnet20", zoo.LoadOptions{Weights: path, Classes: m.Classes}); err != nil {
			t.Fatal(err)
		}
		if len(loaded.Notes) != 1 || !strings.Contains(loaded.Notes[0], want) {
			t.Errorf("notes %q, want %q", loaded.Notes, want)
		}
	}
	// The matrices of an adapter beside the weights that they change: without them, the network is another.
	_, err = zoo.Load("resnet20", zoo.LoadOptions{Weights: checkpoint(t, m, renamed(before(""), tensor(t, "linear.lora_A.default.weight", 4, 64)))})
	wantError(t, err, "linear.lora_A.default.weight is part of an adapter", "merge_and_unload")

	dir := t.TempDir()
	entries, err := m.StateDict()
	if err != nil {
		t.Fatal(err)
	}
	index := map[string]map[string]string{"weight_map": {}}
	half := len(entries) / 2
	for i, part := range [][]weights.Entry{entries[:half], entries[half:]} {
		name := fmt.Sprintf("model-%05d-of-00002.safetensors", i+1)
		for _, e := range part {
			index["weight_map"][e.Key] = name
		}
		if err := weights.WriteSafetensors(filepath.Join(dir, name), part, nil); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.Marshal(index)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "model.safetensors.index.json")
	if err := os.WriteFile(path, text, 0o666); err != nil {
		t.Fatal(err)
	}
	if loaded, err = zoo.Load("resnet20", zoo.LoadOptions{Weights: path, Classes: m.Classes}); err != nil || len(loaded.Notes) > 0 {
		t.Errorf("by the index: %v, error %v", loaded, err)
	}
	_, err = zoo.Load("resnet20", zoo.LoadOptions{Weights: filepath.Join(dir, "model-00001-of-00002.safetensors")})
	wantError(t, err, "missing", "one part of several: open their index")
	if err := os.Remove(filepath.Join(dir, "model-00002-of-00002.safetensors")); err != nil {
		t.Fatal(err)
	}
	_, err = zoo.Load("resnet20", zoo.LoadOptions{Weights: path})
	wantError(t, err, "names model-00002-of-00002.safetensors, which is not beside it")
	_, err = zoo.Load(path)
	wantError(t, err, "is a file, and does not say which network it is for", "LoadOptions{Weights:")
}

// nested writes a checkpoint of PyTorch that holds the weights of m once under every name.
func nested(t *testing.T, m *zoo.Model, names ...string) string {
	t.Helper()
	entries, err := m.StateDict()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain.pth")
	if err := weights.WritePTH(plain, entries); err != nil {
		t.Fatal(err)
	}
	from, err := zip.OpenReader(plain)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	var out bytes.Buffer
	to := zip.NewWriter(&out)
	for _, f := range from.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(f.Name, "data.pkl") {
			state := data[2 : len(data)-1] // between PROTO and STOP
			data = []byte("\x80\x02}(")
			for _, name := range names {
				data = binary.LittleEndian.AppendUint32(append(data, 'X'), uint32(len(name)))
				data = append(append(data, name...), state...)
			}
			data = append(data, "u."...)
		}
		w, err := to.Create(f.Name)
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "nested.pth")
	if err := errors.Join(to.Close(), os.WriteFile(path, out.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRenamedHead: an output layer under another usual name is the file's, with its values; layers of other names, or
// two to choose from, are not taken for it.
func TestRenamedHead(t *testing.T) {
	away(t)
	m := small(t, []string{"a", "b"}, 1)
	entries, err := m.StateDict()
	if err != nil {
		t.Fatal(err)
	}
	want := values(t, m)[m.HeadKey()+".weight"]
	for _, tt := range []struct {
		prefix, head string
		note         string
		taken        bool
	}{
		{"", "head", "its output layer is head", true},
		{"", "head.fc", "its output layer is head.fc", true},
		{"", "last_linear", "its output layer is last_linear", true},
		{"", "classifier.1", "its output layer is classifier.1", true},
		{"", "head.1", "its output layer is head.1", true},
		{"", "projection.1", "left unread", false},
		{"backbone.", "head", "its output layer is head", true},
		{"model.", "model.classifier", "its output layer is model.classifier", true},
		{"", "projection", "left unread, since the network has no such tensors: projection.weight, projection.bias", false},
		{"", "head.mlp.0", "new and random", false},
	} {
		t.Run(tt.prefix+tt.head, func(t *testing.T) {
			renamed := slices.Clone(entries)
			for i, e := range renamed {
				if rest, ok := strings.CutPrefix(e.Key, m.HeadKey()+"."); ok {
					renamed[i].Key = tt.head + "." + rest
				} else {
					renamed[i].Key = tt.prefix + e.Key
				}
			}
			path := filepath.Join(t.TempDir(), "m.pth")
			if err := weights.WritePTH(path, renamed); err != nil {
				t.Fatal(err)
			}
			loaded, err := zoo.Load("resnet20", zoo.LoadOptions{Weights: path, Classes: m.Classes})
			if err != nil {
				t.Fatal(err)
			}
			if notes := strings.Join(loaded.Notes, "\n"); !strings.Contains(notes, tt.note) {
				t.Errorf("notes %q, want %q", notes, tt.note)
			}
			if got := slices.Equal(values(t, loaded)[m.HeadKey()+".weight"], want); got != tt.taken {
				t.Errorf("the output layer has the file's values: %t, want %t", got, tt.taken)
			}
		})
	}
}
