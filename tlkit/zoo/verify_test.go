package zoo_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestFlippedBit: a checkpoint with one changed bit among its values is refused, by the checksums of the zip archive.
func TestFlippedBit(t *testing.T) {
	away(t)
	m := small(t, []string{"a", "b"}, 1)
	entries, err := m.StateDict()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m.pth")
	if err := weights.WritePTH(path, entries); err != nil {
		t.Fatal(err)
	}
	if _, err := zoo.Load("resnet20", zoo.LoadOptions{Weights: path, Classes: m.Classes}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 4
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	_, err = zoo.Load("resnet20", zoo.LoadOptions{Weights: path, Classes: m.Classes})
	wantError(t, err, "has not the checksum that the archive says; the file is damaged")
}

// TestInnerModule: a file of one module of the network, without its name, is read, and a note says so.
func TestInnerModule(t *testing.T) {
	away(t)
	spec, err := zoo.Info("mobilenet_v3_small")
	if err != nil {
		t.Fatal(err)
	}
	m, err := zoo.New(spec, []string{"a", "b"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	path := checkpoint(t, m, renamed(func(key string) string {
		inner, ok := strings.CutPrefix(key, "features.")
		if !ok {
			return ""
		}
		return inner
	}))
	loaded, err := zoo.Load("mobilenet_v3_small", zoo.LoadOptions{Weights: path})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(loaded.Notes, "\n"), "the file holds its module features alone") {
		t.Errorf("notes %q", loaded.Notes)
	}
}
