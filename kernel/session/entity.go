//go:build linux

package session

import (
	"go/ast"
	"go/types"
	"sort"
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

// item is a declaration in the text of a cell; functions, methods, types and
// constants can be compiled again from it.
type item struct {
	kind       kind
	src        *source
	decl       ast.Decl
	start, end int
	names      []string // methods as "T.m"
	recv       string
	// imports are the packages that the item uses, by the name it calls them.
	imports map[string]string
	// deps are the names of other cells or items that it uses.
	deps map[*entity]bool
	cgo  *ast.GenDecl // the cell's import "C", if the item may use it
}

func (it *item) text() string { return it.src.text[it.start:it.end] }

// entity is one live name.
type entity struct {
	name string // methods as "T.m"
	kind kind
	obj  types.Object
	item *item // nil for variables
	run  int   // the package nb/r<run> that holds it
	cell int   // execution count, for messages
	// access is a variable's place if it is not simply the package's variable.
	access string
	// store is the run whose package holds a variable's memory.
	store int
	// made are the names that a variable's value was made with.
	made map[*entity]bool
	// src is the cell a variable comes from.
	src *source
}

// universe is all that the session knows by name.
type universe struct {
	live    map[string]*entity
	byObj   map[types.Object]*entity
	stale   map[string]staleName
	imports map[string]imported // by the name that cells use
}

type imported struct {
	path string
	cell int
}

type staleName struct {
	kind   kind
	typ    string
	cell   int
	reason string
}

func newUniverse() *universe {
	return &universe{live: map[string]*entity{}, byObj: map[types.Object]*entity{}, stale: map[string]staleName{}, imports: map[string]imported{}}
}

// sorted returns the live entities in a fixed order.
func (u *universe) sorted() []*entity {
	all := make([]*entity, 0, len(u.live))
	for _, e := range u.live {
		all = append(all, e)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].name < all[j].name })
	return all
}

// items returns the live declarations that can be compiled again.
func (u *universe) items() []*item {
	seen := map[*item]bool{}
	var all []*item
	for _, e := range u.sorted() {
		if e.item != nil && !seen[e.item] {
			seen[e.item] = true
			all = append(all, e.item)
		}
	}
	return all
}

// entities returns an item's live entities.
func (u *universe) entities(it *item) []*entity {
	var all []*entity
	for _, name := range it.names {
		if e := u.live[name]; e != nil && e.item == it {
			all = append(all, e)
		}
	}
	return all
}

// origin is the declared object behind an instantiated one.
func origin(obj types.Object) types.Object {
	switch o := obj.(type) {
	case *types.Var:
		return o.Origin()
	case *types.Func:
		return o.Origin()
	}
	return obj
}

// cellPath is the path of every cell's package for the type checker: the same
// for all, so that cells may use each other's unexported fields and methods.
const cellPath = "cell"

func ours(p *types.Package) bool { return p != nil && p.Path() == cellPath }

// old marks, for the type checker, a name of an earlier cell that this cell
// declares anew further down; no Go identifier contains it.
const old = "·"
