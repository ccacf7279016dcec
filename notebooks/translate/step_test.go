package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// same is the rebase of tests in which links stay.
func same(link string) string { return link }

func lesson(cells ...*cell) *notebook {
	return &notebook{Cells: cells, Metadata: json.RawMessage(`{}`), Nbformat: 4, NbformatMinor: 5}
}

func words(id, source, from string) *cell {
	c := &cell{Type: "markdown", ID: id, Metadata: map[string]any{}, Source: text(source)}
	if from != "" {
		c.Metadata[translatedFrom] = digest(text(from))
	}
	return c
}

func code(id, source string, table map[string]any) *cell {
	c := &cell{Type: "code", ID: id, Metadata: map[string]any{}, Source: text(source)}
	if table != nil {
		c.Metadata[comments] = table
	}
	return c
}

// TestInStep: code comes from the English lesson, its comments from the table, text from the translation; what is new,
// gone or changed is said.
func TestInStep(t *testing.T) {
	english := lesson(words("a", "Hello", ""), code("b", "f()      // call f", nil), words("c", "Good-bye", ""))
	for _, c := range []struct {
		name     string
		japanese *notebook
		sources  []string
		left     []string
	}{
		{"none yet", nil, []string{"Hello", "f()      // call f", "Good-bye"},
			[]string{"cell a is not translated", `the comment "call f"`, "cell c is not translated"}},
		{"whole", lesson(words("a", "今日は", "Hello"), code("b", "", map[string]any{"call f": "f を呼ぶ"}), words("c", "さようなら", "Good-bye")),
			[]string{"今日は", "f()      // f を呼ぶ", "さようなら"}, nil},
		{"other code, other order", lesson(words("c", "さようなら", "Good-bye"), words("a", "今日は", "Hello"), code("b", "g()", map[string]any{"call f": "f を呼ぶ"})),
			[]string{"今日は", "f()      // f を呼ぶ", "さようなら"}, nil},
		{"text changed since", lesson(words("a", "今日は", "Hi"), code("b", "", map[string]any{"call f": "f を呼ぶ"}), words("c", "さようなら", "")),
			[]string{"今日は", "f()      // f を呼ぶ", "さようなら"}, []string{"cell a: the English text is another", "cell c: the English text is another"}},
		{"a cell and a comment that are gone", lesson(words("a", "今日は", "Hello"), code("b", "", map[string]any{"call f": "f を呼ぶ", "call g": "g"}), words("c", "さようなら", "Good-bye"), words("d", "消えた", "Gone")),
			[]string{"今日は", "f()      // f を呼ぶ", "さようなら"}, []string{`no comment "call g"`, "cell d is left out"}},
	} {
		out, left := inStep(english, c.japanese, same)
		var sources []string
		for _, cell := range out.Cells {
			sources = append(sources, string(cell.Source))
		}
		if !slices.Equal(sources, c.sources) {
			t.Errorf("%s: %q, want %q", c.name, sources, c.sources)
		}
		if len(left) != len(c.left) {
			t.Errorf("%s: left are %q, want %q", c.name, left, c.left)
			continue
		}
		for i, l := range left {
			if !strings.Contains(l, c.left[i]) {
				t.Errorf("%s: %q, want %q", c.name, l, c.left[i])
			}
		}
		again, left := inStep(english, out, same)
		if a, b := encoded(t, out), encoded(t, again); a != b {
			t.Errorf("%s: a second time gives another notebook (%q):\n%s\n%s", c.name, left, a, b)
		}
	}
}

