//go:build linux

package build

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLearnLinker: the script that links cells is made of the recorded calls, in a temporary folder of any name.
func TestLearnLinker(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tmp[1]") // a bracket is no pattern
	calls := filepath.Join(dir, "calls")
	if err := os.MkdirAll(calls, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string][]string{
		"call.1": {"00", "-Wl,-O1", dir + "/go-link-1/trivial.c"},
		"call.2": {"11", "-no-such-flag", dir + "/go-link-2/trivial.c"},
		"call.3": {"00", "-shared", "-o", dir + "/cell.so", dir + "/go.o", "-L" + dir, "-lnb"},
	} {
		if err := os.WriteFile(filepath.Join(calls, name), []byte(strings.Join(call, "\x00")+"\x00"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b := &Builder{cfg: Config{Dir: dir, Logf: t.Logf}, env: os.Environ()}
	script := filepath.Join(dir, extldName)
	if err := b.learnLinker(t.Context(), calls, script); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`'-Wl,-O1 '"$tmp"'/trivial.c') exit 0 ;;`, `'-no-such-flag '"$tmp"'/trivial.c') exit 1 ;;`, "[ $# = 6 ]"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the script lacks %s:\n%s", want, text)
		}
	}
}
