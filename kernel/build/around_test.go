package build

import (
	"os"
	"path/filepath"
	"testing"
)

func TestModuleAround(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.work":             "go 1.26\n\nuse (\n\t./one\n\t./gone\n)\n",
		"one/go.mod":          "module example.com/one\n",
		"other/go.mod":        "module example.com/other\n",
		"other/notes/a.ipynb": "{}",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ from, pkg, module, folder string }{
		{"", "example.com/one", "example.com/one", "one"},
		{"other/notes", "example.com/other/deep/er", "example.com/other", "other"},
		{"other/notes", "example.com/one/a", "example.com/one", "one"},
		{"other/notes", "example.com/oneself", "", ""},
		{"", "example.com/other", "", ""},
	} {
		module, folder := ModuleAround(filepath.Join(dir, c.from), c.pkg)
		want := ""
		if c.folder != "" {
			want = filepath.Join(dir, c.folder)
		}
		if module != c.module || folder != want {
			t.Errorf("from %q, %s is in %q of %q, want %q of %q", c.from, c.pkg, module, folder, c.module, want)
		}
	}
}
