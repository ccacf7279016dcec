//go:build linux

package session

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	pathpkg "path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/kernel/build"
)

// bound is a cell with its package names resolved to packages. It is the second value of planning.
type bound struct {
	*parsed
	options
	n       int               // the number of the run that the cell will be
	imports map[string]string // name -> path; a blank import's name is "_ path"
	dots    []string          // dot imports: the cell's own, then those of earlier cells
	found   map[string]bool   // the names in imports that no import line gives
}

// importError is an import line that can't be resolved.
type importError struct {
	at  *syntaxError
	src *source
}

func (e *importError) Error() string { return e.at.msg }

// bind finds the packages that a cell uses: those that it imports, those that earlier cells imported, and those that it
// only names, as goimports would.
func (pl *planner) bind(ctx context.Context, n int, p *parsed, opts options) (*bound, error) {
	b := &bound{parsed: p, options: opts, n: n, imports: map[string]string{}, found: map[string]bool{}}
	pl.receivers(p)
	for _, spec := range p.lines {
		if err := pl.bindImport(ctx, b, spec); err != nil {
			return nil, err
		}
	}
	if opts.tests {
		if err := pl.b.Resolve(ctx, slices.Collect(maps.Values(testImports))...); err != nil {
			return nil, err
		}
		maps.Copy(b.imports, testImports)
	}
	for name, sels := range p.packageNames() {
		plain, earlier := strings.CutSuffix(name, old)
		switch {
		case b.imports[name] != "", !earlier && p.declared[name]:
		case earlier && b.imports[plain] != "":
			b.imports[name] = b.imports[plain]
		default:
			if imp := pl.packageOf(ctx, plain, sels, earlier); imp.path != "" {
				b.imports[name], b.found[name] = imp.path, imp.found
			}
		}
	}
	for _, names := range []map[string]bool{p.stmtVars, p.earlier} {
		for name := range names {
			delete(b.imports, name) // the cell's variable has the name
		}
	}
	pl.earlierDots(ctx, b)
	return b, nil
}

// receivers gives methods whose receiver is written as an alias to the type that has them.
func (pl *planner) receivers(p *parsed) {
	for _, it := range p.items {
		if it.kind == kindMethod {
			_, method, _ := strings.Cut(it.names[0], ".")
			delete(p.declared, it.names[0])
			it.recv = pl.unaliased(p, it.recv)
			it.names = []string{it.recv + "." + method}
			p.declared[it.names[0]] = true
		}
	}
}

// unaliased returns the name of the type of which a name of the cell or of an earlier one is an alias, as far as
// methods of one are the other's: neither has type parameters, and at most one pointer is between them.
func (pl *planner) unaliased(p *parsed, name string) string {
	pointer := false
	for seen := map[string]bool{}; !seen[name]; {
		seen[name] = true
		spec := pl.typeSpec(p, name)
		if spec == nil || !spec.Assign.IsValid() || spec.TypeParams != nil {
			return name
		}
		t := ast.Unparen(spec.Type)
		if star, ok := t.(*ast.StarExpr); ok && !pointer {
			pointer, t = true, ast.Unparen(star.X)
		}
		id, ok := t.(*ast.Ident)
		if !ok || types.Universe.Lookup(id.Name) != nil {
			return name
		}
		name = id.Name
	}
	return name
}

// typeSpec returns the declaration of a type of the cell or of an earlier one; nil if there is none.
func (pl *planner) typeSpec(p *parsed, name string) *ast.TypeSpec {
	find := func(it *item) *ast.TypeSpec {
		if d, ok := it.decl.(*ast.GenDecl); ok && it.kind == kindType {
			for _, s := range d.Specs {
				if spec := s.(*ast.TypeSpec); spec.Name.Name == name {
					return spec
				}
			}
		}
		return nil
	}
	for _, it := range p.items {
		if spec := find(it); spec != nil {
			return spec
		}
	}
	if e := pl.names.live[name]; e != nil && e.kind == kindType && e.def != nil {
		return find(e.def.item)
	}
	return nil
}

