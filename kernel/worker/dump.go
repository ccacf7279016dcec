//go:build linux

package worker

import (
	"bytes"
	"fmt"
	"regexp"
)

// shownLines is how many lines of a dump are shown, about a screenful.
const shownLines = 30

// maxLine is how much of the beginning of a line is looked at, in bytes.
const maxLine = 80

var (
	// fatalLine matches the line in which Go says why it ends the process.
	fatalLine = regexp.MustCompile(`^(fatal error: |panic: |runtime: goroutine stack exceeds|SIG[A-Z]+: )`)
	// stackLine matches the line above a stack of a dump.
	stackLine = regexp.MustCompile(`^(goroutine \d+ |runtime stack:)`)
)

// dump follows stderr, and cuts the stacks of all goroutines, which Go prints when it ends the process.
type dump struct {
	line   []byte // the beginning of the line in progress
	fatal  bool   // a line said why the process ends
	stacks int    // lines since the first stack after that; 0 before it
}

// begun reports whether the process prints the stacks.
func (d *dump) begun() bool { return d.stacks > 0 }

// shown returns the part of data that is shown.
func (d *dump) shown(data []byte) (shown []byte) {
	for len(data) > 0 {
		end := bytes.IndexByte(data, '\n') + 1
		part := data
		if end > 0 {
			part = data[:end]
		}
		data = data[len(part):]
		d.line = append(d.line, part[:min(len(part), maxLine-min(maxLine, len(d.line)))]...)
		if d.stacks <= shownLines {
			shown = append(shown, part...)
		}
		if end > 0 {
			d.lineEnds()
		}
	}
	return shown
}

func (d *dump) lineEnds() {
	switch {
	case d.begun():
		d.stacks++
	case d.fatal && stackLine.Match(d.line):
		d.stacks = 1
	case fatalLine.Match(d.line):
		d.fatal = true
	}
	d.line = d.line[:0]
}

// end returns a line about what was not shown, "" if all was, and prepares for the next run.
func (d *dump) end() string {
	hidden := d.stacks - shownLines - 1
	*d = dump{}
	if hidden <= 0 {
		return ""
	}
	return fmt.Sprintf("[%d more lines of the stacks of goroutines]\n", hidden)
}
