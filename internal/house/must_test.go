package house_test

import (
	"go/ast"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mustRooms have Must forms: what a notebook calls. Their functions, and the methods of Recipe, that return one value
// and an error have a twin that panics; no other exported name begins with Must.
var mustRooms = []string{"tlkit", "datasets"}

// withoutMust are calls that programs make and notebooks don't.
var withoutMust = map[string]bool{
	"Recipe.NewStepper": true, // bench
	"datasets.NewSplit": true, // a loader's building block
	"tlkit.LoadContext": true, // programs that cancel
}

// TestMustForms holds the rule for Must forms in both directions.
func TestMustForms(t *testing.T) {
	calls, musts := map[string]bool{}, map[string]string{}
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || !f.Name.IsExported() || !isDocumented(s.path) {
				continue
			}
			receiver := receiverName(f)
			if receiver != "" && !ast.IsExported(receiver) {
				continue
			}
			key := s.room() + "." + f.Name.Name
			if receiver != "" {
				key = receiver + "." + f.Name.Name
			}
			switch notebook := receiver == "Recipe" || receiver == "" && isMustRoom(s.room()); {
			case strings.HasPrefix(f.Name.Name, "Must"):
				musts[strings.Replace(key, "Must", "", 1)] = s.path
			case notebook && returnsValueAndError(f) && !withoutMust[key]:
				calls[key] = true
			}
		}
	}
	for key := range calls {
		if musts[key] == "" {
			t.Errorf("%s returns a value and an error and has no Must form; notebooks expect one", key)
		}
	}
	for key, path := range musts {
		if !calls[key] {
			t.Errorf("%s: the Must form of %s; Must forms belong to functions of tlkit and datasets and to methods of Recipe alone", path, key)
		}
	}
	rules, err := os.ReadFile(filepath.Join(root, "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	for key := range withoutMust {
		if !strings.Contains(string(rules), "`"+key+"`") {
			t.Errorf("%s has no Must form, and CONTRIBUTING.md does not name it as an exception", key)
		}
	}
	if len(calls) < 8 {
		t.Errorf("%d calls found; the check misses most of them", len(calls))
	}
}

func isMustRoom(room string) bool {
	for _, r := range mustRooms {
		if r == room {
			return true
		}
	}
	return false
}

// returnsValueAndError tells whether a function returns exactly one value and an error.
func returnsValueAndError(f *ast.FuncDecl) bool {
	r := f.Type.Results
	if r == nil || r.NumFields() != 2 || len(r.List) != 2 {
		return false
	}
	last, ok := r.List[1].Type.(*ast.Ident)
	return ok && last.Name == "error"
}
