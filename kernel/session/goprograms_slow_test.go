//go:build linux && slow

package session

import (
	"go/build/constraint"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// notInCells are programs of Go's own tests that a cell can't run as go run does, by the reason.
var notInCells = map[string][]string{
	"looks for the file name in its stack, which is cell 1": {"devirtualization_nil_panics.go", "fixedbugs/bug347.go", "fixedbugs/bug348.go", "fixedbugs/issue17381.go", "fixedbugs/issue22083.go", "fixedbugs/issue27201.go",
		"fixedbugs/issue4562.go", "fixedbugs/issue5856.go", "fixedbugs/issue7690.go"},
	"runs the go command on files beside it": {"fixedbugs/bug369.go", "fixedbugs/issue10607.go", "fixedbugs/issue19658.go", "fixedbugs/issue21317.go", "fixedbugs/issue22660.go", "fixedbugs/issue22662b.go", "fixedbugs/issue9355.go",
		"fixedbugs/issue9862_run.go", "linkmain_run.go", "linkobj.go", "linkx_run.go"},
	"calls os.Exit(0), which ends a cell with an error":  {"fixedbugs/bug130.go", "fixedbugs/bug260.go", "fixedbugs/issue18725.go", "fixedbugs/issue52788a.go", "fixedbugs/issue56990.go", "ken/chan.go", "string_lit.go", "switch.go"},
	"calls runtime.Goexit in main":                       {"fixedbugs/issue5963.go"},
	"has variables of incomplete C types":                {"fixedbugs/issue42032.go", "fixedbugs/issue42076.go", "fixedbugs/issue46903.go"},
	"gives a go statement what only a uintptr points to": {"fixedbugs/issue24491a.go"},
	"needs //go:linkname":                                {"noinit.go"},
	"looks at addresses of a program's variables":        {"nilptr.go", "zerosize.go", "fixedbugs/issue27695c.go"},
	"compares a name that has its package's path":        {"recover3.go", "typeparam/issue49547.go"},
	"defers the builtin recover itself":                  {"recover1.go"},
}

// goTests returns the folder of the tests of an installed Go, or skips the test. A Go of the module cache, which go
// test puts in front of PATH, has none.
func goTests(t *testing.T) string {
	for _, bin := range filepath.SplitList(os.Getenv("PATH")) {
		cmd := exec.Command(filepath.Join(bin, "go"), "env", "GOROOT")
		cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), "GOTOOLCHAIN=local", "GOROOT=")
		out, err := cmd.Output()
		dir := filepath.Join(strings.TrimSpace(string(out)), "test")
		if _, missing := os.Stat(filepath.Join(dir, "helloworld.go")); err == nil && missing == nil {
			return dir
		}
	}
	t.Skip("no installation of Go has a folder of tests")
	return ""
}

// runs reports whether a file is a program that its test only runs, here.
func runs(text string) bool {
	run := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		run = run || line == "// run"
		if !constraint.IsGoBuild(line) {
			continue
		}
		x, err := constraint.Parse(line)
		if err != nil || !x.Eval(func(tag string) bool {
			return slices.Contains([]string{"linux", "amd64", "gc", "cgo", "unix"}, tag) || strings.HasPrefix(tag, "go1")
		}) {
			return false
		}
	}
	return run && strings.Contains(text, "\npackage main")
}

// TestGoPrograms pastes each program of Go's own tests into a cell: it must print what the test expects.
func TestGoPrograms(t *testing.T) {
	root := goTests(t)
	reasons := map[string]string{}
	for reason, names := range notInCells {
		for _, name := range names {
			reasons[name] = reason
		}
	}
	s := newSession(t)
	if err := s.waitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	ran := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && strings.HasSuffix(path, ".dir") {
			return fs.SkipDir
		}
		name, _ := filepath.Rel(root, path)
		text, err := os.ReadFile(path)
		if err != nil || filepath.Ext(path) != ".go" || !runs(string(text)) || reasons[name] != "" {
			return nil
		}
		ran++
		t.Run(name, func(t *testing.T) {
			want, _ := os.ReadFile(strings.TrimSuffix(path, ".go") + ".out") // none: it prints nothing
			if err := s.Restart(); err != nil {
				t.Fatal(err)
			}
			out := &record{}
			if err := s.Execute(t.Context(), &Cell{Code: string(text), Count: 1}, out); err != nil {
				t.Fatalf("%s\n%s", out.String(), ansi.ReplaceAllString(strings.Join(err.Traceback, "\n"), ""))
			}
			if got := out.String(); got != string(want) {
				t.Errorf("as a cell: %q\nas go run: %q", got, want)
			}
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d programs of %s", ran, root)
	if ran < 500 {
		t.Errorf("only %d programs ran", ran)
	}
}
