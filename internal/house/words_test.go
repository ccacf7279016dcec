package house_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/golangci/misspell"
)

// readers lists the files that people read: papers, lessons and their pages.
func readers(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/gallery/*.ipynb", "bench/*.md", "bench/*/*.md", "notebooks/*.ipynb", "notebooks/ja/*.ipynb"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 20 {
		t.Fatalf("only %d files found: %v", len(files), files)
	}
	return files
}

// text returns what people read of a file: of a notebook the source of its cells. The text of cells of code is included
// where code is wanted.
func text(t *testing.T, path string, code bool) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Ext(path) != ".ipynb" {
		return string(data)
	}
	var n struct {
		Cells []struct {
			Type   string `json:"cell_type"`
			Source any    `json:"source"`
		}
	}
	if err := json.Unmarshal(data, &n); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	var b strings.Builder
	for _, c := range n.Cells {
		if c.Type != "markdown" && !code {
			continue
		}
		if lines, ok := c.Source.([]any); ok {
			for _, l := range lines {
				fmt.Fprint(&b, l)
			}
		} else {
			fmt.Fprint(&b, c.Source)
		}
		b.WriteString("\n\n")
	}
	return b.String()
}

// misspelt returns the words of a text that misspell's list of common mistakes has, each with the line.
func misspelt(s string) (found []string) {
	_, diffs := misspell.New().Replace(s)
	for _, d := range diffs {
		found = append(found, fmt.Sprintf("line %d: %q, want %q", d.Line, d.Original, d.Corrected))
	}
	return found
}

// TestSpelling holds that papers and lessons have no word that is on the list of common mistakes.
func TestSpelling(t *testing.T) {
	for _, path := range readers(t) {
		for _, m := range misspelt(text(t, path, true)) {
			t.Errorf("%s: %s", path, m)
		}
	}
	if found := misspelt("We recieve it.\nTransfer learning."); len(found) != 1 || !strings.Contains(found[0], `line 1: "recieve", want "receive"`) {
		t.Errorf("the check of a text with one mistake says %q", found)
	}
}

var (
	// link matches the target of a link or picture in Markdown that is no address.
	link = regexp.MustCompile(`\]\(([^):\s]+)\)`)
	// heading matches a heading in Markdown.
	heading = regexp.MustCompile(`(?m)^#{1,6} +(.+?) *$`)
	// fence matches a block of code, whose lines are no headings.
	fence = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	// notInAnchors matches what GitHub leaves out of a heading's anchor.
	notInAnchors = regexp.MustCompile(`[^\p{L}\p{N}\p{M}_ -]`)
)

// anchors returns the anchors that GitHub gives the headings of a text.
func anchors(s string) (all []string) {
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(s, ""), -1) {
		a := strings.ReplaceAll(notInAnchors.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")
		if n := count(all, a); n > 0 {
			a = fmt.Sprintf("%s-%d", a, n)
		}
		all = append(all, a)
	}
	return all
}

// count returns how many anchors are those of the same words.
func count(all []string, a string) (n int) {
	for slices.Contains(all, a) && (n == 0 || slices.Contains(all, fmt.Sprintf("%s-%d", a, n))) {
		n++
	}
	return n
}

// dead returns the links of a text in folder dir that lead to no file, or to no heading of one.
func dead(t *testing.T, s, dir string) (links []string) {
	for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(s, ""), -1) {
		file, anchor, hasAnchor := strings.Cut(m[1], "#")
		path := filepath.Join(dir, file)
		if _, err := os.Stat(path); file != "" && err != nil {
			links = append(links, m[1])
			continue
		}
		there := s
		if file != "" && hasAnchor {
			there = text(t, path, false)
		}
		if hasAnchor && !slices.Contains(anchors(there), anchor) {
			links = append(links, m[1])
		}
	}
	return links
}

// TestLinks holds that links within the repository lead to files and headings that are there.
func TestLinks(t *testing.T) {
	for _, path := range readers(t) {
		for _, l := range dead(t, text(t, path, false), filepath.Dir(path)) {
			t.Errorf("%s links to %s, which is not there", path, l)
		}
	}
	s := "# A title: 2 of it\n## Twice\n## Twice\n[a](#a-title-2-of-it) [b](#twice-1) [c](words_test.go)\n[d](#no-such) [e](none.md) ![f](none.png) [g](https://example.org/none)\n```\n[h](none)\n```\n"
	if got, want := dead(t, s, "."), []string{"#no-such", "none.md", "none.png"}; !slices.Equal(got, want) {
		t.Errorf("dead links of a text: %q, want %q", got, want)
	}
}
