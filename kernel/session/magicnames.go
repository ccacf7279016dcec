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

// remove makes names unknown, for %rm.
func (s *Session) remove(names []string) *Error {
	if len(names) == 0 {
		return magicError("%%rm needs names; %%who lists them")
	}
	s.names.mu.Lock()
	defer s.names.mu.Unlock()
	for _, name := range names {
		e, imp := s.names.live[name], s.names.imports[name]
		if e == nil && imp.path == "" {
			return magicError("%%rm: no name %q; %%who lists them", name)
		}
		delete(s.names.imports, name)
		if e != nil {
			s.names.drop(e)
		}
	}
	return nil
}

// drop removes a name and makes stale what depends on it.
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

// rerun runs cells that succeeded before, all or those named.
func (s *Session) rerun(ctx context.Context, which []string, out Output) *Error {
	cells := s.history.all()
	known := map[string]bool{}
	for _, h := range cells {
		known[strconv.Itoa(h.count)] = true
	}
	for _, w := range which {
		if !known[w] {
			return magicError("%%rerun: no cell %s ran before", w)
		}
	}
	for _, h := range cells {
		if len(which) > 0 && !slices.Contains(which, strconv.Itoa(h.count)) {
			continue
		}
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

// who prints the names, for %who.
func (s *Session) who(out Output) {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	names := s.names.list(s.sizes())
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
	s.out.text("stdout", b.String())
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
