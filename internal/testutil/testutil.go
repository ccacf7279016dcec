// Package testutil holds what the tests of several packages share.
package testutil

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/envpath"
	"github.com/tlkit-go/tlkit-notebooks/internal/installdir"
)

// Shared returns the path of the reference file rel (slash separated, such as "data/hymenoptera_data.zip") that is not
// part of the repository; see [Find]. The test is skipped when the file is absent.
func Shared(t testing.TB, rel string) string {
	t.Helper()
	path, err := Find(rel)
	if err != nil {
		t.Skip(err)
	}
	return path
}

// Find looks for a reference file in the folder named by TLKIT_SHARED, else in the folder "shared" beside the checkout
// that the test runs in.
func Find(rel string) (string, error) {
	dir, err := envpath.Get("TLKIT_SHARED")
	if err != nil {
		return "", fmt.Errorf("reference file %s: %w", rel, err)
	}
	if dir != "" {
		path := filepath.Join(dir, filepath.FromSlash(rel))
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("reference file %s is not in TLKIT_SHARED=%s", rel, dir)
		}
		return path, nil
	}
	if dir, err = os.Getwd(); err != nil {
		return "", fmt.Errorf("reference file %s: no working directory: %w", rel, err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			path := filepath.Join(filepath.Dir(dir), "shared", filepath.FromSlash(rel))
			if _, err := os.Stat(path); err == nil {
				return path, nil
			}
			break
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	return "", fmt.Errorf("reference file %s is absent: set TLKIT_SHARED to the folder that holds it", rel)
}

// PureGo has the tests of a package run on the pure-Go engine, which every machine has, unless GOMLX_BACKEND names
// another one.
func PureGo() {
	if os.Getenv("GOMLX_BACKEND") == "" {
		os.Setenv("GOMLX_BACKEND", "go")
	}
}

// PeerPython returns the Python that TLKIT_PEER_PYTHON names, which has the given packages. The test is skipped without
// one.
func PeerPython(t testing.TB, packages string) string {
	t.Helper()
	python := os.Getenv("TLKIT_PEER_PYTHON")
	if python == "" {
		t.Skip("TLKIT_PEER_PYTHON names no Python with " + packages)
	}
	return python
}

// Installation returns the folder that install.sh fills. The test is skipped where nothing is installed.
func Installation(t testing.TB) string {
	t.Helper()
	dir, err := installdir.Dir(os.Getenv)
	if err == nil {
		_, err = os.Stat(filepath.Join(dir, "manifest.json"))
	}
	if err != nil {
		t.Skip("nothing is installed; run ./install.sh, or set TLKIT_HOME")
	}
	return dir
}

// Browser returns the path of a Chromium or Chrome on PATH. The test is skipped without one.
func Browser(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium or Chrome on PATH (on Debian: apt install chromium)")
	return ""
}
