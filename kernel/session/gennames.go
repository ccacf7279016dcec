//go:build linux

package session

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"os"
	"slices"
	"strings"
)

// Reflect, %T and encoders show the names that the cell's text has: a type keeps its name and is exported by an alias;
// a struct's fields are renamed to export them, and package rt restores their names for reflect.

// nameMain gives the types of a compiled package the package name main. It is not too late for the linker, which sorts
// types by name, nor for reflect.SliceOf and the like, which search them.
func nameMain(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return os.WriteFile(file, bytes.ReplaceAll(text, []byte(packageName+"."), []byte("main.")), 0o644)
}

// keepsName reports whether a declared type has its own name in the cell's package.
func keepsName(spec *ast.TypeSpec) bool {
	name := spec.Name.Name
	return !spec.Assign.IsValid() && !token.IsExported(name) && name != "_" && name != "main" && name != "init" && types.Universe.Lookup(name) == nil
}

// typeAliases returns aliases that export the types of a declaration that keep their own names.
func (g *generator) typeAliases(it *item) string {
	d, ok := it.decl.(*ast.GenDecl)
	if !ok || d.Tok != token.TYPE {
		return ""
	}
	var b strings.Builder
	for _, spec := range d.Specs {
		spec := spec.(*ast.TypeSpec)
		if !keepsName(spec) {
			continue
		}
		params, args := g.typeParams(it.src, spec)
		fmt.Fprintf(&b, "type %s%s = %s%s\n", exported(spec.Name.Name), params, spec.Name.Name, args)
	}
	return b.String()
}

// typeParams returns the type parameters of a type for an alias, and the same as arguments. A parameter
// without a name gets one.
func (g *generator) typeParams(src *source, spec *ast.TypeSpec) (params, args string) {
	if spec.TypeParams == nil {
		return "", ""
	}
	var fields, names []string
	for _, f := range spec.TypeParams.List {
		first := len(names)
		for _, id := range f.Names {
			name := id.Name
			if name == "_" {
				name = fmt.Sprintf("%sT%d", own, len(names))
			}
			names = append(names, name)
		}
		fields = append(fields, strings.Join(names[first:], ", ")+" "+g.edited(src, f.Type))
	}
	return "[" + strings.Join(fields, ", ") + "]", "[" + strings.Join(names, ", ") + "]"
}

// keptTypesOf returns the types that keep their own names in the cell's package.
func keptTypesOf(c *checked) map[types.Object]bool {
	kept := map[types.Object]bool{}
	for _, it := range c.compiled() {
		if d, ok := it.decl.(*ast.GenDecl); ok && d.Tok == token.TYPE {
			for _, spec := range d.Specs {
				if spec := spec.(*ast.TypeSpec); keepsName(spec) {
					kept[c.info.Defs[spec.Name]] = true
				}
			}
		}
	}
	return kept
}

// keeps reports whether t, or the type that it points to, keeps its own name in the package.
func (g *generator) keeps(t types.Type) bool {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	n, ok := types.Unalias(t).(*types.Named)
	return ok && !g.again && g.keptTypes[n.Obj()]
}

// compiled returns the declarations in the cell's package.
func (c *checked) compiled() (all []*item) {
	for _, it := range c.items {
		if c.elided[it] == nil {
			all = append(all, it)
		}
	}
	for _, def := range c.carry {
		all = append(all, def.item)
	}
	return all
}

// localTypes are the struct types that functions declare, and their fields. No other cell can name them, so they keep
// their names: unless a value of another struct type can be converted to theirs, whose fields then have equal names.
type localTypes struct {
	structs map[*ast.StructType]bool
	fields  map[types.Object]bool
	renamed bool // some of them have fields that do not keep their names
}

func localTypesOf(c *checked) localTypes {
	local := localTypes{structs: map[*ast.StructType]bool{}, fields: map[types.Object]bool{}}
	declared := localStructs(c)
	if len(declared) == 0 {
		return local
	}
	others := otherStructs(c, declared)
	for s, t := range declared {
		if slices.ContainsFunc(others, func(o *types.Struct) bool { return types.IdenticalIgnoreTags(o, t) }) {
			local.renamed = true
		} else {
			local.add(c.info, s)
		}
	}
	return local
}

// localStructs returns the struct types that functions declare.
func localStructs(c *checked) map[*ast.StructType]*types.Struct {
	all := map[*ast.StructType]*types.Struct{}
	visit := func(n ast.Node) bool {
		st, ok := n.(*ast.DeclStmt)
		if !ok {
			return true
		}
		for _, spec := range st.Decl.(*ast.GenDecl).Specs {
			if spec, ok := spec.(*ast.TypeSpec); ok {
				if s, ok := spec.Type.(*ast.StructType); ok {
					all[s] = c.info.TypeOf(s).(*types.Struct)
				}
			}
		}
		return true
	}
	for _, it := range append(c.compiled(), c.vars...) {
		ast.Inspect(it.decl, visit)
	}
	for _, st := range c.stmts {
		ast.Inspect(st, visit)
	}
	return all
}

