package strategy

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

func TestDecode(t *testing.T) {
	for _, s := range []train.Strategy{
		Transfer{}, Transfer{LearningRate: 0.3, Label: "mine", HeadFrom: map[string]string{"ants": "ant"}},
		FineTune{From: "layer4", LearningRate: 1e-3, HeadFirst: 2}, KNN{K: 3}, LogisticRegression{L2: 0.5}, L2SP{}, LwF{}, Scratch{Label: "x"},
	} {
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Decode(train.Kind(s), text)
		if err != nil || !reflect.DeepEqual(back, s) {
			t.Errorf("%#v became %#v (%v)", s, back, err)
		}
	}
	for _, c := range []struct{ kind, config, want string }{
		{"Finetune", "{}", "FineTune"},
		{"KNN", `{"k": "many"}`, "fields of a KNN"},
		{"FineTune", `{"learning_rat": 0.1}`, "learning_rat"},
		{"", "{}", "none of this package"},
	} {
		if _, err := Decode(c.kind, []byte(c.config)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Decode(%q, %s): %v, want %q in it", c.kind, c.config, err, c.want)
		}
	}
}

// TestKindsAreAll holds that every type of this package with the methods Name and Plan can be decoded.
func TestKindsAreAll(t *testing.T) {
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, name := range paths {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Name.Name != "Plan" || fn.Recv == nil {
				continue
			}
			if receiver, ok := fn.Recv.List[0].Type.(*ast.Ident); ok && ast.IsExported(receiver.Name) {
				found = append(found, receiver.Name)
			}
		}
	}
	slices.Sort(found)
	var known []string
	for kind := range kinds {
		known = append(known, kind)
	}
	slices.Sort(known)
	if !slices.Equal(found, known) || len(found) < 15 {
		t.Errorf("strategies with a Plan: %v; kinds: %v", found, known)
	}
}
