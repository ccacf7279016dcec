//go:build linux

package session

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/kernel/worker/rt"
)

// A value may hold code that a cell declares anew: a function, or a type in an interface. It can't be compiled again,
// and its variable's type does not name it. So the worker looks into the values, and the cell names the variables.

// looker returns the code that variables hold; they are named as in worker.Process.Holds.
type looker func(variables []string) map[string][]rt.Code

// look is the looker of the present worker. Without an answer nothing is found.
func (s *Session) look(variables []string) map[string][]rt.Code {
	held, err := s.process().Holds(variables)
	if err != nil {
		s.cfg.Logf("looking for replaced code in variables: %v", err)
	}
	return held
}

// literal is a function literal of a cell's statements, and what it uses. A stack names it by its line.
type literal struct {
	cell     int // execution count
	from, to int // lines
	uses     []*entity
}

// literals returns the function literals of the cell's statements that use code of the session.
func (x *changer) literals() (all []literal) {
	x.inspectBody(func(n ast.Node) {
		lit, ok := n.(*ast.FuncLit)
		if !ok {
			return
		}
		line := func(at token.Pos) int { return x.src.place(x.src.offset(at), "").line }
		l := literal{cell: x.src.count, from: line(lit.Pos()), to: line(lit.End())}
		x.uses(lit, func(e *entity) { l.uses = append(l.uses, e) })
		if len(l.uses) > 0 {
			all = append(all, l)
		}
	})
	return all
}

// inspectBody calls f for each node of the cell's statements and var declarations.
func (x *changer) inspectBody(f func(ast.Node)) {
	visit := func(n ast.Node) bool {
		f(n)
		return true
	}
	for _, it := range x.vars {
		ast.Inspect(it.decl, visit)
	}
	for _, st := range x.stmts {
		ast.Inspect(st, visit)
	}
}

// followValues finds the entities from which the cell gets what it puts into variables.
func (x *changer) followValues() {
	x.inspectBody(func(n ast.Node) {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, lhs := range n.Lhs {
				if e := x.variable(lhs); e != nil {
					x.put(e, append(slices.Clone(n.Rhs), lhs)...)
					if x.defines[n] != nil {
						x.size(e, n)
					}
				}
			}
		case *ast.ValueSpec:
			for _, name := range n.Names {
				if e := x.variable(name); e != nil {
					x.put(e, n.Values...)
					x.size(e, n)
				}
			}
		case *ast.CallExpr: // list.PushBack(T{})
			sel, ok := n.Fun.(*ast.SelectorExpr)
			if e := x.variable(n.Fun); ok && e != nil && len(n.Args) > 0 && x.info.Selections[sel] != nil {
				x.put(e, n.Args...)
			}
		}
	})
}

// variable returns the session's variable that an expression is a part of; nil if there is none.
func (x *changer) variable(e ast.Expr) *entity {
	id, ok := holder(e).(*ast.Ident)
	if !ok {
		return nil
	}
	obj := cmp.Or(x.info.Uses[id], x.info.Defs[id])
	if obj == nil {
		return nil
	}
	if v := x.lookup(obj); v != nil && v.kind == kindVar {
		return v
	}
	return nil
}

// put records that the cell gives a variable something that is made of the expressions.
func (x *changer) put(v *entity, from ...ast.Expr) {
	made := x.out.made[v]
	for _, e := range from {
		x.uses(e, func(d *entity) {
			if d != v {
				made = append(made, d)
			}
			mentions(d.obj.Type(), func(t *types.TypeName) {
				if te := x.lookup(t); te != nil && d != v {
					made = append(made, te)
				}
			})
		})
	}
	x.out.made[v] = made
}

// size records the constants that give the arrays of a variable their length.
func (x *changer) size(v *entity, declaration ast.Node) {
	hasArray := false
	walkType(v.obj.Type(), func(t types.Type) bool {
		_, is := t.(*types.Array)
		hasArray = hasArray || is
		return true
	})
	ast.Inspect(declaration, func(n ast.Node) bool {
		if t, ok := n.(*ast.ArrayType); ok && t.Len != nil && hasArray {
			x.uses(t.Len, func(d *entity) { x.out.sized[v] = append(x.out.sized[v], d) })
		}
		return true
	})
}

// holder returns the variable of which an expression is a part.
func holder(e ast.Expr) ast.Expr {
	for {
		switch x := e.(type) {
		case *ast.IndexExpr:
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return e
		}
	}
}

// noticeHeld adds notices about the variables that hold code that the cell replaces.
func (x *changer) noticeHeld(look looker) {
	if len(x.gone) == 0 {
		return
	}
	after := slices.DeleteFunc(x.after(), func(e *entity) bool { return x.declared[e.name] })
	held, running, unread := heldBy(after, look)
	if names := x.goneNames(running); len(names) > 0 {
		x.out.notices = append(x.out.notices, fmt.Sprintf("a goroutine still runs what was made with %s of before, until it ends", strings.Join(names, ", ")))
	}
	for _, v := range after {
		text := x.heldText(v, held[v])
		if text == "" && unread {
			text = x.mayHoldText(v)
		}
		if text != "" {
			x.out.notices = append(x.out.notices, text)
		}
		if d := x.resized(v); d != nil {
			x.out.notices = append(x.out.notices, fmt.Sprintf("%s (cell %d) still has the size that it had with %s of before; %s to have the new one",
				v.name, v.cell, d.name, x.u.setAgain(v.name, v.cell, x.u.anew(x.typed))))
		}
	}
}

