//go:build linux

package session

import (
	"cmp"
	"context"
	"fmt"
	"maps"
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
		fresh.imports, fresh.stale, fresh.declared = u.imports, u.stale, u.declared
		left := &names{live: maps.Clone(u.live), declared: u.declared} // a cell that runs again undoes no value any more
		maps.DeleteFunc(left.live, func(_ string, e *entity) bool { return e.kind == kindVar })
		for name, e := range u.live {
			fresh.stale[name] = staleName{kind: e.kind, typ: typeString(e.obj.Type()), cell: e.cell, reason: left.goneReason(e)}
		}
		for _, def := range u.definitions() {
			fresh.lost = append(fresh.lost, def.only(namesOf(u.entities(def))))
		}
		fresh.lost = append(fresh.lost, u.lost...)
	}
	u.live, u.byObj, u.stale, u.imports, u.lost, u.lacking = fresh.live, fresh.byObj, fresh.stale, fresh.imports, fresh.lost, fresh.lacking
	u.literals, u.declared, u.forgotten = fresh.literals, fresh.declared, nil
}

// goneReason returns a message with the remedy for a name that was lost with the worker.
func (u *names) goneReason(e *entity) string {
	if e.def == nil {
		return fmt.Sprintf("%s is gone: the worker ended; %s, or run all with %%rerun", e.name, u.setAgain(e.name, e.cell, nil))
	}
	var vars []string
	for d := range e.def.deps {
		if d.kind == kindVar {
			vars = append(vars, fmt.Sprintf("%s (cell %d)", d.name, d.cell))
		}
	}
	slices.Sort(vars)
	if len(vars) == 0 {
		return fmt.Sprintf("%s is gone: the worker ended, and something that it uses is gone too; %s, or run all with %%rerun", e.name, u.setAgain(e.name, e.cell, nil))
	}
	return fmt.Sprintf("%s is back when %s is: the worker ended; run that cell again, or all with %%rerun", e.name, strings.Join(vars, ", "))
}

// mendable returns the stale declarations that use something that changes with the cell, and nothing that was removed.
func (c *closer) mendable() (all []*definition) {
	changes := map[string]bool{}
	for name := range c.declared {
		changes[name] = c.u.live[name] == nil
	}
	for e := range c.replaced {
		changes[e.name] = true
	}
	stale := map[*definition][]string{} // names by declaration
	for _, name := range slices.Sorted(maps.Keys(c.u.stale)) {
		if def := c.u.stale[name].def; def != nil {
			stale[def] = append(stale[def], name)
		}
	}
	for grew := true; grew; {
		grew = false
		for def, names := range stale {
			deps := slices.Collect(maps.Keys(def.deps))
			if slices.ContainsFunc(deps, func(d *entity) bool { return changes[d.name] }) && !slices.ContainsFunc(deps, c.removed) {
				all, grew = append(all, def.only(names)), true
				delete(stale, def)
				for _, name := range names {
					changes[name] = true
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b *definition) int { return cmp.Compare(a.names[0], b.names[0]) })
	return all
}

// removed reports whether %rm removed a name, and nothing has it any more.
func (c *closer) removed(e *entity) bool {
	return c.u.live[e.name] == nil && c.u.stale[e.name].reason == "" && !c.declared[e.name]
}

// foundAgain returns declarations that are not live and are compiled again with the cell: the stale ones of which
// something that they use changes, and the lost ones of which all that they use exists.
func (c *closer) foundAgain() []*definition {
	stale, back := c.absent(c.mendable()), c.absent(c.u.lost)
	for again := true; again; {
		there := map[string]bool{}
		for _, def := range append(stale, back...) {
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
	return append(stale, back...)
}

// absent returns the declarations with those of their names that would not be there otherwise.
func (c *closer) absent(defs []*definition) (all []*definition) {
	for _, def := range defs {
		names := slices.DeleteFunc(slices.Clone(def.names), func(name string) bool { return c.declared[name] || c.u.live[name] != nil })
		if len(names) > 0 && !(c.declared[def.recv] && c.declaresMethod(def.recv)) && !slices.ContainsFunc(names, c.stale) {
			all = append(all, def.only(names))
		}
	}
	return all
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
