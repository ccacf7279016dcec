//go:build linux

package session

import (
	"go/ast"
	"go/types"
)

// changer computes a change.
type changer struct {
	*checked
	u     *names
	unset map[string]bool  // variables whose initialiser did not run
	gone  map[*entity]bool // entities that are replaced
	fresh map[types.Object]*entity
	out   *change
}

// lookup returns the live name of an object as it will be after the cell.
func (x *changer) lookup(obj types.Object) *entity {
	obj = origin(obj)
	if e := x.fresh[obj]; e != nil {
		return e
	}
	if e := x.marked[obj]; e != nil {
		return e
	}
	return x.u.byObj[obj]
}

// uses calls f for each name of the session that node uses.
func (x *changer) uses(node ast.Node, f func(*entity)) {
	ast.Inspect(node, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			if obj := x.info.Uses[id]; obj != nil {
				if e := x.lookup(obj); e != nil {
					f(e)
				}
			}
		}
		return true
	})
}
