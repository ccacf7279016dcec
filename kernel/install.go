package kernel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gomlx/go-xla/installer"

	"github.com/tlkit-go/tlkit-notebooks/kernel/keep"
)

// toolPackages are the programs built from go.mod's pinned tool dependencies.
var toolPackages = []string{
	"github.com/janpfeifer/gonb",
	"golang.org/x/tools/cmd/goimports",
	"golang.org/x/tools/gopls",
	modulePath + "/kernel/cmd/tlkernel",
}

// InstallOptions set where to install and from what. The zero value installs from the checkout around the working
// folder into the default prefix.
type InstallOptions struct {
	// Prefix is the folder to fill; empty means DefaultPrefix.
	Prefix string
	// Source is a folder in a checkout of this repository; empty means ".".
	Source string
	// Dev lets notebooks compile against the checkout itself, so that an edit there shows in the next cell;
	// otherwise they use a snapshot.
	Dev bool
	// Venv is a Python environment that already has JupyterLab, nbclient and nbconvert; empty makes one in the prefix.
	Venv string
	// GoCache is a build cache to share with other installations; empty makes one in the prefix.
	GoCache string
	// LiveCache is a folder for the compiled workers of live cells, to share with other installations; empty
	// makes one in the prefix.
	LiveCache string
	// Engine is one of EngineNames(), to add to the engines; empty leaves them as they are.
	Engine string
	// Weights fetches the weights of one network trained on photographs, 17 MB.
	Weights bool
	// Log receives one line per step and per folder written; nil discards them.
	Log io.Writer
}

// Install builds and registers the kernel; it may be repeated, and then renews only what changed. It writes into the
// prefix, the user's kernelspec folder and Go's own caches; nothing else. When a package of the checkout does not
// compile, the rest is installed and the error is a *BrokenError.
func Install(ctx context.Context, opts InstallOptions) error {
	var added engine
	var err error
	if opts.Engine != "" {
		if added, err = engineNamed(opts.Engine); err != nil {
			return err
		}
	}
	p, err := installPrefix(opts.Prefix)
	if err != nil {
		return err
	}
	gt, err := findGo()
	if err != nil {
		return err
	}
	m, err := newManifest(ctx, gt, p, opts)
	if err != nil {
		return err
	}
	opts.say("Go %s in %s", strings.TrimPrefix(m.GoVersion, "go"), m.GoRoot)
	step := stopwatch(opts.say)
	if err := buildTools(ctx, gt, p, m.Source, step); err != nil {
		return err
	}
	broken, err := prepareGo(ctx, gt, p, m, step)
	if err != nil {
		return err
	}
	if err := installWidgetScript(ctx, gt, m.Source, p); err != nil {
		return err
	}
	if err := installJupyter(ctx, p, m, opts, step); err != nil {
		return err
	}
	if opts.Engine != "" { // one that is named and can't be installed fails the installation
		if err := added.add(ctx, installation{p, m.Venv, installer.HasNvidiaGPU()}, step); err != nil {
			return err
		}
	}
	if opts.Weights {
		addWeights(ctx, p, m.Venv, step)
	}
	m.decideLive(warmLive(ctx, p, m), step)
	if err := registerKernels(p, m, opts, step); err != nil {
		return err
	}
	if err := m.write(p); err != nil {
		return fmt.Errorf("kernel: %w", err)
	}
	opts.say("%s: record of the installation", p.manifestPath())
	if dir := ClosedTo(m.GoModCache); os.Geteuid() == 0 && dir != "" && !strings.HasPrefix(string(p), dir+string(os.PathSeparator)) {
		opts.say("for other users: they can't enter %s, where Go and the modules are; install with GOMODCACHE set to a folder for all, such as %s-modules", dir, p)
	}
	if broken.Compiler != nil || len(broken.Packages) > 0 {
		return broken
	}
	return nil
}

// say logs a line.
func (o InstallOptions) say(format string, args ...any) {
	if o.Log != nil {
		fmt.Fprintf(o.Log, format+"\n", args...)
	}
}

