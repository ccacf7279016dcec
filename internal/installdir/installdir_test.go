package installdir

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestDir(t *testing.T) {
	home := "HOME"
	if runtime.GOOS == "windows" {
		home = "USERPROFILE"
	}
	for _, c := range []struct {
		env  map[string]string
		sub  []string
		want string
	}{
		{map[string]string{Env: "/opt/tlkit", home: "/home/me"}, nil, "/opt/tlkit"},
		{map[string]string{Env: "/opt/tlkit"}, []string{"lib", "x"}, "/opt/tlkit/lib/x"},
		{map[string]string{home: "/home/me"}, []string{"weights"}, "/home/me/.local/share/tlkit/weights"},
		{map[string]string{Env: "~/tlkit", home: "/home/me"}, []string{"lib"}, "/home/me/tlkit/lib"},
		{map[string]string{Env: "~/tlkit"}, nil, ""},
		{nil, nil, ""},
	} {
		got, err := Dir(func(name string) string { return c.env[name] }, c.sub...)
		if filepath.ToSlash(got) != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%v: %q, %v; want %q", c.env, got, err, c.want)
		}
		if err != nil && !strings.Contains(err.Error(), Env) {
			t.Errorf("the error does not name %s: %v", Env, err)
		}
	}
}

// TestScript: install.sh finds the same folder; --uninstall names it where nothing is installed.
func TestScript(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash here:", err)
	}
	home := t.TempDir()
	for _, c := range []struct{ env, flag, want string }{
		{"", "", filepath.Join(home, ".local", "share", "tlkit")},
		{"~/tlkit", "", filepath.Join(home, "tlkit")},
		{"~", "", home},
		{"/nowhere", "--prefix=~/other", filepath.Join(home, "other")},
	} {
		cmd := exec.Command(bash, filepath.Join("..", "..", "install.sh"), "--uninstall")
		if c.flag != "" {
			cmd.Args = append(cmd.Args, c.flag)
		}
		cmd.Env = append(os.Environ(), "HOME="+home, Env+"="+c.env)
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "nothing is installed in "+c.want+" (") {
			t.Errorf("%s=%s %s: %v %s; want the folder %s", Env, c.env, c.flag, err, out, c.want)
		}
	}
}
