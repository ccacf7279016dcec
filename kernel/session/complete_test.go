//go:build linux

package session

import (
	"strings"
	"testing"
)

// TestCompletionPlaces: wherever the cursor is in a cell, the word before it is before the place in the file too.
func TestCompletionPlaces(t *testing.T) {
	s := &Session{names: newNames(), ready: make(chan struct{})}
	places := 0
	for _, seq := range sequences {
		for _, st := range seq.steps {
			if strings.Contains(st.code, "/*") || strings.Contains(st.code, "import (") {
				continue
			}
			for cursor := range len(st.code) + 1 {
				src, at := s.CompletionFile(st.code, cursor)
				word := st.code[wordStart(st.code, cursor):cursor]
				line, _, _ := strings.Cut(st.code[strings.LastIndexByte(st.code[:cursor], '\n')+1:], "\n")
				if at < 0 || strings.Contains(line, "import") || strings.Contains(line, "/") {
					continue // no Go, or comments and imports, where nothing is completed
				}
				places++
				if at > len(src) || !strings.HasSuffix(string(src[:at]), word) {
					t.Fatalf("%q at %d: %q is not before %d in\n%s", st.code, cursor, word, at, src)
				}
			}
		}
	}
	if places < 1000 {
		t.Errorf("only %d places were tried", places)
	}
}

func TestCompletionBetween(t *testing.T) {
	s := &Session{names: newNames(), ready: make(chan struct{})}
	for code, want := range map[string]string{ // | is the cursor; what is around it in the file
		"a := 1\n|\nb := 2":            "\ta := 1\n\t|\n\tb := 2\n",
		"|\na := 1":                    "{\n\t|\n\ta := 1\n",
		"a := 1\n|":                    "\ta := 1\n\t|\n}",
		"a := 1; |":                    "\ta := 1\n\t|\n}",
		"f(1, |)":                      "\tf(1, |)\n",
		"func f(a T) { a.|":            "func f(a T) { a.| }\n",
		"f(g[1], T{|":                  "\tf(g[1], T{| })\n",
		"if x {\n\ty.| // all":         "\tif x {\n\ty.| }\n",
		"x := |":                       "\tx := |\n",
		"func f() {\n\tx.|\n}\na := 1": "func f() {\n\tx.|\n}\n",
	} {
		before, after, _ := strings.Cut(code, "|")
		src, at := s.CompletionFile(before+after, len(before))
		if got := string(src[:at]) + "|" + string(src[at:]); !strings.Contains(got, want) {
			t.Errorf("%q:\n%s\nwant %q", code, got, want)
		}
	}
}
