//go:build slow

package train_test

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestDamageOfEveryKind is TestDamage for a run with all kinds of files: strategies with steps and without, one with
// values of its own beside the weights, two seeds, and an earlier version. The same call brings the same figures and
// weights, to the bit; a damaged version is an error or says so.
func TestDamageOfEveryKind(t *testing.T) {
	zoo.Register(tinySpec())
	m := pretrained(t)
	strategies := []train.Strategy{strategy.FineTune{}, strategy.KNN{}, strategy.EWC{Old: oldTask(t)}, &strategy.DANN{Source: source(t)}}
	r := quick(t)
	r.Seeds, r.MemoryLimit = 2, 1
	compare(t, r, "r", paint(t), m, strategy.FineTune{LearningRate: 0.5}) // the version
	whole := compare(t, r, "r", paint(t), m, strategies...)
	earlier, err := whole.Versions()
	if err != nil || len(earlier) != 1 {
		t.Fatalf("%d versions, %v", len(earlier), err)
	}
	weightsOf := func(v *train.Run) map[string][]float32 {
		model, err := v.Results[0].Model()
		if err != nil {
			return nil
		}
		return snapshot(t, model)
	}
	oldWeights := weightsOf(earlier[0])
	if oldWeights == nil {
		t.Fatal("the version has no model")
	}
	// The files of one file's damage are put back from these.
	dir, good := r.Dir, tree(t, r.Dir)
	names := slices.Sorted(maps.Keys(good))
	best := map[string]string{}
	for _, path := range names {
		if rel, _ := filepath.Rel(dir, path); filepath.Base(path) == "best.safetensors" && !strings.Contains(rel, ".versions") {
			best[rel] = good[path]
		}
	}
	if len(names) < 50 || len(best) < 4 {
		t.Fatalf("%d files, %d best weights: %q", len(names), len(best), names)
	}
	t.Logf("%d files, %d kinds of damage", len(names), len(damages))
	for _, path := range names {
		rel, _ := filepath.Rel(dir, path)
		if filepath.Base(path) == ".lock" {
			continue
		}
		for how, damage := range damages {
			t.Run(rel+"/"+how, func(t *testing.T) {
				r := r
				r.Dir = t.TempDir()
				for p, text := range good {
					at, _ := filepath.Rel(dir, p)
					writeFile(t, filepath.Join(r.Dir, at), []byte(text))
				}
				copied := filepath.Join(r.Dir, rel)
				if bad := damage([]byte(good[path])); bad == nil {
					if err := os.Remove(copied); err != nil {
						t.Fatal(err)
					}
				} else {
					writeFile(t, copied, bad)
				}
				run := compare(t, r, "r", paint(t), m, strategies...)
				for i, res := range run.Results {
					for k, one := range res.Seeds() {
						want := whole.Results[i].Seeds()[k]
						if !reflect.DeepEqual(curve(one.History), curve(want.History)) || !reflect.DeepEqual(one.Predictions, want.Predictions) || one.Done != want.Done {
							t.Errorf("%s, seed %d: other figures than before", res.Strategy, one.Seed)
						}
					}
				}
				for at := range best {
					name, file := filepath.Split(strings.TrimPrefix(at, "r/"))
					if !reflect.DeepEqual(saved(t, run, name, file), saved(t, whole, name, file)) {
						t.Errorf("%s: other weights than before", at)
					}
				}
				versions, err := run.Versions()
				for _, v := range versions {
					same := reflect.DeepEqual(curve(v.Results[0].History), curve(earlier[0].Results[0].History)) && reflect.DeepEqual(v.Results[0].Predictions, earlier[0].Results[0].Predictions)
					if w := weightsOf(v); w != nil && !reflect.DeepEqual(w, oldWeights) {
						same = false
					}
					if !same && err == nil && len(v.Warnings) == 0 {
						t.Errorf("the earlier version is another one, and nothing says so")
					}
				}
				if strings.Contains(rel, ".versions") {
					return
				}
				if len(run.Warnings) == 0 && how != "deleted" {
					t.Error("nothing was said")
				}
				if again := compare(t, r, "r", paint(t), m, strategies...); len(again.Warnings) > 0 {
					t.Errorf("the next call says %q", again.Warnings)
				}
			})
		}
	}
}
