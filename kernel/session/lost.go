//go:build linux

package session

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// When the worker is lost, values are gone, but functions, types and constants have their text and are compiled again
// at once. Those that use a lost variable are compiled again with the cell that declares it.

// forget removes all names. With lost, it records them as gone, in addition to those that are gone already, and keeps
// their declarations to be compiled again.
func (u *names) forget(lost bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	fresh := newNames()
	if lost {
		fresh.imports, fresh.stale = u.imports, u.stale
		for name, e := range u.live {
			fresh.stale[name] = staleName{e.kind, typeString(e.obj.Type()), e.cell, goneReason(e)}
		}
		for _, def := range u.definitions() {
			fresh.lost = append(fresh.lost, def.only(namesOf(u.entities(def))))
		}
		fresh.lost = append(fresh.lost, u.lost...)
	}
	u.live, u.byObj, u.stale, u.imports, u.lost, u.literals = fresh.live, fresh.byObj, fresh.stale, fresh.imports, fresh.lost, fresh.literals
}

// goneReason returns a message with the remedy for a name that was lost with the worker.
func goneReason(e *entity) string {
	if e.def == nil {
		return fmt.Sprintf("%s is gone: the worker ended; run cell %d again, or all with %%rerun", e.name, e.cell)
	}
	var vars []string
	for d := range e.def.deps {
		if d.kind == kindVar {
			vars = append(vars, fmt.Sprintf("%s (cell %d)", d.name, d.cell))
		}
	}
	slices.Sort(vars)
	if len(vars) == 0 {
		return fmt.Sprintf("%s is gone: the worker ended, and something that it uses is gone too; run cell %d again, or all with %%rerun", e.name, e.cell)
	}
	return fmt.Sprintf("%s is back when %s is: the worker ended; run that cell again, or all with %%rerun", e.name, strings.Join(vars, ", "))
}

// foundAgain returns the lost declarations that can be compiled again with the cell, because everything that they use
// exists.
func (c *closer) foundAgain() []*definition {
	var back []*definition
	for _, def := range c.u.lost {
		names := slices.DeleteFunc(slices.Clone(def.names), func(name string) bool { return c.declared[name] || c.u.live[name] != nil })
		if len(names) > 0 && !c.declared[def.recv] && !slices.ContainsFunc(names, c.stale) {
			back = append(back, def.only(names))
		}
	}
	for again := true; again; {
		there := map[string]bool{}
		for _, def := range back {
			for _, name := range def.names {
				there[name] = true
			}
		}
		n := len(back)
		back = slices.DeleteFunc(back, func(def *definition) bool {
			for d := range def.deps {
				if !there[d.name] && c.u.live[d.name] == nil && !c.declared[d.name] {
					return true
				}
			}
			return false
		})
		again = len(back) < n
	}
	return back
}

// restore compiles again the declarations that were lost with a worker, and reports whether there were any.
func (s *Session) restore(ctx context.Context) bool {
	pl := s.planner()
	empty := &bound{parsed: &parsed{src: &source{}}}
	if len(pl.closure(empty, findings{}).carry) == 0 {
		return false
	}
	err := s.goCell(ctx, &Cell{}, &magicCell{}, &runState{})
	if err != nil {
		s.cfg.Logf("compiling again what the worker took with it: %v", err)
	}
	return err == nil
}
