//go:build linux && slow

package session

import (
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
)

// namesBefore are cells whose names the mutated ones use: one of each kind.
var namesBefore = []string{
	"type T struct{ a, b int; Next *T }\ntype G[E any] struct{ v E }\ntype C int\nconst (\n\tRed C = iota\n\tGreen\n)\ntype I interface{ M() int }\nfunc (t T) M() int { return t.a }\nfunc (t *T) Set(n int) { t.a = n }\nfunc (g G[E]) Get() E { return g.v }\nfunc (c C) String() string { return \"c\" }",
	"type A = T\ntype GA = G[int]\ntype GB[E any] = G[E]\ntype P = *T\ntype Fn func(int) int\ntype M map[string]M",
	"x, y := 1, \"s\"\nt := T{1, 2, nil}\np := &t\ng := G[string]{\"v\"}\nvar i I = t\nvar err error\nxs := []int{1}\nm := map[string]T{}\nch := make(chan int)\nfn := func(n int) int { return n }",
	"func f(n int) int { return n + x }\nfunc h() (int, error) { return f(1), nil }\nfunc id[E any](e E) E { return e }\nconst k = 3\nvar arr [k]int",
	"type Emb struct{ T; *G[int]; I }\nvar e Emb\ntype Lst[E comparable] struct { h *Lst[E]; v E }\nfunc (l *Lst[E]) Push(v E) {}",
	"import . \"strings\"\nimport str \"strconv\"\nu := ToUpper(\"a\") + str.Itoa(1)", "len := 3\nlib := binary.LittleEndian",
}

// TestMutated plans cells in which names and signs were changed at random: each is planned, or refused with an error.
func TestMutated(t *testing.T) {
	root := goTests(t)
	s := newSession(t)
	for n, code := range namesBefore {
		run(t, s, n+1, code)
	}
	corpus := mutable(root)
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	planned := 0
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); {
		if s.plansMutated(t, mutated(r, corpus)) {
			planned++
		}
	}
	if planned == 0 {
		t.Error("no cell was planned")
	}
}

// plansMutated plans a cell and reports whether it would run.
func (s *Session) plansMutated(t *testing.T, code string) bool {
	defer func() {
		if v := recover(); v != nil {
			t.Errorf("%v\n%s\n%s", v, code, debug.Stack())
		}
	}()
	p, serr := parse(s.fset, &source{count: 100, text: code})
	if serr != nil {
		return false
	}
	_, g, errs, err := s.planner().plan(t.Context(), 100_000, p, options{})
	if err != nil {
		t.Errorf("%v\n%s", err, code)
	}
	if err != nil || len(errs) > 0 {
		return false
	}
	if _, err := parser.ParseFile(token.NewFileSet(), "", g.pkg.Files["cell.go"], parser.SkipObjectResolution); err != nil {
		t.Errorf("%v\n%s\nbecame\n%s", err, code, g.pkg.Files["cell.go"])
	}
	return true
}

// mutable returns cells of the tables of sequences, and the pieces of Go's own tests.
func mutable(root string) (all []string) {
	for _, q := range sequences {
		for _, st := range q.steps {
			all = append(all, st.code)
		}
	}
	filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".go" {
			text, _ := os.ReadFile(path)
			cells, main := splitProgram(string(text))
			all = append(append(all, cells...), main)
		}
		return nil
	})
	return slices.DeleteFunc(all, func(code string) bool {
		return len(code) > 3000 || strings.HasPrefix(code, "%") || strings.HasPrefix(code, "!")
	})
}

// mutated returns a cell of the corpus, perhaps two, with another name or sign.
func mutated(r *rand.Rand, corpus []string) string {
	names := strings.Fields("T G C I A GA GB P Fn M x y t p g i err xs m ch fn f h id k arr Emb e Lst u len lib Red Green Buffer ToUpper fmt strings _ init main nil any int error iota Run")
	signs := strings.Fields("func type var const import return defer go if else for range switch case default select { } ( ) [ ] := = == . , ; : * & <- ... + - ! ~ | struct interface map chan goto break fallthrough L: 1 \"a\" 'c'")
	code := corpus[r.IntN(len(corpus))]
	if r.IntN(4) == 0 {
		code += "\n" + corpus[r.IntN(len(corpus))]
	}
	type word struct {
		from, to int
		isName   bool
	}
	var words []word
	var sc scanner.Scanner
	file := token.NewFileSet().AddFile("", 1, len(code))
	sc.Init(file, []byte(code), func(token.Position, string) {}, 0)
	for pos, tok, lit := sc.Scan(); tok != token.EOF; pos, tok, lit = sc.Scan() {
		if lit == "" {
			lit = tok.String()
		}
		if at := file.Offset(pos); lit != "\n" && at+len(lit) <= len(code) {
			words = append(words, word{at, at + len(lit), tok == token.IDENT})
		}
	}
	if len(words) == 0 {
		return code
	}
	w := words[r.IntN(len(words))]
	before, old, after := code[:w.from], code[w.from:w.to], code[w.to:]
	switch r.IntN(4) {
	case 0:
		return before + after
	case 1:
		return before + signs[r.IntN(len(signs))] + after
	case 2:
		return before + old + " " + signs[r.IntN(len(signs))] + after
	}
	if w.isName {
		return before + names[r.IntN(len(names))] + after
	}
	return code
}
