//go:build linux

package session

import (
	"go/types"

	"github.com/tlkit-go/tlkit-notebooks/kernel/build"
)

// parts calls f for each type that t's expression contains directly: elements, fields, parameters, methods, type
// arguments. It does not follow a name to its definition.
func parts(t types.Type, f func(types.Type)) {
	switch t := t.(type) {
	case *types.Named:
		for a := range t.TypeArgs().Types() {
			f(a)
		}
	case *types.Alias:
		f(types.Unalias(t))
	case *types.Map:
		f(t.Key())
		f(t.Elem())
	case interface{ Elem() types.Type }: // pointer, slice, array, channel
		f(t.Elem())
	case *types.Struct:
		for v := range t.Fields() {
			f(v.Type())
		}
	case *types.Tuple:
		for v := range t.Variables() {
			f(v.Type())
		}
	case *types.Signature:
		f(t.Params())
		f(t.Results())
	case *types.Interface:
		for m := range t.ExplicitMethods() {
			f(m.Type())
		}
		for e := range t.EmbeddedTypes() {
			f(e)
		}
	}
}

// walkType calls visit for t and, where that returns true, for its parts, each type once.
func walkType(t types.Type, visit func(types.Type) bool) {
	seen := map[types.Type]bool{}
	var walk func(types.Type)
	walk = func(t types.Type) {
		if !seen[t] {
			seen[t] = true
			if visit(t) {
				parts(t, walk)
			}
		}
	}
	walk(t)
}

// mentions calls f for each named type of a cell to which t refers, without following their definitions.
func mentions(t types.Type, f func(*types.TypeName)) {
	walkType(t, func(t types.Type) bool {
		var o *types.TypeName
		switch t := t.(type) {
		case *types.Named:
			o = t.Obj()
		case *types.Alias:
			o = t.Obj()
		}
		if o != nil && ours(o.Pkg()) {
			f(o)
		}
		return true
	})
}

// hidesCode reports whether values of t may hold functions, or types that t does not name: t contains interfaces or
// functions.
func hidesCode(t types.Type) (hides bool) {
	seen := map[types.Type]bool{}
	var walk func(types.Type)
	walk = func(t types.Type) {
		if hides || seen[t] {
			return
		}
		seen[t] = true
		switch u := t.Underlying().(type) {
		case *types.Interface, *types.Signature:
			hides = true
		default:
			parts(u, walk)
		}
	}
	walk(t)
	return hides
}

// unnameable returns the first type inside of t that only its own package can name, or "".
func unnameable(t types.Type) (bad string) {
	walkType(t, func(t types.Type) bool {
		switch t := t.(type) {
		case *types.Named:
			o := t.Obj()
			local := o.Pkg() != nil && ours(o.Pkg()) && o.Parent() != nil && o.Parent() != o.Pkg().Scope()
			hidden := o.Pkg() != nil && !ours(o.Pkg()) && (!o.Exported() || build.IsInternal(o.Pkg().Path()))
			if bad == "" && (local || hidden) {
				bad = typeString(t)
			}
		case *types.Struct:
			for f := range t.Fields() {
				if bad == "" && !f.Exported() && !ours(f.Pkg()) {
					bad = typeString(t)
				}
			}
		}
		return bad == ""
	})
	return bad
}

// isUnknown reports whether a type, or one inside of it, is none that the checker knows, as those of C.
func isUnknown(t types.Type) (unknown bool) {
	walkType(t, func(t types.Type) bool {
		unknown = unknown || t == types.Typ[types.Invalid]
		return !unknown
	})
	return unknown
}
