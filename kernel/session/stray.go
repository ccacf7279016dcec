//go:build linux

package session

import (
	"go/ast"
	"go/token"
	"go/types"
)

// A strayMethod is a method of a type that the cell has made another name of an earlier cell's type.
type strayMethod struct {
	decl *ast.FuncDecl
	typ  string // of the earlier cell
}

// takeStrayMethods takes stray methods out of the files until restore is called: the checker looks for the declaration
// of the type in the files, and panics if it is not there.
func takeStrayMethods(files []*ast.File, earlier *types.Scope) (stray []strayMethod, restore func()) {
	specs := map[string]*ast.TypeSpec{}
	for _, f := range files {
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.TYPE {
				for _, s := range g.Specs {
					spec := s.(*ast.TypeSpec)
					specs[spec.Name.Name] = spec
				}
			}
		}
	}
	before := make([][]ast.Decl, len(files))
	for i, f := range files {
		before[i] = f.Decls
		var kept []ast.Decl
		for _, d := range f.Decls {
			m, ok := d.(*ast.FuncDecl)
			if !ok || m.Recv == nil || len(m.Recv.List) != 1 {
				kept = append(kept, d)
				continue
			}
			if typ := aliased(specs, receiverName(m.Recv.List[0].Type)); typ != "" && earlier.Lookup(typ) != nil {
				stray = append(stray, strayMethod{m, typ})
				continue
			}
			kept = append(kept, d)
		}
		f.Decls = kept
	}
	return stray, func() {
		for i, f := range files {
			f.Decls = before[i]
		}
	}
}

// aliased returns the name of which a name is an alias, perhaps by further ones, if no alias declares that name; "" for
// other names.
func aliased(specs map[string]*ast.TypeSpec, name string) string {
	for seen := map[string]bool{}; !seen[name]; {
		seen[name] = true
		spec := specs[name]
		switch {
		case spec == nil && len(seen) == 1:
			return ""
		case spec == nil:
			return name
		case !spec.Assign.IsValid(), spec.TypeParams != nil:
			return ""
		}
		t := ast.Unparen(spec.Type)
		if star, ok := t.(*ast.StarExpr); ok {
			t = ast.Unparen(star.X)
		}
		id, ok := t.(*ast.Ident) // the checker does not follow instances and names of packages
		if !ok {
			return ""
		}
		name = id.Name
	}
	return ""
}
