//go:build linux

package session

import (
	"go/types"
	"maps"
	"slices"
	"strings"
)

// closure holds the effect of a cell on earlier cells: which of their names mean something else after it, and which of
// their declarations must be compiled again in its package.
type closure struct {
	replaced map[*entity]bool      // names that mean something else after this cell
	elided   map[*item]*definition // unchanged declarations -> the live definition
	carry    []*definition         // declarations of earlier cells to compile again
	migrate  []*entity             // variables whose types are compiled again with the same layout
}

// findings are the results of the rounds of checking so far.
type findings struct {
	otherType map[string]bool      // variables whose types turned out to be different
	staled    map[string]staleName // names that become stale
}

// closer computes a closure.
type closer struct {
	*bound
	u         *names
	found     findings
	same      map[*definition]*item // live definition -> the cell's equal declaration
	newMethod map[string]bool       // types that get another method, or lose one
	replaced  map[*entity]bool
	carry     map[*definition]bool
	migrate   map[*entity]bool
}

// closure finds what must be compiled again with the cell.
func (pl *planner) closure(b *bound, found findings) *closure {
	c := &closer{bound: b, u: pl.names, found: found, same: map[*definition]*item{}, newMethod: map[string]bool{},
		replaced: map[*entity]bool{}, carry: map[*definition]bool{}, migrate: map[*entity]bool{}}
	for _, it := range b.items {
		if slices.Contains(b.mains, it) {
			continue
		}
		if lv := c.u.live[it.names[0]]; lv != nil && lv.def != nil && c.unchanged(lv.def, it) {
			c.same[lv.def] = it
		}
	}
	maps.Copy(c.newMethod, c.u.lacking)
	c.replaceDeclared()
	for c.grow() || c.regain() {
	}
	return c.result()
}

// unchanged reports whether a declaration is equal to the live one.
func (c *closer) unchanged(live *definition, it *item) bool {
	if live.kind != it.kind || live.text() != it.text() || !slices.Equal(live.names, it.names) || live.src.text == "" {
		return false
	}
	if c.cgo != nil || live.cgo != nil {
		return false // the C part may have changed
	}
	for name, path := range live.imports {
		if c.imports[name] != path {
			return false
		}
	}
	for _, name := range it.names {
		if e := c.u.live[name]; e == nil || e.def != live {
			return false
		}
	}
	// The names that it uses must still mean the same: it must use no name of the cell's own variables.
	for d := range live.deps {
		if c.u.live[d.name] != d {
			return false
		}
	}
	return true
}

// kept reports whether the cell declares e again with the same text.
func (c *closer) kept(e *entity) bool { return e.def != nil && c.same[e.def] != nil }

// declaresVar reports whether the cell declares a variable of that name.
func (c *closer) declaresVar(name string) bool {
	return c.stmtVars[name] || slices.ContainsFunc(c.vars, func(it *item) bool { return slices.Contains(it.names, name) })
}

// replaceDeclared marks the names that the cell's own declarations and imports replace.
func (c *closer) replaceDeclared() {
	for name := range c.declared {
		e := c.u.live[name]
		if t, _, isMethod := strings.Cut(name, "."); isMethod && (e == nil || !c.kept(e)) {
			c.newMethod[t] = true
		}
		if e == nil || c.kept(e) {
			continue
		}
		if e.kind == kindVar && c.declaresVar(name) && !c.found.otherType[name] {
			continue // the type may be the same: then its memory is used again
		}
		c.replaced[e] = true
	}
	for name := range c.imports {
		if e := c.u.live[name]; e != nil && c.ownImport(name) {
			c.replaced[e] = true
		}
	}
	for name := range c.found.staled {
		if e := c.u.live[name]; e != nil {
			c.replaced[e] = true
		}
	}
}

