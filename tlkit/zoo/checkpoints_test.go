package zoo_test

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// checkpoint writes the weights of m as people have them: change may rename, drop and add entries.
func checkpoint(t *testing.T, m *zoo.Model, change func([]weights.Entry) []weights.Entry) string {
	t.Helper()
	entries, err := m.StateDict()
	if err == nil {
		path := filepath.Join(t.TempDir(), "some.safetensors")
		if err = weights.WriteSafetensors(path, change(entries), nil); err == nil {
			return path
		}
	}
	t.Fatal(err)
	return ""
}

// renamed is a change that turns each key into another; "" drops the entry.
func renamed(key func(string) string, extra ...weights.Entry) func([]weights.Entry) []weights.Entry {
	return func(entries []weights.Entry) []weights.Entry {
		var out []weights.Entry
		for _, e := range entries {
			if e.Key = key(e.Key); e.Key != "" {
				out = append(out, e)
			}
		}
		return append(out, extra...)
	}
}

func tensor(t *testing.T, key string, shape ...int) weights.Entry {
	t.Helper()
	n := 1
	for _, d := range shape {
		n *= d
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(i%7) / 8
	}
	x, err := weights.NewTensor(shape, values)
	if err != nil {
		t.Fatal(err)
	}
	return weights.Entry{Key: key, Tensor: x}
}

// before puts a prefix in front of a key.
func before(prefix string) func(string) string {
	return func(key string) string { return prefix + key }
}

