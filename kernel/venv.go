package kernel

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
)

// requirements pins JupyterLab and all its dependencies.
//
//go:embed requirements.txt
var requirements []byte

// venvStamp is the file in the environment that holds the requirements from which it was made.
const venvStamp = ".tlkit-requirements"

// venvProgram returns the path of a program in a Python environment.
func venvProgram(venv, name string) string {
	return filepath.Join(venv, "bin", name)
}

// makeVenv makes the Python environment, unless it exists with the same requirements and works. It reports whether it
// made the environment.
func makeVenv(ctx context.Context, venv string, log io.Writer) (fresh bool, err error) {
	sum := sha256.Sum256(requirements)
	want := hex.EncodeToString(sum[:])
	if have, err := os.ReadFile(filepath.Join(venv, venvStamp)); err == nil && strings.TrimSpace(string(have)) == want {
		if checkVenv(ctx, venv) == nil {
			return false, nil
		}
	}
	python := FindPython(ctx, func(string) bool { return true })
	if python == "" {
		return false, errors.New("kernel: no Python 3.10 or newer with venv (looked for python3 and python on PATH, in /usr/bin and " +
			"in /usr/local/bin); on Debian: apt install python3 python3-venv")
	}
	if log != nil {
		fmt.Fprintf(log, "installing JupyterLab into %s (with pip, about a minute)\n", venv)
	}
	if err := os.RemoveAll(venv); err != nil {
		return false, fmt.Errorf("kernel: venv: %w", err)
	}
	makeIt := exec.CommandContext(ctx, python, "-m", "venv", venv)
	makeIt.Env = PythonEnv(os.Environ())
	if out, err := makeIt.CombinedOutput(); err != nil {
		return false, commandError("kernel: making a Python environment (on Debian: apt install python3-venv): "+python+" -m venv", err, string(out))
	}
	list := filepath.Join(venv, "requirements.txt")
	if err := os.WriteFile(list, requirements, 0o644); err != nil {
		return false, fmt.Errorf("kernel: venv: %w", err)
	}
	pip := exec.CommandContext(ctx, venvProgram(venv, "python"), "-m", "pip", "install",
		"--quiet", "--disable-pip-version-check", "--no-input", "-r", list)
	pip.Env = PythonEnv(os.Environ())
	if out, err := pip.CombinedOutput(); err != nil {
		return false, commandError("kernel: pip install of JupyterLab (needs Python 3.10 or newer and a Python package index)", err, string(out))
	}
	if err := checkVenv(ctx, venv); err != nil {
		return false, err
	}
	return true, os.WriteFile(filepath.Join(venv, venvStamp), []byte(want+"\n"), 0o644)
}

// labConfig are settings of our JupyterLab, by their place in the environment.
var labConfig = map[string]string{
	// JupyterLab shows a kernel as "unknown" until it has seen a status message that does not belong to one of these
	// requests. GoNB sends the first such message only with the first cell, so kernel_info_request is taken off the
	// server's default list and the kernel shows as idle once it replies.
	"etc/jupyter/jupyter_server_config.json": `{
  "MappingKernelManager": {
    "untracked_message_types": ["comm_info_request", "comm_info_reply", "kernel_info_reply",
      "shutdown_request", "shutdown_reply", "interrupt_request", "interrupt_reply", "debug_request",
      "debug_reply", "stream", "display_data", "update_display_data", "execute_input",
      "execute_result", "error", "status", "clear_output", "debug_event", "input_request", "input_reply"]
  }
}
`,
	// The versions are pinned: no questions about news and updates.
	"share/jupyter/lab/settings/overrides.json": `{
  "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}
}
`,
}

// ConfigureVenv writes the settings of our JupyterLab into a Python environment.
func ConfigureVenv(venv string) error {
	for name, text := range labConfig {
		path := filepath.Join(venv, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("kernel: JupyterLab's settings: %w", err)
		}
		if err := atomicfile.WriteBytes(path, []byte(text)); err != nil {
			return fmt.Errorf("kernel: JupyterLab's settings: %w", err)
		}
	}
	return nil
}

// FindPython returns the first Python 3.10 or newer that can make environments and whose installation, in prefix, is
// usable; empty if there is none.
func FindPython(ctx context.Context, usable func(prefix string) bool) string {
	const check = "import sys, venv, ensurepip; assert sys.version_info >= (3, 10); print(sys.base_exec_prefix)"
	for _, name := range []string{"python3", "python", "/usr/bin/python3", "/usr/local/bin/python3"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		try := exec.CommandContext(ctx, path, "-c", check)
		try.Env = PythonEnv(os.Environ())
		if prefix, err := try.Output(); err == nil && usable(strings.TrimSpace(string(prefix))) {
			return path
		}
	}
	return ""
}

// checkVenv reports whether the environment can run and execute notebooks.
func checkVenv(ctx context.Context, venv string) error {
	python := venvProgram(venv, "python")
	if _, err := os.Stat(python); err != nil {
		return fmt.Errorf("kernel: %s is no Python environment: %w", venv, err)
	}
	cmd := exec.CommandContext(ctx, python, "-c", "import jupyterlab, nbclient, nbconvert, nbformat, jupyter_client")
	cmd.Env = PythonEnv(os.Environ())
	if out, err := cmd.CombinedOutput(); err != nil {
		return commandError("kernel: the Python environment "+venv+" lacks part of Jupyter", err, string(out))
	}
	return nil
}
