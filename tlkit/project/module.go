package project

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/tlkit-go/tlkit-notebooks/internal/gocommand"
	"github.com/tlkit-go/tlkit-notebooks/internal/installdir"
)

// tlkitModule is the path of TLKit's Go module.
const tlkitModule = "github.com/tlkit-go/tlkit-notebooks"

// findSource returns the absolute path of a checkout of TLKit: the one given, that of the module which the working
// folder is in, or that of the installation (TLKIT_HOME).
func findSource(given string) (string, error) {
	if given != "" {
		if dir := sourceOf(filepath.Join(given, "go.mod")); dir != "" {
			return dir, nil
		}
		return "", fmt.Errorf("project: Options.Source is %s, which is no checkout of TLKit: its go.mod is not that of %s", given, tlkitModule)
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("project: %w", err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if source := sourceOf(filepath.Join(dir, "go.mod")); source != "" {
			return source, nil
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	home, err := installdir.Dir(os.Getenv)
	if err != nil {
		return "", fmt.Errorf("project: no checkout of TLKit found around the working folder, and %w; name one in Options.Source", err)
	}
	if source := sourceOf(filepath.Join(home, "workspace", "go.mod")); source != "" {
		return source, nil
	}
	return "", fmt.Errorf("project: no checkout of TLKit found around the working folder or in %s; name one in Options.Source, or run install.sh", home)
}

// sourceOf returns the folder of TLKit that a go.mod belongs to or replaces TLKit by; "" if there is none.
func sourceOf(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	f, err := modfile.Parse(path, text, nil)
	if err != nil || f.Module == nil {
		return ""
	}
	dir := ""
	if f.Module.Mod.Path == tlkitModule {
		dir = filepath.Dir(path)
	}
	for _, r := range f.Replace {
		if r.Old.Path == tlkitModule && r.New.Version == "" {
			dir = r.New.Path
			if !filepath.IsAbs(dir) {
				dir = filepath.Join(filepath.Dir(path), dir)
			}
		}
	}
	if dir == "" {
		return ""
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return ""
	}
	if _, err := os.Stat(filepath.Join(dir, "tlkit", "serve")); err != nil {
		return ""
	}
	return dir
}

// writeModule writes go.mod and go.sum: TLKit's versions of everything, TLKit itself from its folder. Where the go
// command is at hand, go.mod lists only what the project needs.
func writeModule(ctx context.Context, dir string, v view) error {
	text, err := os.ReadFile(filepath.Join(v.Source, "go.mod"))
	if err != nil {
		return fmt.Errorf("project: %w", err)
	}
	sum, err := os.ReadFile(filepath.Join(v.Source, "go.sum"))
	if err != nil {
		return fmt.Errorf("project: %w", err)
	}
	f, err := modfile.Parse("go.mod", text, nil)
	if err != nil {
		return fmt.Errorf("project: go.mod of TLKit: %w", err)
	}
	for _, t := range slices.Clone(f.Tool) {
		if err := f.DropTool(t.Path); err != nil {
			return fmt.Errorf("project: %w", err)
		}
	}
	err = errors.Join(f.AddModuleStmt(v.Module), f.AddRequire(tlkitModule, "v0.0.0"), f.AddReplace(tlkitModule, "", v.Source, ""))
	if err != nil {
		return fmt.Errorf("project: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go.sum"), sum, 0o644); err != nil {
		return fmt.Errorf("project: %w", err)
	}
	if err := saveModule(dir, f); err != nil {
		return err
	}
	return prune(ctx, dir, f)
}

func saveModule(dir string, f *modfile.File) error {
	f.SortBlocks()
	f.Cleanup()
	text, err := f.Format()
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "go.mod"), text, 0o644)
	}
	if err != nil {
		return fmt.Errorf("project: %w", err)
	}
	return nil
}

// prune leaves out the requirements that no package of the project needs, on any engine. It changes nothing where the
// go command is missing.
func prune(ctx context.Context, dir string, f *modfile.File) error {
	needed := map[string]bool{}
	direct := map[string]bool{tlkitModule: true} // what the templates import
	for _, system := range [][]string{{"CGO_ENABLED=0"}, {"CGO_ENABLED=1"}, {"CGO_ENABLED=0", "GOOS=js", "GOARCH=wasm"}} {
		out, err := goCommandWith(ctx, dir, system, "list", "-deps", "-test", "-f", "{{with .Module}}{{.Path}}{{end}}", "./...")
		if errors.Is(err, exec.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("project: the project does not resolve without a network: %w", err)
		}
		for _, path := range strings.Fields(string(out)) {
			needed[path] = true
		}
	}
	full, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return fmt.Errorf("project: %w", err)
	}
	var kept []*modfile.Require
	for _, r := range f.Require {
		if needed[r.Mod.Path] {
			kept = append(kept, &modfile.Require{Mod: r.Mod, Indirect: !direct[r.Mod.Path]})
		}
	}
	f.SetRequire(nil) // or requirements would stay in the block that they are in
	f.Cleanup()
	f.SetRequireSeparateIndirect(kept)
	if err := saveModule(dir, f); err != nil {
		return err
	}
	// If a requirement that was left out held a version up, the whole list stays.
	if _, err := goCommand(ctx, dir, "list", "-mod=readonly", "-deps", "-test", "./..."); err != nil {
		return os.WriteFile(filepath.Join(dir, "go.mod"), full, 0o644)
	}
	return nil
}

// buildEnv is the environment that the project's program is built in: it becomes one static file, with vector
// instructions, which it uses where the processor has them.
var buildEnv = []string{"CGO_ENABLED=0", "GOEXPERIMENT=simd"}

// goCommand runs the go command in dir without a network, and returns its output.
func goCommand(ctx context.Context, dir string, args ...string) ([]byte, error) {
	return goCommandWith(ctx, dir, buildEnv, args...)
}

// goCommandWith is goCommand with more of the environment.
func goCommandWith(ctx context.Context, dir string, env []string, args ...string) ([]byte, error) {
	return gocommand.Output(ctx, dir, append([]string{"GOPROXY=off", "GOFLAGS=", "GOWORK=off"}, env...), args...)
}
