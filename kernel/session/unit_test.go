//go:build linux

package session

import (
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/kernel/worker/rt"
)

// TestBesideNotebook: a module beside the notebook is found from the folder of the session's go.mod too.
func TestBesideNotebook(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "my", "mod"), 0o755); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"go mod edit -replace a.b/c=./my":              "go mod edit -replace a.b/c=" + dir + "/my",
		"go mod edit -replace=a.b/c@v1=./my/mod -json": "go mod edit -replace=a.b/c@v1=" + dir + "/my/mod -json",
		"go mod edit -replace a.b/c=../nowhere/else":   "go mod edit -replace a.b/c=../nowhere/else",
		"go mod edit -replace a.b/c=d.e/f@v1":          "go mod edit -replace a.b/c=d.e/f@v1",
		"go get a.b/c":                                 "go get a.b/c",
	} {
		if got := besideNotebook(line, dir); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}

func TestSplitMagic(t *testing.T) {
	for _, test := range []struct {
		code  string
		lines []string
		left  string // what is left of the Go code, without blanks
	}{
		{"%who\nx := 1", []string{"%who"}, "x := 1"},
		{"x := `\n%not\n!magic`\n!ls", []string{"!ls"}, "x := `\n%not\n!magic`"},
		{"/*\n!no\n*/\n//gonb:%time", []string{"%time"}, "/*\n!no\n*/"},
		{"!a \\\nb\nx := 2", []string{"!a \\\nb"}, "x := 2"},
		{"s := \"`\" // `\n!ls", []string{"!ls"}, "s := \"`\" // `"},
		{"y := 5 %\n3", nil, "y := 5 %\n3"},
	} {
		m := splitMagic(test.code)
		if !slices.Equal(m.lines, test.lines) || strings.TrimSpace(m.code) != test.left || len(m.code) != len(test.code) && !strings.Contains(test.code, "//gonb") {
			t.Errorf("%q: %q and %q", test.code, m.lines, m.code)
		}
	}
}

func TestParseChunks(t *testing.T) {
	for _, test := range []struct {
		code               string
		items, vars, stmts int
		last               bool
	}{
		{"func f() {}\nfunc() {}()\nfunc (t T) m() {}", 2, 0, 1, false},
		{"type T struct {\n\ta int\n}\nvar (\n\tx = 1\n\ty = 2\n)\nx + y", 1, 1, 1, true},
		{"a := 1; type T int; a++; const c = 2; a", 2, 0, 3, true},
		{"import \"fmt\"; fmt.Println(); if true {\n} else {\n}", 0, 0, 2, false},
		{"func (a, b int) int { return a + b }(1, 2)", 0, 0, 1, true},
		{"func g[T any](x T) T { return x }", 1, 0, 0, false},
		{"// a comment; with a semicolon\nx := 1; /* another; */ type U int", 1, 0, 1, false},
	} {
		p, err := parse(token.NewFileSet(), &source{count: 1, text: test.code})
		if err != nil {
			t.Errorf("%q: %v", test.code, err)
			continue
		}
		if len(p.items) != test.items || len(p.vars) != test.vars || len(p.stmts) != test.stmts || (p.last != nil) != test.last {
			t.Errorf("%q: %d items, %d vars, %d statements, last %v", test.code, len(p.items), len(p.vars), len(p.stmts), p.last != nil)
		}
	}
}

// FuzzParse: an error must be at a place inside the cell, whatever the text.
func FuzzParse(f *testing.F) {
	for _, seq := range sequences {
		for _, st := range seq.steps {
			f.Add(st.code)
		}
	}
	f.Fuzz(func(t *testing.T, code string) {
		m := splitMagic(code)
		if m.cellMagic != "" {
			return
		}
		if len(m.code) > len(code) {
			t.Fatalf("%d bytes became %d", len(code), len(m.code))
		}
		_, err := parse(token.NewFileSet(), &source{count: 1, text: m.code})
		if err != nil && (err.line < 1 || err.line > strings.Count(m.code, "\n")+1) {
			t.Fatalf("error at line %d of %q: %s", err.line, m.code, err.msg)
		}
	})
}