// bindImport adds one import line of the cell.
func (pl *planner) bindImport(ctx context.Context, b *bound, spec *ast.ImportSpec) error {
	at := func(msg string) error {
		return &importError{b.src.place(b.src.offset(spec.Pos()), msg), b.src}
	}
	path, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	switch {
	case path == "":
		return at("invalid import path: an empty text")
	case strings.HasPrefix(path, "./"), strings.HasPrefix(path, "../"), strings.HasPrefix(path, "/"):
		return at(fmt.Sprintf("import %q: a folder is no import path; one with a go.mod is imported by its module's name, NAME, after !*go mod edit -replace NAME=%s", path, path))
	case strings.HasPrefix(path, "nb/"): // the cells' own packages
		return at((&build.ImportError{Path: path, Reason: "no module of this notebook has that package"}).Error())
	case strings.HasPrefix(path, "cmd/"):
		return at((&build.ImportError{Path: path, Reason: build.IsProgram}).Error()) // it would be compiled first
	}
	if build.IsInternal(path) {
		return at("use of internal package " + path + " not allowed") // as the go command refuses it
	}
	if err := pl.b.Resolve(ctx, path); err != nil {
		var ie *build.ImportError
		if errors.As(err, &ie) {
			return at(ie.Error() + pl.besideAdvice(path) + pl.pathAdvice(path))
		}
		return err
	}
	switch {
	case spec.Name == nil:
		pkg, err := pl.importer.Import(path)
		if err != nil {
			return at((&build.ImportError{Path: path, Reason: err.Error()}).Error())
		}
		if other, twice := b.imports[pkg.Name()]; twice && other != path {
			return at(fmt.Sprintf("%s already imported from %q; give one of the two another name", pkg.Name(), other))
		}
		b.imports[pkg.Name()] = path
	case spec.Name.Name == ".":
		if name, other := pl.sharedName(path, b.dots); name != "" {
			return at(fmt.Sprintf("%s redeclared in this block: %s and %s have it; give one of the two a name", name, other, path))
		}
		b.dots = append(b.dots, path)
	case spec.Name.Name == "_":
		b.imports["_ "+path] = path
	default:
		b.imports[spec.Name.Name] = path
	}
	return nil
}

// sharedName returns an exported name that a package has as one of the others has, and that other one; "" if there is
// none.
func (pl *planner) sharedName(path string, others []string) (name, other string) {
	pkg, err := pl.importer.Import(path)
	if err != nil {
		return "", ""
	}
	for _, other := range others {
		o, err := pl.importer.Import(other)
		if err != nil || other == path {
			continue
		}
		for _, name := range pkg.Scope().Names() {
			if token.IsExported(name) && o.Scope().Lookup(name) != nil {
				return name, other
			}
		}
	}
	return "", ""
}

// besideAdvice returns how to use a package of the module in which the notebook lies, or of the workspace around it; ""
// if they have no such package.
func (pl *planner) besideAdvice(path string) string {
	m, folder := build.ModuleAround(pl.dir, path)
	if m == "" {
		return ""
	}
	return fmt.Sprintf("; the folder %s has it: !*go mod edit -replace %s && go get %s", folder, build.ShellQuote(m+"="+folder), m)
}

// pathAdvice returns the paths of the packages whose name stands in the place of a path, as in import "tlkit";
// "" if there are none.
func (pl *planner) pathAdvice(name string) string {
	paths := pl.b.ByName(name)
	if len(paths) == 0 {
		if lower := strings.ToLower(name); lower != name && slices.Contains(pl.b.ByName(pathpkg.Base(lower)), lower) {
			return fmt.Sprintf("; did you mean %q?", lower)
		}
		return ""
	}
	for i, path := range paths {
		paths[i] = strconv.Quote(path)
	}
	return fmt.Sprintf("; the package %s is %s, and needs no import line", name, strings.Join(paths, " or "))
}

// packageOf returns the package that a name of the cell means if the cell itself does not declare the name; its path is
// "" if the name means no package. earlier reports that the cell declares a variable of that name further down: in url,
// err := url.Parse(s) the name means the package also when the cell runs again, but not in url := url.Host.
func (pl *planner) packageOf(ctx context.Context, name string, sels []string, earlier bool) imported {
	if e := pl.names.live[name]; e != nil {
		if !earlier || e.shadows == "" || e.handedOn && e.hasMembers(sels) {
			return imported{}
		}
		if path, all := pl.bestPackage(ctx, []string{e.shadows}, sels); all {
			return imported{path: path}
		}
		return imported{}
	}
	if imp, ok := pl.names.imports[name]; ok && pl.b.Resolve(ctx, imp.path) == nil {
		if imp.found {
			imp.path = pl.findAgain(ctx, name, imp.path, sels)
		}
		return imp
	}
	if _, stale := pl.names.stale[name]; stale {
		return imported{}
	}
	return imported{path: pl.findPackage(ctx, name, sels), found: true}
}

