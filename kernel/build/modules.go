package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/tlkit-go/tlkit-notebooks/internal/sentence"
)

// modules are the contents of go.mod and go.sum with which packages are looked up.
type modules struct{ mod, sum string }

func readModules(dir string) (m modules, err error) {
	for name, text := range map[string]*string{"go.mod": &m.mod, "go.sum": &m.sum} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return m, err
		}
		*text = string(data)
	}
	return m, nil
}

func (m modules) write(dir string) error {
	for name, text := range map[string]string{"go.mod": m.mod, "go.sum": m.sum} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("build: %w", err)
		}
	}
	return nil
}

// workspaceModules returns the workspace's own go.mod and go.sum.
func (b *Builder) workspaceModules() (modules, error) {
	m, err := readModules(b.cfg.Workspace)
	if err != nil {
		return m, fmt.Errorf("build: prepared workspace: %w; run ./install.sh again", err)
	}
	return m, nil
}

// ResetModules puts the workspace's own go.mod and go.sum back, and drops the compiled packages of other modules; for a
// fresh worker.
func (b *Builder) ResetModules() error {
	m, err := b.workspaceModules()
	if err != nil {
		return err
	}
	b.setModules(m)
	b.forget()
	return m.write(b.ModDir())
}

// RestoreModules puts the workspace's own go.mod and go.sum back if what is loaded fits them; otherwise it returns a
// *ModulesError and changes nothing.
func (b *Builder) RestoreModules(ctx context.Context) error {
	m, err := b.workspaceModules()
	if err != nil {
		return err
	}
	b.listing.Lock()
	defer b.listing.Unlock()
	if err := m.write(b.ModDir()); err != nil {
		return err
	}
	return b.adopt(ctx)
}

// Modules returns the go.mod with which packages were last looked up.
func (b *Builder) Modules() string { return b.adopted().mod }

// adopted returns the contents of go.mod and go.sum that were adopted last.
func (b *Builder) adopted() modules {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.modules
}

func (b *Builder) setModules(m modules) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.modules = m
}

// ModulesError reports that go.mod and go.sum were put back, because their changes do not fit the loaded packages.
type ModulesError struct {
	// Replaced are the loaded modules whose version would change, as "PATH VERSION", sorted.
	Replaced []string
	// Own reports whether one of them belongs to the kernel's own workspace, not only to cells.
	Own bool
	// Lost is the number of loaded packages that no module would contain any more.
	Lost int
	// Err is the reason why go.mod could not be read at all.
	Err error
}

// Error names up to three modules.
func (e *ModulesError) Error() string {
	switch {
	case e.Err != nil:
		return fmt.Sprintf("go.mod is as before: the new one can't be used: %v", e.Err)
	case len(e.Replaced) == 0:
		return fmt.Sprintf("go.mod is as before: %d packages that cells may import would be in no module", e.Lost)
	}
	names := sentence.List(e.Replaced, 3)
	if e.Own {
		return fmt.Sprintf("go.mod is as before: the kernel is built with %s, of which a program can have one version only; use the kernel \"Go (GoNB)\" for another", names)
	}
	return fmt.Sprintf("go.mod is as before: cells have loaded %s, and a program can have one version only; restart the kernel and add the other one first", names)
}

// OnlyLoses reports whether packages would be missing and none would change, as go mod tidy makes it.
func (e *ModulesError) OnlyLoses() bool { return e.Lost > 0 && len(e.Replaced) == 0 }

// Unwrap returns the reason why go.mod could not be read.
func (e *ModulesError) Unwrap() error { return e.Err }

// AdoptModules adopts a command's changes to go.mod and go.sum. If loaded packages would change, or would be in no
// module, it puts the files back and returns a *ModulesError. Packages of new modules are known to ByName at once.
func (b *Builder) AdoptModules(ctx context.Context) error {
	b.listing.Lock()
	defer b.listing.Unlock()
	return b.adopt(ctx)
}

// adoptLate is AdoptModules for a change that a command in the background made. One that only loses packages is undone
// without an error. b.listing is held.
func (b *Builder) adoptLate(ctx context.Context) error {
	if now, err := readModules(b.ModDir()); err == nil && now.mod == b.adopted().mod {
		return nil
	}
	err := b.adopt(ctx)
	var refused *ModulesError
	if errors.As(err, &refused) && refused.OnlyLoses() {
		return nil
	}
	return err
}

// adopt is AdoptModules with b.listing held.
func (b *Builder) adopt(ctx context.Context) error {
	before := b.adopted()
	now, err := readModules(b.ModDir())
	if err == nil && now == before {
		return nil
	}
	if err == nil {
		err = b.checkModules(ctx)
	}
	if err == nil {
		// go list may have completed go.sum.
		now, err = readModules(b.ModDir())
	}
	if err != nil {
		if back := before.write(b.ModDir()); back != nil {
			return back
		}
		var refused *ModulesError
		if errors.As(err, &refused) {
			return err
		}
		return &ModulesError{Err: err}
	}
	added := newModules(before.mod, now.mod)
	b.setModules(now)
	if err := b.nameModules(ctx, added); err != nil {
		b.cfg.Logf("listing packages of %q: %v", added, err)
	}
	return nil
}

