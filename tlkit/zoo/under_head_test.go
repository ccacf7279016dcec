package zoo_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo/zootest"
)

// TestUnderHead: files that lack layers between backbone and output layer, or have a head of another build, load with
// these layers new, and say so. No head of another build is taken for the network's.
func TestUnderHead(t *testing.T) {
	away(t)
	spec, err := zoo.Info("mobilenet_v3_small")
	if err != nil {
		t.Fatal(err)
	}
	original, err := zoo.New(spec, []string{"a", "b", "c"}, 3)
	if err != nil {
		t.Fatal(err)
	}
	without := func(prefix string, extra ...weights.Entry) func([]weights.Entry) []weights.Entry {
		return renamed(func(k string) string {
			if strings.HasPrefix(k, prefix) {
				return ""
			}
			return k
		}, extra...)
	}
	layer := func(key string, out, in int) []weights.Entry {
		return []weights.Entry{tensor(t, key+".weight", out, in), tensor(t, key+".bias", out)}
	}
	for _, tt := range []struct {
		name   string
		change func([]weights.Entry) []weights.Entry
		fresh  []string // what may differ from the file
		notes  []string
	}{
		{"whole", without("none"), nil, nil},
		{"backbone", without("classifier."), []string{"classifier.0", "classifier.3"}, []string{"classifier.0.weight, classifier.0.bias; train them too", "output layer is new"}},
		{"a linear layer for a head", without("classifier.", layer("classifier", 5, 576)...), []string{"classifier.0", "classifier.3"},
			[]string{"are new and random: classifier.0.weight", "output layer is new", "classifier.weight"}},
		{"a narrower head", without("classifier.", append(layer("classifier.0", 64, 576), layer("classifier.3", 5, 64)...)...), []string{"classifier.0", "classifier.3"},
			[]string{"are new and random: classifier.0.weight", "output layer is new"}},
		{"a longer head", without("none", layer("classifier.5", 2, 3)...), []string{"classifier.3"}, []string{"output layer is new", "classifier.5.weight"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := checkpoint(t, original, tt.change)
			m, err := zoo.Load("mobilenet_v3_small", zoo.LoadOptions{Weights: path, Classes: original.Classes})
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range tt.notes {
				if !strings.Contains(strings.Join(m.Notes, "\n"), want) {
					t.Errorf("notes %q, want %q", m.Notes, want)
				}
			}
			if tt.notes == nil && len(m.Notes) > 0 {
				t.Errorf("notes %q, want none", m.Notes)
			}
			for _, p := range m.Params() {
				got, err := m.Values(p)
				want, err2 := original.Values(p)
				if err != nil || err2 != nil {
					t.Fatal(err, err2)
				}
				fresh := slices.ContainsFunc(tt.fresh, func(l string) bool { return strings.HasPrefix(p.Key, l+".") })
				if slices.Equal(got, want) == fresh && !strings.HasSuffix(p.Key, "bias") {
					t.Errorf("%s: new %v, want %v", p.Key, !fresh, fresh)
				}
			}
			if tt.fresh == nil {
				return
			}
			_, err = zoo.Load("mobilenet_v3_small", zoo.LoadOptions{Weights: path, Head: zoo.HeadOfFile})
			wantError(t, err, "no output layer that fits")
		})
	}
	_, err = zoo.Load("mobilenet_v3_small", zoo.LoadOptions{Weights: checkpoint(t, original, without("features.3."))})
	wantError(t, err, "do not fit", "features.3.")
}

// TestUnderHeadDescribed: where config.json names the network, layers under the output layer that do not fit are an
// error and not new, unless the file has no output layer at all.
func TestUnderHeadDescribed(t *testing.T) {
	away(t)
	for _, tt := range []struct {
		name string
		keys map[string]zootest.Tensor // in place of the file's; no key drops it
		want string                    // in the error
	}{
		{"narrower", map[string]zootest.Tensor{
			"conv_head.weight":  {Key: "conv_head.weight", Shape: []int{64, 576, 1, 1}},
			"conv_head.bias":    {Key: "conv_head.bias", Shape: []int{64}},
			"classifier.weight": {Key: "classifier.weight", Shape: []int{10, 64}},
		}, "classifier.0.weight (model [1024 576], file [64 576 1 1])"},
		{"lost", map[string]zootest.Tensor{"conv_head.weight": {}}, "missing: classifier.0.weight"},
		{"backbone", map[string]zootest.Tensor{"conv_head.weight": {}, "conv_head.bias": {}, "classifier.weight": {}, "classifier.bias": {}}, ""},
	} {
		g := transformersGolden{timmGolden: readTimmGolden(t, filepath.Join("testdata", "timm", "mobilenetv3_small_100.json.gz"))}
		var state []zootest.Tensor
		for _, k := range g.StateDict {
			if other, ok := tt.keys[k.Key]; ok {
				k = other
			}
			if k.Key != "" {
				state = append(state, k)
			}
		}
		g.StateDict = state
		m, err := zoo.Load(g.folder(t))
		if tt.want != "" {
			wantError(t, err, tt.want)
		} else if err != nil || !strings.Contains(strings.Join(m.Notes, "\n"), "are new and random: classifier.0.weight") {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