func encoded(t *testing.T, n *notebook) string {
	t.Helper()
	data, err := n.encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestAccept: an accepted text counts as a translation of the present English text; an English text never does.
func TestAccept(t *testing.T) {
	english := lesson(words("a", "Hello", ""), words("b", "Good-bye", ""))
	japanese := lesson(words("a", "今日は", "Hi"), words("b", "Good-bye", ""))
	acceptTexts(english, japanese)
	_, left := inStep(english, japanese, same)
	if len(left) != 1 || left[0] != "cell b is not translated" {
		t.Errorf("left are %q, want cell b", left)
	}
}

// TestDifferences: what a translation may not change is found, and what it may is not.
func TestDifferences(t *testing.T) {
	rebase := func(l string) string { return strings.Replace(l, "../", "../../", 1) }
	for _, c := range []struct {
		english, japanese string
		want              []string
	}{
		{"## Two\n\nten of 83.2 %, `Transfer`", "## 二つ\n\n10 個のうち 83.2%、`Transfer` と `x`", nil},
		{"gained 13 points", "3 ポイント増えた", []string{"the figure 13"}},
		{"call `Freeze`", "凍結する", []string{"`Freeze` is missing"}},
		{"see [05](05_a.ipynb), ![b](../b.svg)", "[05](05_a.ipynb)、![b](../../b.svg) を参照", nil},
		{"see [05](05_a.ipynb)", "[05](06_a.ipynb) を参照", []string{"06_a.ipynb is not in", "05_a.ipynb is missing"}},
		{"```\nf(x) // call\n```", "```\nf(x) // 呼ぶ\n```", nil},
		{"```\nf(x)\n```", "```\nf(y)\n```", []string{"code between"}},
		{"# A\n\n## B", "# A\n\n### B", []string{"headings"}},
		{"| a |\n|---|\n| b |", "| a |\n|---|", []string{"2 rows"}},
		{"<summary>Solution</summary>", "<summary>答え</summary>", []string{"<summary>解答</summary>"}},
		{"**a** (b) is", "**あ（b）**は", []string{"not shown as emphasis"}},
		{"**a** (b) is", "**あ**（b）は", nil},
		{"**`a`** is", "これは**`a`**", []string{"not shown as emphasis"}},
		{"**`a`** is", "これは **`a`** です", nil},
	} {
		got := differences(c.english, c.japanese, rebase)
		if len(got) != len(c.want) {
			t.Errorf("%q, %q: %q, want %q", c.english, c.japanese, got, c.want)
			continue
		}
		for i, g := range got {
			if !strings.Contains(g, c.want[i]) {
				t.Errorf("%q, %q: %q, want %q", c.english, c.japanese, g, c.want[i])
			}
		}
	}
}

// TestComments: only whole comments are replaced, and no address in a string.
func TestComments(t *testing.T) {
	got, used, missing := translateComments("// one\nget(\"https://a.b\")  // two\nx := 1\t// three, and two", map[string]any{"one": "一", "two": "二"})
	if want := "// 一\nget(\"https://a.b\")  // 二\nx := 1\t// three, and two"; got != want || len(used) != 2 || !slices.Equal(missing, []string{"three, and two"}) {
		t.Errorf("%q, used %v, missing %q; want %q", got, used, missing, want)
	}
}

// TestRelink: a link leads to the Japanese copy as soon as there is one, and one folder up while there is none.
func TestRelink(t *testing.T) {
	there := func(l string) string { return l }
	gone := func(l string) string { return "../" + l }
	const english = "[a](05_a.ipynb) [b](https://b.c)"
	for _, c := range []struct {
		japanese, want string
		rebase         func(string) string
	}{
		{"[あ](../05_a.ipynb) [b](https://b.c)", "[あ](05_a.ipynb) [b](https://b.c)", there},
		{"[あ](05_a.ipynb)", "[あ](05_a.ipynb)", there},
		{"[あ](05_a.ipynb)", "[あ](../05_a.ipynb)", gone},
		{"[あ](../05_a.ipynb)", "[あ](../05_a.ipynb)", gone},
		{"[い](06_b.ipynb)", "[い](06_b.ipynb)", gone},
	} {
		if got := relink(english, text(c.japanese), c.rebase); string(got) != c.want {
			t.Errorf("%q becomes %q, want %q", c.japanese, got, c.want)
		}
	}
}
