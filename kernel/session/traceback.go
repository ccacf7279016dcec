//go:build linux

package session

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/kernel/worker/rt"
)

// mostFrames is how many frames of a panic's stack are shown.
const mostFrames = 12

// panicFrames shows the stack of a panic: the innermost line of a cell first, since that is the text that the person
// can change, then the functions of libraries below it, then the rest of the stack. The functions below one whose name
// begins with Must are only counted: it panics on purpose, with an error that says all.
func panicFrames(frames []rt.Frame, src *source) (lines []string) {
	var below []rt.Frame // inside of the innermost line of a cell
	shown := 0
	show := func(text ...string) {
		if shown++; shown == mostFrames+1 {
			lines = append(lines, "  ...")
		} else if shown <= mostFrames {
			lines = append(lines, text...)
		}
	}
	showBelow := func() {
		if n := len(below); n > 1 && isMust(below[n-1].Func) {
			name := strip(below[n-1].Func)
			show("  in " + name[strings.LastIndexByte(name, '/')+1:] + ", which panics with the error of a call")
		} else {
			for _, fr := range below {
				name := strip(cellFunc.ReplaceAllString(fr.Func, ""))
				if name == "" {
					name = "(a function without a name)"
				}
				show(fmt.Sprintf("  %s\n        %s:%d", name, fr.File, fr.Line))
			}
		}
		below = nil
	}
	inCell := false
	for _, fr := range frames {
		cell, ok := strings.CutPrefix(fr.File, cellPosition)
		switch {
		case strings.HasPrefix(fr.Func, "runtime."), strings.HasPrefix(fr.Func, "nb/rt."), fr.File == ownPosition:
		case !ok:
			below = append(below, fr)
			if inCell {
				showBelow()
			}
		case cell == strconv.Itoa(src.count) && src.added(fr.Line): // what %test and %exec add to the cell
		default:
			show(append([]string{fmt.Sprintf("  %scell %s, line %d%s, in %s", bold, cell, fr.Line, plain, bodyName(fr.Func))}, src.quoted(cell, fr.Line)...)...)
			showBelow()
			inCell = true
		}
	}
	showBelow()
	return lines
}

// bodyName returns the name of a cell's function in a stack.
func bodyName(function string) string {
	name := strip(cellFunc.ReplaceAllString(function, ""))
	if bodyFunc.MatchString(name) { // the frame of a body that only panics has no name
		return "the cell's body"
	}
	return numberedInit.ReplaceAllString(name, "init")
}

// bodyFunc matches the generated name of a cell's body, and those of the functions without a name in it.
var bodyFunc = regexp.MustCompile(`^(Run(\.(func)?\d+)*)?$`)

// numberedInit matches the generated name of an init function; a cell may have several.
var numberedInit = regexp.MustCompile(`^initinit\d+$`)

// isMust reports whether a function's name, without its package and receiver, begins with Must, or its package is must.
func isMust(function string) bool {
	function, _, _ = strings.Cut(function, "[")
	if strings.HasPrefix(function[strings.LastIndexByte(function, '/')+1:], "must.") {
		return true
	}
	return strings.HasPrefix(function[strings.LastIndexByte(function, '.')+1:], "Must")
}
