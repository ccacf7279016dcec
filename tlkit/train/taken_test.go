package train_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestTaken: while a run is trained, its folder is deleted, renamed, replaced by another run's, or taken by a program
// of another machine that its lock does not reach. The training stops with the next step, and no file of another
// training is touched.
func TestTaken(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows moves no open files")
	}
	zoo.Register(tinySpec())
	m := pretrained(t)
	other := quick(t)
	compare(t, other, "r", paint(t), m, strategy.FineTune{LearningRate: 0.5})
	for _, tt := range []struct {
		how    string
		happen func(path string) error
		want   []string
	}{
		{"deleted", os.RemoveAll, []string{"could not be written", "went away during the training", "put it back"}},
		{"renamed", func(path string) error { return os.Rename(path, path+"2") }, []string{"went away during the training"}},
		{"replaced", func(path string) error {
			if err := os.Rename(path, path+"2"); err != nil {
				return err
			}
			return os.CopyFS(path, os.DirFS(filepath.Join(other.Dir, "r")))
		}, []string{`another program has taken the folder of run "r"`, "another name"}},
		{"elsewhere", func(path string) error {
			return os.WriteFile(filepath.Join(path, ".lock"), []byte("process 7 on gpu2, since noon\n"), 0o666)
		}, []string{".lock names process 7 on gpu2, since noon"}},
	} {
		r := quick(t)
		r.Epochs, r.MemoryLimit = 4, 1
		path := filepath.Join(r.Dir, "r")
		var after map[string]string
		ds := paint(t)
		ds.Train = painted(t, 1, 5, (&counter{when: 25, at: func() {
			if err := tt.happen(path); err != nil {
				t.Error(err)
			}
			after = tree(t, path)
		}}).asked)
		_, err := r.Compare(context.Background(), "r", ds, m, strategy.FineTune{})
		if err == nil {
			t.Errorf("%s: no error", tt.how)
			continue
		}
		wantError(t, err, tt.want...)
		for name, content := range tree(t, path) {
			if after[name] != content {
				t.Errorf("%s: %s was written", tt.how, name)
			}
		}
	}
}