// TestCheckpoints loads files as people have them. The features must be the original's to the bit; so must the logits
// where the file has an output layer.
func TestCheckpoints(t *testing.T) {
	away(t)
	names := []string{"a", "b", "c"}
	original := small(t, names, 3)
	noHead := func(key string) string {
		if strings.HasPrefix(key, "linear.") {
			return ""
		}
		return key
	}
	tests := []struct {
		name   string
		change func([]weights.Entry) []weights.Entry
		head   bool     // the file has an output layer that is taken
		notes  []string // parts of Model.Notes, in order
	}{
		{"plain", renamed(before("")), true, nil},
		{"DataParallel", renamed(before("module.")), true, nil},
		{"compiled", renamed(before("_orig_mod.")), true, nil},
		{"compiled within", renamed(func(k string) string { return strings.Replace(k, "layer1.", "layer1._orig_mod.", 1) }), true, nil},
		{"compiled and parallel", renamed(before("module._orig_mod.")), true, nil},
		{"SWA", renamed(before("module."), tensor(t, "n_averaged")), true, nil},
		{"Lightning", renamed(before("model."), tensor(t, "criterion.weight", 3), tensor(t, "loss.margin", 2, 2)), true,
			[]string{`the prefix "model."`, "no such tensors: criterion.weight, loss.margin"}},
		{"Lightning of a compiled model", renamed(before("model._orig_mod.")), true, []string{`the prefix "model."`}},
		{"two levels", renamed(before("model.model.")), true, []string{`the prefix "model.model."`}},
		{"backbone", renamed(before("backbone.")), true, []string{`the prefix "backbone."`}},
		{"encoder", renamed(before("encoder.")), true, []string{`the prefix "encoder."`}},
		{"net", renamed(before("net.")), true, []string{`the prefix "net."`}},
		{"any other", renamed(before("my.own.thing.")), true, []string{`the prefix "my.own.thing."`}},
		{"no head", renamed(noHead), false, []string{"the output layer is new and random"}},
		{"DINO", renamed(func(k string) string { return before("backbone.")(k) }, tensor(t, "projector.0.weight", 8, 64)), true,
			[]string{"backbone.", "projector.0.weight"}},
		{"head in a Sequential", renamed(func(k string) string { return strings.Replace(k, "linear.", "linear.1.", 1) }), true,
			[]string{"its output layer is linear.1"}},
		{"head without a bias", renamed(func(k string) string { return strings.TrimSuffix(k, "linear.bias") }), true, []string{"has no bias, which is taken for zero"}},
		{"projection without a bias before the head", renamed(noHead, tensor(t, "linear.weight", 128, 64), tensor(t, "classifier.weight", 3, 128), tensor(t, "classifier.bias", 3)), false,
			[]string{"the output layer is new and random, for 3 classes", "no such tensors: classifier.weight", "linear is not taken for the output layer, since classifier takes its 128 outputs"}},
		{"projection with a bias before the head", renamed(noHead, tensor(t, "linear.weight", 128, 64), tensor(t, "linear.bias", 128), tensor(t, "linear.1.weight", 3, 128)), false,
			[]string{"the output layer is new and random, for 3 classes", "no such tensors: linear.1.weight", "linear.1 takes its 128 outputs"}},
		{"projection without a bias in a Sequential", renamed(noHead, tensor(t, "head.1.weight", 128, 64), tensor(t, "embedding.weight", 3, 128)), false,
			[]string{"the output layer is new and random, for 3 classes", "no such tensors: head.1.weight", "head.1 is not taken for the output layer"}},
		{"two heads without a bias", renamed(noHead, tensor(t, "linear.weight", 3, 64), tensor(t, "linear.1.weight", 3, 64)), false,
			[]string{"the output layer is new and random", "no such tensors: linear.1.weight", "since linear.1 may be it, too"}},
		{"head without a bias beside another", renamed(noHead, tensor(t, "linear.weight", 3, 64), tensor(t, "head.weight", 3, 64), tensor(t, "head.bias", 3)), false,
			[]string{"the output layer is new and random", "no such tensors: head.weight", "since head may be it, too"}},
		{"two layers for a head", renamed(noHead, tensor(t, "linear.0.weight", 8, 64), tensor(t, "linear.0.bias", 8), tensor(t, "linear.2.weight", 3, 8), tensor(t, "linear.2.bias", 3)), false,
			[]string{"the output layer is new and random", "no such tensors: linear.0.weight"}},
		{"head of other features", renamed(noHead, tensor(t, "linear.weight", 3, 10), tensor(t, "linear.bias", 3)), false,
			[]string{"the output layer is new and random"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := checkpoint(t, original, tt.change)
			m, err := zoo.Load("resnet20", zoo.LoadOptions{Weights: path, Classes: names})
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range tt.notes {
				if i >= len(m.Notes) || !strings.Contains(m.Notes[i], want) {
					t.Errorf("note %d of %q: want %q", i, m.Notes, want)
				}
			}
			if len(tt.notes) == 0 && len(m.Notes) > 0 {
				t.Errorf("notes %q, want none", m.Notes)
			}
			for _, p := range m.Params() {
				got, err := m.Values(p)
				want, err2 := original.Values(p)
				if err != nil || err2 != nil {
					t.Fatal(err, err2)
				}
				if equal := slices.Equal(got, want); equal != (tt.head || !m.InHead(p)) && !strings.HasSuffix(p.Key, "bias") {
					t.Errorf("%s: equal to the original's: %v", p.Key, equal)
				}
			}
		})
	}
}

