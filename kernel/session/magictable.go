//go:build linux

package session

import (
	"slices"
	"strings"
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
