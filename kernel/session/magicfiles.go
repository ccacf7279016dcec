//go:build linux

package session

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// runFile runs a Go file as a cell.
func (c *call) runFile() *Error {
	words := splitArgs(c.args)
	for len(words) > 0 && strings.HasPrefix(words[0], "-") { // IPython's options
		words = words[1:]
	}
	if len(words) == 0 {
		return c.fail("needs a file: %%run FILE.go [ARGS]")
	}
	if filepath.Ext(words[0]) != ".go" {
		return c.fail("%s is no Go file; a program is run with !NAME", words[0])
	}
	text, err := os.ReadFile(c.env.path(words[0]))
	if err != nil {
		return c.fail("%v; a Go file as a program of its own is run with !go run %s", err, words[0])
	}
	file, err := filepath.EvalSymlinks(c.env.path(words[0]))
	if err != nil {
		return c.fail("%v", err)
	}
	wasArgs, wasFiles := c.Session.args, c.runFiles
	if slices.Contains(c.runFiles, file) {
		return c.fail("%s is being run already, so it would run itself without end; take the %%run out of it", words[0])
	}
	c.Session.args, c.runFiles = words[1:], append(c.runFiles, file)
	defer func() { c.Session.args, c.runFiles = wasArgs, wasFiles }()
	state := c.runner.present()
	if err := c.Session.execute(c.ctx, &Cell{Code: string(text), Count: c.cell.count}, c.out, state); err != nil {
		err.Traceback = append([]string{fmt.Sprintf("while running %s, whose lines these are:", words[0])}, err.Traceback...)
		return err
	}
	c.runner.starts(state, 0)
	return nil
}

// load puts a file's text into the cell.
func (c *call) load() *Error {
	if c.args == "" {
		return c.fail("needs a file: %s FILE", c.name)
	}
	text, err := os.ReadFile(c.env.path(c.file()))
	if err != nil {
		return c.fail("%v", err)
	}
	c.out.NextInput("// "+c.name+" "+c.args+"\n"+string(text), true)
	return nil
}

// recall puts the text of an earlier cell into a new one.
func (c *call) recall() *Error {
	cells, err := c.named(c.history.inputs(), cellWords(c.args))
	if err != nil {
		return err
	}
	if c.args == "" {
		cells = cells[max(0, len(cells)-1):]
	}
	var text []string
	for _, h := range cells {
		text = append(text, h.code)
	}
	c.out.NextInput(strings.Join(text, "\n"), false)
	return nil
}

// save writes the code of cells to a file.
func (c *call) save() *Error {
	words := splitArgs(c.args)
	appends := slices.Contains(words, "-a")
	words = slices.DeleteFunc(words, func(word string) bool { return strings.HasPrefix(word, "-") })
	if len(words) < 2 {
		return c.fail("needs a file and cells: %%save [-a] FILE CELLS")
	}
	cells, err := c.named(c.history.inputs(), words[1:])
	if err != nil {
		return err
	}
	var text strings.Builder
	for _, h := range cells {
		text.WriteString(strings.TrimRight(h.code, "\n") + "\n")
	}
	return c.write(words[0], text.String(), appends)
}
