package house_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

const (
	module = "github.com/tlkit-go/tlkit-notebooks"
	// root is the repository, from this folder.
	root = "../.."
)

// source is one Go file of the repository that is no test.
type source struct {
	// path is relative to the repository, with slashes.
	path string
	file *ast.File
	fset *token.FileSet
}

// room is the folder of the file.
func (s source) room() string { return path.Dir(s.path) }

// imports lists the rooms of this repository that the file imports.
func (s source) imports() []string {
	var rooms []string
	for _, i := range s.file.Imports {
		if rest, ok := strings.CutPrefix(strings.Trim(i.Path.Value, `"`), module+"/"); ok {
			rooms = append(rooms, rest)
		}
	}
	return rooms
}

// goFiles lists all Go files but those in test data and hidden folders, relative to the repository, with slashes.
func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := fs.WalkDir(os.DirFS(root), ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && p != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "out"):
			return fs.SkipDir
		case path.Ext(p) == ".go":
			files = append(files, p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// sources parses the Go files that are no tests.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	for _, p := range goFiles(t) {
		if strings.HasSuffix(p, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, filepath.Join(root, p), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, source{p, file, fset})
	}
	if len(all) < 100 {
		t.Fatalf("only %d Go files found below %s; want the whole repository", len(all), root)
	}
	return all
}
