package kernel

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/tlkit-go/tlkit-notebooks/internal/infolder"
)

// This file is what kernel/hub needs to start Jupyter for many users of one installation.

// JupyterEnv returns env with what a Jupyter needs to find the kernels of the installation in p, for this user. Folders of
// Jupyter that can't be written in the home folder are placed below tmp.
func JupyterEnv(env []string, p Prefix, tmp string) []string { return jupyterEnv(env, p, tmp) }

// ConfigureVenv writes our JupyterLab's settings into a Python environment, as install does for its own.
func ConfigureVenv(venv string) error { return configureVenv(venv) }

// ClosedTo returns the outermost folder on the way to dir that other users can't enter; empty when they can enter all.
func ClosedTo(dir string) string { return closedTo(dir) }

// CheckShared returns nil if all users of this machine can work with the installation in p, which they may read and not
// write. The error names the folder that is closed to them, and how to install for all.
func CheckShared(p Prefix) error {
	m, err := ReadManifest(p)
	if err != nil {
		return err
	}
	for _, f := range []struct{ what, dir string }{
		{"the installation", string(p)},
		{"Go", m.GoRoot},
		{"the Go modules", m.GoModCache},
		{"Go's build cache", m.GoCache},
		{"the compiled workers", m.liveCache(p)},
	} {
		if closed := closedTo(f.dir); closed != "" {
			return fmt.Errorf("kernel: other users can't enter %s, the place of %s; install for all, as root: TLKIT_HOME=/opt/tlkit GOMODCACHE=/opt/tlkit-modules ./install.sh", closed, f.what)
		}
	}
	workers, err := infolder.Glob(m.liveCache(p), "worker-*/worker")
	if err != nil {
		return fmt.Errorf("kernel: %w", err)
	}
	for _, w := range workers {
		if info, err := os.Stat(filepath.Dir(w)); err == nil && info.Mode().Perm()&0o005 == 0o005 {
			return nil
		}
	}
	if len(workers) > 0 {
		return fmt.Errorf("kernel: other users can't enter the compiled workers in %s, which an older version made; run ./install.sh again, as the owner of %s", m.liveCache(p), p)
	}
	return nil // the live kernel can't be had on this machine
}
