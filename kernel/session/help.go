//go:build linux

package session

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// helpHead and helpFoot are %help's text before and after the table of magics.
const (
	helpHead = `Each cell is compiled Go, and its names live until they are redefined or removed.
Statements, declarations and imports may come in any order; the value of a last
expression is shown (not with a ; behind it). A package need not be imported to
be used: fmt.Println works in the first cell.
Lines with ! and % run where they stand, between the Go above and below them; those
with !* run first. In a cell with a function, type or constant below such a line, a
return, defer or goto outside of functions, import "C", %test, %exec, %timeit or %%
they run before all Go, and the cell says so.
`
	helpFoot = `
func main is called when its cell has run; func init, and init_... that the cell
does not call, before it.
`
)

// pageText is the pager's text. Front ends such as JupyterLab show it below the output, so it must not repeat the help.
const pageText = "name? shows help on a name, %lsmagic the names of the magics"

// help is %help: with a name, it is help on that, as NAME? is.
func (c *call) help() *Error {
	name := strings.TrimSpace(strings.TrimSuffix(c.args, "?"))
	if name == "" {
		return c.showHelp()
	}
	for _, signs := range []string{"", "%", "%%"} {
		if lookUp(signs+name) != nil {
			return c.showHelpOn(c.ctx, asked{name: signs + name})
		}
	}
	if on := asksHelp(name + "?"); on.name != "" {
		return c.showHelpOn(c.ctx, on)
	}
	return c.showHelp()
}

// showHelp prints the magics and the help sections of packages.
func (c *call) showHelp() *Error {
	var b strings.Builder
	b.WriteString(helpHead)
	for _, s := range sections {
		fmt.Fprintf(&b, "\n%s\n", s.title)
		w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
		for _, row := range s.magics {
			fmt.Fprintf(w, "  %s\n", row.usage())
		}
		w.Flush()
	}
	b.WriteString(helpFoot)
	if c.b != nil {
		b.WriteString(c.packageHelp(c.ctx))
	}
	c.Session.out.text("stdout", b.String())
	c.out.Page(map[string]any{"text/plain": pageText})
	return nil
}

// usage returns the magic's row of %help, with a tab before what it does.
func (m *magic) usage() string {
	return strings.TrimSpace(strings.ReplaceAll(m.names, " ", ", ")+" "+m.args) + "\t" + m.help
}

func (c *call) listMagics() *Error {
	c.say("%s", strings.Join(magicNames(), " "))
	return nil
}
