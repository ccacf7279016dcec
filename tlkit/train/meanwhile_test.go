package train_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestOpenMeanwhile: a run that is opened while another program records an epoch has no fault, between whichever two
// files the reader is when the writer writes.
func TestOpenMeanwhile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows replaces no open files")
	}
	zoo.Register(tinySpec())
	r := quick(t)
	r.Epochs, r.MemoryLimit, r.Restore = 3, 1, train.RestoreLast
	after := map[int]string{} // the strategy's folder after one epoch and after two
	for _, epochs := range []int{1, 2} {
		r.Dir = t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ds := paint(t)
		ds.Train = painted(t, 1, 5, (&counter{when: epochs*15 + 10, at: cancel}).asked)
		_, err := r.Compare(ctx, "r", ds, pretrained(t), strategy.FineTune{})
		var interrupted *train.InterruptedError
		if !errors.As(err, &interrupted) || interrupted.Epoch != epochs+1 {
			t.Fatalf("error %v, want an interruption in epoch %d", err, epochs+1)
		}
		after[epochs] = filepath.Join(r.Dir, "r", "finetune")
	}
	const opened = 8 // files that the reader opens, at least
	for first := range opened {
		for second := first; second < opened; second++ {
			dir := t.TempDir()
			copyRun(t, filepath.Dir(after[1]), filepath.Join(dir, "r"))
			n := 0
			mend := train.FailReads(func(path string) error {
				if filepath.Base(filepath.Dir(path)) != "finetune" {
					return nil
				}
				if n == first { // in the order of loop.record
					replace(t, after[2], filepath.Join(dir, "r", "finetune"), "best.safetensors", "result.json", "result.json.bak")
				}
				if n == second {
					replace(t, after[2], filepath.Join(dir, "r", "finetune"), "history.jsonl", "history.jsonl.bak")
				}
				n++
				return nil
			})
			run, err := train.Open(dir, "r")
			if err != nil {
				t.Error(err)
			} else if _, err := run.Results[0].Model(); err != nil || len(run.Warnings) > 0 {
				t.Errorf("written at files %d and %d: warnings %q, model: %v", first, second, run.Warnings, err)
			}
			mend()
			if n < opened {
				t.Errorf("%d files were opened, want %d", n, opened)
			}
		}
	}
}

// replace replaces files by those of another folder, as a program that writes them does: whole, under a name of their
// own.
func replace(t *testing.T, from, to string, names ...string) {
	t.Helper()
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		next := filepath.Join(to, strings.TrimSuffix(name, ".bak")+".replaced")
		writeFile(t, next, data)
		if err := os.Rename(next, filepath.Join(to, name)); err != nil {
			t.Fatal(err)
		}
	}
}
