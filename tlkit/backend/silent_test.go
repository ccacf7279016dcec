//go:build cgo && linux

package backend

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestONNXReportsNothing holds that ONNX Runtime leaves no file in the home folder: one with an identity and a queue of
// reports was there while it reported its use to Microsoft. A process of its own opens it, whose home folder is empty.
func TestONNXReportsNothing(t *testing.T) {
	if os.Getenv("TLKIT_TEST_OPENS") != "" {
		if _, err := Open("onnx:cpu"); err != nil {
			t.Fatal(err)
		}
		return
	}
	library := onnxLibrary(os.Getenv)
	if library == "" {
		t.Skip("no ONNX Runtime is installed: ./install.sh --engine onnx")
	}
	home := t.TempDir()
	opens := exec.Command(os.Args[0], "-test.run=^TestONNXReportsNothing$")
	opens.Env = append(os.Environ(), "TLKIT_TEST_OPENS=1", "HOME="+home, "XDG_CACHE_HOME=", onnxLibraryEnv+"="+library, onnxSilentEnv+"=")
	if out, err := opens.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	err := filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			t.Errorf("it left %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
