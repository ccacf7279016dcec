//go:build unix

package train_test

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
)

// TestLostFiles: an image that becomes something else in mid-training has a stand-in and a warning. Without all of
// them, or with those of a class, the training stops; when they are back, it goes on to the bit as if nothing had been.
func TestLostFiles(t *testing.T) {
	dir := paintFolder(t, "blue", "red")
	at := func(names ...string) string { return filepath.Join(append([]string{dir}, names...)...) }
	image := at("train", "red", "3.png")
	move := func(from string) func() error { return func() error { return os.Rename(from, from+".away") } }
	back := func(from string) func() error {
		return func() error { os.RemoveAll(from); return os.Rename(from+".away", from) }
	}
	instead := func(make func() error) func() error {
		return func() error {
			if err := move(image)(); err != nil {
				return err
			}
			return make()
		}
	}
	m, alone := pretrained(t), quick(t)
	alone.Epochs, alone.MemoryLimit = 3, 1
	ds, err := datasets.ImageFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	whole := compare(t, alone, "r", ds, m, strategy.FineTune{})
	for _, tt := range []struct {
		name         string
		happen, undo func() error
		want         string // of the warning
		stops        string // of the error, "" if the training goes on
	}{
		{"deleted", move(image), back(image), "no such file", ""},
		{"a pipe", instead(func() error { return syscall.Mkfifo(image, 0o666) }), back(image), "3.png can't be read any more (neither a file nor a folder)", ""},
		{"a folder", instead(func() error { return os.Mkdir(image, 0o777) }), back(image), "3.png can't be read any more (", ""},
		{"a link to itself", instead(func() error { return os.Symlink(image, image) }), back(image), "too many levels of symbolic links", ""},
		{"a link to a device", instead(func() error { return os.Symlink("/dev/zero", image) }), back(image), "neither a file nor a folder", ""},
		{"empty", instead(func() error { return os.WriteFile(image, nil, 0o666) }), back(image), "empty", ""},
		{"a class is gone", move(at("train", "red")), back(at("train", "red")), "", "nor can another image of its class"},
		{"all is gone", move(dir), back(dir), "", "nor can another image of its class"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := alone
			r.Dir = t.TempDir()
			first := r
			first.Epochs = 1
			compare(t, first, "r", ds, m, strategy.FineTune{})
			if err := tt.happen(); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // not for ever, if a pipe is waited for
			defer cancel()
			run, err := r.Compare(ctx, "r", ds, m, strategy.FineTune{})
			if undone := tt.undo(); undone != nil {
				t.Fatal(undone)
			}
			if tt.stops != "" {
				wantError(t, err, tt.stops)
				run = compare(t, r, "r", ds, m, strategy.FineTune{})
				if got, want := curve(run.Results[0].History), curve(whole.Results[0].History); !reflect.DeepEqual(got, want) {
					t.Errorf("after it came back\n%+v, want\n%+v", got, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if text := strings.Join(run.Warnings, "\n"); !strings.Contains(text, tt.want) || len(run.Results[0].History) != 3 {
				t.Errorf("%d epochs, warnings %q, want %q", len(run.Results[0].History), text, tt.want)
			}
		})
	}
}
