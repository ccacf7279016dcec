//go:build linux

package session

import (
	"context"
	"fmt"
	"go/types"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// nameMagics returns the magics about names and cells.
func nameMagics() []magic {
	return []magic{
		{names: "%who %whos %ls %list %who_ls", args: "[TYPE]", help: "names, types, sizes, cells", run: (*call).who},
		{names: "%rm %remove %del %xdel", args: "NAMES", help: "forget names", run: (*call).remove},
		{names: "%reset_selective", args: "PATTERN", help: "forget the names that a regular expression matches", run: (*call).removeMatching},
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
	c.free()
	if len(unknown) > 0 {
		files := ""
		if slices.ContainsFunc(unknown, func(name string) bool { return !functionPath.MatchString(name) }) {
			files = "; files are removed with !rm"
		}
		c.say("no name %s; %%who lists them%s", strings.Join(unknown, ", "), files)
	}
	return nil
}

// removeMatching makes the names that a pattern matches unknown.
func (c *call) removeMatching() *Error {
	pattern, err := regexp.Compile(unquote(strings.TrimSpace(strings.TrimPrefix(c.args, "-f "))))
	if err != nil || c.args == "" {
		return c.fail("needs a regular expression, not %q", c.args)
	}
	var names []string
	for _, n := range c.names.list(nil) {
		if pattern.MatchString(n.Name) {
			names = append(names, n.Name)
		}
	}
	if len(names) == 0 {
		c.say("no name matches %s", pattern)
		return nil
	}
	c.args = strings.Join(names, " ")
	return c.remove()
}

// drop removes a name and makes the names that depend on it stale.
func (u *names) drop(e *entity) {
	delete(u.live, e.name)
	u.forgetVar(e)
	if e.kind == kindMethod {
		u.lacking[e.def.recv] = true // the next cell compiles it again
	}
	for _, d := range u.sorted() {
		uses := d.def != nil && d.def.deps[e]
		if d.kind == kindVar {
			mentions(d.obj.Type(), func(t *types.TypeName) { uses = uses || u.byObj[t] == e })
		}
		if d.kind == kindMethod && e.kind == kindType && d.def.recv == e.name {
			uses = true
		}
		if uses && u.live[d.name] == d {
			u.stale[d.name] = staleName{kind: d.kind, cell: d.cell, def: d.def,
				reason: fmt.Sprintf("%s (cell %d) uses %s, which was removed; run cell %d again after declaring it", d.name, d.cell, e.name, d.cell)}
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

// resetOptions matches IPython's -f and -s, which change nothing here.
var resetOptions = regexp.MustCompile(`^(-[fs]+\s*)*$`)

func (c *call) reset() *Error {
	switch {
	case c.args == "go.mod":
		if err := c.b.RestoreModules(c.Session.ctx); err != nil {
			return c.fail("%v; %%reset alone puts the workspace's go.mod back and forgets all values", err)
		}
		c.say("go.mod is the workspace's again")
		return nil
	case !resetOptions.MatchString(c.args):
		return c.fail("takes nothing or go.mod, not %q", c.args)
	}
	if err := c.fresh(false); err != nil {
		return c.fail("%v", err)
	}
	c.history.clear()
	if err := c.b.ResetModules(); err != nil {
		return c.fail("%v", err)
	}
	c.say("names and values are gone; go.mod is the workspace's again")
	return nil
}

// named returns those of the cells that the words name: 2, 4-6 or 7-; all if there are no words.
func (c *call) named(all []historyCell, words []string) ([]historyCell, *Error) {
	if len(words) == 0 {
		return all, nil
	}
	var named []historyCell
	for _, word := range words {
		first, last, isRange := strings.Cut(word, "-")
		from, err := strconv.Atoi(first)
		to, err2 := from, error(nil)
		if isRange {
			to = 1 << 30
		}
		if last != "" {
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
	return named, nil
}

// cellWords separates a list of cells.
func cellWords(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' })
}

// showHistory prints the cells that ran, also those that failed. It takes IPython's options: -l [N] for the last ones,
// -g PATTERN for those with a text, -u without repetitions, -f FILE for a file in place of the output.
func (c *call) showHistory() *Error {
	var words []string
	last, text, file, unique := 0, "", "", false
	given := splitArgs(c.args)
	for i := 0; i < len(given); i++ {
		next := ""
		if i+1 < len(given) {
			next = given[i+1]
		}
		switch word := given[i]; {
		case word == "-l":
			last = 10
			if n, err := strconv.Atoi(next); err == nil {
				last = n
				i++
			}
		case (word == "-g" || word == "-f") && (next == "" || next[0] == '-'):
			return c.fail("%s needs a value: %%history [-l [N]] [-g TEXT] [-f FILE] [-u] [CELLS]", word)
		case word == "-g":
			text = strings.Trim(next, "*")
			i++
		case word == "-f":
			file = next
			i++
		case word == "-u":
			unique = true
		case !strings.HasPrefix(word, "-"): // other options are of the form in which IPython prints
			words = append(words, cellWords(word)...)
		}
	}
	cells, err := c.named(c.history.inputs(), words)
	if err != nil {
		return err
	}
	var lines []string
	seen := map[string]bool{}
	for _, h := range cells {
		if strings.Contains(h.code, text) && !(unique && seen[h.code]) {
			lines = append(lines, fmt.Sprintf("[%d] %s", h.count, h.code))
		}
		seen[h.code] = true
	}
	if last > 0 {
		lines = lines[max(0, len(lines)-last):]
	}
	if file != "" {
		return c.write(file, strings.Join(lines, "\n")+"\n", false)
	}
	for _, line := range lines {
		c.say("%s", line)
	}
	return nil
}

// rerun runs cells that succeeded before, in the order in which they ran.
func (c *call) rerun() *Error {
	cells, err := c.named(c.history.all(), cellWords(c.args))
	if err != nil {
		return err
	}
	return c.runAgain(c.ctx, cells, c.out)
}

// startsOver returns the magic of a cell that runs other cells or forgets them, so that it is not run again; else "".
func startsOver(code string) string {
	for _, line := range splitMagic(cellText(code)).lines {
		if word, _ := cutWord(line); word == "%rerun" || word == "%reset" {
			return word
		}
	}
	return ""
}

func (s *Session) runAgain(ctx context.Context, cells []historyCell, out Output) *Error {
	for _, h := range cells {
		if word := startsOver(h.code); word != "" {
			s.out.text("stdout", fmt.Sprintf("cell %d is left out: it has a line with %s\n", h.count, word))
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
		return c.shell(c.ctx, "ls "+c.args, c.cell, c.out)
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	names := c.names.list(c.sizes())
	declared := len(names)
	types := strings.Fields(c.args)
	if len(types) > 0 && types[0] != "//" && types[0] != "#" {
		names = slices.DeleteFunc(names, func(n Name) bool {
			return !slices.Contains(types, n.Type) && !slices.Contains(types, n.Kind) && !slices.Contains(types, n.Name)
		})
	}
	switch {
	case declared == 0:
		fmt.Fprintln(w, "no names yet")
	case len(names) == 0:
		fmt.Fprintf(w, "none of the %d names has the type, the kind or the name %s; %s alone lists all\n",
			declared, strings.Join(types, " or "), c.name)
	default:
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