// checkModules compares the present places of the loaded packages with those under the new go.mod.
func (b *Builder) checkModules(ctx context.Context) error {
	b.mu.Lock()
	have := map[string]string{}
	for path, dir := range b.dirs {
		if !b.std[path] && (b.worker[path] || b.export[path] != "") {
			have[path] = dir
		}
	}
	b.mu.Unlock()
	if len(have) == 0 {
		return nil
	}
	all, err := b.list(ctx, append([]string{"-find", "-json=ImportPath,Dir,Module"}, slices.Sorted(maps.Keys(have))...)...)
	if err != nil {
		return err
	}
	refused := &ModulesError{}
	for _, l := range all {
		dir := have[l.ImportPath]
		delete(have, l.ImportPath)
		switch {
		case l.Dir == "":
			refused.Lost++
		case dir != l.Dir && l.Module != nil:
			old := moduleOf(dir, l.Module.Path)
			if !slices.Contains(refused.Replaced, old) {
				refused.Replaced = append(refused.Replaced, old)
			}
			refused.Own = refused.Own || b.worker[l.ImportPath]
		}
	}
	refused.Lost += len(have)
	slices.Sort(refused.Replaced)
	if refused.Lost > 0 || len(refused.Replaced) > 0 {
		return refused
	}
	return nil
}

// moduleOf returns the module and version to which a folder of the module cache, or a folder below one, belongs.
func moduleOf(dir, path string) string {
	if _, rest, ok := strings.Cut(dir, "@"); ok {
		version, _, _ := strings.Cut(filepath.ToSlash(rest), "/")
		return path + " " + version
	}
	return path
}

// FindByName is ByName for a name that code uses. If no known package has it, FindByName looks in the modules of go.mod
// that have it in their path, which may be there only because another module needs them.
func (b *Builder) FindByName(ctx context.Context, name string) []string {
	if paths := b.ByName(name); len(paths) > 0 {
		return paths
	}
	return b.FindInModules(ctx, name)
}

// FindInModules is FindByName for a name that a known package has, too, when it is not the one that code means.
func (b *Builder) FindInModules(ctx context.Context, name string) []string {
	var found []string
	for _, m := range required(b.Modules()) {
		if slices.ContainsFunc(strings.Split(m.Path, "/"), func(element string) bool {
			return strings.TrimPrefix(element, "go-") == name || strings.HasPrefix(element, name+".v")
		}) {
			found = append(found, m.Path)
		}
	}
	if err := b.nameModules(ctx, found); err != nil {
		b.cfg.Logf("listing packages of %q: %v", found, err)
	}
	return b.ByName(name)
}

// Required returns the version in which the last go.mod requires a module; empty if it does not.
func (b *Builder) Required(path string) string {
	for _, m := range required(b.Modules()) {
		if m.Path == path {
			return m.Version
		}
	}
	return ""
}

// NeededBy returns the module that needs the newest version of another one, as "PATH VERSION", and that version; both
// are empty if none needs it or that can't be found out offline.
func (b *Builder) NeededBy(ctx context.Context, path string) (by, version string) {
	out, err := b.run(ctx, b.ModDir(), []string{"GOPROXY=off"}, b.goCmd, "mod", "graph")
	if err != nil {
		return "", ""
	}
	for line := range strings.Lines(string(out)) {
		from, to, _ := strings.Cut(strings.TrimSpace(line), " ")
		needed, v, _ := strings.Cut(to, "@")
		from, its, isModule := strings.Cut(from, "@") // the notebook itself has no version
		if isModule && needed == path && semver.Compare(v, version) > 0 {
			by, version = from+" "+its, v
		}
	}
	return by, version
}

// required returns the modules that the text of a go.mod requires, in its order; none if it can't be read.
func required(mod string) (all []module.Version) {
	f, err := modfile.ParseLax("go.mod", []byte(mod), nil)
	if err != nil {
		return nil
	}
	for _, r := range f.Require {
		all = append(all, r.Mod)
	}
	return all
}

// newModules returns the modules that only the second go.mod requires.
func newModules(before, after string) []string {
	paths := map[string]bool{}
	for _, m := range required(after) {
		paths[m.Path] = true
	}
	for _, m := range required(before) {
		delete(paths, m.Path)
	}
	return slices.Sorted(maps.Keys(paths))
}

// nameModules makes the packages of modules known to ByName.
func (b *Builder) nameModules(ctx context.Context, paths []string) error {
	if len(paths) == 0 {
		return nil
	}
	// A module that others need only for its go.mod has no files.
	out, err := b.run(ctx, b.ModDir(), b.offline(), b.goCmd, append([]string{"list", "-m", "-e", "-json=Path,Dir"}, paths...)...)
	if err != nil {
		return err
	}
	var patterns []string
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var m struct{ Path, Dir string }
		if err := dec.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("build: go list -m: %w", err)
		}
		if m.Dir != "" {
			patterns = append(patterns, m.Path+"/...")
		}
	}
	if len(patterns) == 0 {
		return nil
	}
	all, err := b.list(ctx, append([]string{"-find", "-json=ImportPath,Name,Standard"}, patterns...)...)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range all {
		b.addName(l)
	}
	return nil
}

// forget drops the compiled packages that neither the standard library nor the worker has.
func (b *Builder) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for path := range b.export {
		if !b.std[path] && !b.worker[path] && !strings.HasPrefix(path, "nb/") {
			delete(b.export, path)
		}
	}
}
