//go:build linux

package session

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPlaces(t *testing.T) {
	for code, want := range map[string]string{
		`x.`: "x", "x.\n\t": "x", `a.b(1, "x.y").`: `a.b(1, "x.y")`, `f(x.`: "x", `[]T{a.`: "a", `x`: "", `xs[1].`: "xs[1]", `f("a) b", ')').`: `f("a) b", ')')`, "x. // (": "x", `"a.`: "", `y := pkg.`: "pkg", `(a + b).`: "(a + b)",
	} {
		if got := operandBefore(code, len(code)); got != want {
			t.Errorf("operand before the end of %q: %q, want %q", code, got, want)
		}
	}
	for code, want := range map[string]string{
		`[]T{`: "", `[]T{{`: "T", `[]*T{{A: 1}, {`: "T", `map[string]p.T{"a": {`: "p.T", `f({`: "", `{ {`: "", "T{\n\tA: 1,\n\t": "T",
		`pkg.T{`: "pkg.T", `T{A: 1, `: "T", `T{A: `: "", `f(T{`: "T", `T{A: f(`: "", `x := T{A: "b", `: "T", `T{A: 1}`: "",
		`T{A: "}", `: "T", "T{A: 1, // {\n": "T", `T{A: '{', `: "T", `T{A: ")`: "",
		`T{A: f(1, 2) + `: "", `T{A: f(1, 2), `: "T", `T{A: map[string]int{"a": 1}, `: "T",
	} {
		if got := fieldPlace(code); got != want {
			t.Errorf("fields at the end of %q: %q, want %q", code, got, want)
		}
	}
	for _, test := range []struct {
		code string
		want stringPlace
		ok   bool
	}{
		{`tlkit.Load("res`, stringPlace{start: 12, fn: "tlkit.Load"}, true},
		{`x := m.Freeze(f(1, 2), "`, stringPlace{start: 24, fn: "m.Freeze", arg: 1}, true},
		{`T{From: "a`, stringPlace{start: 9, fn: "T", field: "From", arg: -1}, true},
		{`p.T{A: 1, Names: []string{"x", "y`, stringPlace{start: 32, fn: "string", arg: -1}, true},
		{`s := "`, stringPlace{start: 6, arg: -1}, true},
		{`f("done"`, stringPlace{}, false},
		{`// f("`, stringPlace{}, false},
		{"f(`raw", stringPlace{start: 3, fn: "f"}, true},
		{`f(x /* ( */, "a`, stringPlace{start: 14, fn: "f", arg: 1}, true},
		{"f(1, // one, (\n\"a", stringPlace{start: 16, fn: "f", arg: 1}, true},
		{`p.Q("a(").R("b, c", "`, stringPlace{start: 21, fn: `p.Q("a(").R`, arg: 1}, true},
		{`f('"', "x`, stringPlace{start: 8, fn: "f", arg: 1}, true},
		{`f(g(1, 2), m["x`, stringPlace{start: 14, fn: "f", arg: 1}, true},
		{`f(a, m[b[1]]["x`, stringPlace{start: 14, fn: "f", arg: 1}, true},
		{`m["x`, stringPlace{start: 3, arg: -1}, true},
	} {
		if got, ok := placeOf(test.code); ok != test.ok || ok && got != test.want {
			t.Errorf("%q: %+v %v, want %+v %v", test.code, got, ok, test.want, test.ok)
		}
	}
	for code, want := range map[string]string{"x?": "x", "?x": "x", "x.Y??": "x.Y", "??é": "é", "x ? y": "", "f()?": "f", "a\nb?": "", "5?": "",
		"foo(x)?": "foo", "f(1, g(2)).Name??": "f(1, g(2)).Name", "y := p.F(x)?": "p.F", "y, err = f(x)?": "f", "fmt.Println(x?": "x", "fmt.Println(a, f(x)?": "f", "xs[0].Name?": "xs[0].Name", "xs[1]?": "xs[1]", "&x?": "x", "p.T{}?": "p.T", "m[\"a?\"]?": "m[\"a?\"]", "(*T).M?": "(*T).M", "Map[int, string](f)?": "Map", "? x ": "x", "?f(x)": "f", "x ?": "x", "p.F ??": "p.F",
		"strings.Has*?": "strings.Has*", "*Prefix?": "*Prefix", "?%time": "%time", "%%time?": "%%time", "?": "%help", "??": "%help", "x???": "",
		// No help: comments, strings, and C's conditional expression over several lines.
		"x := 5 // why?": "", "// why?": "", "\"why?": "", "x := a > b ?": "", "a > b?": "", "x = f(a) ?": "", "f(x)? + 1": "", "func() {}?": "", "var x int?": "",
		// No help: commands, and magics with arguments.
		"!echo name=what?": "", "!ls {a,b?": "", "!ls ?": "", "!ready?": "", "!git log --grep=why?": "", "%env GREETING=hello?": "", "%test -run=A?": "", "%%bash x=a?": "", "%time ?": "%time"} {
		if got := asksHelp(code).name; got != want {
			t.Errorf("%q asks about %q, want %q", code, got, want)
		}
	}
}