// newManifest decides what is installed where, and writes that down before anything else, so that uninstall can remove
// the remains of an interrupted install.
func newManifest(ctx context.Context, gt goTool, p Prefix, opts InstallOptions) (*Manifest, error) {
	root, err := moduleRoot(cmp.Or(opts.Source, "."))
	if err != nil {
		return nil, err
	}
	if err := refuseForeign(p); err != nil {
		return nil, err
	}
	vars, err := gt.variables(ctx, root, "GOROOT", "GOVERSION", "GOMODCACHE")
	if err != nil {
		return nil, fmt.Errorf("kernel: reading the settings of %s: %w", gt.path, err)
	}
	if !versionAtLeast(vars[1], 1, 27) {
		return nil, fmt.Errorf("kernel: the Go toolchain is %s, but go.mod needs 1.27 or newer; run with GOTOOLCHAIN=auto and a module proxy within reach", vars[1])
	}
	m := &Manifest{Prefix: string(p), Source: root, Dev: opts.Dev, GoRoot: vars[0], GoVersion: vars[1], GoModCache: vars[2], BaseGo: gt.path}
	for _, dir := range []struct {
		what, given, usual string
		to                 *string
	}{
		{"build cache", opts.GoCache, p.goCacheDir(), &m.GoCache},
		{"folder of compiled workers", opts.LiveCache, p.liveDir(), &m.LiveCache},
		{"venv", opts.Venv, p.venvDir(), &m.Venv},
	} {
		if *dir.to, err = filepath.Abs(cmp.Or(dir.given, dir.usual)); err != nil {
			return nil, fmt.Errorf("kernel: %s %q: %w", dir.what, dir.given, err)
		}
	}
	if old, err := readManifest(p); err == nil && old.isOf(p) {
		m.KernelSpecs, m.Made = old.KernelSpecs, old.Made
	} else if err == nil && opts.Venv == "" {
		// The programs of a copied environment start the Python of the original.
		if err := os.RemoveAll(m.Venv); err != nil {
			return nil, fmt.Errorf("kernel: %w", err)
		}
	}
	if err := m.makeDir(filepath.Dir(string(p))); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(string(p), 0o755); err != nil {
		return nil, fmt.Errorf("kernel: %w", err)
	}
	if err := m.write(p); err != nil {
		return nil, fmt.Errorf("kernel: %w", err)
	}
	if err := os.Remove(p.join(uninstalledFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("kernel: %w", err)
	}
	if err := os.MkdirAll(p.binDir(), 0o755); err != nil {
		return nil, fmt.Errorf("kernel: %w", err)
	}
	return m, nil
}

// buildTools builds the programs in the prefix's bin folder, and links the go shim to tlkernel.
func buildTools(ctx context.Context, gt goTool, p Prefix, root string, step stepFunc) error {
	args := []string{"build", "-buildvcs=false", "-o", p.binDir() + string(os.PathSeparator)}
	if _, err := gt.output(ctx, root, nil, append(args, toolPackages...)...); err != nil {
		return fmt.Errorf("kernel: building the tools: %w", err)
	}
	step("%s: tlkernel, gonb, goimports, gopls", p.binDir())
	if err := os.MkdirAll(p.shimDir(), 0o755); err != nil {
		return fmt.Errorf("kernel: %w", err)
	}
	return linkTo(p.Bin("tlkernel"), filepath.Join(p.shimDir(), "go"))
}

// prepareGo puts the sources that notebooks compile against in place and compiles them once. It returns packages that
// do not compile in broken.
func prepareGo(ctx context.Context, gt goTool, p Prefix, m *Manifest, step stepFunc) (broken *BrokenError, err error) {
	pkgs, err := modulePackages(ctx, gt, m.Source)
	if err != nil {
		return nil, err
	}
	src := m.Source
	if m.Dev {
		if err := os.RemoveAll(p.srcDir()); err != nil {
			return nil, fmt.Errorf("kernel: %w", err)
		}
		step("%s: notebooks compile against this checkout", src)
	} else {
		src = p.srcDir()
		n, err := snapshot(m.Source, src, pkgs)
		if err != nil {
			return nil, err
		}
		step("%s: %d packages, %d files new or changed", src, len(pkgs), n)
	}
	// The snapshot and the cells need the same toolchain and experiment settings. An older go can't be asked for it
	// then: Go 1.24 ends with a panic where it does not know an experiment.
	cellGo := goTool{path: filepath.Join(m.GoRoot, "bin", "go"), env: gt.env}.with(cellEnv(m.GoCache)...)
	if m.Packages, err = prepareWorkspace(ctx, cellGo, p, src, pkgs); err != nil {
		return nil, err
	}
	step("%s: %d packages to import", p.workspaceDir(), len(m.Packages))
	broken = new(BrokenError)
	for _, l := range pkgs {
		if l.Incomplete {
			broken.Packages = append(broken.Packages, l.ImportPath)
		}
	}
	broken.Compiler = warm(ctx, cellGo, p, m)
	step("%s: build cache", m.GoCache)
	return broken, nil
}

// installJupyter makes the Python environment, or checks the given one.
func installJupyter(ctx context.Context, p Prefix, m *Manifest, opts InstallOptions, step stepFunc) error {
	if err := keep.Write(p.jupyterDir()); err != nil {
		return err
	}
	if opts.Venv != "" {
		return checkVenv(ctx, m.Venv)
	}
	fresh, err := makeVenv(ctx, p.venvDir(), opts.Log)
	if err != nil {
		return err
	}
	if err := ConfigureVenv(p.venvDir()); err != nil {
		return err
	}
	if fresh {
		step("%s: JupyterLab", p.venvDir())
	} else {
		step("%s: JupyterLab, unchanged", p.venvDir())
	}
	return nil
}

// decideLive records whether live cells work; err is the error of the trial.
func (m *Manifest) decideLive(err error, step stepFunc) {
	m.Live = err == nil
	if err != nil {
		m.WhyNotLive = oneLine(err)
		step("no live cells here, kernel %q will be GoNB: %s", DisplayName, m.WhyNotLive)
		return
	}
	step("%s: worker of live cells", m.LiveCache)
}

// registerKernels writes the kernelspecs.
func registerKernels(p Prefix, m *Manifest, opts InstallOptions, step stepFunc) error {
	dirs, err := kernelSpecDirs(p, m.Venv, opts.Venv == "")
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if old := kernelSpecPrefix(dir); old != "" && old != string(p) {
			opts.say("%s pointed to %s; it now points here", dir, old)
		}
		if err := writeKernelSpec(dir, p, m); err != nil {
			return err
		}
		m.addKernelSpec(dir)
		step("%s: kernel %q", dir, kernelNames[filepath.Base(dir)])
	}
	return nil
}

