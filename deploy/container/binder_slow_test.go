//go:build slow

package container

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRepo2docker holds that the program with which Binder builds images takes .binder/Dockerfile. It runs without
// Docker, and builds nothing; TestImage builds the same file.
func TestRepo2docker(t *testing.T) {
	venv := t.TempDir()
	for _, command := range [][]string{
		{"python3", "-m", "venv", venv},
		{filepath.Join(venv, "bin/pip"), "install", "--quiet", "jupyter-repo2docker==2026.4.0"},
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", command, err, out)
		}
	}
	cmd := exec.Command(filepath.Join(venv, "bin/jupyter-repo2docker"), "--no-build", "--debug", ".")
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), read(t, ".binder/Dockerfile")) {
		t.Errorf("%v; it takes another Dockerfile:\n%s", err, tail(string(out), 6000))
	}
}

func tail(text string, n int) string { return text[max(0, len(text)-n):] }