// findAgain is findPackage for a name that was found to mean the package at path in an earlier cell. It
// stays so, except for used names that only another package has; the standard library's come before a
// module's, as in findPackage.
func (pl *planner) findAgain(ctx context.Context, name, path string, sels []string) string {
	candidates := []string{path}
	if !isStandard(path) {
		standard := slices.DeleteFunc(pl.b.ByName(name), func(p string) bool { return !isStandard(p) })
		candidates = append(standard, path)
	}
	if best, all := pl.bestPackage(ctx, candidates, sels); all {
		return best
	}
	if other, all := pl.bestPackage(ctx, pl.b.ByName(name), sels); all {
		return other
	}
	if other, all := pl.bestPackage(ctx, pl.b.FindInModules(ctx, name), sels); all {
		return other
	}
	return path
}

// isStandard reports whether a path is of the standard library: only a module's begins with a domain.
func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// findPackage returns the import path of a package called name that has all of the used names, or "". If no known
// package has all of them, it looks in the modules of go.mod too.
func (pl *planner) findPackage(ctx context.Context, name string, sels []string) string {
	path, all := pl.bestPackage(ctx, pl.b.FindByName(ctx, name), sels)
	if all || path == "" {
		return path
	}
	if other, all := pl.bestPackage(ctx, pl.b.FindInModules(ctx, name), sels); all {
		return other
	}
	// A package that lacks one of several names is still the intended one: the checker will report the
	// missing name and a similar one.
	return path
}

// bestPackage returns the first of the packages that has all of the used names, or the one that has most of them.
func (pl *planner) bestPackage(ctx context.Context, paths, sels []string) (best string, all bool) {
	most := 0
	for _, path := range paths {
		if path == "math/rand" && slices.Contains(sels, "Read") { // deprecated there
			continue
		}
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
			return path, true
		}
		if best == "" || found > most {
			best, most = path, found
		}
	}
	return best, false
}

// dotKey begins the keys of dot imports: in names.imports the path follows, in definition.imports a name of the
// package.
const dotKey = ". "

// earlierDots adds the dot imports of earlier cells that declare a name that this one uses, the latest first.
func (pl *planner) earlierDots(ctx context.Context, b *bound) {
	var used []string
	var visit func(ast.Node) bool
	visit = func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			ast.Inspect(sel.X, visit) // only the operand before the dot needs resolving
			return false
		}
		if id, ok := n.(*ast.Ident); ok && id.Obj == nil && id.IsExported() {
			name, earlier := strings.CutSuffix(id.Name, old)
			if (earlier || !b.declared[name]) && pl.names.live[name] == nil {
				used = append(used, name)
			}
		}
		return true
	}
	b.inspect(visit)
	for _, path := range pl.names.dots() {
		if slices.Contains(b.dots, path) || pl.b.Resolve(ctx, path) != nil {
			continue
		}
		pkg, err := pl.importer.Import(path)
		if err == nil && slices.ContainsFunc(used, func(name string) bool { return pkg.Scope().Lookup(name) != nil }) {
			b.dots = append(b.dots, path)
		}
	}
}

// inspect visits all declarations and statements.
func (p *parsed) inspect(visit func(ast.Node) bool) {
	for _, it := range p.declarations() {
		ast.Inspect(it.decl, visit)
	}
	for _, st := range p.stmts {
		ast.Inspect(st, visit)
	}
}

// packageNames returns the names x in x.Y that the cell's own scopes don't declare, with the Ys.
func (p *parsed) packageNames() map[string][]string {
	names := map[string][]string{}
	p.inspect(func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok && p.global(id) && id.Name != "C" {
				if !slices.Contains(names[id.Name], sel.Sel.Name) {
					names[id.Name] = append(names[id.Name], sel.Sel.Name)
				}
			}
		}
		return true
	})
	return names
}

// importedName reports whether the cell uses name for a package.
func (b *bound) importedName(name string) bool { return b.imports[name] != "" }

// ownImport reports whether the cell's text itself imports name.
func (b *bound) ownImport(name string) bool {
	return slices.ContainsFunc(b.lines, func(spec *ast.ImportSpec) bool { return importName(spec, b.imports) == name })
}

var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// importName returns the name that an import line gives a package, as far as its path shows.
func importName(spec *ast.ImportSpec, known map[string]string) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	path := strings.Trim(spec.Path.Value, "\"`")
	for name, p := range known {
		if p == path {
			return strings.TrimSuffix(name, old)
		}
	}
	dir, base := pathpkg.Split(path)
	if majorVersion.MatchString(base) {
		base = pathpkg.Base(dir)
	}
	return base
}
