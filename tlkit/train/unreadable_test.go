package train_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// TestUnreadable: a file of a run that the disk does not give, a network folder that is gone and a folder in
// the place of a file are no damage: one line says what to do, the other strategies go on, and nothing is
// trained over what is there.
func TestUnreadable(t *testing.T) {
	ds, m, r := paint(t), pretrained(t), quick(t)
	call := func() (*train.Run, error) {
		return r.Compare(context.Background(), "r", ds, m, strategy.Transfer{}, strategy.KNN{})
	}
	want, err := call()
	if err != nil {
		t.Fatal(err)
	}
	checkpoint := saved(t, want, "transfer", "checkpoint.safetensors")
	for _, c := range []struct {
		name    string
		files   []string
		fault   error
		healed  string // the warning, where a second copy serves
		refused string // the error
	}{
		{"run.json", []string{"run.json"}, syscall.EIO, "run.json can't be read (input/output error) and was read from its second copy", ""},
		{"both of run.json", []string{"run.json", "run.json.bak"}, syscall.EIO, "", "nothing was changed: call this again when the disk"},
		{"result.json", []string{"transfer/result.json"}, syscall.EIO, "result.json can't be read (input/output error)", ""},
		{"both of result.json", []string{"transfer/result.json", "transfer/result.json.bak"}, syscall.EIO, "", "nothing was changed"},
		{"history", []string{"transfer/history.jsonl", "transfer/history.jsonl.bak"}, syscall.ESTALE, "", "mount it again"},
		{"best weights", []string{"transfer/best.safetensors"}, syscall.EIO, "", "best.safetensors"},
		{"checkpoint", []string{"transfer/checkpoint.safetensors"}, syscall.ESTALE, "", "mount it again"},
		{"the strategy's folder", []string{"transfer/"}, syscall.ESTALE, "", "mount it again"},
	} {
		t.Run(c.name, func(t *testing.T) {
			mend := train.FailReads(func(path string) error {
				for _, f := range c.files {
					at := filepath.Join(r.Dir, "r", filepath.FromSlash(f))
					if path == at || strings.HasSuffix(f, "/") && strings.HasPrefix(path, at) {
						return c.fault
					}
				}
				return nil
			})
			run, err := call()
			mend()
			checkRefusal(t, run, err, c.healed, c.refused)
			again, err := call()
			if err != nil || len(again.Warnings) > 0 {
				t.Fatalf("when the disk is good again: %v, %q", err, again.Warnings)
			}
			for i, res := range again.Results {
				if !reflect.DeepEqual(res.History, want.Results[i].History) {
					t.Errorf("%s was trained again", res.Strategy)
				}
			}
			if !reflect.DeepEqual(saved(t, again, "transfer", "checkpoint.safetensors"), checkpoint) {
				t.Error("the checkpoint was trained over")
			}
		})
	}
	for _, name := range []string{"run.json", "transfer/result.json", "transfer/history.jsonl", "transfer/best.safetensors", "transfer/checkpoint.safetensors"} {
		t.Run("a folder in the place of "+name, func(t *testing.T) {
			path := filepath.Join(r.Dir, "r", filepath.FromSlash(name))
			aside := path + ".aside"
			if err := errors.Join(os.Rename(path, aside), os.Mkdir(path, 0o777)); err != nil {
				t.Fatal(err)
			}
			run, err := call()
			checkRefusal(t, run, err, "", "move it away")
			if err := errors.Join(os.Remove(path), os.Rename(aside, path)); err != nil {
				t.Fatal(err)
			}
			if again, err := call(); err != nil || !reflect.DeepEqual(saved(t, again, "transfer", "checkpoint.safetensors"), checkpoint) {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

func checkRefusal(t *testing.T, run *train.Run, err error, healed, refused string) {
	t.Helper()
	switch {
	case refused == "":
		if err != nil || !strings.Contains(strings.Join(run.Warnings, "\n"), healed) {
			t.Errorf("%v, want a warning of %q", err, healed)
		}
	case err == nil || !strings.Contains(err.Error(), refused) || strings.Contains(err.Error(), "damaged") || strings.Count(err.Error(), "\n") > 0:
		t.Errorf("error %v, want one line with %q", err, refused)
	}
}
