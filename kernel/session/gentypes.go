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
	// Names with a dot in the middle of a word are the checker's only.
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

// typeText is a type in the current file's words.
func (g *generator) typeText(t types.Type) string {
	switch t := t.(type) {
	case *types.Named:
		o := t.Obj()
		text := o.Name()
		if o.Pkg() != nil {
			if ours(o.Pkg()) {
				text = g.name(o)
				if text == "" {
					g.err = fmt.Errorf("session: type %s has no name here", typeString(t))
				}
			} else {
				text = g.alias(o.Pkg().Path()) + "." + o.Name()
			}
		}
		if n := t.TypeArgs().Len(); n > 0 {
			args := make([]string, n)
			for i := range n {
				args[i] = g.typeText(t.TypeArgs().At(i))
			}
			text += "[" + strings.Join(args, ", ") + "]"
		}
		return text
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
		switch t.Dir() {
		case types.SendOnly:
			return "chan<- (" + g.typeText(t.Elem()) + ")"
		case types.RecvOnly:
			return "<-chan (" + g.typeText(t.Elem()) + ")"
		}
		return "chan (" + g.typeText(t.Elem()) + ")"
	case *types.Signature:
		return "func" + g.signature(t)
	case *types.Struct:
		var b strings.Builder
		b.WriteString("struct{")
		for i := range t.NumFields() {
			f := t.Field(i)
			tag := t.Tag(i)
			if !f.Embedded() {
				name := f.Name()
				if member(f) {
					name = exported(name)
					if tag == "" {
						tag = strings.Trim(hiddenTag, "`")
					}
				}
				b.WriteString(name + " ")
			}
			text := g.typeText(f.Type())
			if name := strings.TrimPrefix(text, "*"); f.Embedded() && types.Universe.Lookup(name) != nil {
				text = text[:len(text)-len(name)] + g.builtin(name)
			}
			b.WriteString(text)
			if tag != "" {
				b.WriteString(" " + strconv.Quote(tag))
			}
			b.WriteString("; ")
		}
		return b.String() + "}"
	case *types.Interface:
		if t.NumMethods() == 0 && t.NumEmbeddeds() == 0 {
			return "interface{}"
		}
		var b strings.Builder
		b.WriteString("interface{")
		for i := range t.NumExplicitMethods() {
			m := t.ExplicitMethod(i)
			name := m.Name()
			if member(m) {
				name = exported(name)
			}
			b.WriteString(name + g.signature(m.Signature()) + "; ")
		}
		for i := range t.NumEmbeddeds() {
			b.WriteString(g.typeText(t.EmbeddedType(i)) + "; ")
		}
		return b.String() + "}"
	case *types.Basic:
		if t.Kind() == types.UnsafePointer {
			return g.alias("unsafe") + ".Pointer"
		}
		if t.Info()&types.IsUntyped != 0 {
			return types.Default(t).String()
		}
		return t.Name()
	}
	return t.String()
}

func (g *generator) signature(s *types.Signature) string {
	tuple := func(t *types.Tuple, variadic bool) string {
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
	text := tuple(s.Params(), s.Variadic())
	if s.Results().Len() > 0 {
		text += " " + tuple(s.Results(), false)
	}
	return text
}
