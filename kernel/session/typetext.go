//go:build linux

package session

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// typeString is a type for people: names of cells without a package.
func typeString(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string {
		if ours(p) {
			return ""
		}
		return p.Name()
	})
}

// typeExpr builds the syntax of a type for the checker's migration file:
// names of cells are found in the package's scope, libraries by their path.
func typeExpr(t types.Type, imports map[string]string) ast.Expr {
	text := types.TypeString(t, func(p *types.Package) string {
		if ours(p) {
			return ""
		}
		name := p.Name() + old + fmt.Sprint(len(p.Path())) + strings.Map(func(r rune) rune {
			if r == '/' || r == '.' || r == '-' {
				return '_'
			}
			return r
		}, p.Path())
		imports[name] = p.Path()
		return name
	})
	return parseType(text)
}

// migrationFile declares variables of earlier cells with the new versions of
// their types.
func migrationFile(vars []*entity) *ast.File {
	f := &ast.File{Name: ast.NewIdent("cell")}
	imports := map[string]string{}
	var decls []ast.Decl
	for _, v := range vars {
		spec := &ast.ValueSpec{Names: []*ast.Ident{ast.NewIdent(v.name)}, Type: typeExpr(v.obj.Type(), imports)}
		decls = append(decls, &ast.GenDecl{Tok: token.VAR, Specs: []ast.Spec{spec}})
	}
	addImports(f, imports, nil)
	f.Decls = append(f.Decls, decls...)
	return f
}

// sameLayout reports whether a value of the old type can be used as one of the
// new: the same but for named types of cells that were compiled again.
func sameLayout(a, b types.Type) bool {
	type pair struct{ a, b types.Type }
	seen := map[pair]bool{}
	var same func(a, b types.Type) bool
	same = func(a, b types.Type) bool {
		if a == b || types.Identical(a, b) {
			return true
		}
		if seen[pair{a, b}] {
			return true
		}
		seen[pair{a, b}] = true
		a, b = types.Unalias(a), types.Unalias(b)
		na, isA := a.(*types.Named)
		nb, isB := b.(*types.Named)
		if isA != isB {
			return false
		}
		if isA {
			if !ours(na.Obj().Pkg()) || !ours(nb.Obj().Pkg()) {
				// The same library type with type arguments of cells.
				if na.Obj() != nb.Obj() || na.TypeArgs().Len() != nb.TypeArgs().Len() {
					return false
				}
			}
			if na.Obj().Name() != nb.Obj().Name() {
				return false
			}
			return same(na.Underlying(), nb.Underlying())
		}
		switch a := a.(type) {
		case *types.Pointer:
			b, ok := b.(*types.Pointer)
			return ok && same(a.Elem(), b.Elem())
		case *types.Slice:
			b, ok := b.(*types.Slice)
			return ok && same(a.Elem(), b.Elem())
		case *types.Array:
			b, ok := b.(*types.Array)
			return ok && a.Len() == b.Len() && same(a.Elem(), b.Elem())
		case *types.Chan:
			b, ok := b.(*types.Chan)
			return ok && a.Dir() == b.Dir() && same(a.Elem(), b.Elem())
		case *types.Map:
			b, ok := b.(*types.Map)
			return ok && same(a.Key(), b.Key()) && same(a.Elem(), b.Elem())
		case *types.Struct:
			b, ok := b.(*types.Struct)
			if !ok || a.NumFields() != b.NumFields() {
				return false
			}
			for i := range a.NumFields() {
				fa, fb := a.Field(i), b.Field(i)
				if fa.Name() != fb.Name() || fa.Embedded() != fb.Embedded() || !same(fa.Type(), fb.Type()) {
					return false
				}
			}
			return true
		case *types.Tuple:
			b, ok := b.(*types.Tuple)
			if !ok || a.Len() != b.Len() {
				return false
			}
			for i := range a.Len() {
				if !same(a.At(i).Type(), b.At(i).Type()) {
					return false
				}
			}
			return true
		case *types.Signature:
			b, ok := b.(*types.Signature)
			return ok && a.Variadic() == b.Variadic() && same(a.Params(), b.Params()) && same(a.Results(), b.Results())
		case *types.Interface:
			b, ok := b.(*types.Interface)
			if !ok || a.NumMethods() != b.NumMethods() {
				return false
			}
			for i := range a.NumMethods() {
				if a.Method(i).Name() != b.Method(i).Name() || !same(a.Method(i).Type(), b.Method(i).Type()) {
					return false
				}
			}
			return true
		}
		return false
	}
	return same(a, b)
}
