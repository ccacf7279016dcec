//go:build linux

package session

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// A variable of the session is one of the cell's package, whose type other packages must be able to name. A
// variable with a type of C, or with one that its package does not export (order := binary.LittleEndian), can't be
// that. It is the cell's own: a variable of the function that runs the cell, as Go's text says. A later cell that
// uses it is told why it is gone.
//
// The types are known only after checking: the cell is then parsed again. A variable that a := makes with such
// variables is the session's, but only the body can tell its type: it is the cell's own for one round, on trial, and
// then declared with the type that was found.

// ownVars are variables that a round of checking has found to be the cell's own, or not.
type ownVars struct {
	why   map[string]string     // they are, and why
	types map[string]types.Type // they are not, and their types
}

func newOwnVars() ownVars { return ownVars{map[string]string{}, map[string]types.Type{}} }

func (o ownVars) any() bool { return len(o.why)+len(o.types) > 0 }

// with returns the findings of two rounds.
func (o ownVars) with(more ownVars) ownVars {
	all := newOwnVars()
	for _, x := range []ownVars{o, more} {
		maps.Copy(all.why, x.why)
		maps.Copy(all.types, x.types)
	}
	return all
}

// attempt is a variable on trial, and the statement that declares it.
type attempt struct {
	name *ast.Ident
	by   *ast.AssignStmt
}

// namesakes returns the variables of := that have the name of another declaration of the cell. A := with further
// variables is left alone, and refused: they are the session's, which the cell's own variable can't be.
func (p *parsed) namesakes() ownVars {
	own := newOwnVars()
	for _, it := range p.items {
		for _, st := range p.stmts {
			for _, id := range p.defined(st) {
				if slices.Contains(it.names, id.Name) && id.Name != "_" && len(notBlank(p.defined(st))) == 1 {
					own.why[id.Name] = fmt.Sprintf("%s (cell %d) is a variable of its cell alone, which declares a %s of that name too: other cells have the %s; give one of them another name", id.Name, p.src.count, it.kind, it.kind)
				}
			}
		}
	}
	return own
}

// notBlank returns the names that are not blank.
func notBlank(ids []*ast.Ident) []*ast.Ident {
	return slices.DeleteFunc(slices.Clone(ids), func(id *ast.Ident) bool { return id.Name == "_" })
}

// withOwn returns the cell with the findings of another round.
func (p *parsed) withOwn(fset *token.FileSet, more ownVars) (*parsed, error) {
	again, err := parseWith(fset, p.src, p.own.with(more))
	if err != nil {
		return nil, errors.New(err.msg)
	}
	again.quiet = p.quiet
	return again, nil
}

// isOwn reports whether a := declares variables of the cell's own: one is enough, for all that it declares.
func (p *parsed) isOwn(a *ast.AssignStmt) bool {
	return slices.ContainsFunc(a.Lhs, func(x ast.Expr) bool {
		id, ok := x.(*ast.Ident)
		return ok && (p.own.why[id.Name] != "" || p.trial[id.Name].name == id)
	})
}

// keepOwn makes the var declarations of the cell's own variables statements, and puts the variables that a :=
// makes with them on trial.
func (p *parsed) keepOwn() {
	if len(p.own.why) == 0 {
		return
	}
	p.trial, p.beside, p.ownBefore = map[string]attempt{}, map[string]string{}, map[string]bool{}
	p.stmts = nil
	for i, o := range p.order {
		switch o := o.(type) {
		case *item:
			if why := p.whyItem(o); why != "" {
				for _, name := range o.names {
					p.beside[name], p.ownBefore[name] = goesWith(name, why), true
				}
				p.vars = slices.DeleteFunc(p.vars, func(it *item) bool { return it == o })
				p.order[i] = &ast.DeclStmt{Decl: o.decl}
			}
		case *ast.AssignStmt:
			p.keepAssigned(o)
		}
		if st, ok := p.order[i].(ast.Stmt); ok {
			p.stmts = append(p.stmts, st)
		}
	}
}

// goesWith returns the reason for a variable whose statement has one of the cell's own, for the reason why.
func goesWith(name, why string) string {
	if strings.HasPrefix(why, name+" (cell ") {
		return why
	}
	return name + " is declared with a variable of the cell's own: " + why
}

// whyItem returns why a var declaration is the cell's own; "" if it is not.
func (p *parsed) whyItem(it *item) string {
	for _, name := range it.names {
		if why := p.own.why[name]; why != "" {
			return why
		}
	}
	return p.mentionsOwn(it.decl)
}

