//go:build linux

package train_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// TestForbidden: files of a run that the user may not read are not called damaged, nothing is trained over them, and
// the other strategies go on. Root may read everything, so the test runs in a process of another user.
func TestForbidden(t *testing.T) {
	const inside = "TLKIT_TEST_FORBIDDEN"
	if os.Getenv(inside) == "" {
		dir, err := os.MkdirTemp("", "forbidden")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		child := exec.Command(os.Args[0], "-test.run=^TestForbidden$", "-test.v")
		child.Env = append(os.Environ(), inside+"=1", "TMPDIR="+dir, "TLKIT_CACHE="+dir, "HOME="+dir, "GOMLX_BACKEND=go")
		if out, err := child.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS: TestForbidden")) {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	const nobody = 65534
	if os.Getuid() == 0 {
		if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody)); err != nil {
			t.Fatal(err)
		}
	}
	ds, m, r := paint(t), pretrained(t), quick(t)
	call := func() (*train.Run, error) {
		return r.Compare(context.Background(), "r", ds, m, strategy.Transfer{}, strategy.KNN{})
	}
	want, err := call()
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(r.Dir, "r", name) }
	for _, c := range []struct {
		name    string
		files   []string
		healed  string // the warning, where a second copy serves
		refused string // the error
	}{
		{"run.json", []string{"run.json"}, "run.json can't be read (permission denied) and was read from its second copy", ""},
		{"both of run.json", []string{"run.json", "run.json.bak"}, "", "run.json: permission denied; nothing was changed"},
		{"result.json", []string{"transfer/result.json"}, "result.json can't be read (permission denied) and was read from its second copy", ""},
		{"second copy", []string{"transfer/history.jsonl.bak"}, "history.jsonl.bak can't be read (permission denied); it is only", ""},
		{"both of history.jsonl", []string{"transfer/history.jsonl", "transfer/history.jsonl.bak"}, "", "permission denied; nothing was changed"},
		{"best weights", []string{"transfer/best.safetensors"}, "", "best.safetensors: permission denied; nothing was changed"},
		{"checkpoint", []string{"transfer/checkpoint.safetensors"}, "", "checkpoint.safetensors: permission denied; nothing was changed"},
		{"folder", []string{"transfer"}, "", "permission denied; nothing was changed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			modes := map[string]fs.FileMode{}
			for _, file := range c.files {
				info, err := os.Stat(at(file))
				if err != nil {
					t.Fatal(err)
				}
				modes[file] = info.Mode().Perm()
				if err := os.Chmod(at(file), 0); err != nil {
					t.Fatal(err)
				}
			}
			run, err := call()
			for file, mode := range modes {
				if err := os.Chmod(at(file), mode); err != nil {
					t.Fatal(err)
				}
			}
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) || strings.Contains(err.Error(), "damaged") {
					t.Errorf("error %v, want %q", err, c.refused)
				}
			} else if err != nil || !strings.Contains(strings.Join(run.Warnings, "\n"), c.healed) {
				t.Errorf("%v, want a warning of %q", err, c.healed)
			}
			again, err := call()
			if err != nil || len(again.Warnings) > 0 {
				t.Fatalf("with permission: %v, %q", err, again.Warnings)
			}
			for i, res := range again.Results {
				if !reflect.DeepEqual(res.History, want.Results[i].History) {
					t.Errorf("%s was trained again", res.Strategy)
				}
			}
		})
	}

	// A strategy's folder that can't be written to stops no other strategy.
	if err := os.Chmod(at("transfer"), 0o555); err != nil {
		t.Fatal(err)
	}
	r.Epochs++
	run, err := call()
	if err := os.Chmod(at("transfer"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err == nil || !strings.Contains(err.Error(), "permission denied") || !strings.Contains(err.Error(), "a copy of the run's folder") {
		t.Errorf("a folder that can't be written to: %v", err)
	}
	if run == nil || len(result(t, run, "knn").History) != r.Epochs {
		t.Error("the other strategy was not trained")
	}

	// A folder below one to classify is listed, and the others are classified.
	dir := t.TempDir()
	for _, name := range []string{"a", "closed", "z"} {
		writePNG(t, filepath.Join(dir, name, "1.png"), image.NewRGBA(image.Rect(0, 0, 8, 8)))
	}
	if err := os.Chmod(filepath.Join(dir, "closed"), 0); err != nil {
		t.Fatal(err)
	}
	found, err := m.PredictFolder(dir)
	if err := os.Chmod(filepath.Join(dir, "closed"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err != nil || len(found) != 3 || found[1].File != "closed" || !errors.Is(found[1].Err, fs.ErrPermission) || found[2].Err != nil {
		t.Errorf("%+v, %v", found, err)
	}
}
