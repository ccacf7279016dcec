package kernel

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
	"github.com/tlkit-go/tlkit-notebooks/internal/envpath"
	"github.com/tlkit-go/tlkit-notebooks/internal/installdir"
	"github.com/tlkit-go/tlkit-notebooks/kernel/build"
)

// KernelName is the name of the live kernel's kernelspec in the metadata of notebooks, and DisplayName its name in
// JupyterLab's launcher. Where cells can't be loaded as plugins, GoNB runs under this name.
const (
	KernelName  = "tlkit"
	DisplayName = "Go (TLKit)"
)

// GonbKernelName is the name of the kernelspec of unchanged GoNB on the same workspace, and gonbDisplayName its name in
// JupyterLab's launcher.
const (
	GonbKernelName  = "gonb-tlkit"
	gonbDisplayName = "Go (GoNB)"
)

// kernelNames are the kernelspecs that install writes, with their display names.
var kernelNames = map[string]string{KernelName: DisplayName, GonbKernelName: gonbDisplayName}

// modulePath is this repository's Go module, which notebooks import.
const modulePath = "github.com/tlkit-go/tlkit-notebooks"

// Prefix is the private folder that install fills: an absolute path.
type Prefix string

// DefaultPrefix returns $TLKIT_HOME, else the prefix in whose bin folder this program is, else ~/.local/share/tlkit.
// It fails when neither TLKIT_HOME nor a home folder is known.
func DefaultPrefix() (Prefix, error) {
	if os.Getenv(installdir.Env) == "" {
		if p, ok := prefixOfExecutable(); ok {
			return p, nil
		}
	}
	dir, err := installdir.Dir(os.Getenv)
	if err != nil {
		return "", fmt.Errorf("kernel: %w", err)
	}
	return absolutePrefix(dir)
}

// absolutePrefix makes dir absolute, so that it holds in any working folder. No shell expands "~" in --prefix=~/x.
func absolutePrefix(dir string) (Prefix, error) {
	abs, err := envpath.Expand(dir)
	if err == nil {
		abs, err = filepath.Abs(abs)
	}
	if err != nil {
		return "", fmt.Errorf("kernel: prefix %q: %w", dir, err)
	}
	return Prefix(abs), nil
}

// prefixOfExecutable finds the prefix in which this program was installed; ok reports whether its record is there.
func prefixOfExecutable() (p Prefix, ok bool) {
	exe, err := os.Executable()
	if err != nil {
		return "", false
	}
	if exe, err = filepath.EvalSymlinks(exe); err != nil {
		return "", false
	}
	if filepath.Base(filepath.Dir(exe)) != "bin" {
		return "", false
	}
	p = Prefix(filepath.Dir(filepath.Dir(exe)))
	_, err = os.Stat(p.manifestPath())
	return p, err == nil
}

func (p Prefix) join(elem ...string) string {
	return filepath.Join(append([]string{string(p)}, elem...)...)
}

// Is reports whether dir is this prefix, also by another path through links.
func (p Prefix) Is(dir string) bool { return sameDir(dir, string(p)) }

// Bin returns the path of an installed program, for instance "gonb".
func (p Prefix) Bin(name string) string { return p.join("bin", name) }

func (p Prefix) binDir() string       { return p.join("bin") }
func (p Prefix) shimDir() string      { return p.join("shim") }
func (p Prefix) srcDir() string       { return p.join("src") }
func (p Prefix) workspaceDir() string { return p.join("workspace") }
func (p Prefix) goCacheDir() string   { return p.join("gocache") }
func (p Prefix) shareDir() string     { return p.join("share") }
func (p Prefix) liveDir() string      { return p.join("live") }
func (p Prefix) jupyterDir() string   { return p.join("jupyter") }
func (p Prefix) venvDir() string      { return p.join("venv") }
func (p Prefix) manifestPath() string { return p.join("manifest.json") }

// installer is the command that installs into p, for advice. It names the folder unless that is the default one and no
// setting says otherwise.
func (p Prefix) installer() string {
	home, err := installdir.Dir(func(name string) string {
		if name == installdir.Env {
			return ""
		}
		return os.Getenv(name)
	})
	if set := os.Getenv(installdir.Env); err == nil && p.Is(home) && (set == "" || p.Is(set)) {
		return "./install.sh"
	}
	return "./install.sh --prefix " + shellWord(string(p))
}

// command is the command line of the installed tlkernel, for advice.
func (p Prefix) command(name string) string {
	return shellWord(p.Bin("tlkernel")) + " " + name + " --prefix " + shellWord(string(p))
}

