package house_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// documented are the rooms whose exported names people import or read in help. Below "internal" nothing
// is exported to them.
var documented = []string{"tlkit", "datasets", "kernel"}

// TestDocComments holds that every exported name, method, field and interface method has a doc comment.
func TestDocComments(t *testing.T) {
	names := 0
	for _, s := range sources(t) {
		if !isDocumented(s.path) || s.file.Name.Name == "main" || ast.IsGenerated(s.file) {
			continue
		}
		for _, n := range exported(s.file) {
			names++
			if !n.documented {
				t.Errorf("%s:%d: %s has no doc comment; say what it does, with shapes, units, ranges and errors", s.path, s.fset.Position(n.pos).Line, n.name)
			}
		}
	}
	if names < 500 {
		t.Errorf("%d exported names found; the check misses most of them", names)
	}
}

func isDocumented(path string) bool {
	if strings.Contains(path, "/internal/") {
		return false
	}
	for _, room := range documented {
		if strings.HasPrefix(path, room+"/") {
			return true
		}
	}
	return false
}

// name is an exported name and whether it has a doc comment.
type name struct {
	name       string
	pos        token.Pos
	documented bool
}

// exported lists the exported names that a file declares.
func exported(f *ast.File) []name {
	var names []name
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if receiver := receiverName(d); d.Name.IsExported() && (receiver == "" || ast.IsExported(receiver)) {
				names = append(names, name{strings.TrimPrefix(receiver+"."+d.Name.Name, "."), d.Pos(), d.Doc != nil || implements[receiver] != "" || wellKnown[d.Name.Name] && receiver != ""})
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				names = append(names, specNames(d, spec)...)
			}
		}
	}
	return names
}

// implements are types of ours whose methods are documented by the interface that they implement.
var implements = map[string]string{
	"Function": "compute.Function of GoMLX", // tlkit/backend/goengine
}

// wellKnown are methods whose meaning is fixed by an interface of the standard library.
var wellKnown = map[string]bool{"Error": true, "String": true, "Unwrap": true, "Write": true, "Read": true, "Close": true,
	"Len": true, "Less": true, "Swap": true, "MarshalJSON": true, "UnmarshalJSON": true}

func receiverName(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return ""
	}
	t := d.Recv.List[0].Type
	for {
		switch v := t.(type) {
		case *ast.StarExpr:
			t = v.X
		case *ast.IndexExpr:
			t = v.X
		case *ast.IndexListExpr:
			t = v.X
		case *ast.Ident:
			return v.Name
		default:
			return fmt.Sprintf("%T", t)
		}
	}
}

// specNames lists what a type, constant or variable specification exports. A comment above a group of constants or
// variables counts for all of them; a type needs its own.
func specNames(group *ast.GenDecl, spec ast.Spec) []name {
	switch s := spec.(type) {
	case *ast.ValueSpec:
		var names []name
		for _, id := range s.Names {
			if id.IsExported() {
				names = append(names, name{id.Name, id.Pos(), s.Doc != nil || s.Comment != nil || group.Doc != nil})
			}
		}
		return names
	case *ast.TypeSpec:
		if !s.Name.IsExported() {
			return nil
		}
		names := []name{{s.Name.Name, s.Pos(), s.Doc != nil || s.Comment != nil || !group.Lparen.IsValid() && group.Doc != nil}}
		return append(names, memberNames(s, s.Doc.Text()+group.Doc.Text())...)
	}
	return nil
}

// memberNames lists the exported fields of a struct and the methods of an interface. A field is documented by a comment
// of its own, by one above the fields before it, or by its name in the comment of the type.
func memberNames(s *ast.TypeSpec, typeDoc string) []name {
	var fields *ast.FieldList
	switch t := s.Type.(type) {
	case *ast.StructType:
		fields = t.Fields
	case *ast.InterfaceType:
		fields = t.Methods
	default:
		return nil
	}
	words := map[string]bool{}
	for _, w := range strings.FieldsFunc(strings.ToLower(typeDoc), func(r rune) bool { return !unicode.IsLetter(r) }) {
		words[w] = true
		words[strings.TrimSuffix(w, "s")] = true
	}
	var names []name
	above := false
	for _, f := range fields.List {
		above = above || f.Doc != nil
		for _, id := range f.Names {
			if id.IsExported() {
				names = append(names, name{s.Name.Name + "." + id.Name, id.Pos(), above || f.Comment != nil || words[strings.ToLower(id.Name)]})
			}
		}
	}
	return names
}

// commentWidth is the largest number of columns of a comment that has its line to itself; a tab counts as four.
const commentWidth = 120

// TestCommentWidth holds that comments are not wider. The output of an example has the width that it has.
func TestCommentWidth(t *testing.T) {
	for _, p := range goFiles(t) {
		text, err := os.ReadFile(filepath.Join(root, p))
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(strings.ReplaceAll(string(text), "\t", "    "), "\n") {
			comment, ok := strings.CutPrefix(strings.TrimLeft(line, " "), "// ")
			if width := utf8.RuneCountInString(line); ok && width > commentWidth && !strings.HasPrefix(comment, "Output:") {
				t.Errorf("%s:%d: the comment has %d columns; break it at %d", p, i+1, width, commentWidth)
			}
		}
	}
}
