package kernel

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// installSh runs install.sh with a home folder of its own.
func installSh(t *testing.T, env []string, args ...string) (string, error) {
	t.Helper()
	script, err := filepath.Abs(filepath.Join("..", "install.sh"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", append([]string{script}, args...)...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(append(os.Environ(), "TLKIT_HOME=", "HOME="+t.TempDir()), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestInstallerFlags: a value that is empty or looks like a flag is a mistake; it must not mean the default folder,
// which --uninstall would remove.
func TestInstallerFlags(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--uninstall", "--prefix", ""}, "--prefix is empty"},
		{[]string{"--uninstall", "--prefix="}, "--prefix is empty"},
		{[]string{"--prefix", "--no-quickstart"}, "looks like a flag"},
		{[]string{"--prefix=-x"}, "looks like a flag"},
		{[]string{"--prefix"}, "needs a folder"},
		{[]string{"--engine", ""}, "--engine is empty"},
		{[]string{"--engine="}, "--engine is empty"},
		{[]string{"--engine", "--no-weights"}, "looks like a flag"},
	} {
		if said, err := installSh(t, []string{"TLKIT_HOME=" + t.TempDir()}, c.args...); err == nil || !strings.Contains(said, c.want) {
			t.Errorf("install.sh %q: %v, %q; want %q", c.args, err, said, c.want)
		}
	}
}

// TestInstallerAdvice: the commands that install.sh prints at its end name the installation that it made, in any shell.
// In place of Go, a program that makes an installer without an effect.
func TestInstallerAdvice(t *testing.T) {
	bin := t.TempDir()
	const stub = `#!/bin/sh
case $1 in
env) echo go1.27.0 ;;
build) while [ "$1" != -o ]; do shift; done; printf '#!/bin/sh\n' >"$2"; chmod 755 "$2" ;;
esac
`
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte(stub), 0o755); err != nil {
		t.Fatal(err)
	}
	path := "PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH")
	prefix := filepath.Join(t.TempDir(), "it's a \"$HOME\"")
	for name, given := range map[string]struct {
		env, args []string
	}{
		"--prefix":   {[]string{path}, []string{"--no-quickstart", "--prefix", prefix}},
		"TLKIT_HOME": {[]string{path, "TLKIT_HOME=" + prefix}, []string{"--no-quickstart"}},
	} {
		said, err := installSh(t, given.env, given.args...)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, said)
		}
		_, command, _ := strings.Cut(said, "remove all")
		remove := exec.Command("bash", "-c", command)
		remove.Dir = t.TempDir()
		remove.Env = append(os.Environ(), "TLKIT_HOME=", "HOME="+t.TempDir())
		if out, err := remove.CombinedOutput(); err == nil || !strings.Contains(string(out), "nothing is installed in "+prefix) {
			t.Errorf("%s: %s: %v, %s; want the installation in %s", name, command, err, out, prefix)
		}
		for _, what := range []string{"JupyterLab", "a check"} {
			_, command, _ := strings.Cut(said, what)
			line, _, _ := strings.Cut(command, "\n")
			words, err := exec.Command("bash", "-c", "printf '%s\n' "+line).Output()
			if err != nil || !strings.Contains(string(words), "\n--prefix\n"+prefix+"\n") {
				t.Errorf("%s: %s: %q, %v", name, what, words, err)
			}
		}
	}
}

// TestInstallerOfPrefix: advice names the folder unless it is what install.sh takes by itself.
func TestInstallerOfPrefix(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	usual := filepath.Join(home, ".local", "share", "tlkit")
	for _, c := range []struct{ prefix, set, want string }{
		{usual, "", "./install.sh"},
		{usual, usual, "./install.sh"},
		{usual, "/opt/tlkit", "./install.sh --prefix " + usual},
		{"/opt/tlkit", "", "./install.sh --prefix /opt/tlkit"},
		{"/opt/tlkit", "/opt/tlkit", "./install.sh --prefix /opt/tlkit"}, // only this process may have the setting
		{"/opt/it's", "", `./install.sh --prefix '/opt/it'\''s'`},
	} {
		t.Setenv("TLKIT_HOME", c.set)
		if got := Prefix(c.prefix).installer(); got != c.want {
			t.Errorf("%s with TLKIT_HOME=%s: %s, want %s", c.prefix, c.set, got, c.want)
		}
	}
	t.Setenv("TLKIT_HOME", "")
	checks, err := Doctor(t.Context(), DoctorOptions{Prefix: "/nonexistent/tlkit"})
	if err == nil {
		t.Fatal("doctor finds an installation in /nonexistent/tlkit")
	}
	for _, c := range checks {
		if c.Name == "prefix" && (c.OK || c.Mend != "run ./install.sh --prefix /nonexistent/tlkit") {
			t.Errorf("doctor: %+v", c)
		}
	}
}
