//go:build linux

package session

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"sort"
	"strings"
)

// cellFile is the cell as a file for the checker: declarations, top-level := as
// package variables, and the statements in a function.
func (pl *planner) cellFile(pn *plan) *ast.File {
	f := &ast.File{Name: ast.NewIdent("cell")}
	addImports(f, pn.imports, pn.dots)
	if pn.cgo != nil {
		f.Decls = append([]ast.Decl{cgoImport()}, f.Decls...)
	}
	for _, it := range pn.items {
		if pn.elided[it] == nil {
			f.Decls = append(f.Decls, it.decl)
		}
	}
	for _, it := range pn.vars {
		f.Decls = append(f.Decls, it.decl)
	}
	first := pn.defines == nil
	isNew := map[string]bool{}
	var body []ast.Stmt
	var defines []*ast.AssignStmt
	for _, st := range pn.stmts {
		a, ok := st.(*ast.AssignStmt)
		if ok && (first && a.Tok == token.DEFINE || slices.Contains(pn.defines, a)) {
			spec := &ast.ValueSpec{Values: a.Rhs}
			anyNew := false
			for _, lhs := range a.Lhs {
				name := ast.NewIdent("_")
				if id, ok := lhs.(*ast.Ident); ok {
					name.NamePos = id.Pos()
					if pn.stmtVars[id.Name] && !isNew[id.Name] {
						name.Name = id.Name
						isNew[id.Name] = true
						anyNew = true
					}
				}
				spec.Names = append(spec.Names, name)
			}
			if anyNew && pn.cgo != nil && len(spec.Names) == 1 && len(a.Rhs) == 1 {
				spec.Type = convertedTo(a.Rhs[0])
			}
			if anyNew {
				f.Decls = append(f.Decls, &ast.GenDecl{Tok: token.VAR, TokPos: a.Pos(), Specs: []ast.Spec{spec}})
				defines = append(defines, a)
				a.Tok = token.ASSIGN
			} else {
				pn.noNew = append(pn.noNew, a.TokPos)
				a.Tok = token.ASSIGN
			}
		}
		body = append(body, st)
	}
	pn.defines = defines
	if pn.defines == nil {
		pn.defines = []*ast.AssignStmt{}
	}
	pn.run = &ast.FuncDecl{Name: ast.NewIdent(old + "run"), Type: &ast.FuncType{Params: &ast.FieldList{}}, Body: &ast.BlockStmt{List: body}}
	f.Decls = append(f.Decls, pn.run)
	return f
}

// convertedTo is the type that a conversion of a C value obviously has; the
// checker does not know C's types and gives up.
func convertedTo(e ast.Expr) ast.Expr {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return nil
	}
	switch f := call.Fun.(type) {
	case *ast.Ident:
		if t, ok := types.Universe.Lookup(f.Name).(*types.TypeName); ok {
			return ast.NewIdent(t.Name())
		}
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok && x.Name == "C" {
			switch f.Sel.Name {
			case "GoString", "GoStringN":
				return ast.NewIdent("string")
			case "GoBytes":
				return &ast.ArrayType{Elt: ast.NewIdent("byte")}
			}
		}
	}
	return nil
}

func addImports(f *ast.File, imports map[string]string, dots []string) {
	names := make([]string, 0, len(imports))
	for name := range imports {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		key, _, _ := strings.Cut(name, " ") // "_ path" is a blank import
		addImport(f, key, imports[name])
	}
	for _, path := range dots {
		addImport(f, ".", path)
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
