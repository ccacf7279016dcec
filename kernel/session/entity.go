//go:build linux

package session

import (
	"go/ast"
	"go/types"
	"slices"
)

type kind int

const (
	kindNone kind = iota
	kindFunc
	kindMethod
	kindType
	kindConst
	kindVar
)

func (k kind) String() string {
	return [...]string{"", "func", "method", "type", "const", "var"}[k]
}

// definition is a live function, method, type or constant declaration. The session can compile it again from its text.
type definition struct {
	*item
	// imports are the packages that it uses, by the names under which it uses them; see dotKey.
	imports map[string]string
	// deps are the entities of other cells or declarations that it uses.
	deps map[*entity]bool
	cgo  *ast.GenDecl // the cell's import "C", if the declaration may use it
}

// only returns a declaration of constants with some of its names. The others have become blank, so that iota counts on.
func (def *definition) only(names []string) *definition {
	d, ok := def.decl.(*ast.GenDecl)
	if !ok || len(names) == len(def.names) {
		return def
	}
	it, decl := *def.item, *d
	decl.Specs = slices.Clone(d.Specs)
	for i, s := range d.Specs {
		s, ok := s.(*ast.ValueSpec)
		if !ok {
			continue
		}
		spec := *s
		spec.Names = slices.Clone(s.Names)
		for j, id := range s.Names {
			if !slices.Contains(names, id.Name) {
				spec.Names[j] = &ast.Ident{NamePos: id.NamePos, Name: "_"}
			}
		}
		decl.Specs[i] = &spec
	}
	it.decl, it.names = &decl, names
	return &definition{item: &it, imports: def.imports, deps: def.deps, cgo: def.cgo}
}

// entity is one live name.
type entity struct {
	name string // methods as "T.m"
	kind kind
	obj  types.Object
	def  *definition // nil for variables
	run  int         // the package nb/r<run> that holds it
	cell int         // execution count, for messages
	// pointer reports whether the run's package has a pointer to the variable's memory.
	pointer bool
	// store is the run whose package holds a variable's memory.
	store int
	// shadows is the package that the variable's name meant in the := that declared the variable.
	shadows string
	// handedOn reports that it was the := of an earlier variable of that name.
	handedOn bool
	// predeclared reports that the name had Go's own meaning there: len := len(xs).
	predeclared bool
	// made are the entities with which the variable's value was made, each with the last cell that did so.
	made map[*entity]int
	// sized are the constants that gave its arrays their length.
	sized []*entity
	// set is the last cell that put something into the variable.
	set int
	// reach is the code that can use the variable's memory, or call the function.
	reach *reach
}

// origin returns the generic object from which an instantiated one was made, or obj itself.
func origin(obj types.Object) types.Object {
	switch o := obj.(type) {
	case *types.Var:
		return o.Origin()
	case *types.Func:
		return o.Origin()
	}
	return obj
}

// cellPath is the path of every cell's package for the type checker. It is the same for all, so that cells may use each
// other's unexported fields and methods.
const cellPath = "cell"

// ours reports whether p is the package of a cell.
func ours(p *types.Package) bool { return p != nil && p.Path() == cellPath }

// hasMembers reports whether a variable has fields or methods of all these names.
func (e *entity) hasMembers(names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool {
		member, _, _ := types.LookupFieldOrMethod(e.obj.Type(), true, e.obj.Pkg(), name)
		return member == nil
	})
}
