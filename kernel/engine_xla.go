package kernel

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/gomlx/go-xla/installer"

	"github.com/tlkit-go/tlkit-notebooks/internal/infolder"
)

// The PJRT plugin for the CPU from the Python package index: the build of zml/pjrt-artifacts of 2026-06-23 (XLA,
// Apache-2.0; PJRT C API 0.106), unmodified according to the package's page. Its publisher is small: hence the SHA-256
// sum of its wheel.
const (
	xlaWheel     = "fastatomstruct-xla-cpu==2026.6.23"
	xlaWheelHash = "88b1c430b341b4bea40a37420311c9c75db6e22b46d2ff95b6986577bee6afe9"
	xlaLibrary   = "libpjrt_cpu.so"
	// xlaPlugin is the name by which go-xla finds the plugin.
	xlaPlugin = "pjrt_c_api_cpu_plugin.so"
)

// systemXLA is the folder of all users in which go-xla looks for plugins.
const systemXLA = "/usr/local/lib/go-xla"

// xlaDir returns the folder for go-xla's plugins: systemXLA if root installs outside of its home folder, and so for all
// users, else the user's, which is ~/.local/lib/go-xla on Linux.
func xlaDir(p Prefix, uid int) (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	if uid == 0 && runtime.GOOS == "linux" && !strings.HasPrefix(string(p), home+string(os.PathSeparator)) {
		return systemXLA, nil
	}
	lib, err := installer.DefaultHomeLibPath()
	if err != nil {
		return "", err
	}
	return filepath.Join(lib, "go-xla"), nil
}

// addXLA installs XLA's PJRT plugin for the CPU and reports its source: go-xla's own release on GitHub, of the version
// for which go-xla was made, or else the Python package index.
func addXLA(ctx context.Context, to installation, step stepFunc) error {
	dir, origin, err := installXLA(ctx, to.prefix, to.venv)
	if err != nil {
		return fmt.Errorf("kernel: engine xla: %w", err)
	}
	step("%s: engine xla, %s", dir, origin)
	return nil
}

// installXLA returns the folder of the plugin, and the plugin's source in half a sentence.
func installXLA(ctx context.Context, p Prefix, venv string) (dir, origin string, err error) {
	if dir, err = xlaDir(p, os.Geteuid()); err != nil {
		return "", "", err
	}
	if found, _ := infolder.Glob(dir, "pjrt_c_api_cpu*_plugin.*"); len(found) > 0 {
		return dir, "unchanged", nil
	}
	released := installer.AutoInstallPlugin("cpu", filepath.Dir(dir), true, installer.Quiet)
	if released == nil {
		return dir, "go-xla's release on GitHub", nil
	}
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return "", "", released // the wheel has no other
	}
	if err := xlaFromWheel(ctx, venv, dir); err != nil {
		return "", "", fmt.Errorf("neither go-xla's release (%s) nor the Python package index (%w)", oneLine(released), err)
	}
	return dir, "from the Python package " + xlaWheel, nil
}

// xlaFromWheel extracts the plugin of the Python package into dir.
func xlaFromWheel(ctx context.Context, venv, dir string) error {
	tmp, err := os.MkdirTemp("", "tlkit-engine-")
	if err != nil {
		return fmt.Errorf("kernel: %w", err)
	}
	defer os.RemoveAll(tmp)
	wheel, err := downloadWheel(ctx, venv, tmp, xlaWheel, []string{xlaWheelHash})
	if err != nil {
		return err
	}
	library, err := extract(wheel, dir, 0o755, func(name string) bool { return filepath.Base(name) == xlaLibrary })
	if err != nil {
		return err
	}
	return os.Rename(library, filepath.Join(dir, xlaPlugin))
}