// TestCheckpointClasses: names of classes are never guessed.
func TestCheckpointClasses(t *testing.T) {
	away(t)
	two := checkpoint(t, small(t, []string{"a", "b"}, 1), renamed(before("")))
	ten := checkpoint(t, small(t, strings.Split("a b c d e f g h i j", " "), 1), renamed(before("")))
	none := checkpoint(t, small(t, []string{"a", "b"}, 1), renamed(func(k string) string {
		if strings.HasPrefix(k, "linear.") {
			return ""
		}
		return k
	}))
	for _, tt := range []struct {
		name    string
		options zoo.LoadOptions
		classes []string // the first of them
		n       int
		note    string
		err     string
	}{
		{"two, unnamed", zoo.LoadOptions{Weights: two}, []string{"class 0", "class 1"}, 2, "its 2 classes have no names", ""},
		{"two, named", zoo.LoadOptions{Weights: two, Classes: []string{"x", "y"}}, []string{"x", "y"}, 2, "", ""},
		{"as many as published", zoo.LoadOptions{Weights: ten}, []string{"airplane"}, 10, "", ""},
		{"other number named", zoo.LoadOptions{Weights: two, Classes: []string{"x", "y", "z"}}, nil, 0, "", `Head: "new"`},
		{"new head", zoo.LoadOptions{Weights: two, Head: zoo.HeadNew, Classes: []string{"x", "y", "z"}}, []string{"x", "y", "z"}, 3, "new and random, for 3 classes", ""},
		{"new head, as many", zoo.LoadOptions{Weights: two, Head: zoo.HeadNew, Classes: []string{"x", "y"}}, []string{"x", "y"}, 2, "new and random, for 2 classes", ""},
		{"no head", zoo.LoadOptions{Weights: none}, []string{"class 0"}, 10, "new and random, for 10 classes", ""},
		{"no head but asked for", zoo.LoadOptions{Weights: none, Head: zoo.HeadOfFile}, nil, 0, "", "no output layer that fits"},
		{"one output", zoo.LoadOptions{Weights: checkpoint(t, small(t, []string{"a"}, 1), renamed(before("")))}, []string{"class 0"}, 1, "its output layer has one value", ""},
		{"published, new head", zoo.LoadOptions{Head: zoo.HeadNew, Classes: []string{"x"}}, []string{"x"}, 1, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name := "resnet20"
			if tt.options.Weights == "" {
				name = "resnet20.SHAPES"
			}
			m, err := zoo.Load(name, tt.options)
			if tt.err != "" {
				wantError(t, err, tt.err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Classes) != tt.n || !slices.Equal(m.Classes[:len(tt.classes)], tt.classes) {
				t.Errorf("classes %q, want %d, the first %q", m.Classes, tt.n, tt.classes)
			}
			if !strings.Contains(strings.Join(m.Notes, "\n"), tt.note) || tt.note == "" && len(m.Notes) > 0 {
				t.Errorf("notes %q, want %q", m.Notes, tt.note)
			}
			if _, err := m.Logits(nil); err != nil && !strings.Contains(err.Error(), "image") {
				t.Error(err)
			}
		})
	}
}