// otherStructs returns the struct types that the types of the cell's expressions and the constraints of their type
// parameters are made of, without those that functions declare.
func otherStructs(c *checked, declared map[*ast.StructType]*types.Struct) (all []*types.Struct) {
	seen := map[types.Type]bool{}
	for _, t := range declared {
		seen[t] = true
	}
	var walk func(types.Type)
	walk = func(t types.Type) {
		if seen[t] {
			return
		}
		seen[t] = true
		switch t := t.(type) {
		case *types.Struct:
			all = append(all, t)
		case *types.Named:
			if ours(t.Obj().Pkg()) {
				walk(t.Underlying())
			}
		case *types.Union:
			for term := range t.Terms() {
				walk(term.Type())
			}
		case *types.Signature:
			for p := range t.TypeParams().TypeParams() {
				walk(p.Constraint().Underlying())
			}
		}
		parts(t, walk)
	}
	for _, tv := range c.info.Types {
		walk(tv.Type)
	}
	for id := range c.info.Instances {
		if obj := c.info.Uses[id]; obj != nil {
			walk(obj.Type()) // as declared
		}
	}
	return all
}

func (l localTypes) add(info *types.Info, s *ast.StructType) {
	l.structs[s] = true
	t, ok := info.TypeOf(s).(*types.Struct)
	if !ok {
		return
	}
	for f := range t.Fields() {
		l.fields[f] = true
	}
}

// hiddenStructs returns expressions of the types in the cell's package that have renamed fields, as pointers.
func (g *generator) hiddenStructs() []string {
	all := map[string]bool{}
	add := func(t types.Type) {
		if s, ok := t.Underlying().(*types.Struct); ok && g.hides(s) && g.nameable(t) {
			all["(*"+g.typeText(t)+")(nil)"] = true
		}
	}
	for id, obj := range g.info.Defs {
		if t, ok := obj.(*types.TypeName); ok && t.Parent() == g.pkg.Scope() && id.Name != "_" && !t.IsAlias() {
			if n, ok := t.Type().(*types.Named); ok && n.TypeParams().Len() == 0 {
				add(n)
			}
		}
	}
	for _, inst := range g.info.Instances {
		add(inst.Type)
	}
	for e, tv := range g.info.Types {
		if _, ok := e.(*ast.StructType); ok && tv.IsType() {
			add(tv.Type)
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// hiddenMethods returns expressions of the types in the cell's package that have renamed methods, as pointers.
func (g *generator) hiddenMethods() []string {
	all := map[string]bool{}
	add := func(t types.Type) {
		if types.IsInterface(t) || !g.nameable(t) {
			return
		}
		for m := range types.NewMethodSet(types.NewPointer(t)).Methods() {
			if member(m.Obj()) {
				all["(*"+g.typeText(t)+")(nil)"] = true
				return
			}
		}
	}
	for id, obj := range g.info.Defs {
		if t, ok := obj.(*types.TypeName); ok && t.Parent() == g.pkg.Scope() && id.Name != "_" && !t.IsAlias() {
			if n, ok := t.Type().(*types.Named); ok && n.TypeParams().Len() == 0 {
				add(n)
			}
		}
	}
	for _, inst := range g.info.Instances {
		if n, ok := inst.Type.(*types.Named); ok {
			add(n)
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// instantiates reports whether the cell's package instantiates a generic type or function of a cell.
func (g *generator) instantiates() bool {
	for id := range g.info.Instances {
		if obj := g.info.Uses[id]; obj != nil && ours(obj.Pkg()) {
			return true
		}
	}
	return false
}

// hides reports whether a struct has renamed fields.
func (g *generator) hides(s *types.Struct) bool {
	for f := range s.Fields() {
		if member(f) && !g.local.fields[origin(f)] {
			return true
		}
	}
	return false
}

// nameable reports whether package-level code can write a type.
func (g *generator) nameable(t types.Type) bool { return writable(t, false) }

// writable reports whether code outside of all functions can write a type, or, with inside, code inside of a
// function that may be generic.
func writable(t types.Type, inside bool) (ok bool) {
	ok = true
	walkType(t, func(t types.Type) bool {
		switch t := t.(type) {
		case *types.TypeParam:
			ok = ok && inside
		case *types.Named:
			o := t.Obj()
			ok = ok && (o.Pkg() == nil || o.Parent() == o.Pkg().Scope())
		}
		return ok
	})
	return ok
}
