package notebooks_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGallery: each lesson has a page in docs/gallery with the lesson's present text and code, executed, of a size that
// GitHub shows, and the README links to it.
func TestGallery(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lessons {
		path := filepath.Join("..", "docs", "gallery", l.name)
		info, err := os.Stat(path)
		if err != nil {
			t.Errorf("%v; make it with: go run ./notebooks/gallery %s", err, l.name)
			continue
		}
		if info.Size() > 400_000 {
			t.Errorf("%s has %d bytes, want at most 400,000", path, info.Size())
		}
		if !strings.Contains(string(readme), "(docs/gallery/"+l.name+")") {
			t.Errorf("the README does not link to docs/gallery/%s", l.name)
		}
		lesson, page := read(t, l.name), read(t, path)
		if len(lesson.Cells) != len(page.Cells) {
			t.Errorf("%s has %d cells, the lesson %d; make it anew with: go run ./notebooks/gallery %s", path, len(page.Cells), len(lesson.Cells), l.name)
			continue
		}
		for i, c := range lesson.Cells {
			// The page is one folder deeper, and pictures stay with the lessons.
			want := text(strings.NewReplacer("](../", "](../../", "](images/", "](../../notebooks/images/").Replace(string(c.Source)))
			if p := page.Cells[i]; p.ID != c.ID || p.Source != want {
				t.Errorf("%s: cell %s is not as in the lesson; make it anew with: go run ./notebooks/gallery %s", path, c.ID, l.name)
			} else if c.CellType == "code" && p.ExecutionCount == nil {
				t.Errorf("%s: cell %s was not executed", path, c.ID)
			}
		}
	}
}
