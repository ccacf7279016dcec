//go:build cgo && (linux || darwin)

package backend

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/installdir"
)

// TestInstalled: a library is found by its name, in a folder of any name, unless the environment names one.
func TestInstalled(t *testing.T) {
	home := filepath.Join(t.TempDir(), "tlkit[1]")
	library := filepath.Join(home, "lib", "engine", "libengine.so.1")
	if err := os.MkdirAll(filepath.Dir(library), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(library, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ variable, pattern, want string }{
		{"", "libengine.so*", library},
		{"", "libother*", ""},
		{"/opt/libengine.so", "libengine.so*", "/opt/libengine.so"},
	} {
		env := map[string]string{installdir.Env: home, "ENGINE": c.variable}
		got := installed(func(name string) string { return env[name] }, "ENGINE", "engine", "libnone*", c.pattern)
		if got != c.want {
			t.Errorf("ENGINE=%q, %s: %q, want %q", c.variable, c.pattern, got, c.want)
		}
	}
}
