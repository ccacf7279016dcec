//go:build linux

package session

import (
	"errors"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tlkit-go/tlkit-notebooks/kernel/build"
)

// testRun is what %test runs the functions of its cell with: values of the flags of package testing, without "test.".
type testRun struct {
	values  map[string]string
	timeout time.Duration // 0 is none
	funcs   []testFunc
}

// testFlag is a flag of package testing.
type testFlag struct {
	value string             // where %test does not set it: that of go test -v
	takes string             // in words
	check func(string) error // of a value
}

// testFlags are the flags of package testing that %test takes. They keep their values from one cell to the next, so
// that each %test sets all of them.
var testFlags = map[string]testFlag{
	"v": {"true", "true or false", checkVerbose}, "short": {"false", "true or false", checkBool},
	"benchmem": {"false", "true or false", checkBool}, "failfast": {"false", "true or false", checkBool}, "fullpath": {"false", "true or false", checkBool},
	"run": {"", "a regular expression", checkPattern}, "skip": {"", "a regular expression", checkPattern},
	"bench": {"", "a regular expression", checkPattern}, "list": {"", "a regular expression", checkPattern}, "benchtime": {"1s", "a duration such as 2s, or a count such as 100x", checkBenchTime},
	"count": {"1", "a number such as 3", checkCount}, "shuffle": {"off", "on, off or a seed", checkShuffle},
	"cpu": {"", "numbers of processors such as 1,2,4", checkProcs}, "parallel": {"", "a number such as 4", checkPositive},
}

// isSwitch reports whether the flag is set by its name alone.
func (f testFlag) isSwitch() bool { return f.value == "true" || f.value == "false" }

func checkBool(value string) error {
	_, err := strconv.ParseBool(value)
	return err
}

func checkVerbose(value string) error {
	if value == "test2json" {
		return nil
	}
	return checkBool(value)
}

func checkCount(value string) error {
	_, err := strconv.ParseUint(value, 0, 0)
	return err
}

func checkPositive(value string) error {
	n, err := strconv.ParseInt(value, 0, 0)
	if err == nil && n <= 0 {
		err = errors.New("it must be more than 0")
	}
	return err
}

// checkProcs checks a list of numbers. Package testing reads them as decimal ones and skips empty ones.
func checkProcs(value string) error {
	for n := range strings.SplitSeq(value, ",") {
		if n = strings.TrimSpace(n); n == "" {
			continue
		}
		if procs, err := strconv.Atoi(n); err != nil || procs <= 0 {
			return fmt.Errorf("%q is no number of processors", n)
		}
	}
	return nil
}

func checkShuffle(value string) error {
	if value == "on" || value == "off" {
		return nil
	}
	_, err := strconv.ParseInt(value, 10, 64)
	return err
}

func checkBenchTime(value string) error {
	var n int64
	var err error
	if count, ok := strings.CutSuffix(value, "x"); ok {
		n, err = strconv.ParseInt(count, 10, 0)
	} else {
		var d time.Duration
		d, err = time.ParseDuration(value)
		n = int64(d)
	}
	if err == nil && n <= 0 {
		err = errors.New("it must be more than 0")
	}
	return err
}

// checkPattern checks the expressions for the names of a test and its subtests, which slashes outside of brackets
// separate.
func checkPattern(value string) error {
	start, square, round := 0, 0, 0
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case '[':
			square++
		case ']':
			square = max(0, square-1)
		case '(', ')':
			if square > 0 {
				break
			}
			round += map[byte]int{'(': 1, ')': -1}[value[i]]
		case '\\':
			i++
		case '/':
			if square > 0 || round > 0 {
				break
			}
			if _, err := regexp.Compile(value[start:i]); err != nil {
				return err
			}
			start = i + 1
		}
	}
	_, err := regexp.Compile(value[start:])
	return err
}

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
		if words[i] == "" {
			continue // %test "" of GoNB: no flags
		}
		name, value, given := strings.Cut(strings.TrimPrefix(strings.TrimLeft(words[i], "-"), "test."), "=")
		flag, known := testFlags[name]
		switch {
		case !known && name != timeoutFlag || !strings.HasPrefix(words[i], "-"):
			return c.fail("%q is no flag of tests; write %%test [-run PATTERN] [-bench PATTERN] [-count N] [-short] ...; there are -%s", words[i], strings.Join(testFlagNames(), ", -"))
		case given:
		case flag.isSwitch():
			value = "true"
		case i+1 < len(words):
			i++
			value = words[i]
		default:
			return c.fail("%s needs a value", words[i])
		}
		if err := t.set(name, value); err != nil {
			return c.fail("%v", err)
		}
	}
	funcs, serr := testFuncs(c.cell.code)
	if serr != nil {
		return nil // goCell reports the error, with its line
	}
	for _, f := range funcs {
		kind := testKind(f.Name.Name)
		switch {
		case f.Name.Name == "TestMain":
			c.say("%%test runs the other functions without TestMain")
		case kind != "" && !takes(f.FuncDecl, kind):
			return c.fail("%s has not the parameters of a test: func %s(%s *testing.%s)", f.Name.Name, f.Name.Name, strings.ToLower(kind), kind)
		}
	}
	if !slices.ContainsFunc(funcs, isTest) {
		if funcs = c.earlierTests(); len(funcs) == 0 {
			return c.fail("finds no Test, Benchmark, Fuzz or Example function in this cell, nor in earlier ones")
		}
	}
	t.funcs, c.cell.test = funcs, t
	if strings.TrimSpace(c.cell.code) == "" {
		c.cell.code = ";" // nothing but the call
	}
	return nil
}