// shellWord quotes a word for a shell, if it must be.
func shellWord(word string) string {
	plain := func(r rune) bool {
		return r == '/' || r == '.' || r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return build.ShellQuote(word)
}

// Manifest is the record of an installation, kept as manifest.json in the prefix. Uninstall removes the files that it
// lists; the kernel reads Go's path from it.
type Manifest struct {
	// Prefix is the folder that was installed into. An installation can't be moved: its files hold absolute paths.
	Prefix string `json:"prefix"`
	// Source is the checkout that was installed from.
	Source string `json:"source"`
	// Dev reports whether notebooks compile against Source itself, not a snapshot.
	Dev bool `json:"dev"`
	// GoVersion is the toolchain that builds cells, such as "go1.27.0".
	GoVersion string `json:"go_version"`
	// GoRoot is that toolchain's folder.
	GoRoot string `json:"go_root"`
	// BaseGo is the go program found on PATH at install, which may be older.
	BaseGo string `json:"base_go"`
	// GoModCache is the module cache that holds every module a notebook may import.
	GoModCache string `json:"go_mod_cache"`
	// GoCache is the build cache that cells use.
	GoCache string `json:"go_cache"`
	// LiveCache is the folder of the live kernel's compiled workers.
	LiveCache string `json:"live_cache"`
	// Venv is the Python environment with JupyterLab.
	Venv string `json:"venv"`
	// Live reports whether kernel tlkit is the live kernel; otherwise WhyNotLive gives the reason in one line why it is
	// GoNB.
	Live       bool   `json:"live"`
	WhyNotLive string `json:"why_not_live,omitempty"`
	// KernelSpecs are the kernelspec folders that were written.
	KernelSpecs []string `json:"kernelspecs"`
	// Made are the folders outside of the prefix that did not exist before, outermost first; uninstall
	// removes those that are empty.
	Made []string `json:"made,omitempty"`
	// Packages are the import paths that the workspace was prepared for.
	Packages []string `json:"packages"`
}

// liveCache returns LiveCache, or its default for an installation that did not record it.
func (m *Manifest) liveCache(p Prefix) string {
	if m.LiveCache == "" {
		return p.liveDir()
	}
	return m.LiveCache
}

// ReadManifest returns the record of the installation in p. When nothing is installed, the error wraps fs.ErrNotExist
// and names the command that installs. A copy of an installation made elsewhere is an error too.
func ReadManifest(p Prefix) (*Manifest, error) {
	m, err := readManifest(p)
	if err == nil && !m.isOf(p) {
		return nil, fmt.Errorf("kernel: %s was copied or moved from %s, and still refers to files there; run %s, which mends it", p, m.Prefix, p.installer())
	}
	return m, err
}

// isOf reports whether the record was written in p.
func (m *Manifest) isOf(p Prefix) bool { return m.Prefix == "" || p.Is(m.Prefix) }

// readManifest is like ReadManifest, but accepts a copy.
func readManifest(p Prefix) (*Manifest, error) {
	data, err := os.ReadFile(p.manifestPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("kernel: nothing is installed in %s (no manifest.json); run %s, or set TLKIT_HOME to where it is: %w", p, p.installer(), err)
	}
	if err != nil {
		return nil, fmt.Errorf("kernel: manifest: %w", err)
	}
	m := new(Manifest)
	if err := json.Unmarshal(data, m); err != nil {
		return nil, fmt.Errorf("kernel: %s is damaged: %w; run %s again", p.manifestPath(), err, p.installer())
	}
	if m.GoRoot == "" || m.Source == "" { // many programs have a manifest.json
		return nil, fmt.Errorf("kernel: nothing is installed in %s: its manifest.json is another program's; set TLKIT_HOME or --prefix to where TLKit is", p)
	}
	return m, nil
}

func (m *Manifest) write(p Prefix) error {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(p.manifestPath(), append(data, '\n'))
}

// makeDir is os.MkdirAll, and records in the manifest the folders it had to make.
func (m *Manifest) makeDir(dir string) error {
	var made []string
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(d); err == nil || d == filepath.Dir(d) {
			break
		}
		made = append([]string{d}, made...)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("kernel: %w", err)
	}
	for _, d := range made {
		if !slices.Contains(m.Made, d) {
			m.Made = append(m.Made, d)
		}
	}
	return nil
}

// removeMade removes the folders that makeDir made, as far as they are empty.
func (m *Manifest) removeMade() {
	for _, d := range slices.Backward(m.Made) {
		os.Remove(d) // fails, as it should, when the folder is not empty
	}
}

// sameDir reports whether two paths lead to the same folder.
func sameDir(a, b string) bool {
	if filepath.Clean(a) == filepath.Clean(b) {
		return true
	}
	ai, err1 := os.Stat(a)
	bi, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(ai, bi)
}
