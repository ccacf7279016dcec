package infolder

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestGlob: only the pattern is one, and the paths are those of filepath.Glob.
func TestGlob(t *testing.T) {
	t.Chdir(t.TempDir())
	dirs := []string{"plain", "[1]", "a*b/[z-a]", "what?", `back\slash`}
	for _, dir := range dirs {
		for _, name := range []string{"b.so", "a.so", "c.txt", "deep/d.so"} {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		for pattern, names := range map[string][]string{
			"*.so":   {"a.so", "b.so"},
			"*/*.so": {"deep/d.so"},
			"c.txt":  {"c.txt"},
			"*.none": nil,
		} {
			var want []string
			for _, name := range names {
				want = append(want, filepath.Join(dir, filepath.FromSlash(name)))
			}
			if got, err := Glob(dir, pattern); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s in %s: %q, %v; want %q", pattern, dir, got, err, want)
			}
		}
	}
	if err := os.WriteFile("here.so", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string][]string{"": {"here.so"}, ".": {"here.so"}, "nowhere": nil} {
		if got, err := Glob(dir, "*.so"); err != nil || !slices.Equal(got, want) {
			t.Errorf("in %q: %q, %v; want %q", dir, got, err, want)
		}
	}
	if got, err := Glob("plain", "[z-"); err == nil {
		t.Errorf("a malformed pattern: %q, expected an error", got)
	}
}
