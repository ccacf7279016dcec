package build

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/tlkit-go/tlkit-notebooks/internal/environ"
)

// Config sets the tools and the folders of builds.
type Config struct {
	// Go is the go program; empty means the one on PATH.
	Go string
	// Env is the environment; nil means this process's own.
	Env []string
	// Workspace is the folder whose go.mod and go.sum resolve imports; copied.
	Workspace string
	// Dir is the builder's own folder.
	Dir string
	// Cache is a folder that outlives the builder, for the compiled worker; empty means that the worker
	// is built every time.
	Cache string
	// GOARCH is the processor that cells are compiled for; empty means this machine's. Another one needs its C compiler
	// in CC and an emulator to start the worker.
	GOARCH string
	// Offline sets GOPROXY=off.
	Offline bool
	// Packages are import paths that cells may name without importing them, in addition to the standard library's.
	Packages []string
	// Logf may be nil.
	Logf func(format string, args ...any)
}

// Builder compiles and links. Its methods may be called from several goroutines.
type Builder struct {
	cfg      Config
	goCmd    string
	env      []string
	toolDir  string
	arch     arch
	settings string // a digest of what must be the same in worker and cells

	mu      sync.Mutex
	export  map[string]string // import path -> compiled package in the build cache
	std     map[string]bool
	byName  map[string][]string // package name -> import paths
	offered map[string]bool     // names of packages that need no import line
	names   sync.WaitGroup      // waits until byName is filled
	dirs    map[string]string   // import path -> source folder, of the packages in export
	worker  map[string]bool     // packages that are part of the worker
	modules modules
	listing sync.Mutex        // one go list at a time
	lib     *shared           // nil: every plugin holds all packages that it needs
	spoil   func(n int) error // for tests: fails the link of run n against lib
}

// ModDir returns the folder with the session's go.mod.
func (b *Builder) ModDir() string { return filepath.Join(b.cfg.Dir, "mod") }

// Supported returns nil where plugins can be loaded; otherwise its error gives the reason in one line.
func Supported() error {
	if _, ok := arches[runtime.GOARCH]; runtime.GOOS != "linux" || !ok {
		return fmt.Errorf("live cells need Go plugins, which are tried on Linux for %s only, not on %s/%s", strings.Join(archNames(), " and "), runtime.GOOS, runtime.GOARCH)
	}
	if _, err := exec.LookPath(CCompiler()[0]); err != nil {
		return fmt.Errorf("live cells need a C compiler for Go plugins: %w; install gcc", err)
	}
	return nil
}

// New finds the toolchain and copies the workspace. It compiles nothing yet.
func New(ctx context.Context, cfg Config) (*Builder, error) {
	if err := Supported(); err != nil {
		return nil, err
	}
	b := &Builder{cfg: cfg, goCmd: cfg.Go, env: cfg.Env, export: map[string]string{}, dirs: map[string]string{}, worker: map[string]bool{}, std: map[string]bool{}, byName: map[string][]string{}, offered: map[string]bool{}}
	b.goCmd = cmp.Or(b.goCmd, "go")
	if b.env == nil {
		b.env = os.Environ()
	}
	if b.cfg.Logf == nil {
		b.cfg.Logf = func(string, ...any) {}
	}
	for _, dir := range []string{b.ModDir(), filepath.Join(cfg.Dir, "pkg")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("build: %w", err)
		}
	}
	if err := b.ResetModules(); err != nil {
		return nil, err
	}
	b.cfg.GOARCH = cmp.Or(b.cfg.GOARCH, runtime.GOARCH)
	b.arch = arches[b.cfg.GOARCH]
	b.env = environ.Set(CleanEnv(b.env, cfg.Dir), "GOARCH="+b.cfg.GOARCH, "GOFLAGS=-mod=mod", "CGO_ENABLED=1")
	out, err := b.run(ctx, b.ModDir(), nil, b.goCmd, "env", "-json", "GOROOT", "GOVERSION", "GOEXPERIMENT", "GOAMD64", "GOTOOLDIR", "CC", "GODEBUG")
	if err != nil {
		return nil, fmt.Errorf("build: asking %s for its settings: %w", b.goCmd, err)
	}
	var env map[string]string
	if err := json.Unmarshal(out, &env); err != nil {
		return nil, fmt.Errorf("build: go env: %w", err)
	}
	b.toolDir = env["GOTOOLDIR"]
	b.goCmd = filepath.Join(env["GOROOT"], "bin", "go")
	b.env = environ.Set(b.env, "GOTOOLCHAIN=local") // exactly this toolchain, from now on
	for _, name := range []string{"GOROOT", "GOEXPERIMENT", "GOAMD64"} {
		b.env = environ.Set(b.env, name+"="+env[name])
	}
	h := sha256.New()
	fmt.Fprintln(h, env["GOVERSION"], env["GOROOT"], env["GOEXPERIMENT"], b.cfg.GOARCH, env["GOAMD64"], env["CC"], "-trimpath -buildmode=plugin -linkshared v3")
	b.settings = fmt.Sprintf("%x", h.Sum(nil)[:12])
	b.names.Add(1)
	go func() {
		defer b.names.Done()
		if err := b.listNames(context.WithoutCancel(ctx)); err != nil {
			b.cfg.Logf("listing package names: %v", err)
		}
	}()
	return b, nil
}

