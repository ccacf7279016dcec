package hub

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
	"github.com/tlkit-go/tlkit-notebooks/kernel"
)

// requirements pins JupyterHub, its culler and spawners, JupyterLab, and all that comes with them, with their digests.
//
//go:embed requirements.txt
var requirements []byte

// proxyPackage and proxyLock pin JupyterHub's proxy for npm, with its digests.
var (
	//go:embed proxy/package.json
	proxyPackage []byte
	//go:embed proxy/package-lock.json
	proxyLock []byte
)

// stampFile is in a folder that was filled completely; it holds the digest of what it was filled from.
const stampFile = ".tlkit-stamp"

// filled reports whether a folder was filled from these bytes, and stamp what to write into it when it is.
func filled(dir string, from []byte) (stamp []byte, ok bool) {
	stamp = fmt.Appendf(nil, "%x\n", sha256.Sum256(from))
	have, err := os.ReadFile(filepath.Join(dir, stampFile))
	return stamp, err == nil && bytes.Equal(have, stamp)
}

// venvProgram is a program of the hub's Python environment.
func (o Options) venvProgram(name string) string { return filepath.Join(o.Dir, "venv", "bin", name) }

// prepareVenv makes the Python environment with JupyterHub.
func (o Options) prepareVenv(ctx context.Context) error {
	venv := filepath.Join(o.Dir, "venv")
	stamp, ok := filled(venv, requirements)
	if !ok {
		python, err := findPython(ctx)
		if err != nil {
			return err
		}
		o.say("%s: installing JupyterHub and JupyterLab with pip, about a minute", venv)
		if err := command(ctx, o.Dir, "making a Python environment (on Debian: apt install python3-venv)", python, "-m", "venv", "--clear", venv); err != nil {
			return err
		}
		list := filepath.Join(venv, "requirements.txt")
		if err := os.WriteFile(list, requirements, 0o644); err != nil {
			return fmt.Errorf("hub: %w", err)
		}
		if err := command(ctx, o.Dir, "pip install of JupyterHub", o.venvProgram("python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
			"--no-input", "--require-hashes", "-r", list); err != nil {
			return err
		}
	}
	if err := kernel.ConfigureVenv(venv); err != nil {
		return err
	}
	return atomicfile.WriteBytes(filepath.Join(venv, stampFile), stamp)
}

// findPython returns a Python that all users can run: a version manager's in a home folder is not.
func findPython(ctx context.Context) (string, error) {
	closed := ""
	python := kernel.FindPython(ctx, func(prefix string) bool {
		closed = kernel.ClosedTo(prefix)
		return closed == ""
	})
	switch {
	case python != "":
		return python, nil
	case closed != "":
		return "", fmt.Errorf("hub: Python is in %s, which other users can't enter; on Debian: apt install python3 python3-venv", closed)
	}
	return "", errors.New("hub: no Python 3.10 or newer with venv; on Debian: apt install python3 python3-venv")
}

// prepareProxy installs the proxy.
func (o Options) prepareProxy(ctx context.Context) error {
	dir := filepath.Join(o.Dir, "proxy")
	stamp, ok := filled(dir, proxyLock)
	if ok {
		return nil
	}
	if _, err := exec.LookPath("npm"); err != nil {
		return fmt.Errorf("hub: JupyterHub's proxy needs Node.js 20 or newer with npm: %w; on Debian: apt install nodejs npm", err)
	}
	o.say("%s: installing the proxy with npm", dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	for name, data := range map[string][]byte{"package.json": proxyPackage, "package-lock.json": proxyLock} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return fmt.Errorf("hub: %w", err)
		}
	}
	if err := command(ctx, dir, "npm ci", "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"); err != nil {
		return err
	}
	return atomicfile.WriteBytes(filepath.Join(dir, stampFile), stamp)
}

// command runs a program in dir. The error has the end of what it printed.
func command(ctx context.Context, dir, what, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = kernel.PythonEnv(os.Environ())
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return fmt.Errorf("hub: %s: %w: %s", what, err, strings.Join(lines[max(0, len(lines)-8):], "\n"))
}
