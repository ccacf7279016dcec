package train_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// copyRun copies the folder of a run.
func copyRun(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// TestMisplaced: a whole file of another run, or of an earlier time, in the place of a run's own is found, by Open's
// model and by Compare; the run ends as if nothing had been.
func TestMisplaced(t *testing.T) {
	zoo.Register(tinySpec())
	m, r := pretrained(t), quick(t)
	r.Epochs, r.MemoryLimit = 3, 1
	stopped(t, r)
	early := t.TempDir()
	copyRun(t, filepath.Join(r.Dir, "r"), early)
	whole := compare(t, r, "r", paint(t), m, strategy.FineTune{})
	want, best := whole.Results[0], saved(t, whole, "finetune", "best.safetensors")
	other := r
	other.Seed = 99
	foreign := compare(t, other, "foreign", paint(t), m, strategy.FineTune{})
	for _, tt := range []struct {
		from string
		file string
		said string
	}{
		{foreign.Dir, "finetune/best.safetensors", "best.safetensors is that of another training"},
		{foreign.Dir, "finetune/history.jsonl", "history.jsonl is that of another training"},
		{foreign.Dir, "finetune/result.json", "result.json is that of another training"},
		{foreign.Dir, "run.json", "seed: 99, now 3; all results in the folder fit this call"},
		{foreign.Dir, "finetune", "finetune: its files were made with another configuration; trained anew, what was there before is version 1"},
		{early, "finetune/best.safetensors", "best.safetensors is of epoch 1, which is not the best"},
		{early, "finetune/history.jsonl", "best.safetensors is of epoch 3, which is not the best in history.jsonl"},
		{early, "finetune/result.json", "result.json is of epoch 1, which is not the best"},
	} {
		t.Run(filepath.Base(tt.from)+"/"+tt.file, func(t *testing.T) {
			r := r
			r.Dir = t.TempDir()
			copyRun(t, whole.Dir, filepath.Join(r.Dir, "r"))
			at := filepath.Join(r.Dir, "r", tt.file)
			if tt.file == "finetune" {
				if err := os.RemoveAll(at); err != nil {
					t.Fatal(err)
				}
				copyRun(t, filepath.Join(tt.from, tt.file), at)
			} else {
				for _, suffix := range []string{"", ".bak"} { // as by hand, and as by a backup of the folder
					if data, err := os.ReadFile(filepath.Join(tt.from, tt.file+suffix)); err == nil {
						writeFile(t, at+suffix, data)
					}
				}
			}
			if opened, err := train.Open(r.Dir, "r"); err != nil {
				t.Error(err)
			} else if got, err := result(t, opened, "finetune").Model(); err == nil && tt.file != "finetune" && !reflect.DeepEqual(snapshot(t, got), best) {
				t.Error("Model has other weights, and says nothing")
			}
			run := compare(t, r, "r", paint(t), m, strategy.FineTune{})
			res := run.Results[0]
			if !reflect.DeepEqual(curve(res.History), curve(want.History)) || !reflect.DeepEqual(res.Predictions, want.Predictions) || !reflect.DeepEqual(saved(t, run, "finetune", "best.safetensors"), best) {
				t.Errorf("another result than before: %+v", res)
			}
			if len(run.Warnings) != 1 || !strings.Contains(run.Warnings[0], tt.said) {
				t.Errorf("said %q, want %q", run.Warnings, tt.said)
			}
			if again := compare(t, r, "r", paint(t), m, strategy.FineTune{}); len(again.Warnings) > 0 {
				t.Errorf("the next call says %q", again.Warnings)
			}
		})
	}
}

// TestModelOfDamaged: the model of an opened run is never that of a damaged file.
func TestModelOfDamaged(t *testing.T) {
	zoo.Register(tinySpec())
	r := quick(t)
	run := compare(t, r, "r", paint(t), pretrained(t), strategy.Transfer{})
	path := filepath.Join(run.Dir, "transfer", "best.safetensors")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for how, damage := range damages {
		if bad := damage(good); bad == nil {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		} else {
			writeFile(t, path, bad)
		}
		opened, err := train.Open(r.Dir, "r")
		if err != nil {
			t.Fatal(err)
		}
		_, err = result(t, opened, "transfer").Model()
		if err == nil {
			t.Errorf("%s: a model, and no error", how)
			continue
		}
		wantError(t, err, `strategy "transfer" of run "r"`, "best.safetensors is", "same call of Compare")
	}
}

// TestNoFile: what is in the place of a file and no file is healed, or refused in one line that names it and says what
// to do. A pipe is not waited for.
func TestNoFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege on Windows")
	}
	m, r := pretrained(t), quick(t)
	r.Epochs, r.MemoryLimit = 3, 1
	stopped(t, r)
	done := quick(t)
	done.Epochs, done.MemoryLimit = 3, 1
	want := curve(compare(t, done, "r", paint(t), m, strategy.FineTune{}).Results[0].History)
	places := map[string]func(path string) error{
		"loop": func(path string) error { return os.Symlink(filepath.Base(path), path) },
		"link": func(path string) error { return os.Symlink("nowhere", path) },
		"pipe": pipe, "folder": func(path string) error { return os.MkdirAll(filepath.Join(path, "x"), 0o777) },
	}
	whole := filepath.Join(r.Dir, "r")
	err := filepath.WalkDir(whole, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(whole, path)
		if err != nil {
			return err
		}
		for what, put := range places {
			t.Run(name+"/"+what, func(t *testing.T) {
				r := r
				r.Dir = t.TempDir()
				copyRun(t, whole, filepath.Join(r.Dir, "r"))
				at := filepath.Join(r.Dir, "r", name)
				if err := os.Remove(at); err != nil {
					t.Fatal(err)
				}
				if err := put(at); err != nil {
					t.Fatal(err)
				}
				run, err := r.Compare(t.Context(), "r", paint(t), m, strategy.FineTune{})
				if err != nil {
					wantError(t, err, at)
					if text := err.Error(); !strings.Contains(text, "move it away") && !strings.Contains(text, "remove it") || strings.Contains(text, "\n") {
						t.Errorf("error %q does not say what to do", err)
					}
					if err := os.RemoveAll(at); err != nil { // as it says
						t.Fatal(err)
					}
					run = compare(t, r, "r", paint(t), m, strategy.FineTune{})
				}
				if !reflect.DeepEqual(curve(run.Results[0].History), want) {
					t.Errorf("history %+v", run.Results[0].History)
				}
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
