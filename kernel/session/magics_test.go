//go:build linux

package session

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMagicTable: each magic is there once, has a function and a line of help, and %help shows it once.
func TestMagicTable(t *testing.T) {
	out := &record{}
	s := &Session{}
	s.out = newSink(s)
	s.out.out = out
	s.cfg.OutputLimit = 1 << 20
	c := &call{Session: s, cell: &magicCell{}, out: out, name: "%help"}
	if err := lookUp("%help").run(c); err != nil {
		t.Fatal(err)
	}
	help := out.String()
	seen := map[string]bool{}
	for _, section := range sections {
		if strings.Count(help, "\n"+section.title+"\n") != 1 {
			t.Errorf("%%help has not once the section %q", section.title)
		}
		for _, m := range section.magics {
			if m.help == "" || m.run == nil {
				t.Errorf("%s: help %q, a function: %v", m.names, m.help, m.run != nil)
			}
			row := "\n  " + strings.TrimSpace(strings.ReplaceAll(m.names, " ", ", ")+" "+m.args) + " "
			if strings.Count(help, row) != 1 || strings.Count(help, m.help+"\n") != 1 {
				t.Errorf("%s is not once in %%help:\n%s", m.names, help)
			}
			for _, name := range strings.Fields(m.names) {
				if seen[name] || name[0] != '%' {
					t.Errorf("%s: a second one of that name, or no magic", name)
				}
				seen[name] = true
				if lookUp(name).help != m.help {
					t.Errorf("%s leads to %q", name, lookUp(name).help)
				}
			}
		}
	}
	names := magicNames()
	if len(names) != len(seen) || !slices.IsSorted(names) {
		t.Errorf("%d names for %d magics, sorted: %v", len(names), len(seen), slices.IsSorted(names))
	}
	if magics := Magics(); len(magics) != len(names) || magics[5].Name != names[5] || magics[5].Help != lookUp(names[5]).help {
		t.Errorf("completion knows %d of %d magics", len(magics), len(names))
	}
}

// TestGonbMagics: GoNB's own magics all do something, or tell that there is nothing to do.
func TestGonbMagics(t *testing.T) {
	for _, name := range strings.Fields("%% %main %args %test %exec %wasm %widgets %widgets_hb %env %cd %goflags %autoget %noautoget %help %version " +
		"%reset %ls %list %rm %remove %with_inputs %with_password %track %untrack %goworkfix %capture %%writefile %%script %%bash %%sh %%gx") {
		if lookUp(name) == nil {
			t.Errorf("%s is unknown", name)
		}
	}
	goMod, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(goMod), "github.com/janpfeifer/gonb "+gonbVersion) {
		t.Errorf("go.mod has another GoNB than %s", gonbVersion)
	}
}

func TestMagicLines(t *testing.T) {
	for _, test := range []struct {
		code  string
		lines []string
		left  string // the Go
		cell  string // the cell magic
	}{
		{code: "  %who\n\t!ls", lines: []string{"%who", "!ls"}},
		{code: "%who\r\nx := 1\r\n", lines: []string{"%who"}, left: "x := 1"},
		{code: "ok := a &&\n!b", left: "ok := a &&\n!b"},
		{code: "f(\n  !b,\n)", left: "f(\n  !b,\n)"},
		{code: "x := a // !\n!ls", lines: []string{"!ls"}, left: "x := a // !"},
		{code: "\n\n  %%bash -x\necho", cell: "%%bash -x"},
		{code: "//gonb:%%writefile a\ntext", cell: "%%writefile a"},
		{code: "x := 1\n%time f(2)", lines: []string{"%time"}, left: "x := 1\n      f(2)"},
		{code: "%timeit -n 10 -r2 f(%2)", lines: []string{"%timeit -n 10 -r2"}, left: "f(%2)"},
		{code: "%%time\nf()", lines: []string{"%%time"}, left: "f()"},
		{code: "%% --flag\nf()", lines: []string{"%% --flag"}, left: "f()"},
	} {
		m := splitMagic(test.code)
		if !slices.Equal(m.lines, test.lines) || strings.TrimSpace(m.code) != test.left || m.cellMagic != test.cell {
			t.Errorf("%q: lines %q, Go %q, cell magic %q", test.code, m.lines, m.code, m.cellMagic)
		}
		if m.cellMagic == "" && !strings.HasPrefix(test.code, "//gonb") && len(m.code) != len(test.code) {
			t.Errorf("%q: %d bytes of Go, not %d", test.code, len(m.code), len(test.code))
		}
	}
}

func TestSplitArgs(t *testing.T) {
	for text, want := range map[string][]string{
		``:                                nil,
		`--a=1 b`:                         {"--a=1", "b"},
		`--text="hello world" 'x y' "\t"`: {"--text=hello world", "x y", "\t"},
		`it's "`:                          {"it's", `"`},
	} {
		if got := splitArgs(text); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
