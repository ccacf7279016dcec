package kernel

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestFindPython: a Python that can't make environments, or whose place is refused, is passed over, and settings for
// another Python do not matter.
func TestFindPython(t *testing.T) {
	var real string // not that on PATH, which may be a version manager's script
	FindPython(t.Context(), func(prefix string) bool {
		real = filepath.Join(prefix, "bin", "python3")
		return true
	})
	if real == "" {
		t.Skip("no Python here")
	}
	bin := t.TempDir()
	for name, script := range map[string]string{
		"python3": "exit 1",
		"python":  "exec " + real + ` "$@"`,
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	t.Setenv("PYTHONHOME", filepath.Join(bin, "nothing"))
	if got, want := FindPython(t.Context(), filepath.IsAbs), filepath.Join(bin, "python"); got != want {
		t.Errorf("found %q, want %q", got, want)
	}
	if got := FindPython(t.Context(), func(string) bool { return false }); got != "" {
		t.Errorf("found %q, which is refused", got)
	}
}

// TestPins holds kernel/requirements.txt against what the package index says of each pin: all must fit every Python
// that the README promises.
func TestPins(t *testing.T) {
	p, _ := installed(t)
	m, err := ReadManifest(p)
	if err != nil {
		t.Fatal(err)
	}
	check := func(file string) (string, error) {
		out, err := exec.Command(venvProgram(m.Venv, "python"), filepath.Join("testdata", "pins.py"), "check", file).CombinedOutput()
		return string(out), err
	}
	if out, err := check("requirements.txt"); err != nil || !strings.HasSuffix(out, " pins fit 8 Pythons\n") {
		t.Errorf("%v\n%s", err, out)
	}
	// Each fault that a renewal may bring is found.
	for _, c := range []struct{ old, new, want string }{
		{"soupsieve==2.10 ; python_full_version < '3.11.5'\nsoupsieve==4.1.2 ; python_full_version >= '3.11.5'", "soupsieve==4.1.2",
			"Python 3.11.2 on linux: soupsieve==4.1.2 needs Python >=3.11.5"},
		{"ipykernel==7.3.0 ; python_full_version < '3.11'\nipykernel==7.4.0 ; python_full_version >= '3.11'", "ipykernel==7.4.0",
			"Python 3.10.0 on linux: ipykernel==7.4.0 needs Python >=3.11"},
		{"webencodings==0.6.1\n", "", "needs webencodings, which is not pinned"},
		{"traitlets==5.16.1", "traitlets==5.2", "traitlets==5.2 is not recorded"},
	} {
		text := strings.Replace(string(requirements), c.old, c.new, 1)
		if text == string(requirements) {
			t.Errorf("requirements.txt lacks %q", c.old)
		}
		file := filepath.Join(t.TempDir(), "requirements.txt")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if out, err := check(file); err == nil || !strings.Contains(out, c.want) {
			t.Errorf("with %q: %v, want %q in\n%s", c.new, err, c.want, out)
		}
	}
}
