package kernel

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheckShared: an installation in a home folder is refused for a hub, with the folder that is closed
// and the way out.
func TestCheckShared(t *testing.T) {
	top, err := os.MkdirTemp("", "tlkit-shared-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(top) })
	if err := os.Chmod(top, 0o755); err != nil {
		t.Fatal(err)
	}
	if ClosedTo(top) != "" {
		t.Skip("the temporary folder is closed to others")
	}
	dir := func(name string, mode os.FileMode) string {
		t.Helper()
		path := filepath.Join(top, name)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	p := Prefix(dir("prefix", 0o755))
	open := dir("open", 0o755)
	for _, c := range []struct {
		name   string
		change func(m *Manifest)
		err    string
	}{
		{"open to all", func(*Manifest) {}, ""},
		{"modules at home", func(m *Manifest) { m.GoModCache = dir("home/go/mod", 0o755); dir("home", 0o700) }, filepath.Join(top, "home") + ", the place of the Go modules"},
		{"workers of an older version", func(m *Manifest) {
			m.LiveCache = dir("live[1]", 0o755) // a bracket is no pattern
			if err := os.WriteFile(filepath.Join(dir("live[1]/worker-1", 0o755), "worker"), nil, 0o755); err != nil {
				t.Fatal(err)
			}
			dir("live[1]/worker-1", 0o700)
		}, "the compiled workers in"},
	} {
		m := &Manifest{Prefix: string(p), Source: open, GoRoot: open, GoModCache: open, GoCache: open, LiveCache: open}
		c.change(m)
		if err := m.write(p); err != nil {
			t.Fatal(err)
		}
		if err := CheckShared(p); (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v; want %q", c.name, err, c.err)
		}
	}
}