func TestCompletionFile(t *testing.T) {
	s := &Session{names: newNames(), ready: make(chan struct{})}
	for _, test := range []struct {
		code string
		cut  string // what is before the cursor
	}{
		{"fmt.Prin", "fmt.Prin"},
		{"x := 1\nfmt.Println(x.", "x := 1\nfmt.Println(x."},
		{"func f() { strings.Up }\nx := 1", "func f() { strings.Up"},
		{"a := 1\ntype T struct{ b in }\na++", "a := 1\ntype T struct{ b in"},
		{"%time\nfmt.P", "%time\nfmt.P"},
	} {
		src, at := s.CompletionFile(test.code, len(test.cut))
		word := test.cut[strings.LastIndexAny(test.cut, " \n(")+1:]
		if at < 0 || at > len(src) || !strings.HasSuffix(string(src[:at]), word) {
			t.Errorf("%q: offset %d in\n%s", test.code, at, src)
		}
	}
	if _, at := s.CompletionFile("%who\nx", 2); at != -1 {
		t.Errorf("on a magic line: %d", at)
	}
}

func TestCellNumbers(t *testing.T) {
	for want, counts := range map[string][]int{
		"cell 3":                  {3},
		"cells 1, 2":              {1, 2},
		"cells 1 to 3":            {1, 2, 3},
		"cells 1, 3 to 6, 2, 9":   {1, 3, 4, 5, 6, 2, 9},
		"cells 5, 5, 6, 8 to 300": append([]int{5, 5, 6}, span(8, 300)...),
	} {
		if got := cellNumbers(counts); got != want {
			t.Errorf("%v: %q, want %q", counts, got, want)
		}
	}
}

func span(from, to int) (all []int) {
	for i := from; i <= to; i++ {
		all = append(all, i)
	}
	return all
}

// TestVerdicts: which messages of go/types are a cell's errors.
func TestVerdicts(t *testing.T) {
	for _, test := range []struct {
		msg   string
		shown bool
		want  verdict
	}{
		{"declared and not used: x", false, unusedVariable},
		{"x declared and not used", false, unusedVariable},
		{`"os" imported and not used`, false, allowed},
		{`"example.com/go-yaml" imported as yaml and not used`, false, allowed},
		{"initialization cycle or refers to itself", false, allowed},
		{"\tother declaration of x", false, allowed},
		{"implicit assignment to unexported field a in struct literal of type T", false, allowed},
		{"implicit assignment to unexported field a in struct literal of type cell.T", false, allowed},
		{"implicit assignment to unexported field a in struct literal of type pair[net/http.Client]", false, allowed},
		{"implicit assignment to unexported field wall in struct literal of type time.Time", false, wrong},
		{"x + 1 (value of type int) is not used", true, allowed},
		{"x + 1 (value of type int) is not used", false, wrong},
		{"undefined: x", true, wrong},
		{"undefined: x", false, wrong},
		{"cannot use x (variable of type int) as string value in assignment", false, wrong},
		{"missing return", false, wrong},
	} {
		if got := verdictOn(test.msg, test.shown); got != test.want {
			t.Errorf("%q, shown %v: %v, want %v", test.msg, test.shown, got, test.want)
		}
	}
}

// TestPlacesOfEnds: a stack that a cell printed is no place of its worker's end, and the call that %test adds to a cell
// is no place where it was stopped.
func TestPlacesOfEnds(t *testing.T) {
	const stack = "goroutine 7 [running]:\nmain.f()\n\tcell 1:2 +0x1\n"
	for text, want := range map[string]int{"x\n" + stack: 0, "x\n" + stack + "\nfatal error: all is lost\n\n" + strings.Replace(stack, "1:2", "1:9", 1): 9} {
		line := 0
		for _, f := range lastFrames(text) {
			line = f.Line
		}
		if line != want {
			t.Errorf("lastFrames(%q): line %d, want %d", text, line, want)
		}
	}
	if got, want := lastWords("x\npanic: first [recovered]\n\tpanic: second\n\n"+stack), "panic: first [recovered]\n\tpanic: second"; got != want {
		t.Errorf("the last words are %q, want %q", got, want)
	}
	src := &source{count: 1, text: "%test\nwait()\ncall()", shown: "%test\nwait()"}
	e := stoppedError(&rt.Failure{Message: "stopped", Frames: []rt.Frame{{File: "cell 1", Line: 2}, {File: "cell 1", Line: 3}}}, src)
	if got := strings.Join(e.Traceback, "\n"); !strings.Contains(got, "line 2") || strings.Contains(got, "line 3") {
		t.Errorf("the traceback of a stopped test is\n%s", got)
	}
}
