//go:build linux

package session

import (
	"context"
	"os/exec"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/nearest"
)

// runMagic runs one magic line. Some lines only record settings for the Go part.
func (s *Session) runMagic(ctx context.Context, m *magicCell, i int, out Output) *Error {
	line := m.lines[i]
	if command, ok := strings.CutPrefix(line, "!"); ok {
		return s.shell(ctx, strings.TrimPrefix(command, "!"), m, out) // IPython's !! does the same
	}
	name, args := cutWord(line)
	c := &call{Session: s, ctx: ctx, cell: m, out: out, name: name, args: args, place: m.places[i]}
	row := lookUp(name)
	if named := lookUp(strings.TrimRight(name, "?")); row == nil && named != nil && args == "" {
		return s.showHelpOn(ctx, asked{name: strings.TrimRight(name, "?")})
	}
	if row == nil {
		return c.unknown()
	}
	if row.body {
		return magicError("%s takes the rest of the cell as its text, so it must be in the first line", name)
	}
	c.row = row
	return row.run(c)
}

// runCellMagic runs a cell whose first line is %%writefile or the like.
func (s *Session) runCellMagic(ctx context.Context, m *magicCell, out Output) *Error {
	name, args := cutWord(m.cellMagic)
	row := lookUp(name)
	return row.run(&call{Session: s, ctx: ctx, cell: m, out: out, row: row, name: name, args: args})
}

// unknown returns an error with a likely correction of a name that is no magic.
func (c *call) unknown() *Error {
	word := strings.TrimLeft(c.name, "%")
	switch {
	case c.name == "%":
		return magicError("a magic is written without a blank behind its %%, as in %%who; %%help lists all")
	case strings.HasPrefix(c.name, "%%") && lookUp("%"+word) != nil:
		return magicError("%s is no magic for a whole cell; %%%s is one for a line", c.name, word)
	case !strings.HasPrefix(c.name, "%%") && lookUp("%%"+word) != nil:
		return magicError("%s is for a whole cell: write %%%%%s in its first line", c.name, word)
	}
	if _, err := exec.LookPath(word); err == nil && word != "" {
		return magicError("unknown magic %q; a program is run with !%s", c.name, strings.TrimSpace(word+" "+c.args))
	}
	if near := nearest.Name(c.name, magicNames()); near != "" && len(word) > 1 && nearest.Close(word, strings.TrimLeft(near, "%")) {
		return magicError("unknown magic %q; did you mean %s? %%help lists all", c.name, near)
	}
	return magicError("unknown magic %q; %%help lists all", c.name)
}
