package keep

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestWrite: what Jupyter reads as JSON is JSON, and the extension is where the settings name it.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	if err := Write(dir); err != nil {
		t.Fatal(err)
	}
	var page struct {
		Name       string
		Jupyterlab struct {
			Build struct{ Load string } `json:"_build"`
		}
	}
	read(t, filepath.Join(dir, "labextensions/@tlkit/keep-outputs/package.json"), &page)
	if _, err := os.Stat(filepath.Join(dir, "labextensions", page.Name, page.Jupyterlab.Build.Load)); err != nil {
		t.Error(err)
	}
	var server struct {
		ServerApp struct {
			Extensions map[string]bool `json:"jpserver_extensions"`
		}
	}
	read(t, filepath.Join(Config(dir), "jupyter_server_config.d/tlkit_outputs.json"), &server)
	if len(server.ServerApp.Extensions) != 1 {
		t.Errorf("extensions of the server: %v", server.ServerApp.Extensions)
	}
	for name := range server.ServerApp.Extensions {
		if _, err := os.Stat(filepath.Join(Config(dir), name+".py")); err != nil {
			t.Error(err)
		}
	}
}

func read(t *testing.T, path string, to any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, to); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// TestKeeper runs testdata/keeper_test.py with the installation's Python: messages of a kernel, and what
// is kept of them.
func TestKeeper(t *testing.T) {
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	prefix := os.Getenv("TLKIT_HOME")
	if prefix == "" {
		prefix = filepath.Join(home, ".local/share/tlkit")
	}
	python := filepath.Join(prefix, "venv/bin/python")
	if _, err := os.Stat(python); err != nil {
		t.Skip("run ./install.sh first: the test uses its JupyterLab")
	}
	cmd := exec.Command(python, "-B", "testdata/keeper_test.py")
	cmd.Env = append(os.Environ(), "PYTHONPATH=.")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
