package zoo

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/ml/model"
)

// TestParameterCounts builds every model of the registry without values and counts: the number of parameters is that
// of each published weight set, and head, stages and keys are what the verbs of transfer learning need.
func TestParameterCounts(t *testing.T) {
	for _, name := range List(Filter{}) {
		spec, err := Info(name)
		if err != nil {
			t.Fatal(err)
		}
		if spec.Family == "custom" {
			continue // registered by another test
		}
		for _, set := range spec.Weights {
			own := spec
			own.InputSize = set.Preprocess.Crop // position embeddings depend on it
			m := traced(t, own, set.Classes)
			if n, trained := m.NumParams(); n != set.Params || trained != n {
				t.Errorf("%s.%s: %d parameters, %d of them trained; published are %d", name, set.Name, n, trained, set.Params)
			}
		}
		m := traced(t, spec, []string{"a", "b", "c"})
		stages := m.Stages()
		keys := map[string]bool{}
		head := 0
		for _, p := range m.Params() {
			if keys[p.Key] {
				t.Errorf("%s: key %s comes twice", name, p.Key)
			}
			keys[p.Key] = true
			if p.Init == nil || p.Size() < 1 {
				t.Errorf("%s: %s has no start values, or shape %v", name, p.Key, p.Shape)
			}
			if m.InHead(p) {
				head++
				if !strings.HasPrefix(p.Key, m.HeadKey()+".") {
					t.Errorf("%s: %s is in the head %s", name, p.Key, m.HeadKey())
				}
			} else if !slices.Contains(stages, p.Stage) {
				t.Errorf("%s: %s is in the unknown stage %q", name, p.Key, p.Stage)
			}
		}
		if head == 0 || len(stages) < 2 || len(slices.Compact(slices.Sorted(slices.Values(stages)))) != len(stages) {
			t.Errorf("%s: %d variables in the head, stages %v", name, head, stages)
		}
	}
}

// TestTimmKeys: the networks that the zoo has from timm have timm's keys, shapes and numbers of parameters, without
// values (testdata/timm/make_goldens.py --keys). Those with a file in testdata/timm have timm's logits, too.
func TestTimmKeys(t *testing.T) {
	f, err := os.Open(filepath.Join("testdata", "timm_keys.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var networks map[string]struct {
		Params    int               `json:"params"`
		StateDict []json.RawMessage `json:"state_dict"`
	}
	if err := json.NewDecoder(z).Decode(&networks); err != nil || len(networks) < 80 {
		t.Fatalf("%d networks (%v)", len(networks), err)
	}
	for name, want := range networks {
		timm, err := timmArchitecture(name)
		if err != nil {
			t.Error(err)
			continue
		}
		spec, _ := lookup(timm.name)
		if n, _ := traced(t, spec, ImageNetClasses()).NumParams(); n != want.Params {
			t.Errorf("%s: %d parameters, timm has %d", name, n, want.Params)
		}
		shapes := map[string]string{}
		for _, p := range traced(t, spec, make([]string, 10)).Params() {
			shapes[p.Key] = fmt.Sprint(p.Shape)
		}
		for _, entry := range want.StateDict {
			var key string
			var shape []int
			if err := json.Unmarshal(entry, &[]any{&key, &shape}); err != nil {
				t.Fatal(err)
			}
			ours := timm.layouts()[0].rename(key)
			if linear := strings.HasPrefix(key, "conv_head.") && strings.HasPrefix(ours, "classifier."); linear && len(shape) == 4 {
				shape = shape[:2] // a convolution of one place, in MobileNetV3
			}
			if shapes[ours] != fmt.Sprint(shape) {
				t.Errorf("%s: timm's %s %v is %s %s here", name, key, shape, ours, shapes[ours])
			}
			delete(shapes, ours)
		}
		if len(shapes) > 0 {
			t.Errorf("%s: timm lacks %v", name, shapes)
		}
	}
}

// traced returns a model without values: the largest ones would not fit into the memory of a small machine.
func traced(t *testing.T, spec Spec, classes []string) *Model {
	t.Helper()
	m := &Model{Spec: spec, Classes: classes, arch: spec.Build(), store: model.NewStore()}
	if err := m.trace(); err != nil {
		t.Fatal(err)
	}
	return m
}
