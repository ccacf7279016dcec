package detached

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
)

// TestDamage damages every file of a detached training before it begins: what is trained is what was asked for, or the
// training is refused with the step that helps. Prepared again, it is trained.
func TestDamage(t *testing.T) {
	r := quiet(t.TempDir(), 2, 5)
	d, _ := prepared(t, r, nil)
	dir := filepath.Join(d.Dir, folder)
	good := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == lockFile {
			return err
		}
		good[path], err = os.ReadFile(path)
		return err
	})
	if err != nil || len(good) < 3 {
		t.Fatalf("%d files, %v", len(good), err)
	}
	alone := r
	alone.Dir = t.TempDir()
	want := compared(t, alone, "alone", strategy.Transfer{})
	flip := func(at func(n int) int) func([]byte) []byte {
		return func(b []byte) []byte {
			b = bytes.Clone(b)
			b[at(len(b))] ^= 0x04
			return b
		}
	}
	// digit changes a figure of the recipe, which stays JSON.
	digit := func(b []byte) []byte {
		return bytes.Replace(bytes.Replace(b, []byte(`"epochs": 2`), []byte(`"epochs": 1`), 1), []byte(`"Phase": "waiting"`), []byte(`"Phase": "finished"`), 1)
	}
	for path, text := range good {
		name, _ := filepath.Rel(dir, path)
		for how, damage := range map[string]func([]byte) []byte{
			"cut":       func(b []byte) []byte { return b[:len(b)/2] },
			"emptied":   func([]byte) []byte { return []byte{} },
			"early bit": flip(func(n int) int { return min(30, n-1) }),
			"a bit":     flip(func(n int) int { return n * 2 / 3 }),
			"last bit":  flip(func(n int) int { return n - 3 }),
			"garbage":   func(b []byte) []byte { return []byte(strings.Repeat("\x93garbage\x00", len(b)/9+1)) },
			"deleted":   func([]byte) []byte { return nil },
			"a digit":   digit,
		} {
			bad := damage(text)
			if bytes.Equal(bad, text) {
				continue
			}
			t.Run(name+"/"+how, func(t *testing.T) {
				for p, b := range good {
					if err := os.WriteFile(p, b, 0o666); err != nil {
						t.Fatal(err)
					}
				}
				for _, own := range []string{"run.json", "run.json.bak", "transfer"} { // nothing is trained
					if err := os.RemoveAll(filepath.Join(d.Dir, own)); err != nil {
						t.Fatal(err)
					}
				}
				if bad == nil {
					err = os.Remove(path)
				} else {
					err = os.WriteFile(path, bad, 0o666)
				}
				if err != nil {
					t.Fatal(err)
				}
				if s, err := d.State(); err == nil && s.Phase == Finished {
					t.Errorf("it counts as finished: %v", s)
				}
				if err := Train(t.Context(), d.Dir); err == nil {
					run, err := d.Run()
					if err != nil {
						t.Fatal(err)
					}
					if got := histories(run); !reflect.DeepEqual(got, want) {
						t.Errorf("trained in silence:\n%+v, want\n%+v", got, want)
					}
				} else if !strings.Contains(err.Error(), "start the training again") && !strings.Contains(err.Error(), "Start writes one") {
					t.Errorf("%v lacks the next step", err)
				}
				prepared(t, r, nil)
				trainHere(t, d)
				run, err := d.Run()
				if err != nil {
					t.Fatal(err)
				}
				if got := histories(run); !reflect.DeepEqual(got, want) {
					t.Errorf("prepared again:\n%+v, want\n%+v", got, want)
				}
			})
		}
	}
}

// TestOtherFilesBesideTheModel: what file browsers and editors leave beside the model is no damage of it.
func TestOtherFilesBesideTheModel(t *testing.T) {
	d, _ := prepared(t, quiet(t.TempDir(), 1, 0), nil)
	models, err := filepath.Glob(filepath.Join(d.Dir, folder, modelPrefix+"-*", "*.safetensors"))
	if err != nil || len(models) != 1 {
		t.Fatalf("models %q, %v; want one", models, err)
	}
	for _, name := range []string{".DS_Store", "._model.safetensors", "model.safetensors.json~"} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(models[0]), name), []byte("x"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	trainHere(t, d)
}
