package kernel

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
)

// workspaceModule is the module name in the prepared go.mod; each kernel's copy carries the name that GoNB gives it.
const workspaceModule = "tlkit_notebook"

// notebookLibraries are the packages that a cell may import offline in addition to our own: GoMLX, its tensor types,
// and GoNB's display library. The versions are go.mod's.
var notebookLibraries = []string{
	"github.com/gomlx/gomlx/...",
	"github.com/gomlx/compute",
	"github.com/gomlx/compute/distributed",
	"github.com/gomlx/compute/dtypes/...",
	"github.com/gomlx/compute/gobackend",
	"github.com/gomlx/compute/shapes",
	"github.com/gomlx/compute/support/...",
	"github.com/janpfeifer/gonb/cache",
	"github.com/janpfeifer/gonb/gonbui/...",
}

// importable reports whether a cell may import the package: no internal packages, no helpers for tests, nothing that
// runs in a browser only.
func importable(importPath string) bool {
	for _, part := range strings.Split(importPath, "/") {
		if part == "internal" || part == "wasm" || strings.HasSuffix(part, "test") || strings.HasPrefix(part, "test") {
			return false
		}
	}
	return true
}

// workspaceGoMod makes the go.mod of notebooks from the repository's: the same versions of everything, this module
// itself taken from src.
func workspaceGoMod(repoMod []byte, src string) ([]byte, error) {
	f, err := modfile.Parse("go.mod", repoMod, nil)
	if err != nil {
		return nil, fmt.Errorf("kernel: go.mod of the repository: %w", err)
	}
	for _, t := range append([]*modfile.Tool(nil), f.Tool...) {
		if err := f.DropTool(t.Path); err != nil {
			return nil, err
		}
	}
	for _, r := range f.Replace {
		if strings.HasPrefix(r.New.Path, ".") {
			return nil, fmt.Errorf("kernel: go.mod replaces %s by the relative folder %s, which notebooks could not find; use a published version", r.Old.Path, r.New.Path)
		}
	}
	if err := f.AddModuleStmt(workspaceModule); err != nil {
		return nil, err
	}
	if err := f.AddRequire(modulePath, "v0.0.0"); err != nil {
		return nil, err
	}
	if err := f.AddReplace(modulePath, "", src, ""); err != nil {
		return nil, err
	}
	f.Cleanup()
	return f.Format()
}

// prepareWorkspace resolves everything that notebooks may import into go.mod and go.sum in the prefix's workspace
// folder, and returns the import paths. Only this step, at install, may use the network.
func prepareWorkspace(ctx context.Context, gt goTool, p Prefix, src string, own []listedPackage) ([]string, error) {
	// The work is done next to the final folder, so that a failing install leaves the old one usable.
	if err := os.MkdirAll(string(p), 0o755); err != nil {
		return nil, fmt.Errorf("kernel: %w", err)
	}
	tmp, err := os.MkdirTemp(string(p), ".workspace-")
	if err != nil {
		return nil, fmt.Errorf("kernel: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := startWorkspace(tmp, src); err != nil {
		return nil, err
	}
	paths, err := notebookPackages(ctx, gt, tmp, own)
	if err != nil {
		return nil, err
	}
	if err := resolveAll(ctx, gt, tmp, paths); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(p.workspaceDir(), 0o755); err != nil {
		return nil, fmt.Errorf("kernel: %w", err)
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(tmp, name))
		if err != nil {
			return nil, fmt.Errorf("kernel: %w", err)
		}
		if err := atomicfile.WriteBytes(filepath.Join(p.workspaceDir(), name), data); err != nil {
			return nil, fmt.Errorf("kernel: %w", err)
		}
	}
	return paths, nil
}

// startWorkspace writes go.mod and go.sum to dir, made from the repository's in src.
func startWorkspace(dir, src string) error {
	repoMod, err := os.ReadFile(filepath.Join(src, "go.mod"))
	if err != nil {
		return fmt.Errorf("kernel: %w", err)
	}
	repoSum, err := os.ReadFile(filepath.Join(src, "go.sum"))
	if err != nil {
		return fmt.Errorf("kernel: %w", err)
	}
	goMod, err := workspaceGoMod(repoMod, src)
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{"go.mod": goMod, "go.sum": repoSum} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return fmt.Errorf("kernel: %w", err)
		}
	}
	return nil
}

