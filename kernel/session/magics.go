//go:build linux

package session

import (
	"context"
	"fmt"
	"regexp"
	"strings"
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
	row   *magic
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

func magicError(format string, args ...any) *Error {
	text := fmt.Sprintf(format, args...)
	return &Error{"MagicError", text, []string{red + text + plain}}
}