// Settings returns a digest of everything that must be the same in worker and cells.
func (b *Builder) Settings() string { return b.settings }

// Env returns the environment that builds use, with the toolchain's settings fixed.
func (b *Builder) Env() []string { return slices.Clone(b.env) }

// run runs a program and returns its standard output; an error includes the text that the program printed.
func (b *Builder) run(ctx context.Context, dir string, env []string, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(slices.Clone(b.env), env...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		text := strings.TrimSpace(said.String() + out.String())
		if text == "" {
			text = err.Error()
		}
		return nil, &ToolError{Tool: filepath.Base(name), Text: text, Err: err}
	}
	return out.Bytes(), nil
}

// screenful shortens a text to the lines that fit a screen.
func screenful(text string) string {
	const most = 24
	lines := strings.Split(text, "\n")
	if len(lines) <= most {
		return text
	}
	return strings.Join(lines[:most], "\n") + fmt.Sprintf("\n... and %d more lines", len(lines)-most)
}

// ToolError is a failure of a Tool (go, the compiler, the linker), with the Text that it printed; Err is its exit.
type ToolError struct {
	Tool, Text string
	Err        error
}

// Error returns the tool's own text, as far as it fits a screen.
func (e *ToolError) Error() string {
	return e.Tool + ": " + strings.TrimPrefix(screenful(e.Text), e.Tool+": ")
}

// Unwrap returns the error of running the tool.
func (e *ToolError) Unwrap() error { return e.Err }

type listed struct {
	ImportPath, Name, Export, Dir string
	Standard                      bool
	Module                        *struct{ Path string }
	Error                         *struct{ Err string }
	DepsErrors                    []*struct{ Err string }
}

// offline returns the settings that keep the go command off the network, if Config.Offline is set.
func (b *Builder) offline() []string {
	if b.cfg.Offline {
		return []string{"GOPROXY=off"}
	}
	return nil
}

func (b *Builder) list(ctx context.Context, args ...string) ([]listed, error) {
	out, err := b.run(ctx, b.ModDir(), b.offline(), b.goCmd, append([]string{"list", "-e"}, args...)...)
	if err != nil {
		return nil, err
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("build: go list: %w", err)
		}
		all = append(all, l)
	}
}

// ImportError reports that the package at Path can't be imported; Reason is the go command's.
type ImportError struct{ Path, Reason string }

// Error returns the package and the go command's reason.
func (e *ImportError) Error() string { return fmt.Sprintf("import %q: %s", e.Path, e.Reason) }

// IsProgram is the Reason for a package main.
const IsProgram = "it is a program, not a package to import"

