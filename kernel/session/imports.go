//go:build linux

package session

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/tlkit-go/tlkit-notebooks/kernel/build"
)

// importError is an import line that can't be satisfied.
type importError struct {
	line, col int
	msg       string
}

func (e *importError) Error() string { return e.msg }

// libraries imports compiled packages for the type checker.
type libraries struct {
	mu  sync.Mutex
	b   *build.Builder
	imp types.Importer
}

func newLibraries(fset *token.FileSet, b *build.Builder) *libraries {
	l := &libraries{b: b}
	l.imp = importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return b.Export(path) })
	return l
}

// Import implements types.Importer.
func (l *libraries) Import(path string) (*types.Package, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.imp.Import(path)
}

// resolveImports finds the packages that a cell uses: those it imports, those
// that earlier cells imported, and those it only names, as goimports would.
func (pl *planner) resolveImports(ctx context.Context, pn *plan) error {
	pn.imports = map[string]string{}
	pn.dots = nil
	fail := func(pos token.Pos, err error) error {
		var ie *build.ImportError
		if !errors.As(err, &ie) {
			return err
		}
		at := pn.src.place(pn.src.offset(pos), "")
		return &importError{at.line, at.col, ie.Error()}
	}
	for _, spec := range pn.parsed.imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return fmt.Errorf("session: %w", err)
		}
		if err := pl.b.Resolve(ctx, path); err != nil {
			return fail(spec.Pos(), err)
		}
		switch {
		case spec.Name == nil:
			pkg, err := pl.importer.Import(path)
			if err != nil {
				return fail(spec.Pos(), &build.ImportError{Path: path, Reason: err.Error()})
			}
			if other, twice := pn.imports[pkg.Name()]; twice && other != path {
				at := pn.src.place(pn.src.offset(spec.Pos()), "")
				return &importError{at.line, at.col, fmt.Sprintf("%s already imported from %q; give one of the two another name", pkg.Name(), other)}
			}
			pn.imports[pkg.Name()] = path
		case spec.Name.Name == ".":
			pn.dots = append(pn.dots, path)
		case spec.Name.Name != "_":
			pn.imports[spec.Name.Name] = path
		default:
			pn.imports["_ "+path] = path
		}
	}
	if pn.tests {
		if err := pl.b.Resolve(ctx, "testing/internal/testdeps"); err != nil {
			return err
		}
		pn.imports[testdeps] = "testing/internal/testdeps"
	}
	for name, sels := range pn.packageNames() {
		if pn.imports[name] != "" || pn.declared[name] {
			continue
		}
		if e := pl.u.live[name]; e != nil {
			continue
		}
		if imp, ok := pl.u.imports[name]; ok {
			if pl.b.Resolve(ctx, imp.path) == nil {
				pn.imports[name] = imp.path
				continue
			}
		}
		if _, stale := pl.u.stale[name]; stale {
			continue
		}
		if path := pl.findPackage(ctx, name, sels); path != "" {
			pn.imports[name] = path
		}
	}
	pl.earlierDots(ctx, pn)
	return nil
}

// dotKey begins the keys of dot imports in universe.imports; the path follows.
const dotKey = ". "

// earlierDots adds the dot imports of earlier cells that explain a name of this
// one. A package with a name that the cell declares would clash, and is left out.
func (pl *planner) earlierDots(ctx context.Context, pn *plan) {
	var used []string
	var visit func(ast.Node) bool
	visit = func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			ast.Inspect(sel.X, visit) // the selected name is explained by what is before it
			return false
		}
		if id, ok := n.(*ast.Ident); ok && id.Obj == nil && id.IsExported() && !pn.declared[id.Name] && pl.u.live[id.Name] == nil {
			used = append(used, id.Name)
		}
		return true
	}
	for _, it := range append(slices.Clone(pn.items), pn.vars...) {
		ast.Inspect(it.decl, visit)
	}
	for _, st := range pn.stmts {
		ast.Inspect(st, visit)
	}
	for _, key := range slices.Sorted(maps.Keys(pl.u.imports)) {
		path, ok := strings.CutPrefix(key, dotKey)
		if !ok || slices.Contains(pn.dots, path) || pl.b.Resolve(ctx, path) != nil {
			continue
		}
		pkg, err := pl.importer.Import(path)
		if err != nil {
			continue
		}
		has := func(name string) bool { return pkg.Scope().Lookup(name) != nil }
		if slices.ContainsFunc(used, has) && !slices.ContainsFunc(slices.Collect(maps.Keys(pn.declared)), has) {
			pn.dots = append(pn.dots, path)
		}
	}
}

// packageNames are the names x in x.Y that the cell's own scopes don't explain,
// with the Ys.
func (pn *plan) packageNames() map[string][]string {
	names := map[string][]string{}
	visit := func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok && id.Obj == nil && id.Name != "C" && !strings.HasSuffix(id.Name, old) {
				if !slices.Contains(names[id.Name], sel.Sel.Name) {
					names[id.Name] = append(names[id.Name], sel.Sel.Name)
				}
			}
		}
		return true
	}
	for _, it := range append(slices.Clone(pn.items), pn.vars...) {
		ast.Inspect(it.decl, visit)
	}
	for _, st := range pn.stmts {
		ast.Inspect(st, visit)
	}
	return names
}

// findPackage returns the import path of a package called name that has all
// that is used of it, or "".
func (pl *planner) findPackage(ctx context.Context, name string, sels []string) string {
	best, most := "", 0
	for _, path := range pl.b.ByName(name) {
		if pl.b.Resolve(ctx, path) != nil {
			continue
		}
		pkg, err := pl.importer.Import(path)
		if err != nil {
			continue
		}
		found := 0
		for _, sel := range sels {
			if pkg.Scope().Lookup(sel) != nil && token.IsExported(sel) {
				found++
			}
		}
		if found == len(sels) {
			return path
		}
		// A package that lacks one of several names is still the one that is meant:
		// the checker will say what is missing, and what is near.
		if best == "" || found > most {
			best, most = path, found
		}
	}
	return best
}
