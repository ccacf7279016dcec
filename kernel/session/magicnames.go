//go:build linux

package session

import (
	"context"
	"fmt"
	"go/types"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// nameCommands returns the magics about names and cells.
func nameCommands() []command {
	return []command{
		{names: "%who %whos %ls %list %who_ls", help: "names, types, sizes, cells", run: (*call).who},
		{names: "%rm %remove %del %xdel", args: "NAMES", help: "forget names", run: (*call).remove},
		{names: "%reset", args: "[go.mod]", help: "forget everything, fresh worker; with go.mod, only put go.mod back", run: (*call).reset},
		{names: "%rerun", args: "[CELLS]", help: "run cells again that ran before, such as 2 4-6, for instance after the worker was lost", run: (*call).rerun},
		{names: "%history %hist", args: "[CELLS]", help: "the code of cells that ran", run: (*call).showHistory},
	}
}

// remove makes names unknown. It prints a name that does not exist and goes on.
func (c *call) remove() *Error {
	names := strings.FieldsFunc(c.args, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' })
	if len(names) == 0 {
		return c.fail("needs names; %%who lists them")
	}
	var unknown []string
	c.names.mu.Lock()
	for _, name := range names {
		e, imp := c.names.live[name], c.names.imports[name]
		_, stale := c.names.stale[name]
		if e == nil && imp.path == "" && !stale {
			unknown = append(unknown, name)
		}
		delete(c.names.imports, name)
		delete(c.names.stale, name)
		if e != nil {
			c.names.drop(e)
		}
	}
	c.names.mu.Unlock()
	if len(unknown) > 0 {
		c.say("no name %s; %%who lists them", strings.Join(unknown, ", "))
	}
	return nil
}

// drop removes a name and makes the names that depend on it stale.
func (u *names) drop(e *entity) {
	delete(u.live, e.name)
	for _, d := range u.sorted() {
		uses := d.def != nil && d.def.deps[e]
		if d.kind == kindVar {
			mentions(d.obj.Type(), func(t *types.TypeName) { uses = uses || u.byObj[t] == e })
		}
		if d.kind == kindMethod && e.kind == kindType && d.def.recv == e.name {
			uses = true
		}
		if uses && u.live[d.name] == d {
			u.stale[d.name] = staleName{d.kind, "", d.cell, fmt.Sprintf("%s (cell %d) uses %s, which was removed; run cell %d again after declaring it", d.name, d.cell, e.name, d.cell)}
			u.drop(d)
		}
	}
}

// dropImports makes imported names unknown.
func (u *names) dropImports(names []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, name := range names {
		delete(u.imports, name)
	}
}

func (c *call) reset() *Error {
	switch c.args {
	case "go.mod":
	case "", "-f":
		if err := c.fresh(false); err != nil {
			return c.fail("%v", err)
		}
		c.history.clear()
	default:
		return c.fail("takes nothing or go.mod, not %q", c.args)
	}
	if err := c.b.ResetModules(); err != nil {
		return c.fail("%v", err)
	}
	c.b.Forget()
	if c.args == "go.mod" {
		c.say("go.mod is the workspace's again")
		return nil
	}
	c.say("names and values are gone; go.mod is the workspace's again")
	return nil
}

// cells returns the cells that ran: all, or those that the arguments name.
func (c *call) cells() ([]historyCell, *Error) {
	all := c.history.all()
	var named []historyCell
	words := strings.FieldsFunc(c.args, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' })
	words = slices.DeleteFunc(words, func(word string) bool { return strings.HasPrefix(word, "-") }) // IPython's options
	for _, word := range words {
		first, last, isRange := strings.Cut(word, "-")
		from, err := strconv.Atoi(first)
		to, err2 := from, error(nil)
		if isRange {
			to, err2 = strconv.Atoi(last)
		}
		before := len(named)
		for _, h := range all {
			if h.count >= from && h.count <= to {
				named = append(named, h)
			}
		}
		if err != nil || err2 != nil || len(named) == before {
			return nil, c.fail("no cell %s ran before", word)
		}
	}
	if len(words) == 0 {
		return all, nil
	}
	return named, nil
}

func (c *call) showHistory() *Error {
	cells, err := c.cells()
	for _, h := range cells {
		c.say("[%d] %s", h.count, h.code)
	}
	return err
}

// rerun runs cells that succeeded before, in the order in which they ran.
func (c *call) rerun() *Error {
	cells, err := c.cells()
	if err != nil {
		return err
	}
	return c.runAgain(c.ctx, cells, c.out)
}

func (s *Session) runAgain(ctx context.Context, cells []historyCell, out Output) *Error {
	for _, h := range cells {
		if strings.Contains(h.code, "%rerun") || strings.Contains(h.code, "%reset") {
			continue
		}
		state := s.runner.present()
		if err := s.execute(ctx, &Cell{Code: h.code, Count: h.count, ID: h.id}, out, state); err != nil {
			err.Traceback = append([]string{fmt.Sprintf("while running cell %d again:", h.count)}, err.Traceback...)
			return err
		}
		s.runner.starts(state, 0)
	}
	return nil
}

// who prints the names. %ls with a folder is IPython's: it lists files.
func (c *call) who() *Error {
	if c.name == "%ls" && c.args != "" {
		return c.shell(c.ctx, "ls "+c.args, c.m, c.out)
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	names := c.names.list(c.sizes())
	if len(names) == 0 {
		fmt.Fprintln(w, "no names yet")
	} else {
		fmt.Fprintln(w, "name\tkind\ttype\tsize\tcell\t")
	}
	for _, n := range names {
		size := ""
		if n.Size >= 0 {
			size = byteSize(n.Size)
		}
		typ := n.Type
		if len(typ) > 60 {
			typ = typ[:57] + "..."
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\n", n.Name, n.Kind, typ, size, n.Cell, n.Stale)
	}
	w.Flush()
	if c.name == "%ls" {
		b.WriteString("(%ls . lists the folder)\n")
	}
	c.Session.out.text("stdout", b.String())
	return nil
}

func byteSize(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d B", n)
	case n < 10<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}
