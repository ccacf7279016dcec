package train_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// damages are what happens to files; each returns the new content, nil for none.
var damages = map[string]func([]byte) []byte{
	"cut":       func(b []byte) []byte { return b[:len(b)/2] },
	"emptied":   func([]byte) []byte { return []byte{} },
	"first bit": func(b []byte) []byte { return flipBit(b, 0) },
	"early bit": func(b []byte) []byte { return flipBit(b, min(30, len(b)-1)) },
	"a bit":     func(b []byte) []byte { return flipBit(b, len(b)*2/3) },
	"last bit":  func(b []byte) []byte { return flipBit(b, len(b)-1) },
	"garbage":   func(b []byte) []byte { return []byte(strings.Repeat("\x93garbage\x00", len(b)/9+1)) },
	"deleted":   func([]byte) []byte { return nil },
}

func flipBit(b []byte, i int) []byte {
	b = append([]byte(nil), b...)
	b[i] ^= 0x04
	return b
}

// stopped leaves a run of FineTune, of three epochs, in dir: cut off in its second epoch.
func stopped(t *testing.T, r train.Recipe) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ds := paint(t)
	ds.Train = painted(t, 1, 5, (&counter{when: 15 + 10, at: cancel}).asked)
	_, err := r.Compare(ctx, "r", ds, pretrained(t), strategy.FineTune{})
	var interrupted *train.InterruptedError
	if !errors.As(err, &interrupted) || interrupted.Epoch != 2 {
		t.Fatalf("error %v, want an interruption in the second epoch", err)
	}
}

// TestDamage damages every file of a run folder in every way, of a finished run and of one that was stopped: the same
// call brings the same figures and weights, to the bit, and says what it found.
func TestDamage(t *testing.T) {
	m := pretrained(t)
	r := quick(t)
	r.Epochs, r.MemoryLimit = 3, 1
	whole := compare(t, r, "whole", paint(t), m, strategy.FineTune{})
	want, best := curve(whole.Results[0].History), saved(t, whole, "finetune", "best.safetensors")

	for _, state := range []string{"stopped", "finished"} {
		r.Dir = t.TempDir()
		stopped(t, r)
		if state == "finished" {
			compare(t, r, "r", paint(t), m, strategy.FineTune{})
		}
		good, madeIn := tree(t, r.Dir), r.Dir
		files := 0
		for path, content := range good {
			if filepath.Base(path) == ".lock" {
				continue
			}
			files++
			for how, damage := range damages {
				name, _ := filepath.Rel(filepath.Join(r.Dir, "r"), path)
				t.Run(state+"/"+name+"/"+how, func(t *testing.T) {
					r := r
					r.Dir = t.TempDir()
					copied := filepath.Join(r.Dir, "r", name)
					for p, text := range good {
						rel, _ := filepath.Rel(madeIn, p)
						writeFile(t, filepath.Join(r.Dir, rel), []byte(text))
					}
					if bad := damage([]byte(content)); bad == nil {
						if err := os.Remove(copied); err != nil {
							t.Fatal(err)
						}
					} else {
						writeFile(t, copied, bad)
					}
					if opened, err := train.Open(r.Dir, "r"); err == nil {
						// Whatever it shows is what was there.
						for i, e := range curve(opened.Results[0].History) {
							if !reflect.DeepEqual(e, want[i]) {
								t.Errorf("opened with %+v, want %+v", e, want[i])
							}
						}
					} else {
						wantError(t, err, "run.json", "Compare")
					}
					run := compare(t, r, "r", paint(t), m, strategy.FineTune{})
					res := run.Results[0]
					if got := curve(res.History); !reflect.DeepEqual(got, want) || !res.Done {
						t.Errorf("done %v, history\n%+v, want\n%+v", res.Done, got, want)
					}
					if !reflect.DeepEqual(saved(t, run, "finetune", "best.safetensors"), best) {
						t.Error("other weights than those of the undamaged run")
					}
					if !reflect.DeepEqual(res.Predictions, whole.Results[0].Predictions) {
						t.Errorf("predictions %+v, want %+v", res.Predictions, whole.Results[0].Predictions)
					}
					unneeded := how == "deleted" && (strings.Contains(name, "previous") || state == "finished" && name == "finetune/checkpoint.safetensors")
					if len(run.Warnings) != 1 && !unneeded {
						t.Errorf("said %q, want one line", run.Warnings)
					}
					// Once healed, nothing is left to say.
					if again := compare(t, r, "r", paint(t), m, strategy.FineTune{}); len(again.Warnings) > 0 {
						t.Errorf("the next call says %q", again.Warnings)
					}
				})
			}
		}
		if files < 8 {
			t.Errorf("%d files in the run's folder", files)
		}
	}
}

// TestReadTwice: a call that goes on reads the checkpoint twice, to see whether something is left to train and to find
// the point from which training goes on. It may have gigabytes.
func TestReadTwice(t *testing.T) {
	r := quick(t)
	r.Epochs, r.MemoryLimit = 3, 1
	stopped(t, r)
	reads := 0
	mend := train.FailReads(func(path string) error {
		if filepath.Base(path) == "checkpoint.safetensors" {
			reads++
		}
		return nil
	})
	defer mend()
	compare(t, r, "r", paint(t), pretrained(t), strategy.FineTune{})
	if reads != 2 {
		t.Errorf("the checkpoint was read %d times, want 2", reads)
	}
}

func writeFile(t testing.TB, path string, data []byte) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o777)
	if err == nil {
		err = os.WriteFile(path, data, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}
