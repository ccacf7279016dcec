package installdir

import (
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