// testFlagNames returns the names of all flags that %test takes.
func testFlagNames() []string {
	return slices.Sorted(slices.Values(append(slices.Collect(maps.Keys(testFlags)), timeoutFlag)))
}

// isTest reports whether %test runs a function.
func isTest(f testFunc) bool { return testKind(f.Name.Name) != "" || isExample(f) }

// isExample reports whether a function is an example as go test has it.
func isExample(f testFunc) bool {
	return hasTestPrefix(f.Name.Name, "Example") && f.Type.Params.NumFields()+f.Type.Results.NumFields()+f.Type.TypeParams.NumFields() == 0
}

// earlierTests returns the tests that earlier cells declare, for a cell without one.
func (c *call) earlierTests() (all []testFunc) {
	for _, e := range c.names.sorted() {
		if e.kind != kindFunc || e.def == nil {
			continue
		}
		f := testFunc{e.def.decl.(*ast.FuncDecl), e.def.text()}
		if kind := testKind(e.name); isExample(f) || kind != "" && takes(f.FuncDecl, kind) {
			all = append(all, f)
		}
	}
	return all
}

// set sets a flag.
func (t *testRun) set(name, value string) (err error) {
	if name == timeoutFlag {
		if t.timeout, err = time.ParseDuration(value); err != nil {
			return fmt.Errorf("-timeout takes a duration such as 90s or 5m, not %q", value)
		}
		return nil
	}
	t.values[name] = value
	if err := testFlags[name].check(value); err != nil {
		return fmt.Errorf("-%s takes %s, not %q (%v)", name, testFlags[name].takes, value, err)
	}
	return nil
}

// testFunc is a function that %test may run.
type testFunc struct {
	*ast.FuncDecl
	text string
}

// testFuncs returns the functions that a cell declares, without methods.
func testFuncs(code string) (all []testFunc, err *syntaxError) {
	p, err := parse(token.NewFileSet(), &source{text: code})
	if err != nil {
		return nil, err
	}
	for _, it := range p.items {
		if f, ok := it.decl.(*ast.FuncDecl); ok && f.Recv == nil {
			all = append(all, testFunc{f, it.text()})
		}
	}
	return all, nil
}

// example returns the entry of an example in the list of package testing; "" for one without a comment on its output,
// which does not run.
func (f testFunc) example() string {
	file, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+f.text, parser.ParseComments)
	if err != nil {
		return ""
	}
	for _, x := range doc.Examples(file) {
		if x.Output != "" || x.EmptyOutput {
			return fmt.Sprintf("{%q, %s, %q, %t}", f.Name.Name, f.Name.Name, x.Output, x.Unordered)
		}
	}
	return ""
}

// testKind returns the type of package testing that a function of such a name takes; "" for one that is no test.
func testKind(name string) string {
	for prefix, kind := range map[string]string{"Test": "T", "Benchmark": "B", "Fuzz": "F"} {
		if hasTestPrefix(name, prefix) && name != "TestMain" {
			return kind
		}
	}
	return ""
}

// hasTestPrefix reports whether a name is a prefix alone, or one with a word behind it: TestAdd, and not Testify.
func hasTestPrefix(name, prefix string) bool {
	rest, ok := strings.CutPrefix(name, prefix)
	first, _ := utf8.DecodeRuneInString(rest)
	return ok && !unicode.IsLower(first)
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

// calls returns the Go that runs the tests.
func (t *testRun) calls() string {
	lists := map[string][]string{}
	for _, f := range t.funcs {
		if entry := f.example(); isExample(f) && entry != "" {
			lists["Example"] = append(lists["Example"], entry)
		}
		if kind := testKind(f.Name.Name); kind != "" {
			lists[kind] = append(lists[kind], fmt.Sprintf("{%q, %s}", f.Name.Name, f.Name.Name))
		}
	}
	flags := ""
	for _, name := range slices.Sorted(maps.Keys(testFlags)) {
		value, given := t.values[name]
		if !given {
			value = testFlags[name].value
		}
		if _, chosen := t.values["run"]; name == "bench" && !given && !chosen && len(lists["B"]) > 0 {
			value = "."
		}
		value = strconv.Quote(value)
		if name == "parallel" && !given {
			value = testRuntime + ".Procs()"
		}
		flags += fmt.Sprintf("flag.Set(%q, %s); ", "test."+name, value)
	}
	list := func(typ, kind string) string {
		return "[]testing.Internal" + typ + "{" + strings.Join(lists[kind], ", ") + "}"
	}
	main := "testing.MainStart(" + testdeps + ".TestDeps{}, " + list("Test", "T") + ", " + list("Benchmark", "B") + ", " + list("FuzzTarget", "F") + ", " + list("Example", "Example") + ")"
	return fmt.Sprintf(`{ testing.Init(); %sif %s.RunTests(%s, %d) { panic("tests failed") } };`, flags, testRuntime, main, t.timeout)
}
