//go:build linux

package session

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// nearMember returns the part of a message about a missing field or method that names a similar one; "" for other
// messages. pos is the position of the error. The types of the cell must be known, so call it after the check.
func (t *typed) nearMember(msg string, pos token.Pos) string {
	literal := strings.HasPrefix(msg, "unknown field ")
	if !pos.IsValid() || strings.Contains(msg, ", but does have ") || !literal && !strings.Contains(msg, " has no field or method ") {
		return ""
	}
	var near, has string
	find := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if i := slices.IndexFunc(n.Elts, func(e ast.Expr) bool { return e.Pos() == pos }); literal && i >= 0 {
				near, has = nearField(t.info.TypeOf(n), n.Elts[i])
			}
		case *ast.SelectorExpr:
			if !literal && n.Sel.Pos() == pos {
				if typ := t.info.TypeOf(n.X); typ != nil && typ != types.Typ[types.Invalid] {
					near = nearName(n.Sel.Name, textsOf(members(meaning{typ: typ})))
				}
			}
		}
		return near == ""
	}
	ast.Inspect(t.cellFile, find)
	for _, c := range t.carried {
		ast.Inspect(c.file, find)
	}
	if near == "" {
		return has
	}
	return fmt.Sprintf("; did you mean %s?", near)
}

// unquoted returns the part of a message about an undefined name that stands where a function takes a text:
// tlkit.MustLoad(resnet18). It returns "" for other messages. The types of the cell must be known.
func (t *typed) unquoted(msg string, pos token.Pos) (text string) {
	name, undefined := strings.CutPrefix(msg, "undefined: ")
	if !undefined || !token.IsIdentifier(name) || name[0] == '_' || otherNames[name] != "" {
		return ""
	}
	ast.Inspect(t.cellFile, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return text == ""
		}
		i := slices.IndexFunc(call.Args, func(arg ast.Expr) bool { _, isName := arg.(*ast.Ident); return isName && arg.Pos() == pos })
		if i >= 0 && takesText(t.info.TypeOf(call.Fun), i) {
			text = fmt.Sprintf("; a text stands between double quotes: %q", name)
		}
		return text == ""
	})
	return text
}

// takesText reports whether the i-th argument of a function is a text.
func takesText(fun types.Type, i int) bool {
	s, ok := fun.(*types.Signature)
	if !ok || s.Params().Len() == 0 {
		return false
	}
	param := s.Params().At(min(i, s.Params().Len()-1)).Type()
	if list, ok := param.(*types.Slice); ok && s.Variadic() && i >= s.Params().Len()-1 {
		param = list.Elem()
	}
	return types.Identical(param, types.Typ[types.String])
}

// mostFields is how many fields of a struct a message lists.
const mostFields = 8

// nearField returns the field of a struct type that is similar to the key of an element of its literal, or "", and the
// list of its fields if there are few.
func nearField(typ types.Type, element ast.Expr) (near, has string) {
	kv, ok := element.(*ast.KeyValueExpr)
	if !ok || typ == nil {
		return "", ""
	}
	key, ok := kv.Key.(*ast.Ident)
	st, isStruct := pointed(typ).Underlying().(*types.Struct)
	if !ok || !isStruct {
		return "", ""
	}
	var fields []string
	for v := range st.Fields() {
		if v.Exported() || ours(v.Pkg()) {
			fields = append(fields, v.Name())
		}
	}
	if n := len(fields); n > 0 && n <= mostFields {
		has = "; its fields are " + strings.Join(fields, ", ")
	}
	return nearName(key.Name, textsOf(fieldsOf(typ, false))), has
}

func textsOf(all []Candidate) (names []string) {
	for _, c := range all {
		names = append(names, c.Text)
	}
	return names
}

// printsAddress returns the name of the builtin, print or println, by which a statement of the cell prints a pointer,
// slice or the like: it shows an address where a person expects the value. It returns "" if there is none. Functions
// and branches are left out, because they may not run.
func (t *typed) printsAddress() (name string) {
	visit := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit, *ast.IfStmt, *ast.CaseClause, *ast.CommClause:
			return false
		case *ast.CallExpr:
			if printer := t.printer(n); printer != "" && slices.ContainsFunc(n.Args, t.isAddress) {
				name = printer
			}
		}
		return name == ""
	}
	for _, st := range t.stmts {
		ast.Inspect(st, visit)
	}
	return name
}

// signBefore returns the sign with which the cell's last expression begins if the expression stands further to the
// right than the assignment before it: in other languages the line goes on with it. It returns "" for other cells.
func (t *typed) signBefore() string {
	sign, ok := t.last.(*ast.UnaryExpr)
	if n := len(t.stmts); !ok || n < 2 || sign.Op != token.ADD && sign.Op != token.SUB {
		return ""
	}
	before := t.stmts[len(t.stmts)-2]
	switch before.(type) {
	case *ast.AssignStmt, *ast.DeclStmt:
	default:
		return ""
	}
	from, to, at := t.place(before.Pos()), t.place(before.End()-1), t.place(sign.Pos())
	if at.line != to.line+1 || at.col <= from.col {
		return ""
	}
	return sign.Op.String()
}

// place returns the line and column of a position of the cell.
func (t *typed) place(pos token.Pos) *syntaxError { return t.src.place(t.src.offset(pos), "") }

// printer returns the name of the builtin that prints, if it is called; otherwise "".
func (t *typed) printer(call *ast.CallExpr) string {
	id, ok := ast.Unparen(call.Fun).(*ast.Ident)
	if !ok || !t.info.Types[call.Fun].IsBuiltin() || id.Name != "print" && id.Name != "println" {
		return ""
	}
	return id.Name
}

// isAddress reports whether a builtin that prints shows an expression as an address.
func (t *typed) isAddress(x ast.Expr) bool {
	typ := t.info.TypeOf(x)
	return typ != nil && hasAddress(typ)
}

// hasAddress reports whether the builtin print shows a value of a type as an address.
func hasAddress(typ types.Type) bool {
	switch typ.Underlying().(type) {
	case *types.Pointer, *types.Slice, *types.Map, *types.Chan, *types.Signature, *types.Interface:
		return true
	}
	return false
}
