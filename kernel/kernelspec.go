package kernel

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
	"github.com/tlkit-go/tlkit-notebooks/kernel/protocol"
)

// kernelSpec is kernel.json as Jupyter reads it:
// https://jupyter-client.readthedocs.io/en/stable/kernels.html#kernel-specs
type kernelSpec struct {
	Argv          []string          `json:"argv"`
	DisplayName   string            `json:"display_name"`
	Language      string            `json:"language"`
	InterruptMode string            `json:"interrupt_mode"`
	Env           map[string]string `json:"env"`
	Metadata      map[string]any    `json:"metadata"`
	// ProtocolVersion is the kernel's protocol version, for clients that read it before the kernel runs.
	ProtocolVersion string `json:"kernel_protocol_version,omitempty"`
}

// jupyterDataDir returns the folder in which Jupyter looks for the user's kernelspecs:
// https://docs.jupyter.org/en/stable/use/jupyter-directories.html#data-files
func jupyterDataDir() (string, error) {
	if dir := os.Getenv("JUPYTER_DATA_DIR"); dir != "" {
		return filepath.Abs(dir)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("kernel: no folder for the kernelspec: %w; set JUPYTER_DATA_DIR or HOME", err)
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Jupyter"), nil
	}
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "jupyter"), nil
	}
	return filepath.Join(home, ".local", "share", "jupyter"), nil
}

// kernelSpecDirs returns the folders that get the kernelspecs: the prefix's, for our own commands; the user's, for any
// Jupyter of this user; and our environment's, for a JupyterLab that is started from it by hand.
func kernelSpecDirs(p Prefix, venv string, ownVenv bool) ([]string, error) {
	data, err := jupyterDataDir()
	if err != nil {
		return nil, err
	}
	parents := []string{p.jupyterDir(), data}
	if ownVenv {
		parents = append(parents, filepath.Join(venv, "share", "jupyter"))
	}
	var dirs []string
	for _, parent := range parents {
		dirs = append(dirs, filepath.Join(parent, "kernels", KernelName), filepath.Join(parent, "kernels", GonbKernelName))
	}
	return dirs, nil
}

func (m *Manifest) addKernelSpec(dir string) {
	if !slices.Contains(m.KernelSpecs, dir) {
		m.KernelSpecs = append(m.KernelSpecs, dir)
	}
}

// pathReference is the reference of a kernelspec to the PATH of the Jupyter that reads it. Not every client replaces
// it; Run repairs it where one did not.
const pathReference = "${PATH}"

// writeKernelSpec writes the kernelspec whose name is that of the folder.
func writeKernelSpec(dir string, p Prefix, m *Manifest) error {
	name := filepath.Base(dir)
	env := map[string]string{
		"TLKIT_HOME":  string(p),
		"PATH":        strings.Join([]string{p.shimDir(), p.binDir(), filepath.Join(m.GoRoot, "bin"), pathReference}, string(os.PathListSeparator)),
		"GOTOOLCHAIN": toolchainSetting(),
		"GOMODCACHE":  m.GoModCache,
	}
	for _, kv := range cellEnv(m.GoCache) {
		k, v, _ := strings.Cut(kv, "=")
		env[k] = v
	}
	spec := kernelSpec{
		Argv:          []string{p.Bin("tlkernel"), "run", "{connection_file}"},
		DisplayName:   kernelNames[name],
		Language:      "go",
		InterruptMode: "signal",
		Env:           env,
		Metadata:      map[string]any{"debugger": false},
	}
	if name == KernelName && m.Live {
		spec.Argv = []string{p.Bin("tlkernel"), "run", "--live", "{connection_file}"}
		spec.InterruptMode = "message"
		spec.ProtocolVersion = protocol.Version
	}
	data, err := json.MarshalIndent(spec, "", "  ")
	if err != nil {
		return err
	}
	if err := m.makeDir(dir); err != nil {
		return err
	}
	if err := atomicfile.WriteBytes(filepath.Join(dir, "kernel.json"), append(data, '\n')); err != nil {
		return fmt.Errorf("kernel: kernelspec: %w", err)
	}
	return nil
}

// kernelSpecPrefix returns the prefix from which the kernelspec in dir starts its kernel; empty when there is no
// kernelspec, or not one of ours.
func kernelSpecPrefix(dir string) string {
	data, err := os.ReadFile(filepath.Join(dir, "kernel.json"))
	if err != nil {
		return ""
	}
	var spec kernelSpec
	if json.Unmarshal(data, &spec) != nil {
		return ""
	}
	return spec.Env["TLKIT_HOME"]
}

// removeKernelSpec deletes the kernelspec and the folder, if nothing else is in it.
func removeKernelSpec(dir string) error {
	if err := os.Remove(filepath.Join(dir, "kernel.json")); err != nil {
		return fmt.Errorf("kernel: kernelspec: %w", err)
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrExist) && !isNotEmpty(dir) {
		return fmt.Errorf("kernel: kernelspec: %w", err)
	}
	return nil
}

func isNotEmpty(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && len(entries) > 0
}
