//go:build linux

package session

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// cellFile returns the cell as a file for the checker: declarations, top-level := as package variables, and the
// statements in a function.
func cellFile(b *bound, c *closure) *ast.File {
	f := &ast.File{Name: ast.NewIdent("cell")}
	addImports(f, b.imports)
	if b.cgo != nil {
		f.Decls = append([]ast.Decl{cgoImport()}, f.Decls...)
	}
	for _, it := range b.items {
		if c.elided[it] == nil {
			f.Decls = append(f.Decls, it.decl)
		}
	}
	for _, it := range b.vars {
		f.Decls = append(f.Decls, it.decl)
	}
	for _, st := range b.stmts {
		if a, ok := st.(*ast.AssignStmt); ok && b.defines[a] != nil && len(b.defines[a].Values) > 0 {
			f.Decls = append(f.Decls, &ast.GenDecl{Tok: token.VAR, TokPos: a.Pos(), Specs: []ast.Spec{b.defines[a]}})
		}
	}
	f.Decls = append(f.Decls, &ast.FuncDecl{Name: ast.NewIdent(old + "run"), Type: &ast.FuncType{Params: &ast.FieldList{}}, Body: &ast.BlockStmt{List: b.stmts}})
	return f
}

// carriedFiles returns files for the checker with the declarations of earlier cells that are compiled again with the
// cell, one file for each earlier cell.
func carriedFiles(defs []*definition) (all []carriedFile) {
	for _, def := range defs {
		i := slices.IndexFunc(all, func(c carriedFile) bool { return c.src == def.src })
		if i < 0 {
			i = len(all)
			all = append(all, carriedFile{src: def.src})
		}
		all[i].defs = append(all[i].defs, def)
	}
	slices.SortFunc(all, func(a, b carriedFile) int { return cmp.Compare(a.src.count, b.src.count) })
	for i, c := range all {
		f := &ast.File{Name: ast.NewIdent("cell")}
		imports := map[string]string{}
		all[i].dots = map[string]string{}
		for _, def := range c.defs {
			for key, path := range def.imports {
				if name, isDot := strings.CutPrefix(key, dotKey); isDot {
					all[i].dots[name] = path
				} else {
					imports[key] = path
				}
			}
		}
		if slices.ContainsFunc(c.defs, func(def *definition) bool { return def.cgo != nil }) {
			f.Decls = append(f.Decls, cgoImport())
		}
		addImports(f, imports)
		if len(all[i].dots) > 0 {
			addImport(f, ".", dotsPath(i))
		}
		for _, def := range c.defs {
			f.Decls = append(f.Decls, def.decl)
		}
		all[i].file = f
	}
	return all
}

// dotsPath returns the path of the package that stands for the dot imports of a carried file.
func dotsPath(i int) string { return fmt.Sprintf("dots/%d", i) }

// dotImporter imports, for a carried file, the names of dot imports that its declarations use, and no others: in the
// earlier cell, names of the notebook came before further names of those packages, and two packages may share names.
type dotImporter struct {
	types.Importer
	dots map[string]map[string]string // dotsPath -> name -> path
}

// Import returns the package at path.
func (d dotImporter) Import(path string) (*types.Package, error) {
	names, ok := d.dots[path]
	if !ok {
		return d.Importer.Import(path)
	}
	pkg := types.NewPackage(path, "dots")
	for name, from := range names {
		p, err := d.Importer.Import(from)
		if err != nil {
			return nil, err
		}
		if obj := p.Scope().Lookup(name); obj != nil {
			pkg.Scope().Insert(obj)
		}
	}
	pkg.MarkComplete()
	return pkg, nil
}

// migrationFile returns a file that declares variables of earlier cells with the new versions of their types.
func migrationFile(vars []*entity) *ast.File {
	f := &ast.File{Name: ast.NewIdent("cell")}
	imports := map[string]string{}
	var decls []ast.Decl
	for _, v := range vars {
		spec := &ast.ValueSpec{Names: []*ast.Ident{ast.NewIdent(v.name)}, Type: typeExpr(v.obj.Type(), imports)}
		decls = append(decls, &ast.GenDecl{Tok: token.VAR, Specs: []ast.Spec{spec}})
	}
	addImports(f, imports)
	f.Decls = append(f.Decls, decls...)
	return f
}

func addImports(f *ast.File, imports map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(imports)) {
		key, _, _ := strings.Cut(name, " ") // "_ path" is a blank import
		addImport(f, key, imports[name])
	}
}

func addImport(f *ast.File, name, path string) {
	spec := &ast.ImportSpec{Name: ast.NewIdent(name), Path: &ast.BasicLit{Kind: token.STRING, Value: fmt.Sprintf("%q", path)}}
	f.Decls = append(f.Decls, &ast.GenDecl{Tok: token.IMPORT, Specs: []ast.Spec{spec}})
	f.Imports = append(f.Imports, spec)
}

func cgoImport() ast.Decl {
	spec := &ast.ImportSpec{Path: &ast.BasicLit{Kind: token.STRING, Value: `"C"`}}
	return &ast.GenDecl{Tok: token.IMPORT, Specs: []ast.Spec{spec}}
}