// TestCheckpointMismatch: a text claims what was checked, and no more.
func TestCheckpointMismatch(t *testing.T) {
	away(t)
	twenty, thirtyTwo := small(t, []string{"a", "b"}, 1), deeper(t)
	for _, tt := range []struct {
		name, path string
		want, not  []string
	}{
		{"larger network", checkpoint(t, thirtyTwo, renamed(before(""))), []string{`"resnet20"`, "(95 keys do)", "60 unexpected: layer1.3.conv1.weight"}, []string{"prefix", "missing", "another model"}},
		{"larger network behind a prefix", checkpoint(t, thirtyTwo, renamed(before("model."))), []string{`after the prefix "model." is removed`, "unexpected: model.layer1.3.conv1.weight"}, []string{"missing"}},
		{"half of it", checkpoint(t, twenty, renamed(func(k string) string {
			if strings.HasPrefix(k, "layer3.") {
				return ""
			}
			return "net." + k
		})), []string{`after the prefix "net." is removed`, "missing: layer3.0.conv1.weight"}, []string{"another model"}},
		{"none of it", checkpoint(t, twenty, renamed(func(k string) string { return strings.ReplaceAll(k, ".", "/") })), []string{"(0 keys do)", "not one name fits"}, []string{"prefix", "probably"}},
		{"another network with a few names of this one", checkpoint(t, twenty, renamed(func(k string) string {
			switch k {
			case "layer1.0.bn1.weight", "layer1.0.bn1.bias":
				return k
			case "layer2.0.bn1.weight", "layer2.0.bn1.bias":
				return "x." + strings.Replace(k, "layer2", "layer1", 1)
			}
			return "other." + strings.ReplaceAll(k, ".", "/")
		})), []string{"(2 keys do)", "missing: conv1.weight"}, []string{"more than once"}},
		{"four channels", checkpoint(t, twenty, renamed(func(k string) string {
			if k == "conv1.weight" {
				return ""
			}
			return k
		}, tensor(t, "conv1.weight", 16, 4, 3, 3))), []string{"its first layer is for images of 4 channels", "sd[KEY][:, :3]"}, []string{"more than once"}},
		{"prepared for quantisation", checkpoint(t, twenty, renamed(func(k string) string { return strings.Replace(k, ".bn1.", ".conv1.1.", 1) },
			tensor(t, "layer1.0.conv1.activation_post_process.min_val", 1))),
			[]string{"activation_post_process.min_val is of a network that torch.ao.quantization has prepared"}, []string{"more than once"}},
		{"twice", checkpoint(t, twenty, func(e []weights.Entry) []weights.Entry {
			return append(renamed(before("student."))(e), renamed(before("teacher."))(e)...)
		}), []string{`"student."`, `"teacher."`, "LoadOptions.Prefix"}, []string{"missing"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := zoo.Load("resnet20", zoo.LoadOptions{Weights: tt.path})
			wantError(t, err, tt.want...)
			for _, not := range tt.not {
				if strings.Contains(err.Error(), not) {
					t.Errorf("the error says %q: %v", not, err)
				}
			}
			var mismatch *weights.MismatchError
			if tt.name != "twice" && !errors.As(err, &mismatch) {
				t.Errorf("%T is no *weights.MismatchError", err)
			}
		})
	}
	both := checkpoint(t, twenty, func(e []weights.Entry) []weights.Entry {
		return append(renamed(before("student."))(e), renamed(before("teacher."))(e)...)
	})
	if m, err := zoo.Load("resnet20", zoo.LoadOptions{Weights: both, Prefix: "teacher."}); err != nil || len(m.Classes) != 2 {
		t.Errorf("with a prefix: %v", err)
	}
	_, err := zoo.Load("resnet20", zoo.LoadOptions{Weights: both, Prefix: "techer."})
	wantError(t, err, `no key of `, `begins with LoadOptions.Prefix, "techer."; they begin with "student.", "teacher."`)
}

// TestPrefixes: a network is found behind a prefix that ends in no dot, and behind a part of its prefix that is given.
func TestPrefixes(t *testing.T) {
	away(t)
	m := small(t, []string{"a", "b"}, 1)
	before := func(prefix string) func(e []weights.Entry) []weights.Entry {
		return renamed(func(k string) string { return prefix + k })
	}
	for prefix, given := range map[string]string{"net_": "", "network/": "", "model:": "", "net->": "", "my net ": "", "a.b_": "", "net.model.": "net.", "net.": "net", "net_x.": "net"} {
		got, err := zoo.Load("resnet20", zoo.LoadOptions{Weights: checkpoint(t, m, before(prefix)), Prefix: given})
		if err != nil {
			t.Errorf("%q: %v", prefix, err)
			continue
		}
		if notes := strings.Join(got.Notes, "\n"); !strings.Contains(notes, fmt.Sprintf("the prefix %q of its keys is left out", prefix)) {
			t.Errorf("%q: notes %q", prefix, notes)
		}
	}
	two := checkpoint(t, m, func(e []weights.Entry) []weights.Entry { return append(before("a_")(e), before("b_")(e)...) })
	_, err := zoo.Load("resnet20", zoo.LoadOptions{Weights: two})
	wantError(t, err, `behind the prefixes "a_" and "b_"; choose with LoadOptions.Prefix`)
}

