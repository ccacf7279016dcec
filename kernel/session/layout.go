//go:build linux

package session

import "go/types"

// sameLayout reports whether a value of the old type can be used as one of the new type: they are the same except for
// named types of cells that were compiled again.
func sameLayout(a, b types.Type) bool { return layouts{}.same(a, b) }

// layouts are the pairs of types that are being compared.
type layouts map[[2]types.Type]bool

func (l layouts) same(a, b types.Type) bool {
	if types.Identical(a, b) || l[[2]types.Type{a, b}] {
		return true
	}
	l[[2]types.Type{a, b}] = true
	a, b = types.Unalias(a), types.Unalias(b)
	switch a := a.(type) {
	case *types.Named:
		b, ok := b.(*types.Named)
		return ok && l.named(a, b)
	case *types.Pointer:
		b, ok := b.(*types.Pointer)
		return ok && l.same(a.Elem(), b.Elem())
	case *types.Slice:
		b, ok := b.(*types.Slice)
		return ok && l.same(a.Elem(), b.Elem())
	case *types.Array:
		b, ok := b.(*types.Array)
		return ok && a.Len() == b.Len() && l.same(a.Elem(), b.Elem())
	case *types.Chan:
		b, ok := b.(*types.Chan)
		return ok && a.Dir() == b.Dir() && l.same(a.Elem(), b.Elem())
	case *types.Map:
		b, ok := b.(*types.Map)
		return ok && l.same(a.Key(), b.Key()) && l.same(a.Elem(), b.Elem())
	case *types.Struct:
		b, ok := b.(*types.Struct)
		return ok && l.structs(a, b)
	case *types.Tuple:
		b, ok := b.(*types.Tuple)
		return ok && l.tuples(a, b)
	case *types.Signature:
		b, ok := b.(*types.Signature)
		return ok && a.Variadic() == b.Variadic() && l.same(a.Params(), b.Params()) && l.same(a.Results(), b.Results())
	case *types.Interface:
		b, ok := b.(*types.Interface)
		return ok && l.interfaces(a, b)
	}
	return false
}

// named compares two versions of a cell's type, or two instances of a library's type with type arguments of cells.
func (l layouts) named(a, b *types.Named) bool {
	if !ours(a.Obj().Pkg()) || !ours(b.Obj().Pkg()) {
		if a.Obj() != b.Obj() || a.TypeArgs().Len() != b.TypeArgs().Len() {
			return false
		}
	}
	return a.Obj().Name() == b.Obj().Name() && l.same(a.Underlying(), b.Underlying())
}

func (l layouts) structs(a, b *types.Struct) bool {
	if a.NumFields() != b.NumFields() {
		return false
	}
	for i := range a.NumFields() {
		fa, fb := a.Field(i), b.Field(i)
		if fa.Name() != fb.Name() || fa.Embedded() != fb.Embedded() || !l.same(fa.Type(), fb.Type()) {
			return false
		}
	}
	return true
}

func (l layouts) tuples(a, b *types.Tuple) bool {
	if a.Len() != b.Len() {
		return false
	}
	for i := range a.Len() {
		if !l.same(a.At(i).Type(), b.At(i).Type()) {
			return false
		}
	}
	return true
}

func (l layouts) interfaces(a, b *types.Interface) bool {
	if a.NumMethods() != b.NumMethods() {
		return false
	}
	for i := range a.NumMethods() {
		if a.Method(i).Name() != b.Method(i).Name() || !l.same(a.Method(i).Type(), b.Method(i).Type()) {
			return false
		}
	}
	return true
}