// TestCandidates: without a language server, the session knows packages, fields and methods, before the first cell too.
func TestCandidates(t *testing.T) {
	s := newSession(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for i, test := range []struct {
		run, code string
		want, not string
		detail    string
	}{
		{"", "strings.ToUp", "ToUpper", "Fields", "func(s string) string"},
		{"", "rand.", "Intn", "Reader", "func(n int) int"},
		{"", "tlkit.Must", "MustLoad", "Load", ""},
		{"", "tlkit.", "Transfer", "NotebookWords", "struct"},
		{"", "tlkit.FineTune{", "LearningRate", "run", ""},
		{"", "x := strings.NewReader(\"a\")\nx.Re", "ReadByte", "Seek", ""},
		{"type T struct { a int; Inner struct{ B int } }\nfunc (t *T) Get() int { return t.a }\nv := &T{}", "v.", "Get", "", "func() int"},
		{"", "v.", "a", "", "int"},
		{"", "v.Inner.", "B", "a", "int"},
		{"ts := []T{{}}", "ts[0].In", "Inner", "", ""},
		{"import str \"strings\"\nvar b str.Builder", "b.WriteS", "WriteString", "", ""},
		{"", "T{", "a", "", ""},
		{"", "x := tlk", "tlkit", "", "github.com/tlkit-go/tlkit-notebooks/tlkit"},
		{"", "http.Client{Time", "Timeout", "Jar", "time.Duration"},
		{"", "unsafe.Siz", "Sizeof", "", ""},
		{"", "x := []http.Client{{Time", "Timeout", "", "time.Duration"},
		{"type Node struct { *Node; V int }\nn := Node{V: 1}", "n.", "V", "", "int"},
		{"type A1 struct{ *B1 }\ntype B1 struct{ *A1; W int }\nvar a1 A1", "a1.B1.A1.", "W", "", "int"},
		{"type Ptr *Ptr\nvar ptr Ptr\narr := &[]struct{ F int }{{2}}", "ptr[0].", "", "F", ""},
		{"arrp := &[1]struct{ F int }{{2}}", "arrp[0].", "F", "", "int"},
		{"import . \"bytes\"", "NewBufferString(\"a\").", "ReadByte", "", ""},
	} {
		if test.run != "" {
			run(t, s, i+1, test.run)
		}
		_, all := s.Candidates(ctx, test.code, len(test.code))
		at := slices.IndexFunc(all, func(c Candidate) bool { return c.Text == test.want })
		if test.want != "" && at < 0 || test.detail != "" && all[at].Detail != test.detail {
			t.Errorf("%q: %v, want %s %s", test.code, all, test.want, test.detail)
		}
		if test.not != "" && slices.Contains(textsOf(all), test.not) {
			t.Errorf("%q: %q is among %q", test.code, test.not, textsOf(all))
		}
	}
}

// TestLastWord tests where the word before the cursor of a command begins, and what it means.
func TestLastWord(t *testing.T) {
	for line, want := range map[string]argument{
		"%cd": {0, "%cd", false}, "%cd ": {4, "", false}, "%cd my\\ da": {4, "my da", false}, `%cd "my da`: {5, "my da", true}, `!cat 'a b' c`: {11, "c", false}, "!x --file=ab": {10, "ab", false},
		`%cd "a b"`: {5, "a b", false}, `!echo it\'s`: {6, "it's", false},
	} {
		if got := lastWord(line); got != want {
			t.Errorf("lastWord(%q) = %v, want %v", line, got, want)
		}
	}
	for text, want := range map[string]string{`a b`: "a b", `a\ b`: "a b", `"a b"`: "a b", `it\'s`: "it's", `x\y`: `x\y`, `my" "dir`: "my dir"} {
		if got := fileName(text); got != want {
			t.Errorf("fileName(%q) = %q, want %q", text, got, want)
		}
	}
}

// TestWordsBelowCommand tests that quotes and comment signs of a command do not change the lines below it.
func TestWordsBelowCommand(t *testing.T) {
	for _, head := range []string{"!ls folder/*.png\n", "!echo `date\n", "%env A=`\n"} {
		code := head + "fmt.Printl"
		if start, all, ok := new(Session).Words(context.Background(), code, len(code)); ok {
			t.Errorf("Words(%q) = (%d, %v, true), want ok false: the end is Go outside of strings", code, start, all)
		}
	}
}

// TestWords: inside strings packages, values and the folder are asked.
func TestWords(t *testing.T) {
	t.Setenv("TLKIT_WORDS_TEST", "1")
	s := newSession(t)
	run(t, s, 1, "%%writefile \"some data.csv\"\na,b")
	run(t, s, 2, "!mkdir -p folder/inner && touch folder/inner/x.png .hidden")
	run(t, s, 3, "type Box struct{ n int }\nfunc (b Box) NotebookWords(fn string, arg int) []string { return []string{fmt.Sprintf(\"%s-%d-%d\", fn, arg, b.n)} }\nfunc (b Box) Open(x int, name string) {}\nbox := Box{7}")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for code, want := range map[string]string{
		`os.ReadFile("so`:             "some data.csv",
		`!cat "some d`:                "some data.csv",
		`os.ReadFile("folder/`:        "folder/inner/",
		`os.ReadFile("folder/inner/x`: "folder/inner/x.png",
		`os.ReadFile(".h`:             ".hidden",
		`box.Open(1, "`:               "Open-1-7",
		`x := "fold`:                  "folder/",
	} {
		start, all, ok := s.Words(ctx, code, len(code))
		if !ok || len(all) != 1 || all[0].Text != want || start != strings.IndexByte(code, '"')+1 {
			t.Errorf("%s: %v from %d, want %q", code, all, start, want)
		}
	}
	for code, want := range map[string]string{ // the word is what stands behind the |
		"%cat |so": `some\ data.csv`, `%cat |some\ d`: `some\ data.csv`, "%env X=|fold": "folder/",
		"!ls |fold": "folder/", "%cd |fol": "folder/", "%cd |some": "", "%rm |bo": "box", "x := 1\n%who |Bo": "Box", "%env |TLKIT_WORDS": "TLKIT_WORDS_TEST",
		"import \"|net/u": "net/url", "import (\n\t\"fmt\"\n\tm \"|net/u": "net/url", "import m \"|math/cm": "math/cmplx", "import \"|internal/": "",
		"%%bash\nls |fold": "folder/", "%%script /bin/bash -e\ncat |so": `some\ data.csv`, "%%bash\n|folder/in": "folder/inner/", "%%bash\n|fold": "", "%%bash\nrm |fold": "folder/", "%%bash\necho |$TLKIT_WORDS": "$TLKIT_WORDS_TEST", "!echo |$TLKIT_WORDS": "$TLKIT_WORDS_TEST",
		"// box.Open(1, \"|": "", "/* box.|": "", "x := '|": "", "!|l": "",
	} {
		before, typed, _ := strings.Cut(code, "|")
		code = before + typed
		start, all, ok := s.Words(ctx, code, len(code))
		got := textsOf(all)
		if !ok || !slices.Contains(got, want) && (want != "" || len(got) > 0) || want != "" && start != len(before) {
			t.Errorf("%q: %v from %d (%v), want %q from %d", code, got, start, ok, want, len(before))
		}
	}
	if _, all := s.Candidates(ctx, "strings := 3\nstrings.", 21); len(all) != 0 {
		t.Errorf("members of a package that a variable hides: %v", all)
	}
	if out := run(t, s, 4, "box.n = 8\n%who"); strings.Contains(out, "words_") {
		t.Errorf("the hidden cell shows: %s", out)
	}
	if _, all, _ := s.Words(ctx, `box.Open(1, "`, 13); len(all) != 1 || all[0].Text != "Open-1-8" {
		t.Errorf("after another cell: %v", all)
	}
	if _, _, ok := s.Words(ctx, `box.Open(1, `, 12); ok {
		t.Error("words outside of a string")
	}
}

func TestDescribe(t *testing.T) {
	s := newSession(t)
	run(t, s, 2, "type Counter struct{ n int }\n// Up counts up.\nfunc (c *Counter) Up() { c.n++ }\nc := Counter{}")
	run(t, s, 1, "// Twice doubles.\nfunc Twice(x int) int { return 2 * x }\nn := 21\nu, err := url.Parse(\"http://a\")")
	run(t, s, 3, "// Shapes of things.\ntype (\n\tAlpha int\n\t// Beta has its own comment.\n\tBeta string // and one behind\n)\nconst (\n\tLow = 1 // the lowest\n\tHigh = 2\n)")
	for name, want := range map[string]string{
		"Alpha": "// Shapes of things.\ntype Alpha int", "Beta": "// Beta has its own comment.\ntype Beta string // and one behind", "Low": "const Low = 1 // the lowest",
		"Twice": "// Twice doubles.\nfunc Twice(x int) int { return 2 * x }", "c.Up": "// Up counts up.\nfunc (c *Counter) Up()", "n": "var n int\n\ndeclared in cell 1", "strings.ToUpper": "ToUpper returns s with", "strings": "package strings",
		"u.Query": "Query parses RawQuery", "u": "A URL represents a parsed URL", "len": "The len built-in function", "u.Host": "field Host string\n\npackage url", "http.Server.Addr": "Addr optionally specifies the TCP address", "err.Error": "func (error).Error() string",
		"tlkit.MustLoad": "func Load(", "tlkit.Transfer": "type Transfer struct",
	} {
		if got := s.Describe(t.Context(), name); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q in it", name, got, want)
		}
	}
	// Until go doc has printed, there is nothing to show, and that is no unknown name.
	for _, symbol := range []string{"MustCompile", "Compile"} {
		s.docs.all["regexp "+symbol] = &docText{ready: make(chan struct{})}
	}
	for range 8 {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		got := s.Describe(ctx, "regexp.MustCompile")
		err := s.showHelpOn(ctx, asked{name: "regexp.MustCompile"})
		cancel()
		if got != "" || err == nil || err.Name != "Interrupted" {
			t.Errorf("help without an output of go doc: %q, %v", got, err)
		}
	}
	if got := s.Describe(t.Context(), "nowhere"); got != "" {
		t.Errorf("a name that is not there: %q", got)
	}
}
