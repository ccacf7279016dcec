//go:build linux

package session

import (
	"cmp"
	"fmt"
	"go/ast"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/tlkit-go/tlkit-notebooks/kernel/worker"
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
				name := cmp.Or(strip(cellFunc.ReplaceAllString(fr.Func, "")), "(a function without a name)")
				show(fmt.Sprintf("  %s\n        %s:%d", name, fr.File, fr.Line))
			}
		}
		below = nil
	}
	inCell := false
	var last string // the line above, of the function lastFunc
	var lastFunc string
	for _, fr := range frames {
		place, quoted := src.placeOf(fr, inCell)
		switch {
		case place != "":
			// A function without a name, which may be the generator's, is shown as the one around it.
			if line := place + ", in " + bodyName(fr.Func); line != last || fr.Func == lastFunc {
				show(append([]string{line}, quoted...)...)
				last, lastFunc = line, fr.Func
			}
			showBelow()
			inCell = true
		case strings.HasPrefix(fr.Func, "runtime."), strings.HasPrefix(fr.Func, "nb/rt."), inRuntime()[fr.File], fr.File == ownPosition, strings.HasPrefix(fr.File, cellPosition):
		default:
			below = append(below, fr)
			if inCell {
				showBelow()
			}
		}
	}
	showBelow()
	return lines
}

// inRuntime returns the names of the files of package rt. The compiler makes its generic functions in the cell's
// package, and gives them no name of package rt there.
var inRuntime = sync.OnceValue(func() map[string]bool {
	files := map[string]bool{}
	for name := range worker.Source() {
		files[name] = true
	}
	return files
})

// placeOf returns a frame's place in a cell, and the text of the line; nothing for other frames. The end of the cell's
// body, where its deferred calls are made, has no line: the defer statements stand for it, where no line inside of the
// deferred call is shown (inner).
func (s *source) placeOf(fr rt.Frame, inner bool) (place string, quoted []string) {
	cell, ok := strings.CutPrefix(fr.File, cellPosition)
	switch {
	case fr.File == ownPosition && !inner && len(s.defers) > 0 && strings.HasSuffix(fr.Func, "."+own+"Run"):
		var all []string
		for _, line := range s.defers {
			all = append(all, strconv.Itoa(line))
			quoted = append(quoted, s.quoted(strconv.Itoa(s.count), line)...)
		}
		return fmt.Sprintf("  %scell %d, line %s%s (deferred)", bold, s.count, strings.Join(all, " or "), plain), quoted
	case !ok, cell == strconv.Itoa(s.count) && s.added(fr.Line): // what %test and %exec add to the cell
		return "", nil
	}
	return fmt.Sprintf("  %scell %s, line %d%s", bold, cell, fr.Line, plain), s.quoted(cell, fr.Line)
}

// defers returns the lines of the statements that defer calls to the end of the cell's body.
func (p *parsed) defers() (lines []int) {
	for _, st := range p.stmts {
		ast.Inspect(st, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncLit:
				return false
			case *ast.DeferStmt:
				lines = append(lines, p.src.place(p.src.offset(n.Pos()), "").line)
			}
			return true
		})
	}
	return slices.Compact(lines)
}

// named returns the frames with the names that the runtime does not know: those of functions of earlier cells which the
// compiler has put in place of their calls.
func (s *Session) named(frames []rt.Frame) []rt.Frame {
	all := slices.Clone(frames)
	for i, fr := range all {
		if cell, ok := strings.CutPrefix(fr.File, cellPosition); ok && fr.Func == "" {
			all[i].Func = s.names.functionAt(cell, fr.Line)
		}
	}
	return all
}

// functionAt returns the name of the function with a line of a cell, as in stacks; empty if there is none.
func (u *names) functionAt(cell string, line int) string {
	for _, def := range u.definitions() {
		f, ok := def.decl.(*ast.FuncDecl)
		if !ok || strconv.Itoa(def.src.count) != cell || line < def.src.place(def.start, "").line || line > def.src.place(def.end, "").line {
			continue
		}
		name := f.Name.Name
		if f.Recv != nil {
			_, name, _ = strings.Cut(def.names[0], ".")
			if _, pointer := ast.Unparen(f.Recv.List[0].Type).(*ast.StarExpr); pointer {
				return "main.(*" + def.recv + ")." + name
			}
			return "main." + def.recv + "." + name
		}
		return "main." + name
	}
	return ""
}

// bodyName returns the name of a cell's function in a stack.
func bodyName(function string) string {
	name := strip(cellFunc.ReplaceAllString(rangeBody.ReplaceAllString(function, ""), ""))
	if bodyFunc.MatchString(name) { // the frame of a body that only panics has no name
		return "the cell's body"
	}
	return numberedInit.ReplaceAllString(name, "init")
}

// bodyFunc matches the generated name of a cell's body, and those of the functions without a name in it.
var bodyFunc = regexp.MustCompile(`^(Run(\.(func)?\d+)*)?$`)

// rangeBody matches what Go adds to the name of a function for the body of a loop over a function in it.
var rangeBody = regexp.MustCompile(`-range\d+`)

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

// strip removes the generator's names from text.
func strip(text string) string {
	if strings.Contains(text, mark[:1]) {
		text = strings.ReplaceAll(text, mark, "")
	}
	if strings.Contains(text, "nb/r") {
		text = cellPackage.ReplaceAllString(text, "main.")
	}
	return text
}

// cellPackage matches the package path in front of a cell's names inside the names of other types, as in
// main.list[nb/r3.point].
var cellPackage = regexp.MustCompile(`\bnb/r[0-9]+\.`)
