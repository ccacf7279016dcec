//go:build linux && slow

package session

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestProgramsInPieces gives the programs of Go's own tests to the session in pieces: each declaration in a cell of its
// own, then each in another one again, as if it had been edited. They must print what the test expects.
func TestProgramsInPieces(t *testing.T) {
	root := goTests(t)
	s := newSession(t)
	if err := s.waitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{ // in other cells than main
		"fixedbugs/issue22326.go": true, // prints while its variables are set
		"fixedbugs/issue34123.go": true, // looks for a line of the file
	}
	for _, names := range notInCells {
		for _, name := range names {
			known[name] = true
		}
	}
	every, from := 1, 0
	fmt.Sscan(os.Getenv("SPLIT"), &every, &from)
	n := 0
	filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && strings.HasSuffix(path, ".dir") {
			return fs.SkipDir
		}
		name, _ := filepath.Rel(root, path)
		text, err := os.ReadFile(path)
		if err != nil || filepath.Ext(path) != ".go" || !runs(string(text)) || known[name] || strings.Contains(string(text), "import \"C\"") {
			return nil
		}
		cells, main := splitProgram(string(text))
		if len(cells) < 2 || len(cells) > 16 || len(text) > 12_000 {
			return nil
		}
		if n++; n%every != from {
			return nil
		}
		want, _ := os.ReadFile(strings.TrimSuffix(path, ".go") + ".out")
		for _, again := range []bool{false, true} {
			t.Run(fmt.Sprint(name, "/again=", again), func(t *testing.T) {
				if err := s.Restart(); err != nil {
					t.Fatal(err)
				}
				count := 0
				out := &record{}
				do := func(code string) {
					count++
					if err := s.Execute(t.Context(), &Cell{Code: code, Count: count}, out); err != nil {
						t.Fatalf("%s\n%s\ncell %d\n%s", out.String(), ansi.ReplaceAllString(strings.Join(err.Traceback, "\n"), ""), count, code)
					}
				}
				if again {
					do(strings.Join(cells, "\n\n"))
					for _, c := range cells[1:] {
						do(c + "\n// again")
						if i := strings.LastIndexByte(c, '}'); i >= 0 && strings.HasPrefix(strings.TrimSpace(c[strings.IndexAny(c, "ftvc"):]), "func") {
							do(c[:i] + "/* edited */" + c[i:])
						}
					}
				} else {
					for _, c := range cells {
						do(c)
					}
				}
				before := out.String()
				do(main)
				if got := strings.TrimPrefix(out.String(), before); got != string(want) {
					t.Errorf("as cells: %q\nas go run: %q", got, want)
				} else if before != "" {
					t.Logf("before main: %q", before)
				}
			})
		}
		return nil
	})
}

// splitProgram returns the declarations of a program in an order in which each uses only those above it, those that use
// each other in one piece, and the piece with main and the init functions.
func splitProgram(text string) (cells []string, main string) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "", text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, ""
	}
	type node struct {
		decl  ast.Decl
		names []string
		recv  string
		isT   bool

		isInterface bool // declares an interface type
	}
	var nodes []*node
	byName := map[string][]*node{}
	methods := map[string][]*node{}
	cut := func(d ast.Decl) string {
		start := d.Pos()
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Doc != nil {
				start = d.Doc.Pos()
			}
		case *ast.GenDecl:
			if d.Doc != nil {
				start = d.Doc.Pos()
			}
		}
		return text[fset.Position(start).Offset:fset.Position(d.End()).Offset]
	}
	var head, last []string
	for _, d := range f.Decls {
		n := &node{decl: d}
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && (d.Name.Name == "main" || d.Name.Name == "init") {
				last = append(last, cut(d))
				continue
			}
			if d.Name.Name == "_" {
				continue
			}
			if d.Recv != nil && len(d.Recv.List) == 1 {
				n.recv = receiverName(d.Recv.List[0].Type)
				methods[n.recv] = append(methods[n.recv], n)
				n.names = []string{n.recv + "." + d.Name.Name}
			} else {
				n.names = []string{d.Name.Name}
			}
		case *ast.GenDecl:
			if d.Tok == token.IMPORT {
				head = append(head, cut(d))
				continue
			}
			n.isT = d.Tok == token.TYPE
			for _, s := range d.Specs {
				n.names = append(n.names, specNames(s)...)
				if spec, ok := s.(*ast.TypeSpec); ok {
					_, isInterface := spec.Type.(*ast.InterfaceType)
					n.isInterface = n.isInterface || isInterface
				}
			}
		}
		nodes = append(nodes, n)
		for _, name := range n.names {
			byName[name] = append(byName[name], n)
		}
	}
	deps := map[*node][]*node{}
	for _, n := range nodes {
		if n.recv != "" {
			deps[n] = append(deps[n], byName[n.recv]...)
		}
		ast.Inspect(n.decl, func(x ast.Node) bool {
			if id, ok := x.(*ast.Ident); ok {
				for _, o := range byName[id.Name] {
					if o != n {
						deps[n] = append(deps[n], o)
						if o.isT && !n.isT && n.recv == "" {
							for _, name := range o.names {
								deps[n] = append(deps[n], methods[name]...)
							}
						}
						if n.recv != "" && o.isInterface {
							deps[n] = append(deps[n], methods[n.recv]...) // its type must have all
						}
					}
				}
			}
			if sel, ok := x.(*ast.SelectorExpr); ok && n.recv != "" {
				deps[n] = append(deps[n], byName[n.recv+"."+sel.Sel.Name]...) // perhaps a method of its own type
			}
			return true
		})
	}
	// Tarjan's algorithm gives groups in the right order.
	index, low, on := map[*node]int{}, map[*node]int{}, map[*node]bool{}
	var stack []*node
	var visit func(n *node)
	visit = func(n *node) {
		index[n] = len(index) + 1
		low[n] = index[n]
		stack, on[n] = append(stack, n), true
		for _, d := range deps[n] {
			if index[d] == 0 {
				visit(d)
				low[n] = min(low[n], low[d])
			} else if on[d] {
				low[n] = min(low[n], index[d])
			}
		}
		if low[n] != index[n] {
			return
		}
		var group []*node
		for {
			top := stack[len(stack)-1]
			stack, on[top] = stack[:len(stack)-1], false
			group = append(group, top)
			if top == n {
				break
			}
		}
		slices.SortFunc(group, func(a, b *node) int { return int(a.decl.Pos() - b.decl.Pos()) })
		var all []string
		for _, g := range group {
			all = append(all, cut(g.decl))
		}
		cells = append(cells, strings.Join(all, "\n\n"))
	}
	for _, n := range nodes {
		if index[n] == 0 {
			visit(n)
		}
	}
	return append([]string{strings.Join(head, "\n")}, cells...), strings.Join(last, "\n\n")
}
