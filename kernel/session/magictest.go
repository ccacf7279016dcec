//go:build linux

package session

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/kernel/build"
)

// testRun is what %test runs the functions of its cell with: values of the flags of package testing, without "test.".
type testRun struct {
	values  map[string]string
	timeout time.Duration // 0 is none
}

// testDefaults are the values of the flags that a %test does not set; they are those of go test -v. The flags keep
// their values from one cell to the next.
var testDefaults = map[string]string{"v": "true", "run": "", "skip": "", "bench": "", "benchtime": "1s", "benchmem": "false", "count": "1", "short": "false",
	"failfast": "false", "shuffle": "off"}

// timeoutFlag is the one flag that is none of package testing's in a cell: its alarm would end the worker.
const timeoutFlag = "timeout"

// testImports are the packages that the Go of %test needs, by the names that it has for them: testdeps connects testing
// to the rest.
var testImports = map[string]string{testdeps: "testing/internal/testdeps", testRuntime: build.RuntimePath}

const testdeps, testRuntime = "testdeps_", "testruntime_"

func (c *call) test() *Error {
	t := &testRun{values: map[string]string{}}
	words := splitArgs(c.args)
	for i := 0; i < len(words); i++ {
		name, value, given := strings.Cut(strings.TrimPrefix(strings.TrimLeft(words[i], "-"), "test."), "=")
		def, known := testDefaults[name]
		switch {
		case name == "cpu":
			return c.fail("does not take -cpu, which package testing would keep for all later tests; call runtime.GOMAXPROCS(N) in the test")
		case !known && name != timeoutFlag || !strings.HasPrefix(words[i], "-"):
			return c.fail("%q is no flag of tests; write %%test [-run PATTERN] [-bench PATTERN] [-count N] [-short] ...", words[i])
		case given:
		case def == "true" || def == "false":
			value = "true"
		case i+1 < len(words):
			i++
			value = words[i]
		default:
			return c.fail("%s needs a value", words[i])
		}
		if name != timeoutFlag {
			t.values[name] = value
		} else if d, err := time.ParseDuration(value); err == nil {
			t.timeout = d
		} else {
			return c.fail("-timeout takes a duration such as 90s or 5m, not %q", value)
		}
	}
	for _, f := range testFuncs(c.m.code) {
		kind := testKind(f.Name.Name)
		switch {
		case f.Name.Name == "TestMain":
			c.say("%%test runs the other functions without TestMain")
		case kind != "" && !takes(f, kind):
			return c.fail("%s has not the parameters of a test: func %s(%s *testing.%s)", f.Name.Name, f.Name.Name, strings.ToLower(kind), kind)
		}
	}
	c.m.test = t
	return nil
}

// testFuncs returns the functions that a cell declares, without methods.
func testFuncs(code string) (all []*ast.FuncDecl) {
	p, err := parse(token.NewFileSet(), &source{text: code})
	if err != nil {
		return nil
	}
	for _, it := range p.items {
		if f, ok := it.decl.(*ast.FuncDecl); ok && f.Recv == nil {
			all = append(all, f)
		}
	}
	return all
}

// testKind returns the type of package testing that a function of such a name takes; "" for one that is no test.
func testKind(name string) string {
	for prefix, kind := range map[string]string{"Test": "T", "Benchmark": "B", "Fuzz": "F"} {
		rest, ok := strings.CutPrefix(name, prefix)
		if ok && name != "TestMain" && !(rest != "" && 'a' <= rest[0] && rest[0] <= 'z') {
			return kind
		}
	}
	return ""
}

// takes reports whether a function takes nothing but a pointer to a type of package testing, and returns nothing.
func takes(f *ast.FuncDecl, kind string) bool {
	params := f.Type.Params
	if params.NumFields() != 1 || f.Type.Results.NumFields() > 0 || f.Type.TypeParams.NumFields() > 0 {
		return false
	}
	star, ok := params.List[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	switch x := star.X.(type) {
	case *ast.SelectorExpr:
		return x.Sel.Name == kind
	case *ast.Ident: // of a dot import
		return x.Name == kind
	}
	return false
}

// calls returns the Go that runs the tests of a cell.
func (t *testRun) calls(code string) string {
	lists := map[string][]string{}
	for _, f := range testFuncs(code) {
		if kind := testKind(f.Name.Name); kind != "" {
			lists[kind] = append(lists[kind], fmt.Sprintf("{%q, %s}", f.Name.Name, f.Name.Name))
		}
	}
	flags := ""
	for _, name := range slices.Sorted(maps.Keys(testDefaults)) {
		value, given := t.values[name]
		if !given {
			value = testDefaults[name]
		}
		if name == "bench" && !given && len(lists["B"]) > 0 {
			value = "."
		}
		flags += fmt.Sprintf("flag.Set(%q, %q); ", "test."+name, value)
	}
	list := func(typ, kind string) string {
		return "[]testing.Internal" + typ + "{" + strings.Join(lists[kind], ", ") + "}"
	}
	main := "testing.MainStart(" + testdeps + ".TestDeps{}, " + list("Test", "T") + ", " + list("Benchmark", "B") + ", " + list("FuzzTarget", "F") + ", nil)"
	return fmt.Sprintf(`{ testing.Init(); %sif %s.RunTests(%s, %d) { panic("tests failed") } };`, flags, testRuntime, main, t.timeout)
}
