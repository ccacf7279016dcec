package language

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// fakeSource is a session with two names, whose cells stand in a function.
type fakeSource struct {
	dir   string
	names []Name
}

const head = `package main

import (
	"fmt"
	"strings"

	"nb/r1"
)

var _, _ = fmt.Sprint, strings.ToUpper

func cell() {
	greeting, Über := r1.Greeting, r1.Greet
	_, _ = greeting, Über
`

func (s fakeSource) SourceDir() string { return s.dir }
func (s fakeSource) Names() []Name     { return s.names }
func (s fakeSource) Describe(_ context.Context, name string) string {
	return map[string]string{"early.Name": "func Name(x int)\n    Name names."}[name]
}

// Candidates knows one package, Words one function.
func (s fakeSource) Candidates(_ context.Context, code string, cursor int) (int, []Candidate) {
	if strings.HasSuffix(code[:cursor], "early.") {
		return cursor, []Candidate{{Text: "Name", Kind: "func", Detail: "func(x int)"}}
	}
	return cursor, nil
}

func (s fakeSource) Words(_ context.Context, code string, cursor int) (int, []Candidate, bool) {
	if at := strings.LastIndex(code[:cursor], `early.Name("`); at >= 0 {
		return at + len(`early.Name("`), []Candidate{{Text: "models/resnet18", Kind: "word"}}, true
	}
	return 0, nil, false
}
func (s fakeSource) CompletionFile(code string, cursor int) ([]byte, int) {
	if strings.HasPrefix(code, "!") || strings.HasPrefix(code, "%") {
		return nil, -1
	}
	return []byte(head + code + "\n}\n"), len(head) + cursor
}

func newSource(t testing.TB) fakeSource {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":   "module nb\n\ngo 1.21\n",
		"r1/r1.go": "package r1\n\n// Greeting is said to all.\nvar Greeting = \"hello\"\n\n// MustGreet is [Greet].\nfunc MustGreet(name string) string { return Greet(name) }\n\n// Greet greets someone.\nfunc Greet(name string) string { return Greeting + name }\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return fakeSource{dir: dir, names: []Name{{Name: "greeting", Kind: "var", Type: "string", Cell: 1},
		{Name: "Über", Kind: "func", Type: "func(name string) string", Cell: 1}, {Name: "old", Kind: "var", Cell: 1, Stale: "run cell 2 again"},
		{Name: "Method", Kind: "method"}}}
}

// commands are the names of testCommands without their %.
var (
	commands     = []string{"cd", "env", "who"}
	testCommands = []Command{{Name: "%%bash"}, {Name: "%cd", Args: "[FOLDER]", Help: "change the folder"}, {Name: "%env"}, {Name: "%who"}}
)

// findGopls returns the gopls of an installation, or one on PATH.
func findGopls(t *testing.T) string {
	t.Helper()
	home, _ := os.UserHomeDir()
	for _, dir := range []string{os.Getenv("TLKIT_HOME"), filepath.Join(home, ".local", "share", "tlkit")} {
		if path := filepath.Join(dir, "bin", "gopls"); dir != "" {
			if _, err := os.Stat(path); err == nil {
				return path
			}
		}
	}
	path, err := exec.LookPath("gopls")
	if err != nil {
		t.Skip("no gopls; run ./install.sh first")
	}
	return path
}

// cursorAt splits code at a |, and counts code points.
func cursorAt(t *testing.T, text string) (code string, cursor int) {
	t.Helper()
	before, after, ok := strings.Cut(text, "|")
	if !ok {
		t.Fatalf("no | in %q", text)
	}
	return before + after, len([]rune(before))
}

// ready waits for gopls for as long as a busy machine may need.
func ready(t *testing.T, s *Service) {
	t.Helper()
	select {
	case <-s.begin():
	case <-time.After(2 * time.Minute):
	}
	if s.server == nil {
		t.Fatal("gopls does not start")
	}
}

