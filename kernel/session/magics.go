//go:build linux

package session

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/nearest"
)

// magic is a row of the table that %help, %lsmagic, completion, "did you mean" and runMagic read.
type magic struct {
	names string // with their %, the first one is the usual one
	args  string // as %help shows them
	help  string // what it does, in a line
	run   func(c *call) *Error

	body  bool // the rest of the cell is its input, not Go
	code  bool // the rest of its line, after options, is Go
	early bool // it concerns the Go of the whole cell: it runs first
	whole bool // like early, and the Go of its cell stays one part
}

// call is one use of a magic.
type call struct {
	*Session
	ctx   context.Context
	cell  *magicCell
	out   Output
	name  string // as it was typed
	args  string // the rest of the line
	place int    // its line in the cell, from 0
}

// say prints a line.
func (c *call) say(format string, args ...any) {
	c.Session.out.text("stdout", fmt.Sprintf(format+"\n", args...))
}

// fail returns an error that begins with the magic's name.
func (c *call) fail(format string, args ...any) *Error {
	return magicError("%s: %s", c.name, fmt.Sprintf(format, args...))
}

// file returns the argument as one file name, without quotes around it and backslashes before its blanks.
func (c *call) file() string { return fileName(c.args) }

func fileName(text string) string {
	if strings.ContainsAny(text, `"'`) && !escapedQuote.MatchString(text) {
		return unquote(text)
	}
	return escaped.ReplaceAllString(text, "$1")
}

// escaped matches a blank, a quote or a backslash behind a backslash.
var (
	escaped      = regexp.MustCompile(`\\([ \t"'\\])`)
	escapedQuote = regexp.MustCompile(`\\["']`)
)

// section is a part of %help.
type section struct {
	title  string
	magics []magic
}

// sections is the table of magics. It is filled by init because running a magic reads it: %help lists it,
// %rerun runs cells.
var sections []section

func init() {
	sections = []section{
		{"Cells and their names", nameMagics()},
		{"Running Go", goMagics()},
		{"Files, folders, programs", systemMagics()},
		{"Showing", showMagics()},
		{"For notebooks of other kernels", foreignMagics()},
	}
}

// lookUp returns the magic that is called name, or nil.
func lookUp(name string) *magic {
	for _, s := range sections {
		for i := range s.magics {
			if slices.Contains(strings.Fields(s.magics[i].names), name) {
				return &s.magics[i]
			}
		}
	}
	return nil
}

// magicNames returns all names, with their %, sorted.
func magicNames() []string {
	var all []string
	for _, s := range sections {
		for _, c := range s.magics {
			all = append(all, strings.Fields(c.names)...)
		}
	}
	slices.Sort(all)
	return all
}

// Magics returns the magics, with their %, sorted, for completion.
func Magics() []Magic {
	var all []Magic
	for _, s := range sections {
		for _, c := range s.magics {
			for _, name := range strings.Fields(c.names) {
				all = append(all, Magic{name, c.args, c.help})
			}
		}
	}
	slices.SortFunc(all, func(a, b Magic) int { return strings.Compare(a.Name, b.Name) })
	return all
}

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
	return row.run(c)
}

// runCellMagic runs a cell whose first line is %%writefile or the like.
func (s *Session) runCellMagic(ctx context.Context, m *magicCell, out Output) *Error {
	name, args := cutWord(m.cellMagic)
	return lookUp(name).run(&call{Session: s, ctx: ctx, cell: m, out: out, name: name, args: args})
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

func magicError(format string, args ...any) *Error {
	text := fmt.Sprintf(format, args...)
	return &Error{"MagicError", text, []string{red + text + plain}}
}