// notebookPackages returns the import paths that cells may use, sorted: our own and those of notebookLibraries.
func notebookPackages(ctx context.Context, gt goTool, dir string, own []listedPackage) ([]string, error) {
	var paths []string
	for _, l := range own {
		if !l.Incomplete && importable(l.ImportPath) {
			paths = append(paths, l.ImportPath)
		}
	}
	// With -e, go list reports an Error for a package of a library that does not build here; such a package is left
	// out.
	out, err := gt.output(ctx, dir, nil, append([]string{"list", "-mod=mod", "-e",
		"-f", `{{if not .Error}}{{if ne .Name "main"}}{{.ImportPath}}{{end}}{{end}}`}, notebookLibraries...)...)
	if err != nil {
		return nil, fmt.Errorf("kernel: listing GoMLX and GoNB: %w", err)
	}
	for _, path := range strings.Fields(string(out)) {
		if importable(path) {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths, nil
}

// resolveAll imports all packages once, so that go writes each requirement and checksum, and verifies that these
// suffice without a network.
func resolveAll(ctx context.Context, gt goTool, dir string, paths []string) error {
	var imports strings.Builder
	imports.WriteString("package main\n\nimport (\n")
	for _, path := range paths {
		fmt.Fprintf(&imports, "\t_ %q\n", path)
	}
	imports.WriteString(")\n\nfunc main() {}\n")
	if err := os.WriteFile(filepath.Join(dir, "imports.go"), []byte(imports.String()), 0o644); err != nil {
		return fmt.Errorf("kernel: %w", err)
	}
	if _, err := gt.output(ctx, dir, nil, "list", "-mod=mod", "-deps", "-f", "", "."); err != nil {
		return fmt.Errorf("kernel: resolving what notebooks import: %w", err)
	}
	// The same as a cell will do: no network, no change to go.mod.
	if _, err := gt.output(ctx, dir, []string{"GOPROXY=off", "GOFLAGS=-mod=readonly"}, "list", "-deps", "-f", "", "."); err != nil {
		return fmt.Errorf("kernel: the prepared workspace does not resolve offline: %w", err)
	}
	return nil
}

// BrokenError reports that packages of the checkout do not compile. Everything else is installed all the same, and
// notebooks that do not use those packages work.
type BrokenError struct {
	// Packages are the import paths that could not even be resolved.
	Packages []string
	// Compiler is the first error in the go command's output.
	Compiler error
}

// Error lists the packages and includes the compiler's text.
func (e *BrokenError) Error() string {
	s := "kernel: installed, but packages of the checkout do not compile; mend them and install again"
	if len(e.Packages) > 0 {
		s += ": " + strings.Join(e.Packages, ", ")
	}
	if e.Compiler != nil {
		s += ": " + e.Compiler.Error()
	}
	return s
}

// warm compiles the packages that notebooks import, with the settings of cells, so that the first cell only links. When
// a package does not compile, it fails with the compiler's text, but only after all others have been compiled.
func warm(ctx context.Context, gt goTool, p Prefix, m *Manifest) error {
	tmp, err := os.MkdirTemp("", "tlkit-warm-")
	if err != nil {
		return fmt.Errorf("kernel: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := placeWorkspace(p, tmp, workspaceModule); err != nil {
		return err
	}
	env := append(cellEnv(m.GoCache), "GOPROXY=off", "GOFLAGS="+cellGoFlags)
	if _, err := gt.output(ctx, tmp, env, append([]string{"build"}, m.Packages...)...); err != nil {
		return err
	}
	return nil
}

// cellGoFlags are the GOFLAGS of cells' builds. Without symbol and debug tables the link is shorter, which is most of
// the wait for a cell; panics still name their lines. buildvcs is off because a cell is in no repository. -mod is not
// set: readonly is the default, and go prints how to add a module only when readonly is not set explicitly.
const cellGoFlags = `-buildvcs=false '-ldflags=-s -w'`

// placeWorkspace copies the prepared go.mod and go.sum to dir, under the module name that GoNB chose.
func placeWorkspace(p Prefix, dir, module string) error {
	goMod, err := os.ReadFile(filepath.Join(p.workspaceDir(), "go.mod"))
	if err != nil {
		return fmt.Errorf("kernel: prepared workspace: %w; run %s again", err, p.installer())
	}
	goSum, err := os.ReadFile(filepath.Join(p.workspaceDir(), "go.sum"))
	if err != nil {
		return fmt.Errorf("kernel: prepared workspace: %w; run %s again", err, p.installer())
	}
	goMod = []byte(strings.Replace(string(goMod), "module "+workspaceModule+"\n", "module "+module+"\n", 1))
	if err := os.WriteFile(filepath.Join(dir, "go.sum"), goSum, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "go.mod"), goMod, 0o644)
}