// installPrefix resolves the given folder, or the default one.
func installPrefix(dir string) (Prefix, error) {
	if dir == "" {
		return DefaultPrefix()
	}
	return absolutePrefix(dir)
}

// openInstallation returns what is installed in the given folder, or in the default one.
func openInstallation(dir string) (Prefix, *Manifest, error) {
	p, err := installPrefix(dir)
	if err != nil {
		return "", nil, err
	}
	m, err := ReadManifest(p)
	return p, m, err
}

// refuseForeign keeps install out of a folder that holds other files: it would replace some of them, and
// uninstall could not distinguish the rest from ours. The names in it prove nothing, as ~/.local has a bin, a
// lib and a share, too.
func refuseForeign(p Prefix) error {
	entries, err := os.ReadDir(string(p))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("kernel: prefix: %w", err)
	case len(entries) == 0:
		return nil
	}
	// The record is the first file that install writes. Where it is lost, the link remains.
	if _, err := readManifest(p); err == nil {
		return nil
	}
	if to, err := os.Readlink(filepath.Join(p.shimDir(), "go")); err == nil && to == p.Bin("tlkernel") {
		return nil
	}
	foreign := entries[0].Name()
	if text, err := os.ReadFile(p.join(uninstalledFile)); err == nil && string(text) == uninstalledText {
		if foreign = laterThanUninstall(entries); foreign == "" {
			return nil
		}
	}
	return fmt.Errorf("kernel: %s is not empty and holds no installation (it has %q); choose another folder with --prefix or TLKIT_HOME", p, foreign)
}

// uninstalledFile is what uninstall leaves in a prefix where files of the user's stay, so that install takes the folder
// again. The whole text proves it to be ours.
const (
	uninstalledFile = "tlkit-uninstalled.txt"
	uninstalledText = "An installation of TLKit was removed from this folder. The files that remain are your own.\n" +
		"This file lets install.sh take the folder again; without it, it refuses a folder with other files.\n"
)

// laterThanUninstall returns the name of an entry that uninstall would have removed, so that it is another's; "" if
// there is none.
func laterThanUninstall(entries []os.DirEntry) string {
	for _, entry := range entries {
		whole := func(e prefixEntry) bool { return e.name == entry.Name() && e.files == nil }
		if entry.Name() != uninstalledFile && slices.ContainsFunc(prefixEntries, whole) {
			return entry.Name()
		}
	}
	return ""
}