func testEnv() []string { return append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off") }

func newService(t *testing.T, gopls string) *Service {
	s := New(Config{Source: newSource(t), Gopls: gopls, Env: testEnv,
		Commands: testCommands, Logf: t.Logf})
	t.Cleanup(s.Close)
	return s
}

// TestSettings: gopls ignores in silence a setting that it does not know.
func TestSettings(t *testing.T) {
	out, err := exec.Command(findGopls(t), "api-json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var api struct {
		Options map[string][]struct{ Name, Type string }
	}
	if err := json.Unmarshal(out, &api); err != nil {
		t.Fatal(err)
	}
	types := map[string]string{"deepCompletion": "bool"} // not documented by gopls
	for _, o := range api.Options["User"] {
		types[o.Name] = o.Type
	}
	for name, value := range settings {
		switch kind := types[name]; kind {
		case "":
			t.Errorf("%s: gopls has no such setting", name)
		case "time.Duration":
			if _, err := time.ParseDuration(value.(string)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestGopls(t *testing.T) {
	s := newService(t, findGopls(t))
	ready(t, s)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	completions := []struct {
		code       string
		want       string // among the matches
		start, end int
	}{
		{`fmt.Printl|`, "Println", 4, 10},
		{`x := "é𝄞"; strings.ToUp|`, "ToUpper", 19, 23},
		{"fmt.Println(1)\ngree|", "greeting", 15, 19},
		{`gree|ting`, "greeting", 0, 8},
		{`Üb|`, "Über", 0, 2},
		{`r1.|`, "Greet", 3, 3},
		{`var s struct{ Name string }; s.N|`, "Name", 31, 32},
		{`%w|`, "who", 1, 2},
		{`fun|`, "func", 0, 3},
		{"ret|", "return", 0, 3},
		{`early.|`, "Name", 6, 6},
		{`early.Name("models/|`, "models/resnet18", 12, 19},
	}
	for _, c := range completions {
		code, cursor := cursorAt(t, c.code)
		got := s.Complete(ctx, code, cursor)
		if !slices.Contains(got.Matches, c.want) || got.Start != c.start || got.End != c.end {
			t.Errorf("%s: %d to %d, %q; want %d to %d, %q", c.code, got.Start, got.End, got.Matches, c.start, c.end, c.want)
		}
		if len(got.Kinds) != len(got.Matches) || len(got.Details) != len(got.Matches) {
			t.Errorf("%s: %d kinds and %d details for %d matches", c.code, len(got.Kinds), len(got.Details), len(got.Matches))
		}
	}
	// Unimported packages need an edit elsewhere, which Jupyter can't make.
	if got := s.Complete(ctx, "sor", 3); slices.Contains(got.Matches, "sort") {
		t.Errorf("a match that needs an import line: %q", got.Matches)
	}
	if got := s.Complete(ctx, "fmt.Printl", 10); len(got.Docs) != 1 || !strings.Contains(got.Docs[0], "Println formats") || !strings.Contains(got.Details[0], "func(a ...any)") {
		t.Errorf("documentation %q, details %q", got.Docs, got.Details)
	}
	inspections := []struct{ code, want string }{
		{"fmt.Println|", "Println formats using the default formats"},
		{"fmt.Pri|ntln(1)", "Println formats"},
		{"fmt.Println(|", "Println formats"},
		{`fmt.Println("é", strings.ToUpper(greeting), |)`, "Println formats"},
		{"r1.Greet|", "Greet greets someone"},
		{"greeting|", "string"},
		{"fmt|", "formatted I/O"},
		{"r1.MustGreet|", "Greet greets someone"},
		{"early.Name|", "Name names."},
		{"for|", "for i := range 10"},
		{"%cd|", "change the folder"},
	}
	for _, c := range inspections {
		code, cursor := cursorAt(t, c.code)
		data := s.Inspect(ctx, code, cursor)
		if text, _ := data["text/plain"].(string); !strings.Contains(text, c.want) || strings.Contains(text, "```") {
			t.Errorf("%s: %q, want %q in it", c.code, text, c.want)
		}
	}
	if data := s.Inspect(ctx, "nowhere + 1", 11); data != nil {
		t.Errorf("at a number: %v", data)
	}
	// A cell that has run meanwhile.
	dir := s.cfg.Source.SourceDir()
	if err := os.Mkdir(filepath.Join(dir, "r2"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "r2", "r2.go"), []byte("package r2\n\n// Twice doubles.\nfunc Twice(x int) int { return 2 * x }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	later := New(Config{Source: laterSource{fakeSource{dir: dir}}, Env: testEnv, Logf: t.Logf})
	later.server = s.server
	if got := later.Complete(ctx, "r2.", 3); !slices.Contains(got.Matches, "Twice") {
		t.Errorf("a package that is new: %q", got.Matches)
	}
}

// laterSource sees another package.
type laterSource struct{ fakeSource }

func (s laterSource) CompletionFile(code string, cursor int) ([]byte, int) {
	begin := "package main\n\nimport \"nb/r2\"\n\nfunc cell() {\n"
	return []byte(begin + code + "\n}\n"), len(begin) + cursor
}

// TestRestart: a gopls that was killed is started again, and meanwhile the answers come from the names.
func TestRestart(t *testing.T) {
	s := newService(t, findGopls(t))
	ready(t, s)
	s.server.cmd.Process.Kill()
	<-s.server.gone
	ready(t, s)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if got := s.Complete(ctx, "fmt.Printl", 10); !slices.Contains(got.Matches, "Println") {
		t.Errorf("after the restart: %q", got.Matches)
	}
	pid := s.server.cmd.Process.Pid
	s.Close()
	if err := exec.Command("kill", "-0", fmt.Sprint(pid)).Run(); err == nil {
		t.Error("gopls still runs after Close")
	}
	if got := s.Complete(ctx, "gree", 4); !slices.Equal(got.Matches, []string{"greeting"}) {
		t.Errorf("after Close: %q", got.Matches)
	}
	if ctx.Err() != nil {
		t.Error("a completion without gopls waited for the end of its context")
	}
}

// TestChangedEnv: gopls is started again where its environment has changed, and only there.
func TestChangedEnv(t *testing.T) {
	var changed atomic.Bool
	s := New(Config{Source: newSource(t), Gopls: findGopls(t), Logf: t.Logf, Env: func() []string {
		if changed.Load() {
			return append(testEnv(), "GOFLAGS=-mod=readonly")
		}
		return testEnv()
	}})
	t.Cleanup(s.Close)
	ready(t, s)
	first := s.server
	if ready(t, s); s.server != first {
		t.Error("gopls was started again in the same environment")
	}
	changed.Store(true)
	if ready(t, s); s.server == first || !slices.Contains(s.server.cmd.Env, "GOFLAGS=-mod=readonly") {
		t.Errorf("gopls runs with %q", s.server.cmd.Env)
	}
}

// TestWithoutGopls: no gopls, one that does not start, one that never answers.
func TestWithoutGopls(t *testing.T) {
	hangs := filepath.Join(t.TempDir(), "gopls")
	if err := os.WriteFile(hangs, []byte("#!/bin/sh\nexec cat >/dev/null\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, gopls := range map[string]string{"none": "", "missing": "/nowhere/gopls", "ends": "/bin/true", "hangs": hangs} {
		t.Run(name, func(t *testing.T) {
			s := newService(t, gopls)
			cases := []struct {
				code string
				want []string
			}{
				{"gree|", []string{"greeting"}},
				{"x := Ü|", []string{"Über"}},
				{"fu|", []string{"func"}},
				{"appe|", []string{"append"}},
				{"o|", nil},
				{"pack|", []string{"package"}},
				{"greeting.|", nil},
				{"early.|", []string{"Name"}},
				{`early.Name("models/res|")`, []string{"models/resnet18"}},
				{"!ls o|", nil},
				{"%|", commands},
				{"%e|", []string{"env"}},
				{"  %e|", []string{"env"}},
				{"%%|", []string{"bash"}},
				{"%%b|", []string{"bash"}},
				{"%b|", []string{"%bash"}},
				{"x\n%b|", nil},
				{"fmt.Println()\n%w|", []string{"who"}},
			}
			for _, c := range cases {
				ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
				code, cursor := cursorAt(t, c.code)
				if got := s.Complete(ctx, code, cursor); !slices.Equal(got.Matches, c.want) {
					t.Errorf("%s: %q, want %q", c.code, got.Matches, c.want)
				}
				cancel()
			}
			ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			defer cancel()
			if got := fmt.Sprint(s.Inspect(ctx, "greeting", 8)["text/plain"]); got != "var greeting string\n\ndeclared in cell 1" {
				t.Errorf("inspect: %q", got)
			}
			if got := s.Inspect(ctx, "fmt.greeting", 12); got != nil {
				t.Errorf("inspect of another's name: %v", got)
			}
		})
	}
}

// TestKeepMembers: behind a dot there are no keywords, and a language server that could not parse the cell is not
// believed.
func TestKeepMembers(t *testing.T) {
	for _, test := range []struct{ matches, known, want []string }{
		{[]string{"const", "Age", "func", "Name"}, []string{"Name", "Age"}, []string{"Age", "Name"}},
		{[]string{"x", "os", "ps"}, []string{"Age"}, nil}, {[]string{"x", "var"}, nil, []string{"x"}}, {nil, []string{"Age"}, nil},
	} {
		var c Completion
		for _, m := range test.matches {
			c.add(m, "", "", "")
		}
		var known []Candidate
		for _, k := range test.known {
			known = append(known, Candidate{Text: k})
		}
		if c.keepMembers(known); !slices.Equal(c.Matches, test.want) || len(c.Docs) != len(test.want) {
			t.Errorf("of %q, known %q, stay %q, want %q", test.matches, test.known, c.Matches, test.want)
		}
	}
}

func TestPosition(t *testing.T) {
	text := []byte("a\né𝄞x\n")
	for offset, want := range map[int][2]uint32{0: {0, 0}, 2: {1, 0}, 4: {1, 1}, 8: {1, 3}, 9: {1, 4}, 10: {2, 0}, 99: {2, 0}} {
		if p := position(text, offset); p.Line != want[0] || p.Character != want[1] {
			t.Errorf("offset %d: %v, want %v", offset, p, want)
		}
	}
}

// TestEnclosingCall: brackets in strings and comments are no brackets.
func TestEnclosingCall(t *testing.T) {
	for code, want := range map[string]string{
		`strings.ToUpper("(", `: "strings.ToUpper", `p.Hello("a) b", `: "p.Hello", "f(1, // ) and (\n": "f", `f(g(1), ')', `: "f", "f(`(`, ": "f",
		`f (`: "f", `f(")`: "f", `f(1)`: "", `f(/* ) */ `: "f", `x := "("`: "", `f(T{A: `: "f",
	} {
		at := enclosingCall(code, len(code))
		if got := code[:max(0, at)]; got != want || want == "" && at != -1 {
			t.Errorf("%s: the call of %q, want %q", code, got, want)
		}
	}
}

// FuzzPlaces: no code and no cursor make the searches leave the code.
func FuzzPlaces(f *testing.F) {
	f.Add("fmt.Println(é", 5)
	f.Add("((a)b(", -1)
	f.Fuzz(func(t *testing.T, code string, cursor int) {
		offset := byteOffset(code, cursor)
		start, end := wordBounds(code, offset)
		if start < 0 || start > offset || end < offset || end > len(code) {
			t.Fatalf("%q at %d: word from %d to %d", code, offset, start, end)
		}
		if call := enclosingCall(code, offset); call > offset {
			t.Fatalf("%q at %d: call at %d", code, offset, call)
		}
		position([]byte(code), offset)
		terminalText(code)
	})
}