// resized returns the first constant of a variable's arrays that the cell replaces by another value or removes; nil if
// there is none. One that has its value again takes the place of the replaced one.
func (x *changer) resized(v *entity) (first *entity) {
	sized := slices.Clone(v.sized)
	for i, d := range sized {
		if !x.gone[d] {
			continue
		}
		if now := x.pkg.Scope().Lookup(d.name); equalConstants(d.obj, now) {
			sized[i] = x.lookup(now)
		} else if first == nil {
			first = d
		}
	}
	if !slices.Equal(sized, v.sized) {
		x.out.sized[v] = sized
	}
	return first
}

// equalConstants reports whether two objects are constants of the same value.
func equalConstants(a, b types.Object) bool {
	x, ok := a.(*types.Const)
	y, ok2 := b.(*types.Const)
	return ok && ok2 && x.Val().Kind() == y.Val().Kind() && constant.Compare(x.Val(), token.EQL, y.Val())
}

// goneNames returns the names of the code that the cell replaces.
func (x *changer) goneNames(held []rt.Code) (names []string) {
	for _, code := range held {
		for _, old := range x.replacedCode(code) {
			names = append(names, old.e.name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// heldBy returns the code that variables hold, and that goroutines run. unread reports whether the worker could not
// look into the variables.
func heldBy(all []*entity, look looker) (held map[*entity][]rt.Code, running []rt.Code, unread bool) {
	var keys []string
	variables := map[string]*entity{}
	for _, e := range all {
		if e.kind == kindVar && hidesCode(e.obj.Type()) {
			key := fmt.Sprintf("%d.%s", e.store, e.name)
			keys, variables[key] = append(keys, key), e
		}
	}
	held = map[*entity][]rt.Code{}
	for key, code := range look(keys) {
		switch key {
		case rt.Goroutines:
			running = code
		case rt.Unread:
			unread = true
		default:
			held[variables[key]] = code
		}
	}
	return held, running, unread
}

// after returns the names that are live after the cell, sorted.
func (x *changer) after() (all []*entity) {
	created := map[string]*entity{}
	for _, e := range x.out.created {
		created[e.name] = e
	}
	for _, e := range x.u.sorted() {
		if c := created[e.name]; c != nil {
			e = c
		} else if x.gone[e] {
			continue
		}
		all = append(all, e)
	}
	return all
}

// heldText returns the notice about a variable that holds code; "" if none of it is replaced.
func (x *changer) heldText(v *entity, held []rt.Code) string {
	names, cell := x.goneNames(held), 0
	for _, code := range held {
		for _, old := range x.replacedCode(code) {
			cell = max(cell, cmp.Or(v.made[old.e], old.cell, v.set, v.cell))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("%s (cell %d) still holds what was made with %s of before; %s to have the new one",
		v.name, v.cell, strings.Join(names, ", "), x.u.setAgain(v.name, cell, x.u.anew(x.typed)))
}

// mayHoldText is heldText for a variable into which the worker could not look: it has what the cells' text says.
func (x *changer) mayHoldText(v *entity) string {
	if v.kind != kindVar || !hidesCode(v.obj.Type()) || types.Identical(v.obj.Type(), types.Universe.Lookup("error").Type()) {
		return ""
	}
	var names []string
	cell := 0
	for e, made := range v.made {
		if x.gone[e] && (e.kind == kindFunc || e.kind == kindMethod || e.kind == kindType) {
			names, cell = append(names, e.name), max(cell, cmp.Or(made, v.set, v.cell))
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return fmt.Sprintf("%s (cell %d) may still hold what was made with %s of before (goroutines run, so that its value is not looked into); %s to have the new one",
		v.name, v.cell, strings.Join(names, ", "), x.u.setAgain(v.name, cell, x.u.anew(x.typed)))
}

// oldCode is replaced code, and the cell whose function literal uses it; 0 if none does.
type oldCode struct {
	e    *entity
	cell int
}

// plainPart matches the part of a function's name that is a number of the compiler.
var plainPart = regexp.MustCompile(`^(func|gowrap|deferwrap|range)?\d+$`)

// typeArguments matches those in the name of a function.
var typeArguments = regexp.MustCompile(`\[[^]]*\]`)

// replacedCode returns what the cell replaces of the code that a value holds.
func (x *changer) replacedCode(code rt.Code) []oldCode {
	if code.Type != "" {
		return x.goneOf(func(e *entity) bool { return e.kind == kindType && e.name == code.Type && e.run == code.Run })
	}
	names, inBody := declarationsIn(code.Func, func(name string) bool { return x.wasType(name, code.Run) })
	if inBody && len(names) == 0 || code.Func == "" && x.literalAt(code) != nil {
		return x.goneOfLiteral(code)
	}
	return x.goneOf(func(e *entity) bool {
		return (e.kind == kindFunc || e.kind == kindMethod) && e.run <= code.Run &&
			(slices.Contains(names, e.name) || code.Func == "" && e.def.isAt(code.File, code.Line))
	})
}

// wasType reports whether a name was that of a type when a run was compiled.
func (x *changer) wasType(name string, run int) (was bool) {
	latest := 0
	for _, e := range x.u.byObj {
		if e.name == name && latest <= e.run && e.run <= run {
			latest, was = e.run, e.kind == kindType
		}
	}
	return was
}

// declarationsIn returns the declarations that a function's name in stacks begins with, or, if it is one of a cell's
// body, which inBody reports, those that the compiler has put into the body: "f.func1" is a function literal of f. T.f
// is a method if T is a type; otherwise the compiler has put the function f into T.
func declarationsIn(function string, isType func(name string) bool) (names []string, inBody bool) {
	name := strings.NewReplacer("(*", "", ")", "").Replace(typeArguments.ReplaceAllString(function, ""))
	name, inBody = strings.CutPrefix(name, own+"Run")
	parts := strings.Split(strings.TrimPrefix(name, "."), ".")
	if !inBody {
		parts = parts[:min(2, len(parts))]
	}
	for i, part := range parts {
		part, _, _ = strings.Cut(part, "-")
		switch {
		case part == "" || plainPart.MatchString(part):
		case i > 0 && isType(parts[i-1]):
			names = append(names, parts[i-1]+"."+part)
		default:
			names = append(names, part)
		}
	}
	return names, inBody
}

// isAt reports whether a declaration has a line of a file.
func (def *definition) isAt(file string, line int) bool {
	from, to := def.src.place(def.start, "").line, def.src.place(def.end, "").line
	return file == fmt.Sprint(cellPosition, def.src.count) && from <= line && line <= to
}

func (x *changer) goneOf(is func(*entity) bool) (all []oldCode) {
	for e := range x.gone {
		if is(e) {
			all = append(all, oldCode{e: e})
		}
	}
	return all
}

// literalAt returns the innermost function literal at a place of a cell's body; nil if there is none. The first
// function of a plugin, which has no name, may also be one of another cell that is compiled again.
func (x *changer) literalAt(code rt.Code) (in *literal) {
	for i, l := range x.u.literals[code.Run] {
		if l.from <= code.Line && code.Line <= l.to && (in == nil || l.from > in.from || l.to < in.to) {
			in = &x.u.literals[code.Run][i]
		}
	}
	if in != nil && code.Func == "" && code.File != fmt.Sprint(cellPosition, in.cell) {
		return nil
	}
	return in
}

// goneOfLiteral returns what the innermost function literal at a place of a cell's body uses.
func (x *changer) goneOfLiteral(code rt.Code) (all []oldCode) {
	in := x.literalAt(code)
	if in == nil {
		return nil
	}
	for _, e := range in.uses {
		if x.isReplaced(e) {
			all = append(all, oldCode{e, in.cell})
		}
	}
	return all
}

// isReplaced reports whether the cell replaces what a function literal uses. A variable that is kept under a
// new type has its memory.
func (x *changer) isReplaced(e *entity) bool {
	if e.kind != kindVar {
		return x.gone[e]
	}
	live := x.u.live[e.name]
	return live != nil && x.gone[live] && live.kind == kindVar && live.store == e.store && !slices.Contains(x.migrate, live)
}

// twoTypes matches the message of a panic about a type and another one of the same name.
var twoTypes = regexp.MustCompile(`is (\S+), not (\S+) \(types from different|value of type (\S+) is not assignable to type (\S+)`)

// oldTypeAdvice returns the advice for a panic that a value of a type which was declared anew has caused; "" for
// others.
func (s *Session) oldTypeAdvice(msg string) string {
	m := twoTypes.FindStringSubmatch(msg)
	if m == nil || m[1] != m[2] || m[3] != m[4] {
		return ""
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimLeft(m[1]+m[3], "*[]"), "main."), "[")
	t := s.names.live[name]
	if t == nil || t.kind != kindType {
		return ""
	}
	text := fmt.Sprintf("the value was made before %s was declared anew", name)
	all := s.names.sorted()
	held, _, _ := heldBy(all, s.look)
	none := true
	for _, v := range all {
		for _, code := range held[v] {
			if code.Type == name && code.Run != t.run {
				cell := cmp.Or(v.madeWith(code), v.set, v.cell)
				text += fmt.Sprintf("; %s (cell %d) holds such a value: %s", v.name, v.cell, s.names.setAgain(v.name, cell, nil))
				none = false
			}
		}
	}
	if none {
		text += "; run the cell that makes it again"
	}
	return text
}

// madeWith returns the last cell that made a variable's value with a type; 0 if none is known.
func (e *entity) madeWith(code rt.Code) int {
	for d, cell := range e.made {
		if d.kind == kindType && d.name == code.Type && d.run == code.Run {
			return cell
		}
	}
	return 0
}
