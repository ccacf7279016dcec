//go:build linux

package session

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"strconv"
	"strings"
)

func parseType(text string) ast.Expr {
	// Only the checker uses names with a dot in the middle of a word. The parser would not accept them.
	safe := strings.ReplaceAll(text, old, "ᐧ")
	e, err := parser.ParseExpr(safe)
	if err != nil {
		return ast.NewIdent("unparsable" + old)
	}
	ast.Inspect(e, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			id.Name = strings.ReplaceAll(id.Name, "ᐧ", old)
			id.NamePos = token.NoPos
		}
		return true
	})
	return e
}

// builtin returns an exported name for a predeclared type.
func (g *generator) builtin(name string) string {
	g.builtins[name] = true
	return exported(name)
}

// typeText returns a type in the syntax of the current file.
func (g *generator) typeText(t types.Type) string {
	switch t := t.(type) {
	case *types.Named:
		return g.namedText(t)
	case *types.Alias:
		return g.typeText(types.Unalias(t))
	case *types.Pointer:
		return "*" + g.typeText(t.Elem())
	case *types.Slice:
		return "[]" + g.typeText(t.Elem())
	case *types.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), g.typeText(t.Elem()))
	case *types.Map:
		return "map[" + g.typeText(t.Key()) + "]" + g.typeText(t.Elem())
	case *types.Chan:
		word := map[types.ChanDir]string{types.SendRecv: "chan", types.SendOnly: "chan<-", types.RecvOnly: "<-chan"}[t.Dir()]
		return word + " (" + g.typeText(t.Elem()) + ")"
	case *types.Signature:
		return "func" + g.signature(t)
	case *types.Struct:
		return g.structText(t)
	case *types.Interface:
		return g.interfaceText(t)
	case *types.Basic:
		switch {
		case t.Kind() == types.UnsafePointer:
			return g.alias("unsafe") + ".Pointer"
		case t.Info()&types.IsUntyped != 0:
			return types.Default(t).String()
		}
		return t.Name()
	}
	return t.String()
}

func (g *generator) namedText(t *types.Named) string {
	o := t.Obj()
	text := o.Name()
	switch {
	case ours(o.Pkg()):
		if text = g.name(o); text == "" {
			g.err = fmt.Errorf("session: type %s has no name here", typeString(t))
		}
	case o.Pkg() != nil:
		text = g.alias(o.Pkg().Path()) + "." + o.Name()
	}
	if n := t.TypeArgs().Len(); n > 0 {
		args := make([]string, n)
		for i := range n {
			args[i] = g.typeText(t.TypeArgs().At(i))
		}
		text += "[" + strings.Join(args, ", ") + "]"
	}
	return text
}

func (g *generator) structText(t *types.Struct) string {
	var b strings.Builder
	b.WriteString("struct{")
	for i := range t.NumFields() {
		f, tag := t.Field(i), t.Tag(i)
		if !f.Embedded() {
			name := f.Name()
			if member(f) {
				name = exported(name)
			}
			b.WriteString(name + " ")
		}
		b.WriteString(g.fieldType(f))
		if tag != "" {
			b.WriteString(" " + strconv.Quote(tag))
		}
		b.WriteString("; ")
	}
	return b.String() + "}"
}

// fieldType returns the text of a field's type.
func (g *generator) fieldType(f *types.Var) string {
	if alias := g.embeddedAlias(f); alias != "" {
		return alias
	}
	text := g.typeText(f.Type())
	name := strings.TrimPrefix(text, "*")
	switch star := text[:len(text)-len(name)]; {
	case f.Embedded() && types.Universe.Lookup(name) != nil:
		return star + g.builtin(name)
	case f.Embedded() && g.keeps(f.Type()): // the field has the type's name
		return star + exported(name)
	}
	return text
}

// embeddedAlias returns the text of an embedded field whose type is an alias, which gives the field its name: any, or
// one of a cell or a package. It returns "" for other fields.
func (g *generator) embeddedAlias(f *types.Var) string {
	t, star := f.Type(), ""
	if p, ok := t.(*types.Pointer); ok {
		t, star = p.Elem(), "*"
	}
	a, ok := t.(*types.Alias)
	if !f.Embedded() || !ok {
		return ""
	}
	switch obj := a.Obj(); {
	case obj.Parent() == types.Universe:
		return star + g.builtin(obj.Name())
	case ours(obj.Pkg()):
		return star + g.name(obj)
	default:
		return star + g.alias(obj.Pkg().Path()) + "." + obj.Name()
	}
}

func (g *generator) interfaceText(t *types.Interface) string {
	if t.NumMethods() == 0 && t.NumEmbeddeds() == 0 {
		return "interface{}"
	}
	var b strings.Builder
	b.WriteString("interface{")
	for m := range t.ExplicitMethods() {
		name := m.Name()
		if member(m) {
			name = exported(name)
		}
		b.WriteString(name + g.signature(m.Signature()) + "; ")
	}
	for e := range t.EmbeddedTypes() {
		b.WriteString(g.typeText(e) + "; ")
	}
	return b.String() + "}"
}

func (g *generator) signature(s *types.Signature) string {
	text := g.tuple(s.Params(), s.Variadic())
	if s.Results().Len() > 0 {
		text += " " + g.tuple(s.Results(), false)
	}
	return text
}

func (g *generator) tuple(t *types.Tuple, variadic bool) string {
	parts := make([]string, t.Len())
	for i := range t.Len() {
		if variadic && i == t.Len()-1 {
			parts[i] = "..." + g.typeText(t.At(i).Type().(*types.Slice).Elem())
		} else {
			parts[i] = g.typeText(t.At(i).Type())
		}
	}
	return "(" + strings.Join(parts, ", ") + ")"
}
