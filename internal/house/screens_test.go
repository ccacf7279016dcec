package house_test

import (
	"go/ast"
	"testing"
)

// The most lines of a function, a screen, and of a file, a sitting.
const (
	mostFunctionLines = 60
	mostFileLines     = 500
)

// TestScreens holds that a function fits a screen, and that a file can be read at a sitting. Tests and generated files
// are left out: their tables may be as long as they need be.
func TestScreens(t *testing.T) {
	functions := 0
	for _, s := range sources(t) {
		if ast.IsGenerated(s.file) {
			continue
		}
		if n := s.fset.Position(s.file.FileEnd).Line; n > mostFileLines {
			t.Errorf("%s has %d lines, more than %d; move what belongs together to a file of its own", s.path, n, mostFileLines)
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			functions++
			from, to := s.fset.Position(f.Pos()).Line, s.fset.Position(f.End()).Line
			if n := to - from + 1; n > mostFunctionLines {
				t.Errorf("%s:%d: %s has %d lines, more than %d; give a part of it a name", s.path, from, f.Name.Name, n, mostFunctionLines)
			}
		}
	}
	if functions < 5000 {
		t.Errorf("%d functions found; the check misses most of them", functions)
	}
}