func (p *parsed) keepAssigned(a *ast.AssignStmt) {
	if a.Tok != token.DEFINE {
		return
	}
	why := ""
	for _, x := range a.Lhs {
		if id, ok := x.(*ast.Ident); ok && why == "" {
			why = p.own.why[id.Name]
		}
	}
	trial := false
	for _, x := range a.Rhs {
		trial = trial || p.mentionsOwn(x) != ""
	}
	for _, x := range a.Lhs {
		id, ok := x.(*ast.Ident)
		switch {
		case !ok:
		case why != "":
			p.beside[id.Name], p.ownBefore[id.Name] = goesWith(id.Name, why), true
		case trial && p.own.types[id.Name] == nil:
			p.trial[id.Name] = attempt{id, a}
		}
	}
}

// mentionsOwn returns why the first of the cell's own variables that node mentions is one; "" if it mentions none.
// Before the variable's declaration its name means something else.
func (p *parsed) mentionsOwn(node ast.Node) (why string) {
	var visit func(ast.Node) bool
	visit = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			ast.Inspect(n.X, visit)
			return false
		case *ast.Ident:
			switch {
			case why != "":
			case p.own.why[n.Name] != "":
				if p.ownBefore[n.Name] {
					why = p.own.why[n.Name]
				}
			case p.trial[n.Name].name != nil:
				why = fmt.Sprintf("%s is made with a variable of the cell's own", n.Name)
			default:
				why = p.beside[n.Name]
			}
		}
		return why == ""
	}
	ast.Inspect(node, visit)
	return why
}

// knownVars returns the session's variables whose types an earlier round has found.
func (p *parsed) knownVars() (all []*entity) {
	for _, spec := range p.defines {
		for _, id := range spec.Names {
			if t := p.own.types[id.Name]; t != nil {
				all = append(all, &entity{name: id.Name, obj: types.NewVar(id.Pos(), nil, id.Name, t)})
			}
		}
	}
	return all
}

// whyOwn returns why a variable must be the cell's own; "" if it need not.
func (t *typed) whyOwn(v *types.Var) string {
	name, cell := v.Name(), t.src.count
	if isUnknown(v.Type()) && t.cgo != nil {
		return fmt.Sprintf("%s (cell %d) has a type of C, or is the error of a call of C, which no other cell or function can have; declare it with a type of Go there, for instance var %s int = int(C.f()), or var %s error before %s is assigned", name, cell, name, name, name)
	}
	if bad := unnameable(v.Type()); bad != "" {
		return fmt.Sprintf("%s (cell %d) has the type %s, which its package does not export, so that no other cell or function can have it; keep it in an interface there: var %s any = ...", name, cell, bad, name)
	}
	return ""
}

// tryOwn finds the types of the variables that are on trial.
func (t *typed) tryOwn() {
	for name, a := range t.trial {
		v, ok := t.info.Defs[a.name].(*types.Var)
		if !ok {
			continue
		}
		if c := converted(a.by); c != nil {
			t.own.types[name] = c
		} else if why := t.whyOwn(v); why != "" {
			t.own.why[name] = why
		} else {
			t.own.types[name] = v.Type()
		}
	}
}

// converted returns the type that a statement gives its only variable by a conversion from C; nil if it does not.
func converted(a *ast.AssignStmt) types.Type {
	if len(a.Lhs) != 1 || len(a.Rhs) != 1 {
		return nil
	}
	switch t := convertedTo(a.Rhs[0]).(type) {
	case *ast.Ident:
		return types.Universe.Lookup(t.Name).Type()
	case *ast.ArrayType:
		return types.NewSlice(types.Universe.Lookup("byte").Type())
	}
	return nil
}

// staleOwn returns why other code can't use the cell's own variables.
func (p *parsed) staleOwn() map[string]staleName {
	all := map[string]staleName{}
	for _, list := range []map[string]string{p.beside, p.own.why} {
		for name, why := range list {
			if name != "_" && !p.declared[name] {
				all[name] = staleName{kind: kindVar, cell: p.src.count, reason: why}
			}
		}
	}
	return all
}

// dropOwn records that the cell's own variables are gone.
func (x *changer) dropOwn() {
	own := x.staleOwn()
	maps.Copy(x.out.stale, own)
	for name := range own {
		if e := x.u.live[name]; e != nil {
			x.out.removed = append(x.out.removed, e)
		}
	}
}
