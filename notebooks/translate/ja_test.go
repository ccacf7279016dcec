package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// untranslated are the lessons that have no Japanese copy yet. A lesson that has one is not named here.
var untranslated = []string{}

// TestTranslated holds that each lesson has a Japanese copy with the same code and a translation of its present text,
// and that no copy is left of a lesson that is gone.
func TestTranslated(t *testing.T) {
	for _, path := range notebooksIn(t, "..") {
		name := filepath.Base(path)
		copied := filepath.Join("..", "ja", name)
		if _, err := os.Stat(copied); err != nil {
			if !slices.Contains(untranslated, name) {
				t.Errorf("%s has no Japanese copy; begin one with go run ./notebooks/translate %s, or name it in untranslated", path, name)
			}
			continue
		}
		if slices.Contains(untranslated, name) {
			t.Errorf("%s is there, and untranslated names it", copied)
		}
		english, err := readNotebook(path)
		if err != nil {
			t.Fatal(err)
		}
		japanese, err := readNotebook(copied)
		if err != nil {
			t.Fatal(err)
		}
		want, left := inStep(english, japanese, rebase("../ja"))
		for _, l := range left {
			t.Errorf("%s: %s", copied, l)
		}
		data, err := want.encode()
		if err != nil {
			t.Fatal(err)
		}
		if stored, err := os.ReadFile(copied); err != nil || !bytes.Equal(stored, data) {
			t.Errorf("%s is not in step with the English lesson (%v); run: go run ./notebooks/translate", copied, err)
		}
	}
	for _, path := range notebooksIn(t, "../ja") {
		if _, err := os.Stat(filepath.Join("..", filepath.Base(path))); err != nil {
			t.Errorf("%s is a copy of no lesson; remove it", path)
		}
	}
}

func notebooksIn(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.ipynb"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no notebooks in %s (%v)", dir, err)
	}
	return paths
}

// cellID is what nbformat 4.5 allows as the id of a cell.
var cellID = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// TestFormat holds that the Japanese copies are notebooks by nbformat's rules, as stored: without outputs, each cell
// with an id of its own; that they begin with a title; and that what they link to is there.
func TestFormat(t *testing.T) {
	for _, path := range notebooksIn(t, "../ja") {
		n, err := readNotebook(path)
		if err != nil {
			t.Fatal(err)
		}
		if n.Nbformat != 4 || n.NbformatMinor != 5 {
			t.Errorf("%s is nbformat %d.%d, want 4.5", path, n.Nbformat, n.NbformatMinor)
		}
		if !strings.HasPrefix(string(n.Cells[0].Source), "# ") {
			t.Errorf("%s does not begin with a title", path)
		}
		seen := map[string]bool{}
		for _, c := range n.Cells {
			if seen[c.ID] || !cellID.MatchString(c.ID) {
				t.Errorf("%s: %q is no id of its own for a cell", path, c.ID)
			}
			seen[c.ID] = true
			if c.ExecutionCount != nil || (c.Type == "code") != (string(c.Outputs) == "[]") {
				t.Errorf("%s: cell %s is stored with outputs %s; clear them", path, c.ID, c.Outputs)
			}
			if c.Type != "markdown" {
				continue
			}
			for _, m := range link.FindAllStringSubmatch(string(c.Source), -1) {
				if _, err := os.Stat(filepath.Join("../ja", m[1])); err != nil && !strings.Contains(m[1], ":") {
					t.Errorf("%s: cell %s links to %s, which is not there", path, c.ID, m[1])
				}
			}
		}
	}
}

// TestREADME holds that README.ja.md has what README.md has, and links to the Japanese lessons that there are.
func TestREADME(t *testing.T) {
	var texts [2]string
	for i, path := range []string{"../../README.md", "../../README.ja.md"} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(data)
	}
	japanese := func(link string) string {
		if link == "README.ja.md" {
			return "README.md"
		}
		copied := strings.NewReplacer("notebooks/", "notebooks/ja/", "docs/gallery/", "docs/gallery/ja/").Replace(link)
		if _, err := os.Stat(filepath.Join("../..", copied)); err == nil {
			return copied
		}
		return link
	}
	for _, d := range differences(texts[0], texts[1], japanese) {
		t.Errorf("README.ja.md: %s", d)
	}
}