// prefixEntry is a file or folder that install makes in the prefix.
type prefixEntry struct {
	name string
	// files are patterns of what install makes in the folder, where people put files of their own beside
	// it; nil is all.
	files []string
}

var prefixEntries = []prefixEntry{
	{"bin", []string{"tlkernel", "gonb", "goimports", "gopls"}},
	{"shim", []string{"go"}},
	{"src", nil}, {"workspace", nil}, {"gocache", nil}, {"jupyter", nil}, {"venv", nil},
	{"lib", []string{"libonnxruntime*", "openvino", "onednn"}},
	{"share", []string{"gonb_comm.js"}},
	{"live", nil},
	{"weights", []string{weightsFile}},
	{uninstalledFile, nil},
	{"manifest.json", nil}, // last: a second try after a failure still finds it
}

// remove removes what install made of the entry in p, and reports whether nothing of it is left.
func (e prefixEntry) remove(p Prefix) (gone bool, err error) {
	dir := p.join(e.name)
	if e.files == nil {
		return true, os.RemoveAll(dir)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, err
	}
	for _, entry := range entries { // a link to a program that is gone, too
		ours := func(pattern string) bool { ok, _ := filepath.Match(pattern, entry.Name()); return ok }
		if slices.ContainsFunc(e.files, ours) {
			if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
				return false, err
			}
		}
	}
	err = os.Remove(dir)
	if err != nil && isNotEmpty(dir) {
		return false, nil
	}
	return err == nil, err
}

// linkTo makes path a symbolic link to target, replacing what was there.
func linkTo(target, path string) error {
	if old, err := os.Readlink(path); err == nil && old == target {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("kernel: %w", err)
	}
	if err := os.Symlink(target, path); err != nil {
		return fmt.Errorf("kernel: %w", err)
	}
	return nil
}

// stopwatch returns a function that reports a step with the seconds since the last.
func stopwatch(say func(string, ...any)) stepFunc {
	last := time.Now()
	return func(format string, args ...any) {
		say("%s (%.1f s)", fmt.Sprintf(format, args...), time.Since(last).Seconds())
		last = time.Now()
	}
}

// UninstallOptions select what to remove.
type UninstallOptions struct {
	// Prefix is the folder of the installation; empty means DefaultPrefix.
	Prefix string
	// Log receives one line per folder removed; nil discards them.
	Log io.Writer
}

// Uninstall removes the kernelspecs and the contents of the prefix that Install wrote, and the prefix itself if nothing
// else is in it; files of the user's in its folders bin, lib, share and weights stay, beside a file by which Install
// takes the prefix again. Modules in Go's module cache, notebooks, runs and data sets stay. When nothing is installed
// the error wraps fs.ErrNotExist.
func Uninstall(opts UninstallOptions) error {
	say := func(format string, args ...any) {
		if opts.Log != nil {
			fmt.Fprintf(opts.Log, format+"\n", args...)
		}
	}
	p, err := installPrefix(opts.Prefix)
	if err != nil {
		return err
	}
	m, err := readManifest(p)
	if err != nil {
		return err
	}
	for _, dir := range m.KernelSpecs {
		switch owner := kernelSpecPrefix(dir); owner {
		case string(p):
			if err := removeKernelSpec(dir); err != nil {
				return err
			}
			say("removed %s", dir)
		case "":
			// Already gone.
		default:
			say("kept %s: it points to %s", dir, owner)
		}
	}
	for _, e := range prefixEntries {
		path := p.join(e.name)
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		switch gone, err := e.remove(p); {
		case err != nil:
			return fmt.Errorf("kernel: uninstall: %w", err)
		case gone:
			say("removed %s", path)
		default:
			say("kept %s: it holds files that install did not make", path)
		}
	}
	if err := os.Remove(string(p)); err == nil {
		say("removed %s", p)
	} else if rest, _ := os.ReadDir(string(p)); len(rest) > 0 {
		if err := os.WriteFile(p.join(uninstalledFile), []byte(uninstalledText), 0o644); err != nil {
			return fmt.Errorf("kernel: uninstall: %w", err)
		}
		say("kept %s: it holds %q, which install did not make; with %s, install takes the folder again", p, rest[0].Name(), uninstalledFile)
	}
	if m.isOf(p) {
		m.removeMade()
	}
	return nil
}