func deeper(t *testing.T) *zoo.Model {
	t.Helper()
	m, err := zoo.Load("resnet32", zoo.LoadOptions{Weights: zoo.Random, Classes: []string{"a", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestOneChannel: a first layer for grey images gives them the same features in three equal channels.
func TestOneChannel(t *testing.T) {
	away(t)
	m := small(t, []string{"a", "b"}, 5)
	var grey []float32
	path := checkpoint(t, m, func(entries []weights.Entry) []weights.Entry {
		for i, e := range entries {
			if e.Key != "conv1.weight" {
				continue
			}
			rgb, err := e.Float32()
			if err != nil {
				t.Fatal(err)
			}
			for kernel := range slices.Chunk(rgb, 3*9) {
				grey = append(grey, kernel[:9]...)
			}
			x, err := weights.NewTensor([]int{16, 1, 3, 3}, grey)
			if err != nil {
				t.Fatal(err)
			}
			entries[i].Tensor = x
		}
		return entries
	})
	loaded, err := zoo.Load("resnet20", zoo.LoadOptions{Weights: path, Classes: m.Classes})
	if err != nil {
		t.Fatal(err)
	}
	if len(loaded.Notes) != 1 || !strings.Contains(loaded.Notes[0], "one channel") {
		t.Errorf("notes %q", loaded.Notes)
	}
	p, _ := loaded.Param("conv1.weight")
	values, err := loaded.Values(p)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range values {
		if want := grey[i/27*9+i%9] / 3; v != want {
			t.Fatalf("value %d is %g, want a third of the grey kernel's, %g", i, v, want)
		}
	}
}

// TestMetadataOfOnesOwn: metadata with the name of a tensor as its value is none of the file's tensors.
func TestMetadataOfOnesOwn(t *testing.T) {
	away(t)
	m := small(t, []string{"a", "b", "c"}, 1)
	entries, err := m.StateDict()
	if err != nil {
		t.Fatal(err)
	}
	weight := m.HeadKey() + ".weight"
	path := filepath.Join(t.TempDir(), "own.safetensors")
	if err := weights.WriteSafetensors(path, entries, map[string]string{"format": "pt", m.HeadKey(): weight, "best": entries[0].Key, weight + "2": weight}); err != nil {
		t.Fatal(err)
	}
	loaded, err := zoo.Load("resnet20", zoo.LoadOptions{Weights: path, Head: zoo.HeadOfFile, Classes: m.Classes})
	if err != nil {
		t.Fatal(err)
	}
	if want := values(t, m); !maps.EqualFunc(values(t, loaded), want, slices.Equal[[]float32]) || len(loaded.Notes) > 0 {
		t.Errorf("the values are not those of the file, or notes: %q", loaded.Notes)
	}
}

// TestSharedTensors: a module that holds the layers of a network twice, written by safetensors.torch.save_model, has
// one name for each tensor; the network's own is in the metadata, and so is found with the output layer beside it.
func TestSharedTensors(t *testing.T) {
	away(t)
	m := small(t, []string{"a", "b", "c"}, 1)
	entries, err := m.StateDict()
	if err != nil {
		t.Fatal(err)
	}
	metadata := map[string]string{"format": "pt"}
	for i, e := range entries {
		entries[i].Key = "model." + e.Key
		if !strings.HasPrefix(e.Key, m.HeadKey()) {
			entries[i].Key = fmt.Sprintf("features.%d%s", i, e.Key[strings.LastIndexByte(e.Key, '.'):])
			metadata["model."+e.Key] = entries[i].Key
		}
	}
	path := filepath.Join(t.TempDir(), "shared.safetensors")
	if err := weights.WriteSafetensors(path, entries, metadata); err != nil {
		t.Fatal(err)
	}
	loaded, err := zoo.Load("resnet20", zoo.LoadOptions{Weights: path, Head: zoo.HeadOfFile})
	if err != nil {
		t.Fatal(err)
	}
	if want := values(t, m); !maps.EqualFunc(values(t, loaded), want, slices.Equal[[]float32]) {
		t.Error("the values are not those of the file")
	}
}
