package house_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// example is a piece of Go in a doc comment.
type example struct {
	where string
	code  string
	file  *ast.File // nil if it can't be parsed
	err   error
}

// TestExamplesCompile holds that Go in doc comments is as the compiler wants it. A name that an example does not
// declare is taken for granted, and so is what is done with its last values.
func TestExamplesCompile(t *testing.T) {
	all := sources(t)
	paths := map[string]string{} // of packages, by name
	for _, name := range []string{"context", "errors", "flag", "fmt", "io", "log", "net/http", "os", "os/signal", "strings", "time"} {
		paths[path.Base(name)] = name
	}
	for _, s := range all {
		if s.file.Name.Name != "main" && isDocumented(s.path) {
			paths[s.file.Name.Name] = module + "/" + s.room()
		}
	}
	fset := token.NewFileSet()
	var examples []example
	wanted := map[string]bool{}
	for _, s := range all {
		for _, e := range examplesOf(s) {
			e.parse(fset, paths)
			if e.err != nil {
				t.Errorf("%s: %v in the example\n%s", e.where, e.err, e.code)
				continue
			}
			for _, i := range e.file.Imports {
				wanted[strings.Trim(i.Path.Value, `"`)] = true
			}
			examples = append(examples, e)
		}
	}
	if len(examples) < 10 {
		t.Errorf("%d examples found; the check misses most of them", len(examples))
	}
	packages := compiled(t, fset, wanted)
	for _, e := range examples {
		check := types.Config{Importer: packages, Error: func(err error) {
			if err := err.(types.Error); !taken.MatchString(err.Msg) {
				t.Errorf("%s: %s in the example\n%s", e.where, err.Msg, e.code)
			}
		}}
		check.Check("example", fset, []*ast.File{e.file}, nil)
	}
}

// taken are the errors about what an example leaves out.
var taken = regexp.MustCompile(`^undefined: \w+$|^declared and not used|is not used$|imported and not used|` +
	`^too many return values`)

// looksLikeGo tells examples in Go from commands and texts.
var looksLikeGo = regexp.MustCompile(`(?m):=|^(import|func|type|var) `)

// examplesOf returns the examples in the doc comments of a file.
func examplesOf(s source) (examples []example) {
	var parser comment.Parser
	for _, group := range s.file.Comments {
		for _, block := range parser.Parse(group.Text()).Content {
			code, ok := block.(*comment.Code)
			if ok && looksLikeGo.MatchString(code.Text) {
				examples = append(examples, example{where: fmt.Sprintf("%s:%d", s.path, s.fset.Position(group.Pos()).Line), code: code.Text})
			}
		}
	}
	return examples
}

// parse reads an example as declarations, or else as statements, and imports the packages that it names.
func (e *example) parse(fset *token.FileSet, paths map[string]string) {
	file, err := parser.ParseFile(fset, "", "package p\n"+e.code, parser.SkipObjectResolution)
	body := e.code
	if err != nil {
		body = "func _() {\n" + ellipsis.ReplaceAllString(e.code, "") + "\n}"
		if file, err = parser.ParseFile(fset, "", "package p\n"+body, parser.SkipObjectResolution); err != nil {
			e.err = err
			return
		}
	}
	var imports []string
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && paths[x.Name] != "" && !slices.Contains(imports, x.Name) && !declares(file, x.Name) {
				imports = append(imports, x.Name)
			}
		}
		return true
	})
	var head strings.Builder
	head.WriteString("package p\n")
	if len(file.Imports) == 0 {
		for _, name := range imports {
			fmt.Fprintf(&head, "import %s %q\n", name, paths[name])
		}
	}
	e.file, e.err = parser.ParseFile(fset, "", head.String()+body, parser.SkipObjectResolution)
}

// ellipsis is a line that stands for others.
var ellipsis = regexp.MustCompile(`(?m)^\s*(//.*)?\.\.\.$`)

// declares reports whether a file has a variable of that name.
func declares(file *ast.File, name string) (found bool) {
	ast.Inspect(file, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok && a.Tok == token.DEFINE {
			for _, left := range a.Lhs {
				if id, ok := left.(*ast.Ident); ok && id.Name == name {
					found = true
				}
			}
		}
		return !found
	})
	return found
}

// compiled returns an importer of packages, which go list finds in the build cache or compiles.
func compiled(t *testing.T, fset *token.FileSet, wanted map[string]bool) types.Importer {
	t.Helper()
	args := []string{"list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}"}
	for p := range wanted {
		args = append(args, p)
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		files[name] = file
	}
	return importer.ForCompiler(fset, "gc", func(name string) (io.ReadCloser, error) { return os.Open(files[name]) })
}