// Resolve compiles the packages and all that they import, as far as that was not done before. It returns an
// *ImportError for a package that can't be imported.
func (b *Builder) Resolve(ctx context.Context, paths ...string) error {
	b.listing.Lock()
	defer b.listing.Unlock()
	var missing []string
	b.mu.Lock()
	for _, p := range paths {
		if b.export[p] == "" && p != "unsafe" && p != "C" && !strings.HasPrefix(p, "nb/") {
			missing = append(missing, p)
		}
	}
	b.mu.Unlock()
	if len(missing) == 0 {
		return nil
	}
	if err := b.adoptLate(ctx); err != nil {
		return err
	}
	all, err := b.list(ctx, append([]string{"-export", "-deps", "-buildmode=plugin", "-trimpath", "-gcflags=all=-linkshared",
		"-json=ImportPath,Name,Export,Dir,Standard,Error,DepsErrors"}, missing...)...)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range all {
		if l.Export != "" && b.export[l.ImportPath] == "" {
			b.export[l.ImportPath] = l.Export
			b.dirs[l.ImportPath] = l.Dir
			b.std[l.ImportPath] = l.Standard
			b.addName(l)
		}
	}
	for _, p := range missing {
		if slices.ContainsFunc(all, func(l listed) bool { return l.ImportPath == p && l.Name == "main" }) {
			delete(b.export, p)
			return &ImportError{p, IsProgram}
		}
		if b.export[p] != "" {
			continue
		}
		for _, l := range all {
			if l.ImportPath == p && l.Error != nil {
				return &ImportError{p, importReason(p, l.Error.Err)}
			}
			if l.ImportPath == p && len(l.DepsErrors) > 0 {
				return &ImportError{p, l.DepsErrors[0].Err}
			}
		}
		return &ImportError{p, "go list does not know it, or it does not compile"}
	}
	return nil
}

func importReason(path, text string) string {
	text = strings.TrimSpace(text)
	if strings.Contains(text, "no required module provides") || strings.Contains(text, "GOPROXY=off") || strings.Contains(text, "cannot find module") {
		return fmt.Sprintf("no module of this notebook has that package; add one with !*go get %s@VERSION", path)
	}
	return text
}

// IsInternal reports whether only the packages beside an import path may import it: an element of it is "internal".
func IsInternal(path string) bool { return strings.Contains("/"+path+"/", "/internal/") }

func (b *Builder) addName(l listed) {
	if l.Name == "" || l.Name == "main" || IsInternal(l.ImportPath) || strings.HasPrefix(l.ImportPath, "vendor/") {
		return
	}
	if !slices.Contains(b.byName[l.Name], l.ImportPath) {
		b.byName[l.Name] = append(b.byName[l.Name], l.ImportPath)
		slices.SortFunc(b.byName[l.Name], b.prefer)
	}
}

// prefer sorts the standard library first, its plainer paths first, and math/rand before crypto/rand. Callers also
// check which names of the package are used.
func (b *Builder) prefer(x, y string) int {
	if b.std[x] != b.std[y] {
		if b.std[x] {
			return -1
		}
		return 1
	}
	if d := strings.Count(x, "/") - strings.Count(y, "/"); d != 0 {
		return d
	}
	if x == "crypto/rand" || y == "crypto/rand" {
		return strings.Compare(y, x)
	}
	return strings.Compare(x, y)
}

func (b *Builder) listNames(ctx context.Context) error {
	all, err := b.list(ctx, append([]string{"-json=ImportPath,Name,Standard", "std"}, b.cfg.Packages...)...)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range all {
		b.std[l.ImportPath] = l.Standard
	}
	for _, l := range all {
		b.addName(l)
		if len(b.byName[l.Name]) > 0 {
			b.offered[l.Name] = true
		}
	}
	return nil
}

// ByName returns the import paths of packages called name, the likeliest first.
func (b *Builder) ByName(name string) []string {
	b.names.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.byName[name])
}

// PackageNames returns the names of the packages that cells may use without an import: the standard library's and
// Config.Packages, sorted.
func (b *Builder) PackageNames() []string {
	b.names.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(maps.Keys(b.offered))
}

// Export opens the compiled package, for a type checker's importer.
func (b *Builder) Export(path string) (io.ReadCloser, error) {
	b.mu.Lock()
	file := b.export[path]
	b.mu.Unlock()
	if file == "" {
		return nil, &ImportError{path, "not resolved"}
	}
	return os.Open(file)
}

// importcfg writes the file that lists the places of packages for compiler and linker; with is a path and the archive
// to use for it instead of the known one.
func (b *Builder) importcfg(file string, with ...string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var buf bytes.Buffer
	for path, export := range b.export {
		if len(with) > 0 && path == with[0] {
			export = with[1]
		}
		fmt.Fprintf(&buf, "packagefile %s=%s\n", path, export)
	}
	return os.WriteFile(file, buf.Bytes(), 0o644)
}