// grow adds the declarations that must be compiled again because of the names replaced so far, and reports whether
// there were any.
func (c *closer) grow() (grew bool) {
	for _, def := range c.u.definitions() {
		if c.carry[def] || !c.needed(def) {
			continue
		}
		grew = true
		c.carry[def] = true
		for _, e := range c.u.entities(def) {
			c.replaced[e] = true
		}
		if def.kind == kindMethod {
			if t := c.u.live[def.recv]; t != nil && !c.replaced[t] {
				c.newMethod[def.recv] = true // the type is compiled again too
			}
		}
	}
	for _, e := range c.u.sorted() {
		if e.kind == kindVar && !c.replaced[e] && !c.declared[e.name] && c.ofReplacedType(e) {
			c.migrate[e], c.replaced[e], grew = true, true, true
		}
	}
	return grew
}

// regain adds the types that get back a method, which was stale or lost, and reports whether there were any: a type is
// compiled with its methods.
func (c *closer) regain() (grew bool) {
	for _, def := range c.foundAgain() {
		if t := c.u.live[def.recv]; def.kind == kindMethod && t != nil && !c.replaced[t] && !c.newMethod[def.recv] {
			c.newMethod[def.recv], grew = true, true
		}
	}
	return grew
}

// needed reports whether a live declaration must be compiled again.
func (c *closer) needed(def *definition) bool {
	for d := range def.deps {
		neverSet := c.u.live[d.name] != d && c.declared[d.name] // a failed cell ended before it
		if c.replaced[d] || neverSet {
			return true
		}
	}
	switch def.kind {
	case kindType:
		return slices.ContainsFunc(def.names, func(name string) bool { return c.newMethod[name] || c.replaced[c.u.live[name]] })
	case kindMethod:
		t := c.u.live[def.recv]
		return t != nil && c.replaced[t]
	}
	return false
}

// ofReplacedType reports whether a variable's type mentions a type that is replaced.
func (c *closer) ofReplacedType(e *entity) (is bool) {
	mentions(e.obj.Type(), func(t *types.TypeName) {
		te := c.u.byObj[t]
		is = is || te != nil && c.replaced[te]
	})
	return is
}

// result puts the closure into a fixed order and leaves out declarations that are dropped.
func (c *closer) result() *closure {
	r := &closure{replaced: c.replaced, elided: map[*item]*definition{}}
	for _, def := range c.u.definitions() {
		if !c.carry[def] {
			if it := c.same[def]; it != nil {
				r.elided[it] = def
			}
		} else if !c.gone(def) {
			r.carry = append(r.carry, def.only(c.remaining(def)))
		}
	}
	r.carry = append(r.carry, c.foundAgain()...)
	for _, e := range c.u.sorted() {
		if c.migrate[e] && !c.stale(e.name) {
			r.migrate = append(r.migrate, e)
		}
	}
	return r
}

func (c *closer) stale(name string) bool { return c.found.staled[name].reason != "" }

// remaining returns those names of a live declaration that neither an earlier cell nor this one declares anew.
func (c *closer) remaining(def *definition) (names []string) {
	return slices.DeleteFunc(namesOf(c.u.entities(def)), func(name string) bool { return c.declared[name] })
}

// declaresMethod reports whether the cell declares a method of a type.
func (p *parsed) declaresMethod(recv string) bool {
	return slices.ContainsFunc(p.items, func(it *item) bool { return it.recv == recv })
}

// gone reports whether a declaration that must be compiled again is dropped: it is stale, the cell declares it anew, or
// it is a method that the type's cell, edited, leaves out. A cell that declares the type alone leaves it its methods.
func (c *closer) gone(def *definition) bool {
	names := c.remaining(def)
	if len(names) == 0 || slices.ContainsFunc(names, c.stale) {
		return true
	}
	if def.kind != kindMethod {
		return false
	}
	t := c.u.live[def.recv]
	if t == nil || c.stale(def.recv) {
		return true
	}
	return t.def != nil && t.def.src == def.src && c.declared[def.recv] && !c.kept(t) && c.declaresMethod(def.recv)
}
